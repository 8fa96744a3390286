/* SPDX-License-Identifier: MIT */
/* plan-test: see the header. */
#include "agent/plan/plan-test.h"

#include "agent/base/words.h"
#include "agent/plan/plan-data.h"

#include <string.h>

/* The texts of a test, by their keys in JSON. */
static const struct {
	const char *key;
	size_t offset;
} texts[] = {
	{ "name", offsetof(PlanTest, name) }, { "field", offsetof(PlanTest, field) },
	{ "part", offsetof(PlanTest, part) }, { "match", offsetof(PlanTest, match) },
	{ "key", offsetof(PlanTest, key) },   { "value", offsetof(PlanTest, value) },
};

static char **
text_at(const PlanTest *test, size_t i)
{
	return (char **) ((char *) test + texts[i].offset);
}

void
plan_test_clear(PlanTest *test)
{
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		g_free(*text_at(test, i));
	*test = (PlanTest){ 0 };
}

PlanTest
plan_test_copy(const PlanTest *test)
{
	PlanTest copy = *test;

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		*text_at(&copy, i) = g_strdup(*text_at(test, i));
	return copy;
}

size_t
plan_test_shown(const char *text, size_t len)
{
	size_t shown = MIN(len, (size_t) PLAN_TEST_OCTETS);

	while (shown < len && shown > 0 && ((unsigned char) text[shown] & 0xc0) == 0x80)
		shown--;
	return shown;
}

json_t *
plan_test_json(const PlanTest *test)
{
	json_t *object = json_object();

	json_object_set_new(object, "line", json_integer(test->line));
	if (test->is_negated)
		json_object_set_new(object, "not", json_true());
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		plan_data_set_text(object, texts[i].key, *text_at(test, i));
	return object;
}

static void
read_text(const json_t *object, const char *key, char **into)
{
	*into = g_strdup(json_string_value(json_object_get(object, key)));
}

PlanTest
plan_test_from_json(const json_t *object)
{
	json_int_t line = json_integer_value(json_object_get(object, "line"));
	PlanTest test = { .line = (unsigned) CLAMP(line, 0, G_MAXINT),
		          .is_negated = json_is_true(json_object_get(object, "not")) };

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		read_text(object, texts[i].key, text_at(&test, i));
	return test;
}

/* How each match type reads, and how it reads where no value matches. */
static const struct {
	const char *match;
	const char *yes;
	const char *no;
} sentences[] = {
	{ "is", N_("%1$s is %2$s"), N_("no %1$s is %2$s") },
	{ "contains", N_("%1$s contains %2$s"), N_("no %1$s contains %2$s") },
	{ "matches", N_("%1$s matches %2$s"), N_("no %1$s matches %2$s") },
	{ "regex", N_("%1$s matches the expression %2$s"),
	  N_("no %1$s matches the expression %2$s") },
	{ "list", N_("%1$s is in the list %2$s"), N_("no %1$s is in the list %2$s") },
	{ "gt", N_("%1$s is greater than %2$s"), N_("no %1$s is greater than %2$s") },
	{ "ge", N_("%1$s is at least %2$s"), N_("no %1$s is at least %2$s") },
	{ "lt", N_("%1$s is less than %2$s"), N_("no %1$s is less than %2$s") },
	{ "le", N_("%1$s is at most %2$s"), N_("no %1$s is at most %2$s") },
	{ "eq", N_("%1$s equals %2$s"), N_("no %1$s equals %2$s") },
	{ "ne", N_("%1$s differs from %2$s"), N_("no %1$s differs from %2$s") },
};

/* Tests that look at one thing, by what people call it. */
static const struct {
	const char *name;
	const char *field; /* NULL: whatever the test looks at */
	const char *words; /* with the field in it, where the row does not name one */
} subjects[] = {
	{ "envelope", "from", N_("the envelope sender") },
	{ "envelope", "to", N_("the envelope recipient") },
	{ "envelope", "auth", N_("the login name of the sender") },
	{ "body", NULL, N_("the text") },
	{ "currentdate", NULL, N_("the %s now") },
	{ "environment", NULL, N_("the environment's %s") },
	{ "spamtest", NULL, N_("the spam score") },
	{ "virustest", NULL, N_("the virus score") },
};

/* Parts of addresses whose names are no words. */
static const struct {
	const char *part;
	const char *words;
} parts[] = {
	{ "localpart", N_("local part") },
	{ "user", N_("user") },
	{ "domain", N_("domain") },
	{ "detail", N_("detail") },
};

/* Sentences of tests that compare nothing, or a number. */
static const struct {
	const char *name;
	const char *match; /* NULL: none */
	const char *yes;   /* with the key in it */
	const char *no;
} others[] = {
	{ "size", "over", N_("the message is larger than %s octets"),
	  N_("the message is not larger than %s octets") },
	{ "size", "under", N_("the message is smaller than %s octets"),
	  N_("the message is not smaller than %s octets") },
	{ "duplicate", NULL, N_("this mail came before"), N_("this mail did not come before") },
};

static const char *
say(const char *text, bool translates)
{
	return translates ? _(text) : text;
}

/* The formats are those of the tables above, or their translations, which msgfmt checks. */
static char *
fill(const char *format, bool translates, ...)
{
	va_list args;

	va_start(args, translates);
	char *text = g_strdup_vprintf(say(format, translates), args);
	va_end(args);

	return text;
}

/* What stands for a key: an empty one, or one with blanks around it, would not be seen. */
static char *
print_key(const char *key)
{
	size_t len = strlen(key);
	bool is_bare = len > 0 && !g_ascii_isspace(key[0]) && !g_ascii_isspace(key[len - 1]);
	return is_bare ? g_strdup(key) : g_strdup_printf("\"%s\"", key);
}

/* One thing, where the test is about one; NULL: it is about as many as the message has. */
static char *
print_thing(const PlanTest *test, bool translates)
{
	for (size_t i = 0; i < G_N_ELEMENTS(subjects); i++) {
		if (g_strcmp0(test->name, subjects[i].name) != 0)
			continue;
		if (subjects[i].field == NULL)
			return fill(subjects[i].words, translates,
			            test->field != NULL ? test->field : test->name);
		if (g_strcmp0(test->field, subjects[i].field) == 0)
			return g_strdup(say(subjects[i].words, translates));
	}

	return NULL;
}

static const char *
print_part(const char *part, bool translates)
{
	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
		if (strcmp(part, parts[i].part) == 0)
			return say(parts[i].words, translates);
	return part;
}

/* "From's domain"; of a sentence with "no" before it "domain of From". */
static char *
print_subject(const PlanTest *test, const char *whole, bool translates)
{
	bool counts = test->match != NULL && g_str_has_prefix(test->match, "count ");
	if (counts)
		return fill(N_("the number of %s"), translates, whole);
	if (test->part == NULL)
		return g_strdup(whole);

	const char *part = print_part(test->part, translates);
	return fill(test->is_negated ? N_("%2$s of %1$s") : N_("%1$s's %2$s"), translates, whole,
	            part);
}

static char *
print_comparison(const PlanTest *test, bool translates)
{
	/* of ":value" and ":count" the relation says how it reads */
	const char *blank = strchr(test->match, ' ');
	const char *how = blank != NULL ? blank + 1 : test->match;
	g_autofree char *key = print_key(test->key != NULL ? test->key : ""),
			*thing = print_thing(test, translates);
	const char *whole = thing != NULL         ? thing
	                    : test->field != NULL ? test->field
	                    : test->name != NULL  ? test->name
	                                          : "?";
	bool is_one = thing != NULL || g_str_has_prefix(test->match, "count ");
	PlanTest seen = *test;
	seen.is_negated = test->is_negated && !is_one;
	g_autofree char *subject = print_subject(&seen, whole, translates), *text = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(sentences) && text == NULL; i++)
		if (strcmp(how, sentences[i].match) == 0)
			text = fill(seen.is_negated ? sentences[i].no : sentences[i].yes,
			            translates, subject, key);
	if (text == NULL)
		text = g_strdup_printf("%s :%s %s", subject, test->match, key);

	if (test->is_negated && is_one)
		return fill(N_("it is not true that %s"), translates, text);
	return g_steal_pointer(&text);
}

static char *
print_exists(const PlanTest *test, bool translates)
{
	const char *field = test->field != NULL ? test->field : "?";

	if (!test->is_negated)
		return fill(N_("the header has %s"), translates, field);
	if (strstr(field, ", ") == NULL)
		return fill(N_("the header has no %s"), translates, field);
	return fill(N_("the header lacks one of %s"), translates, field);
}

char *
plan_test_print(const PlanTest *test, bool translates)
{
	const char *name = test->name != NULL ? test->name : "?";

	if (*name == '*')
		return g_strdup(name);
	if (strcmp(name, "else") == 0)
		return fill(N_("no test before line %u is true"), translates, test->line);
	if (strcmp(name, "exists") == 0)
		return print_exists(test, translates);
	for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
		if (strcmp(name, others[i].name) == 0 &&
		    g_strcmp0(test->match, others[i].match) == 0)
			return fill(test->is_negated ? others[i].no : others[i].yes, translates,
			            test->key != NULL ? test->key : "");
	if (test->match != NULL)
		return print_comparison(test, translates);

	g_autofree char *all = test->field != NULL ? g_strconcat(name, " ", test->field, NULL)
	                                           : g_strdup(name);
	return fill(test->is_negated ? N_("the test \"%s\" is false")
	                             : N_("the test \"%s\" is true"),
	            translates, all);
}

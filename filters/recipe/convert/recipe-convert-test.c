/* SPDX-License-Identifier: MIT */
/*
 * recipe-convert-test: each condition becomes a test; all of them allof, and weights of which one
 * is enough anyof.
 */
#include "filters/recipe/convert/recipe-convert-test.h"

#include "filters/recipe/lang/recipe-cond-read.h"

#include <string.h>

typedef struct {
	RecipeSieve *sieve;
	const RecipeFlags *flags;
	RecipeVerdict *verdict;
	unsigned match_group; /* of the test that was made last */
} Conversion;

/*
 * What ^FROM_DAEMON and ^FROM_MAILER ask of the sender's name; their words are procmail's
 * (procmailrc(5)).
 */
static const char daemon_sender[] =
	"(^|[^(.%@a-z0-9])(post(ma?(st(e?r)?|n)|office)|(send)?mail(er)?|daemon|m(mdf|ajordomo)|n?uucp|list(serv|proc)|netserv|"
	"o(wner|ps)|r(e(quest|sponse)|oot)|b(ounce|bs\\.smtp)|echo|mirror|s(erv(ices?|er)|mtp(error)?|ystem)|"
	"a(dmin(istrator)?|mmgr|utoanswer))(([^).!:a-z0-9][-_a-z0-9]*)?[%@> ].*)?$";
static const char mailer_sender[] =
	"(^|[^(.%@a-z0-9])(post(ma(st(er)?|n)|office)|(send)?mail(er)?|daemon|mmdf|n?uucp|ops|r(esponse|oot)|"
	"(bbs\\.)?smtp(error)?|s(erv(ices?|er)|ystem)|a(dmin(istrator)?|mmgr))(([^).!:a-z0-9][-_a-z0-9]*)?[%@> ].*)?$";

bool
recipe_sieve_variable(GString *out, const char *name, gpointer user)
{
	RecipeSieve *sieve = user;
	if (!g_hash_table_contains(sieve->sets, name) || strlen(name) > 32)
		return false;

	g_hash_table_add(sieve->reads, g_strdup(name));
	recipe_writer_needs(&sieve->writer, "variables");
	g_string_append_printf(out, "${%s}", name);

	return true;
}

static char *
pattern_test(Conversion *conversion, const RecipeSievePattern *pattern, const RecipeCond *cond)
{
	g_autoptr(GString) out = g_string_new(NULL);

	if (cond->variable != NULL) {
		g_string_append(out, "string");
		recipe_writer_needs(&conversion->sieve->writer, "variables");
	} else if (pattern->fields != NULL) {
		g_string_append(out, "header");
	} else {
		g_string_append(out, "body :raw");
		recipe_writer_needs(&conversion->sieve->writer, "body");
	}

	if (conversion->flags->case_counts)
		g_string_append(out, " :comparator \"i;octet\"");
	g_string_append(out, pattern->plain ? " :contains " : " :regex ");
	if (!pattern->plain)
		recipe_writer_needs(&conversion->sieve->writer, "regex");

	if (cond->variable != NULL) {
		g_autofree char *name = g_strdup_printf("${%s}", cond->variable);
		recipe_writer_quote(out, name);
		g_string_append_c(out, ' ');
	} else if (pattern->fields != NULL) {
		recipe_writer_quote_list(out, pattern->fields);
		g_string_append_c(out, ' ');
	}

	recipe_writer_quote(out, pattern->text->str);
	conversion->match_group = pattern->match_group;
	return g_strdup(out->str);
}

static char *
mailer_test(Conversion *conversion, bool daemon)
{
	recipe_verdict_changed(
		conversion->verdict,
		"^FROM_DAEMON and ^FROM_MAILER become tests of the sender's fields and of the "
		"envelope");
	recipe_writer_needs(&conversion->sieve->writer, "regex");
	recipe_writer_needs(&conversion->sieve->writer, "envelope");

	g_autoptr(GString) out = g_string_new("anyof (\n\t");
	if (daemon)
		g_string_append(out, "exists \"Mailing-List\",\n\theader :regex \"Precedence\" "
		                     "\"junk|bulk|list\",\n\t"
		                     "header :contains \"To\" \"Multiple recipients of \",\n\t");

	g_string_append(out,
	                "envelope \"from\" \"\",\n\t"
	                "header :regex [\"From\", \"Sender\", \"Resent-From\", \"Resent-Sender\", "
	                "\"X-Envelope-From\"] ");
	recipe_writer_quote(out, daemon ? daemon_sender : mailer_sender);
	g_string_append_c(out, ')');

	return g_strdup(out->str);
}

/* The text is known, or it is a variable that the script sets. */
static bool
place_of(Conversion *conversion, const RecipeCond *cond, RecipePatternPlace *ret_place)
{
	RecipeParts area = cond->area != 0 ? cond->area : conversion->flags->area;

	*ret_place = cond->variable != NULL ? PATTERN_IN_VARIABLE
	             : area == RECIPE_BODY  ? PATTERN_IN_BODY
	                                    : PATTERN_IN_HEADER;
	if (cond->variable == NULL && area == RECIPE_BOTH)
		return recipe_verdict_by_hand(conversion->verdict,
		                              "it searches header and body as one text");
	g_autoptr(GString) unused = g_string_new(NULL);
	if (cond->variable != NULL &&
	    !recipe_sieve_variable(unused, cond->variable, conversion->sieve))
		return recipe_verdict_by_hand(
			conversion->verdict,
			"it asks for a variable that only a run of procmail has");

	return true;
}

static char *
expression_test(Conversion *conversion, const RecipeCond *cond)
{
	RecipePatternPlace place;
	g_autofree char *expression = recipe_cond_expression(cond);
	if (*cond->rest == '\0' && cond->variable == NULL)
		return g_strdup("true");
	if (cond->variable == NULL && strcmp(expression, "^FROM_DAEMON") == 0)
		return mailer_test(conversion, true);
	if (cond->variable == NULL && strcmp(expression, "^FROM_MAILER") == 0)
		return mailer_test(conversion, false);
	if (!place_of(conversion, cond, &place))
		return NULL;

	g_autoptr(GPtrArray) branches = recipe_convert_pattern(
		expression, conversion->flags->case_counts, place, conversion->verdict);
	if (branches == NULL)
		return NULL;

	GPtrArray *tests = g_ptr_array_new_with_free_func(g_free);
	bool splits = false;
	for (guint i = 0; i < branches->len; i++) {
		g_ptr_array_add(tests, pattern_test(conversion, branches->pdata[i], cond));
		splits |= conversion->match_group > 0;
	}

	char *test = recipe_writer_join("anyof", tests);
	if (!splits || branches->len == 1)
		return test;

	g_free(test);
	return recipe_verdict_nothing(conversion->verdict,
	                              "MATCH comes from one of several fields");
}

static char *
size_test(Conversion *conversion, const RecipeCond *cond)
{
	guint64 n = g_ascii_strtoull(cond->rest, NULL, 10);

	if (cond->variable != NULL || cond->area != 0)
		return recipe_verdict_nothing(conversion->verdict,
		                              "it asks for the size of a part");
	recipe_verdict_changed(conversion->verdict,
	                       "the size is that of the message without its From_ line");
	return g_strdup_printf("size %s %" G_GUINT64_FORMAT, cond->kind == '<' ? ":under" : ":over",
	                       MIN(n, G_MAXINT32));
}

/* One condition, its weight left out. */
static char *
convert_condition(Conversion *conversion, const char *text, RecipeCond *cond)
{
	g_autofree char *expanded = NULL;

	recipe_cond_read(cond, text);
	conversion->match_group = 0;
	if (cond->substitutes) {
		expanded = recipe_constants_expand_quoted(conversion->sieve->constants, cond->rest);
		if (expanded == NULL)
			return recipe_verdict_nothing(
				conversion->verdict,
				"the condition depends on variables that change");
		recipe_cond_read(cond, expanded);
	}

	if (cond->substitutes)
		return recipe_verdict_nothing(conversion->verdict,
		                              "the condition is replaced twice");
	if (cond->kind == '?')
		return recipe_verdict_nothing(conversion->verdict, "a condition runs a program");

	g_autofree char *test = cond->kind == 'r' ? expression_test(conversion, cond)
	                                          : size_test(conversion, cond);
	cond->rest = NULL; /* it may lie in `expanded` */
	if (test == NULL || !cond->inverted)
		return g_steal_pointer(&test);

	if (conversion->match_group > 0)
		recipe_verdict_changed(conversion->verdict, "an inverted condition sets no MATCH");
	conversion->match_group = 0;
	return g_strdup_printf("not %s", test);
}

typedef struct {
	GPtrArray *plain;
	GPtrArray *weighted;
	char *last; /* the test that sets MATCH: behind it no other may set captures */
	unsigned group;
} Tests;

static bool
add_condition(Conversion *conversion, const RecipeText *text, Tests *tests)
{
	RecipeCond cond = { 0 };
	g_autofree char *test = convert_condition(conversion, text->text, &cond);

	g_free(cond.variable);
	if (test == NULL)
		return false;

	bool matches = conversion->match_group > 0;
	if (strcmp(test, "not true") == 0)
		return recipe_verdict_by_hand(conversion->verdict, "its condition never holds");

	if (cond.weighted && (cond.weight <= 0 || cond.kind != 'r' || matches))
		return recipe_verdict_by_hand(conversion->verdict,
		                              "scores are added up: Sieve has no sums");
	if (matches && tests->last != NULL)
		return recipe_verdict_by_hand(conversion->verdict, "two conditions set MATCH");

	if (matches) {
		tests->last = g_steal_pointer(&test);
		tests->group = conversion->match_group;
	} else if (cond.weighted) {
		g_ptr_array_add(tests->weighted, g_steal_pointer(&test));
	} else if (strcmp(test, "true") != 0) {
		g_ptr_array_add(tests->plain, g_steal_pointer(&test));
	}

	return true;
}

static bool
has_true(const GPtrArray *tests)
{
	for (guint i = 0; i < tests->len; i++)
		if (strcmp(tests->pdata[i], "true") == 0)
			return true;
	return false;
}

char *
recipe_convert_test(RecipeSieve *sieve, const RecipeNode *node, const RecipeFlags *flags,
                    unsigned *ret_match_group, RecipeVerdict *verdict)
{
	Conversion conversion = { .sieve = sieve, .flags = flags, .verdict = verdict };
	Tests tests = { g_ptr_array_new_with_free_func(g_free),
		        g_ptr_array_new_with_free_func(g_free), NULL, 0 };
	bool good = true;

	for (guint i = 0; i < node->conditions->len && good; i++)
		good = add_condition(&conversion, node->conditions->pdata[i], &tests);
	if (tests.weighted->len > 0 && !has_true(tests.weighted))
		g_ptr_array_add(tests.plain, recipe_writer_join("anyof", tests.weighted));
	else
		g_ptr_array_unref(tests.weighted);

	if (tests.last != NULL)
		g_ptr_array_add(tests.plain, tests.last);
	*ret_match_group = tests.group;
	char *all = recipe_writer_join("allof", tests.plain);
	if (good)
		return all;

	g_free(all);
	return NULL;
}

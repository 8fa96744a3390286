/* SPDX-License-Identifier: MIT */
/*
 * subset: a walk over the tree with a list of what is allowed; the reasons are findings about
 * Debian's libsieve 2.2.6.
 */
#include "filters/libsieve/subset.h"

#include "agent/base/limits.h"
#include "filters/libsieve/subset-regex.h"
#include "filters/sieve/lang/sieve-compare.h"
#include "filters/sieve/lang/sieve-text.h"
#include "filters/sieve/run/sieve-match.h"

#include <string.h>

typedef struct {
	const SieveProgram *program;
	ProblemSeverity severity;
	GPtrArray *problems;
	unsigned commands;
	bool good;
} Subset;

static const char *const capabilities[] = { "fileinto",
	                                    "reject",
	                                    "envelope",
	                                    "subaddress",
	                                    "relational",
	                                    "vacation",
	                                    "regex",
	                                    "imap4flags",
	                                    "comparator-i;octet",
	                                    "comparator-i;ascii-casemap",
	                                    "comparator-i;ascii-numeric",
	                                    NULL };

static const char *const calls[] = { "require",  "if",      "elsif",    "else",     "stop",
	                             "keep",     "discard", "fileinto", "redirect", "reject",
	                             "vacation", "header",  "address",  "envelope", "exists",
	                             "size",     "allof",   "anyof",    "not",      "true",
	                             "false",    NULL };

/* Those of actions may be more than it knows: our own code carries actions out. */
static const char *const tags[] = { "is",     "contains",   "matches", "value",     "count",
	                            "regex",  "comparator", "all",     "localpart", "domain",
	                            "user",   "detail",     "over",    "under",     "flags",
	                            "days",   "subject",    "from",    "addresses", "mime",
	                            "handle", NULL };

static const char *const flag_calls[] = { "setflag", "addflag", "removeflag", "hasflag", NULL };

static bool
is_among(SieveText word, const char *const *words)
{
	for (; *words != NULL; words++)
		if (sieve_text_is(word, *words))
			return true;
	return false;
}

static bool
name_is_among(const char *name, const char *const *words)
{
	return is_among((SieveText){ name, strlen(name) }, words);
}

static void refuse(Subset *subset, SieveSpan span, const char *format, ...) G_GNUC_PRINTF(3, 4);

static void
refuse(Subset *subset, SieveSpan span, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);

	const Problem problem = {
		.file = (char *) (guintptr) subset->program->file,
		.line = span.line,
		.column = span.column,
		.end_column = span.end_column,
		.severity = subset->severity,
		.code = "libsieve-refused",
		.text = text,
	};
	problem_add(subset->problems, &problem);
	subset->good = false;
}

SubsetMatch
subset_match(const SieveCall *test)
{
	static const char *const names[] = {
		"is", "contains", "matches", "value", "count", "regex"
	};
	size_t i = 0;

	while (i < G_N_ELEMENTS(names) && strcmp(names[i], test->match->def->name) != 0)
		i++;
	return (SubsetMatch) i;
}

bool
subset_is_numeric(const SieveCall *test)
{
	return strcmp(test->match->comparator->name, "i;ascii-numeric") == 0;
}

static void
check_require(Subset *subset, const SieveCall *call)
{
	const SieveArg *names = call->positional[0];
	for (size_t i = 0; i < names->n; i++)
		if (!is_among(names->strings[i].text, capabilities))
			refuse(subset, names->strings[i].span,
			       "\"%.*s\": libsieve does not have it",
			       (int) names->strings[i].text.len, names->strings[i].text.data);
}

/*
 * It takes strings as they stand between the quotation marks: what it would need an escape for it
 * cannot get.
 */
static const char *
string_fault(SieveText text)
{
	if (memchr(text.data, '"', text.len) != NULL)
		return "libsieve cannot take a quotation mark";
	if (memchr(text.data, '\0', text.len) != NULL)
		return "libsieve ends strings at a NUL";
	if (text.len > 0 && text.data[text.len - 1] == '\\')
		return "libsieve loses the end of a string behind a backslash";

	return NULL;
}

static const char *
pattern_fault(SieveText text)
{
	unsigned stars = 0;
	if (memchr(text.data, '\\', text.len) != NULL)
		return "libsieve knows no escapes in ':matches'";

	for (size_t i = 0; i + 1 < text.len; i++)
		stars += text.data[i] == '*';
	return stars > LIMIT_LIBSIEVE_STARS ? "libsieve takes too long for so many stars" : NULL;
}

/* Decimal, and below 2^31 - 1, which stands for infinity (rewrite.c). */
static const char *
number_fault(SieveText text)
{
	guint64 number = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (!g_ascii_isdigit(text.data[i]))
			return "libsieve reads as 0 what is not a number";
		number = number * 10 + (guint64) (text.data[i] - '0');
		if (number >= G_MAXINT32)
			return "libsieve's numbers end at 2147483646";
	}

	return text.len == 0 ? "libsieve reads as 0 what is not a number" : NULL;
}

static const char *
key_fault(const SieveCall *test, SieveText key)
{
	const char *fault = string_fault(key);
	if (fault != NULL)
		return fault;
	if (subset_is_numeric(test))
		return number_fault(key);

	switch (subset_match(test)) {
	case SUBSET_MATCHES:
		return pattern_fault(key);
	case SUBSET_REGEX:
		return subset_regex_fault(key);
	default:
		return NULL;
	}
}

static void
check_keys(Subset *subset, const SieveCall *test)
{
	const SieveArg *keys = test->match->key_arg;
	if (keys->n > LIMIT_LIBSIEVE_STRINGS)
		refuse(subset, keys->span, "a list of %zu strings is too long for libsieve",
		       keys->n);
	for (size_t i = 0; i < keys->n; i++) {
		const SieveString *key = &keys->strings[i];
		const char *fault = key_fault(test, key->text);
		if (fault != NULL)
			refuse(subset, key->span, "key \"%.*s\": %s",
			       sieve_text_shown(key->text, 60), key->text.data, fault);
	}
}

/* Numbers are compared as such, or not at all: the library has no order of texts that is right. */
static void
check_match(Subset *subset, const SieveCall *test)
{
	static const char *const comparators[] = { "i;octet", "i;ascii-casemap", "i;ascii-numeric",
		                                   NULL };
	const char *comparator = test->match->comparator->name;
	SubsetMatch match = subset_match(test);

	if (!name_is_among(comparator, comparators)) {
		refuse(subset, test->span, "comparator \"%s\": libsieve does not have it",
		       comparator);
		return;
	}

	if (match == SUBSET_NO_MATCH) /* its tag was refused */
		return;
	bool is_number = subset_is_numeric(test);
	if ((match == SUBSET_VALUE || match == SUBSET_COUNT) && !is_number)
		refuse(subset, test->span,
		       "':%s' with comparator \"%s\": libsieve orders texts wrongly",
		       test->match->def->name, comparator);

	if (match == SUBSET_COUNT && (test->positional[0]->n > 1 || test->match->key_arg->n > 1))
		refuse(subset, test->span,
		       "':count' of several names or with several keys: libsieve adds wrongly");
	if (is_number && match != SUBSET_COUNT && strcmp(test->def->name, "header") != 0)
		refuse(subset, test->span,
		       "numbers in '%s': libsieve reads as 0 what is not a number",
		       test->def->name);

	check_keys(subset, test);
}

static void
check_envelope(Subset *subset, const SieveCall *test)
{
	static const char *const parts[] = { "from", "to", NULL };
	const SieveArg *names = test->positional[0];

	for (size_t i = 0; i < names->n; i++)
		if (!is_among(names->strings[i].text, parts))
			refuse(subset, names->strings[i].span,
			       "envelope part \"%.*s\": libsieve reads memory that nobody wrote",
			       (int) names->strings[i].text.len, names->strings[i].text.data);
}

static void
check_tags(Subset *subset, const SieveCall *call)
{
	for (size_t i = 0; i < call->n_args; i++) {
		const SieveArg *arg = &call->args[i];
		if (arg->kind == SIEVE_ARG_TAG && !name_is_among(arg->tag, tags))
			refuse(subset, arg->span, "':%s': libsieve does not have it", arg->tag);
		if (arg->kind == SIEVE_ARG_LIST && arg->n > LIMIT_LIBSIEVE_STRINGS &&
		    (call->match == NULL || arg != call->match->key_arg))
			refuse(subset, arg->span, "a list of %zu strings is too long for libsieve",
			       arg->n);
	}
}

static void
check_arguments(Subset *subset, const SieveCall *call)
{
	if (strcmp(call->def->name, "require") == 0)
		check_require(subset, call);
	if (strcmp(call->def->name, "envelope") == 0)
		check_envelope(subset, call);

	/* A message that is bigger has the greatest number there. */
	if (strcmp(call->def->name, "size") == 0 && call->positional[0]->number >= G_MAXINT32)
		refuse(subset, call->positional[0]->span,
		       "sizes of 2 GB and more: libsieve's numbers end there");

	if (call->match != NULL)
		check_match(subset, call);
}

static void
check_call(Subset *subset, const SieveCall *call)
{
	/* What only other installations reach was not checked (ihave): it has no definition. */
	if (call->def == NULL || !name_is_among(call->def->name, calls)) {
		bool of_flags = name_is_among(call->name, flag_calls);
		refuse(subset, call->span, "'%s': libsieve %s", call->name,
		       of_flags ? "mixes flags up" : "does not have it");
	} else {
		check_tags(subset, call);
		check_arguments(subset, call);
	}

	for (size_t i = 0; i < call->n_tests; i++)
		check_call(subset, call->tests[i]);
	for (const SieveCall *inner = call->block; inner != NULL; inner = inner->next) {
		subset->commands++;
		check_call(subset, inner);
	}
}

bool
subset_check(const SieveProgram *program, ProblemSeverity severity, GPtrArray *problems)
{
	Subset subset = {
		.program = program, .severity = severity, .problems = problems, .good = true
	};

	for (const SieveCall *call = program->first; call != NULL; call = call->next) {
		subset.commands++;
		check_call(&subset, call);
	}

	if (subset.commands > LIMIT_LIBSIEVE_COMMANDS)
		refuse(&subset, program->first->span, "%u commands are too many for libsieve",
		       subset.commands);
	return subset.good;
}

/* SPDX-License-Identifier: MIT */
/*
 * regex: draft-murchison-sieve-regex-07: extended regular expressions on PCRE2, UTF-8 characters.
 * In a bracket expression a backslash is an ordinary character, as POSIX has it; else what PCRE2
 * knows beyond POSIX works. Captures go into match variables. Not done: leftmost-longest choice
 * between alternatives (PCRE2 takes the first).
 */
#include "agent/base/limits.h"
#include "agent/base/regex.h"
#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/lang/sieve-text.h"
#include "filters/sieve/run/sieve-match.h"
#include "filters/sieve/run/sieve-run.h"

#include <string.h>
#include <time.h>

static bool
check_comparator(SieveCheck *check, SieveCall *call, const SieveMatchSpec *spec,
                 const SieveArg *value, int *ret_relation)
{
	(void) value;
	(void) ret_relation;
	if (spec->comparator == &sieve_compare_octet ||
	    spec->comparator == &sieve_compare_ascii_casemap)
		return true;

	return sieve_check_error(check, call->span, "wrong-comparator",
	                         "use i;octet or i;ascii-casemap",
	                         "comparator \"%s\" cannot do ':regex'", spec->comparator->name);
}

/* Octets of "[:alpha:]" and its kind at the front; 0: there is none. */
static size_t
class_length(const char *text, size_t len)
{
	if (len < 4 || text[0] != '[' || strchr(":.=", text[1]) == NULL)
		return 0;
	for (size_t i = 2; i + 1 < len; i++)
		if (text[i] == text[1] && text[i + 1] == ']')
			return i + 2;
	return 0;
}

/* Copy the bracket expression that begins at `at`, its backslashes doubled; the place behind it. */
static size_t
copy_bracket(GString *out, SieveText text, size_t at)
{
	g_string_append_c(out, text.data[at++]);
	if (at < text.len && text.data[at] == '^')
		g_string_append_c(out, text.data[at++]);
	if (at < text.len && text.data[at] == ']') {
		g_string_append(out, "\\]");
		at++;
	}

	while (at < text.len && text.data[at] != ']') {
		size_t class = class_length(text.data + at, text.len - at);
		if (class == 0 && (text.data[at] == '\\' || text.data[at] == '['))
			g_string_append_c(out, '\\');
		size_t n = MAX(class, 1);
		g_string_append_len(out, text.data + at, (gssize) n);
		at += n;
	}

	return at;
}

static GString *
from_posix(SieveText text)
{
	GString *out = g_string_sized_new(text.len + 8);
	for (size_t at = 0; at < text.len; at++) {
		if (text.data[at] == '[') {
			at = copy_bracket(out, text, at);
			if (at >= text.len)
				break;
		} else if (text.data[at] == '\\' && at + 1 < text.len) {
			g_string_append_c(out, text.data[at++]);
		}
		g_string_append_c(out, text.data[at]);
	}

	return out;
}

static void
free_regex(gpointer regex)
{
	regex_free(regex);
}

static bool
prepare(SieveArena *arena, const SieveMatchSpec *spec, SieveKey *key, char **ret_error)
{
	RegexError error;
	g_autoptr(GString) pattern = from_posix(key->text);
	RegexFlags flags = REGEX_UTF |
	                   (spec->comparator == &sieve_compare_octet ? 0 : REGEX_CASELESS);
	Regex *regex = regex_compile(pattern->str, pattern->len, flags, &error);

	if (regex == NULL) {
		*ret_error = g_strdup_printf("pattern is wrong: %s", error.text);
		return false;
	}

	sieve_arena_defer(arena, free_regex, regex);
	key->data = regex;
	return true;
}

static guint64
nanoseconds(void)
{
	struct timespec now;
	(void) clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (guint64) now.tv_sec * 1000000000u + (guint64) now.tv_nsec;
}

static void
set_captures(SieveRun *run, SieveText value, const RegexSpan *spans, size_t n)
{
	SieveText captures[LIMIT_SIEVE_CAPTURES];

	for (size_t i = 0; i < n; i++)
		captures[i] = spans[i].start >= 0
		                      ? (SieveText){ value.data + spans[i].start,
			                             (size_t) (spans[i].end - spans[i].start) }

		                      : SIEVE_TEXT("");
	sieve_match_set_captures(run, captures, n);
}

/*
 * Steps of PCRE2 are bounded for one match; the time of all counts against the run's, a nanosecond
 * a step.
 */
static bool
match(SieveMatch *state, SieveText value, SieveText normal, const SieveKey *key, bool *ret_matched)
{
	(void) normal;
	SieveRun *run = state->run;
	RegexSpan spans[LIMIT_SIEVE_CAPTURES];
	bool wanted = sieve_match_wants_captures(run);
	size_t n = wanted ? MIN(regex_groups(key->data) + 1, LIMIT_SIEVE_CAPTURES) : 0;
	guint64 began = nanoseconds();
	RegexResult result = regex_match(key->data, value.data, value.len, 0, wanted ? spans : NULL,
	                                 n);
	if (result == REGEX_LIMIT)
		return sieve_run_fail(run, state->call, STATUS_LIMIT,
		                      "pattern \"%.*s\" takes too many steps on this message",
		                      sieve_text_shown(key->text, 100), key->text.data);

	*ret_matched = result == REGEX_MATCH;
	if (*ret_matched && wanted)
		set_captures(run, value, spans, n);
	return sieve_run_spend(run, nanoseconds() - began);
}

static const SieveMatchDef regex_match_def = { .name = "regex",
	                                       .needs = SIEVE_NEEDS_NOTHING,
	                                       .check_value = check_comparator,
	                                       .prepare = prepare,
	                                       .match = match };

static const SieveMatchDef *const matches[] = { &regex_match_def, NULL };

/* All signs that mean something in an expression; with a backslash each stands for itself. */
static SieveText
modify_quoteregex(SieveRun *run, SieveText value)
{
	return sieve_scope_quote(run, value, "\\^$.[]|()*+?{}");
}

static const SieveModifier modifiers[] = { { "quoteregex", 20, modify_quoteregex },
	                                   { NULL, 0, NULL } };

const SieveExt sieve_ext_regex = {
	.capability = "regex",
	.rfc = "draft-ietf-sieve-regex-01",
	.matches = matches,
	.modifiers = modifiers,
};

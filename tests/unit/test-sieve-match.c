/* SPDX-License-Identifier: MIT */
/*
 * Patterns of :matches: what they match, what the wildcards stand for, and that hostile ones cost
 * little.
 */
#include "agent/base/limits.h"
#include "filters/sieve/lang/sieve-pattern.h"
#include "tests/unit/unit.h"

#include <string.h>

typedef struct {
	const char *name;
	const char *pattern;
	const char *value;
	const char *want; /* captures with | between them; NULL: no match */
} Row;

static const Row rows[] = {
	{ "a plain text", "abc", "abc", "abc" },
	{ "a plain text is the whole value", "abc", "abcd", NULL },
	{ "the empty pattern is the empty value", "", "", "" },
	{ "the empty pattern is nothing else", "", "a", NULL },
	{ "a star is anything", "*", "abc", "abc|abc" },
	{ "a star is nothing", "*", "", "|" },
	{ "stars are short from the left", "*a*", "bacad", "bacad|b|cad" },
	{ "the last star reaches the end", "a*b*", "aXbYbZ", "aXbYbZ|X|YbZ" },
	{ "the end is anchored", "*ab", "abab", "abab|ab" },
	{ "start and end overlap", "ab*ba", "aba", NULL },
	{ "start and end meet", "ab*ba", "abba", "abba|" },
	{ "two stars", "**", "ab", "ab||ab" },
	{ "three stars with text", "*x*y*", "1x2y3", "1x2y3|1|2|3" },
	{ "one question", "?", "a", "a|a" },
	{ "one question, two octets", "?", "ab", NULL },
	{ "one question, nothing", "?", "", NULL },
	{ "questions between stars", "*?b*", "aab", "aab|a|a|" },
	{ "question behind a star at the end", "a*?", "abc", "abc|b|c" },
	{ "question and star at the end", "*?", "a", "a||a" },
	{ "escaped star", "a\\*b", "a*b", "a*b" },
	{ "escaped star is no star", "a\\*b", "axb", NULL },
	{ "escaped question", "\\??", "?x", "?x|x" },
	{ "escaped backslash", "a\\\\b", "a\\b", "a\\b" },
	{ "an escaped letter is the letter", "\\a", "a", "a" },
	{ "a backslash at the end is itself", "a\\", "a\\", "a\\" },
	{ "a middle text that comes twice", "*aab*", "aaab", "aaab|a|" },
	{ "list id", "*<*.*", "A list <list.example.org>",
	  "A list <list.example.org>|A list |list|example.org>" },
};

static char *
print_captures(const SieveText *captures, size_t n)
{
	GString *out = g_string_new(NULL);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			g_string_append_c(out, '|');
		g_string_append_len(out, captures[i].data, (gssize) captures[i].len);
	}

	return g_string_free(out, FALSE);
}

static bool
match(const char *pattern, const char *value, SieveText *captures, size_t *ret_n, guint64 *steps)
{
	g_autoptr(SieveArena) arena = sieve_arena_new();
	SievePattern *compiled = sieve_pattern_new(arena, (SieveText){ pattern, strlen(pattern) });
	return sieve_pattern_match(compiled, &sieve_compare_octet,
	                           (SieveText){ value, strlen(value) }, captures, ret_n, steps);
}

static void
test_pattern(void **state)
{
	const Row *row = *state;
	SieveText captures[LIMIT_SIEVE_CAPTURES];
	size_t n = 0;
	guint64 steps = 100000;
	bool matched = match(row->pattern, row->value, captures, &n, &steps);

	assert_int_equal(matched, row->want != NULL);
	if (!matched)
		return;

	g_autofree char *got = print_captures(captures, n);
	assert_string_equal(got, row->want);
}

/*
 * filters/libsieve/FAULTS time: where backtracking takes n^k steps, this takes value times pattern
 * at worst.
 */
static void
test_hostile(void **state)
{
	(void) state;
	static const char *const patterns[] = { "*a*a*a*a*a*a*a*a*a*a*b", "a*a*a*a*a*a*b",
		                                "*?a*?a*?a*?a*b", "*aaaaaaaaaaaaaaaab*" };
	g_autofree char *value = g_strnfill(100000, 'a');
	for (size_t i = 0; i < G_N_ELEMENTS(patterns); i++) {
		size_t n;
		guint64 steps = 100000000, before = steps;
		assert_false(match(patterns[i], value, NULL, &n, &steps));
		assert_true(before - steps <= 100000 * (strlen(patterns[i]) + 1));
	}
}

/* The budget ends a search; the answer is no, and nothing is left of it. */
static void
test_budget(void **state)
{
	(void) state;
	g_autofree char *value = g_strnfill(100000, 'a');
	size_t n;
	guint64 steps = 1000;
	assert_false(match("*?????????????????????????b*", value, NULL, &n, &steps));
	assert_int_equal(steps, 0);
}

/* One wildcard more than there is room for. */
static void
test_many_captures(void **state)
{
	(void) state;
	SieveText captures[LIMIT_SIEVE_CAPTURES];
	g_autofree char *pattern = g_strnfill(LIMIT_SIEVE_CAPTURES, '?');
	g_autofree char *value = g_strnfill(LIMIT_SIEVE_CAPTURES, 'x');
	size_t n = 0;
	guint64 steps = 100000;
	assert_true(match(pattern, value, captures, &n, &steps));
	assert_int_equal(n, LIMIT_SIEVE_CAPTURES);
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + 3];
	size_t n = 0;

	UNIT_ROWS(tests, n, rows, test_pattern);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_hostile);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_budget);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_many_captures);

	return _cmocka_run_group_tests("sieve-match", tests, n, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Patterns of :matches: what they match, what the wildcards stand for, and that hostile ones cost
 * little. And the match types with both comparators (RFC 5228 2.7), with their captures (RFC 5229
 * 3.2).
 */
#include "agent/base/limits.h"
#include "filters/sieve/lang/sieve-pattern.h"
#include "filters/sieve/run/sieve-grams.h"
#include "filters/sieve/run/sieve-match.h"
#include "filters/sieve/run/sieve-run.h"

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

typedef enum { IS, CONTAINS, MATCHES } Type;

typedef struct {
	const char *name;
	Type type;
	bool octet; /* i;octet, else i;ascii-casemap */
	const char *value;
	const char *key;
	bool want;
	const char *captures; /* ${0}, ${1} ... with | between them; "": none were set */
} TypeRow;

static const TypeRow type_rows[] = {
	{ "is: the same", IS, false, "abc", "abc", true, "" },
	{ "is: case", IS, false, "aBc", "AbC", true, "" },
	{ "is: case, octet", IS, true, "aBc", "AbC", false, "" },
	{ "is: only the whole", IS, false, "abcd", "abc", false, "" },
	{ "is: nothing is nothing", IS, true, "", "", true, "" },
	{ "is: a blank is something", IS, true, "abc ", "abc", false, "" },
	{ "is: wildcards are signs", IS, false, "abc", "a*", false, "" },
	{ "is: ... that equal themselves", IS, true, "a*?\\", "a*?\\", true, "" },
	{ "is: casemap leaves other letters", IS, false, "\xc3\x89", "\xc3\xa9", false, "" },
	{ "is: _ and DEL are no case of one another", IS, false, "_", "\x7f", false, "" },
	{ "is: [ and { are no case of one another", IS, false, "[", "{", false, "" },
	{ "contains: in the middle", CONTAINS, false, "xABCx", "abc", true, "" },
	{ "contains: case, octet", CONTAINS, true, "xABCx", "abc", false, "" },
	{ "contains: at the start", CONTAINS, true, "abcx", "abc", true, "" },
	{ "contains: at the end", CONTAINS, true, "xabc", "abc", true, "" },
	{ "contains: the whole", CONTAINS, true, "abc", "abc", true, "" },
	{ "contains: RFC 5228 2.7.1, all contain the empty key", CONTAINS, true, "abc", "", true,
	  "" },
	{ "contains: ... the empty value, too", CONTAINS, false, "", "", true, "" },
	{ "contains: not more than there is", CONTAINS, false, "ab", "abc", false, "" },
	{ "contains: not with a gap", CONTAINS, false, "a-bc", "abc", false, "" },
	{ "contains: wildcards are signs", CONTAINS, false, "frop", "f*p", false, "" },
	{ "contains: RFC 5228 2.7.1, an octet of a character", CONTAINS, true, "\xc3\xa9", "\xa9",
	  true, "" },
	{ "matches: captures have the value's case", MATCHES, false, "Subject: RE", "subject: *",
	  true, "Subject: RE|RE" },
	{ "matches: case, octet", MATCHES, true, "Subject: RE", "subject: *", false, "" },
	{ "matches: anchored at both ends", MATCHES, false, "xfropx", "frop", false, "" },
	{ "matches: RFC 5229 3.2", MATCHES, false, "[acme-users] [fwd] version 1.0 is out", "[*] *",
	  true, "[acme-users] [fwd] version 1.0 is out|acme-users|[fwd] version 1.0 is out" },
	{ "matches: RFC 5229 3.2, the first of two stars is nothing", MATCHES, false,
	  "coyote@ACME.Example.COM", "coyote@**.com", true,
	  "coyote@ACME.Example.COM||ACME.Example" },
	{ "matches: a question is one octet, octet", MATCHES, true, "\xc3\xa9", "?", false, "" },
	{ "matches: two questions are two", MATCHES, true, "\xc3\xa9", "??", true,
	  "\xc3\xa9|\xc3|\xa9" },
	{ "matches: an escaped star", MATCHES, false, "A*B", "a\\*b", true, "A*B" },
	{ "matches: an escaped question", MATCHES, false, "A?B", "a\\?b", true, "A?B" },
	{ "matches: an escaped backslash", MATCHES, false, "A\\B", "a\\\\b", true, "A\\B" },
	{ "matches: an escaped backslash, then a star", MATCHES, false, "A\\xyz", "a\\\\*", true,
	  "A\\xyz|xyz" },
	{ "matches: the empty key", MATCHES, false, "a", "", false, "" },
	{ "matches: stars match nothing", MATCHES, false, "", "**", true, "||" },
};

/* Hold `values` (NULL ends them) against the key as a test does. */
static bool
hold_type(const TypeRow *row, const char *const *values, char **ret_captures)
{
	g_autoptr(SieveArena) arena = sieve_arena_new();
	g_autoptr(GArray) keys = g_array_new(FALSE, FALSE, sizeof(SieveKey));
	SieveMatchSpec spec = { .def = sieve_match_type_core[row->type],
		                .comparator = row->octet ? &sieve_compare_octet
		                                         : &sieve_compare_ascii_casemap };
	g_autofree char *error = NULL;
	assert_true(sieve_match_type_prepare(
		arena, &spec, (SieveText){ row->key, strlen(row->key) }, keys, &error));
	spec.keys = &g_array_index(keys, SieveKey, 0);
	spec.n_keys = keys->len;

	FilterEnv env = { .trace_level = -1 };
	SieveProgram program = { .has_variables = true };
	SieveCall call = { .match = &spec };
	SieveRun run = { .env = &env, .program = &program, .scratch = arena, .steps_left = 100000 };
	SieveMatch match;
	bool result = false;
	assert_true(sieve_match_begin(&match, &run, &call));
	for (; *values != NULL && !match.done; values++)
		assert_true(sieve_match_add(&match, (SieveText){ *values, strlen(*values) }));
	assert_true(sieve_match_end(&match, &result));

	*ret_captures = print_captures(run.captures, run.n_captures);
	g_free(run.captures);
	return result;
}

static void
test_type(void **state)
{
	const TypeRow *row = *state;
	static const char *const names[] = { "is", "contains", "matches" };
	const char *const values[] = { row->value, NULL };
	g_autofree char *captures = NULL;

	assert_string_equal(sieve_match_type_core[row->type]->name, names[row->type]);
	assert_int_equal(hold_type(row, values, &captures), row->want);
	assert_string_equal(captures, row->captures);
}

/* RFC 5229 3.2: the first value that matches ends the test, and has the captures. */
static void
test_first_match(void **state)
{
	(void) state;
	const TypeRow row = { .type = MATCHES, .key = "a*" };
	const char *const values[] = { "b1", "a2", "a3", NULL };
	g_autofree char *captures = NULL;

	assert_true(hold_type(&row, values, &captures));
	assert_string_equal(captures, "a2|2");
}

/* RFC 5228 5.7: where there is no value, nothing contains even the empty key. */
static void
test_no_value(void **state)
{
	(void) state;
	const TypeRow row = { .type = CONTAINS, .key = "" };
	const char *const values[] = { NULL };
	g_autofree char *captures = NULL;

	assert_false(hold_type(&row, values, &captures));
}

/* No row that is in the text is ever missing, in either case; most that are not are. */
static void
test_grams(void **state)
{
	(void) state;
	enum { LEN = 3000, LONGEST = 40 };
	g_autoptr(GRand) random = g_rand_new_with_seed(1);
	unsigned missing = 0, tries = 0;
	char text[LEN], row[LONGEST];

	for (size_t i = 0; i < LEN; i++)
		text[i] = (char) (i < LEN / 2 ? "abcdeAZz@[`{ \n"[g_rand_int_range(random, 0, 14)]
		                              : g_rand_int_range(random, 0, 256));
	SieveGrams *grams = sieve_grams_new(text, LEN);
	for (size_t at = 0; at < LEN; at++)
		for (size_t len = 0; len <= MIN(LEN - at, LONGEST); len++) {
			for (size_t i = 0; i < len; i++)
				row[i] = (at + i) % 3 == 0 ? g_ascii_toupper(text[at + i])
				                           : g_ascii_tolower(text[at + i]);
			assert_false(sieve_grams_lack(grams, row, len));
		}
	for (; tries < 1000; tries++) {
		for (size_t i = 0; i < 8; i++)
			row[i] = (char) g_rand_int_range(random, 0, 256);
		missing += sieve_grams_lack(grams, row, 8) ? 1 : 0;
	}

	assert_in_range(missing, tries / 2, tries);
	sieve_grams_free(grams);
}

/* Letters in two cases are one letter, and what lies beside them in the table is not. */
static void
test_grams_of_cases(void **state)
{
	(void) state;
	SieveGrams *grams = sieve_grams_new("AZ@[az`{\xc1\xe1", 10);
	assert_false(sieve_grams_lack(grams, "az@[AZ`{", 8));
	assert_true(sieve_grams_lack(grams, "az`[AZ`{", 8));
	assert_true(sieve_grams_lack(grams, "az@{AZ`{", 8));
	assert_true(sieve_grams_lack(grams, "AZ`{\xe1\xe1", 6));
	assert_true(sieve_grams_lack(grams, "AZ`{\xc1\xc1", 6));
	assert_false(sieve_grams_lack(grams, "none", 4)); /* too short to tell */
	sieve_grams_free(grams);

	SieveGrams *none = sieve_grams_new("", 0);
	assert_true(sieve_grams_lack(none, "abcde", 5));
	sieve_grams_free(none);
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + G_N_ELEMENTS(type_rows) + 7];
	size_t n = 0;

	UNIT_ROWS(tests, n, rows, test_pattern);
	UNIT_ROWS(tests, n, type_rows, test_type);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_first_match);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_no_value);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_hostile);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_budget);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_many_captures);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_grams);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_grams_of_cases);

	return _cmocka_run_group_tests("sieve-match", tests, n, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Matches, groups, and above all the limits. */
#include "agent/base/limits.h"
#include "agent/base/regex.h"

#include "tests/unit/unit.h"

#include <string.h>

typedef struct {
	const char *name;
	const char *pattern;
	RegexFlags flags;
	const char *subject;
	RegexResult want;
	RegexSpan group; /* of group 1 */
} Row;

static const Row rows[] = {
	{ "match", "b(c+)", REGEX_PLAIN, "abccd", REGEX_MATCH, { 2, 4 } },
	{ "no match", "x", REGEX_PLAIN, "abc", REGEX_NO_MATCH, { 0, 0 } },
	{ "group that took no part", "a|(b)", REGEX_PLAIN, "a", REGEX_MATCH, { -1, -1 } },
	{ "pattern without groups", "a", REGEX_PLAIN, "a", REGEX_MATCH, { -1, -1 } },
	{ "case counts", "A", REGEX_PLAIN, "a", REGEX_NO_MATCH, { 0, 0 } },
	{ "case does not count", "(A)", REGEX_CASELESS, "a", REGEX_MATCH, { 0, 1 } },
	{ "UTF-8 without case",
	  "(\xc3\x84)",
	  REGEX_UTF | REGEX_CASELESS,
	  "\xc3\xa4",
	  REGEX_MATCH,
	  { 0, 2 } },
	{ "dot is a character", "^(.)$", REGEX_UTF, "\xe3\x81\x82", REGEX_MATCH, { 0, 3 } },
	{ "dot is an octet", "^(.)$", REGEX_PLAIN, "\xe3\x81\x82", REGEX_NO_MATCH, { 0, 0 } },
	{ "invalid octets match nothing, the rest does",
	  "(b)",
	  REGEX_UTF,
	  "\xff"
	  "b\xff",
	  REGEX_MATCH,
	  { 1, 2 } },
	{ "line ends inside", "^(b)$", REGEX_MULTILINE, "a\nb\nc", REGEX_MATCH, { 2, 3 } },
	{ "dot and line ends", "(a.b)", REGEX_DOTALL, "a\nb", REGEX_MATCH, { 0, 3 } },
	/* LIMIT_REGEX_STEPS */
	{ "a pattern that explodes reaches the limit",
	  "^(a+)+$",
	  REGEX_PLAIN,
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
	  REGEX_LIMIT,
	  { 0, 0 } },
};

static void
test_match(void **state)
{
	const Row *row = *state;

	g_autoptr(Regex)
		regex = regex_compile(row->pattern, strlen(row->pattern), row->flags, NULL);
	assert_non_null(regex);
	RegexSpan spans[3] = { { 9999, 9999 }, { 9999, 9999 }, { 9999, 9999 } };
	assert_int_equal(regex_match(regex, row->subject, strlen(row->subject), 0, spans,
	                             G_N_ELEMENTS(spans)),
	                 row->want);

	if (row->want == REGEX_MATCH) {
		assert_int_equal(spans[1].start, row->group.start);
		assert_int_equal(spans[1].end, row->group.end);
		assert_int_equal(spans[2].start, -1);
	} else {
		assert_int_equal(spans[0].start, 9999);
	}
}

static void
test_start_sees_what_is_before(void **state)
{
	(void) state;
	g_autoptr(Regex) regex = regex_compile("(?<=a)b|^a", 10, REGEX_PLAIN, NULL);
	RegexSpan span;
	assert_int_equal(regex_match(regex, "aba", 3, 1, &span, 1), REGEX_MATCH);
	assert_int_equal(span.start, 1);
	assert_int_equal(regex_match(regex, "aba", 3, 2, &span, 1), REGEX_NO_MATCH);
}

typedef struct {
	const char *name;
	const char *pattern;
	size_t offset;
} ErrorRow;

static const ErrorRow error_rows[] = {
	{ "open group", "ab(c", 4 },
	{ "nothing to repeat", "*a", 0 },
	{ "half a character", "a\\Cb", 3 },
};

static void
test_error(void **state)
{
	const ErrorRow *row = *state;
	RegexError error = { 9999, "" };
	assert_null(regex_compile(row->pattern, strlen(row->pattern), REGEX_UTF, &error));
	assert_int_equal(error.offset, row->offset);
	assert_true(strlen(error.text) > 0);
}

static void
test_pattern_length(void **state)
{
	(void) state;
	g_autofree char *pattern = g_strnfill(LIMIT_REGEX_PATTERN_BYTES + 1, 'a');
	RegexError error;
	assert_null(regex_compile(pattern, LIMIT_REGEX_PATTERN_BYTES + 1, REGEX_PLAIN, &error));
	assert_string_equal(error.text, "pattern is longer than 16384 bytes");
	g_autoptr(Regex)
		regex = regex_compile(pattern, LIMIT_REGEX_PATTERN_BYTES, REGEX_PLAIN, NULL);
	assert_non_null(regex);
}

/* Groups past the limit may be in a pattern; they are not reported. */
static void
test_many_groups(void **state)
{
	(void) state;
	g_autoptr(GString) pattern = g_string_new(NULL);
	for (unsigned i = 0; i <= LIMIT_REGEX_GROUPS; i++)
		g_string_append(pattern, "(a?)");

	g_autoptr(Regex) regex = regex_compile(pattern->str, pattern->len, REGEX_PLAIN, NULL);
	assert_int_equal(regex_groups(regex), LIMIT_REGEX_GROUPS + 1);
	RegexSpan spans[LIMIT_REGEX_GROUPS + 2];
	assert_int_equal(regex_match(regex, "aaa", 3, 0, spans, G_N_ELEMENTS(spans)), REGEX_MATCH);
	assert_int_equal(spans[3].start, 2);
	assert_int_equal(spans[LIMIT_REGEX_GROUPS + 1].start, -1);
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + G_N_ELEMENTS(error_rows) + 3];
	size_t n = 0;

	UNIT_ROWS(tests, n, rows, test_match);
	UNIT_ROWS(tests, n, error_rows, test_error);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_start_sees_what_is_before);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_pattern_length);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_many_groups);

	return _cmocka_run_group_tests("regex", tests, n, NULL, NULL);
}

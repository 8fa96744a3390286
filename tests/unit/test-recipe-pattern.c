/* SPDX-License-Identifier: MIT */
/*
 * Expressions of procmail's: what matches, what MATCH gets, and the limits. Rows were tried with
 * procmail 3.23pre.
 */
#include "agent/base/limits.h"
#include "filters/recipe/pattern/recipe-literal.h"
#include "filters/recipe/pattern/recipe-pattern.h"

#include "tests/unit/unit.h"

#include <string.h>

typedef struct {
	const char *name;
	const char *expression;
	const char *text;
	RecipeMatch want;
	const char *match; /* NULL: the expression does not split */
} Row;

static const Row rows[] = {
	{ "plain", "b", "abc", RECIPE_MATCH, NULL },
	{ "a line end that nobody wrote", "^abc$", "abc", RECIPE_MATCH, NULL },
	{ "an empty line at the end of every text", "^$", "a\n", RECIPE_MATCH, NULL },
	{ "no empty line", "^$", "a", RECIPE_NO_MATCH, NULL },
	{ "^^ is the start", "^^b", "ab", RECIPE_NO_MATCH, NULL },
	{ "^^ is the end", "a^^", "bca", RECIPE_MATCH, NULL },
	{ "^^ is the end in a branch too", "(x|a^^)", "bca", RECIPE_MATCH, NULL },
	{ "behind the end is nothing", "(a^^)$", "bca", RECIPE_NO_MATCH, NULL },
	{ "^^ in a group is the start where more follows", "(^^|x)ab", "ab", RECIPE_MATCH, NULL },
	{ "^^ behind all else in a group is the start too", "(()^^)ab", "ab", RECIPE_MATCH, NULL },
	{ "^^ in a group is no end where more follows", "ab(^^|x)y?", "ab", RECIPE_NO_MATCH, NULL },
	{ "^^ in a repeated group is no end", "ab(^^|x)+", "ab", RECIPE_NO_MATCH, NULL },
	{ "^^ in the last group is the end", "ab(x|(^^|[)]))", "ab", RECIPE_MATCH, NULL },
	{ "^^ before a class with a bracket, in the last group", "ab(^^|[^])])", "ab", RECIPE_MATCH,
	  NULL },
	{ "a dot is no line end", "a.b", "a\nb", RECIPE_NO_MATCH, NULL },
	{ "a class is no line end", "a[^x]b", "a\nb", RECIPE_NO_MATCH, NULL },
	{ "a backslash in a class", "[\\t]", "\\", RECIPE_MATCH, NULL },
	{ "a second star is a star", "a**", "aa", RECIPE_NO_MATCH, NULL },
	{ "edges of a word", "\\<b\\>", "a b", RECIPE_MATCH, NULL },
	{ "MATCH: shortest left", ".*/\\/.*", "a/b/c", RECIPE_MATCH, "b/c" },
	{ "MATCH: longest right", "a\\/(b|bc)", "abc", RECIPE_MATCH, "bc" },
	{ "MATCH: blanks stay", "X: *\\/.*", "X:  y", RECIPE_MATCH, "  y" },
	{ "MATCH: only the real line end", "a\\/$.*", "a\nb", RECIPE_MATCH, "\nb" },
	{ "MATCH: at the line end that nobody wrote", "()\\/.*", "abc", RECIPE_MATCH, "" },
	{ "MATCH: the first line", "^\\/.*", "abc\nd", RECIPE_MATCH, "abc" },
	{ "MATCH: the last of two splits", "a\\/b\\/c", "abc", RECIPE_MATCH, "c" },
	{ "MATCH: a split in each branch", "(z\\/b|b\\/c)", "abc", RECIPE_MATCH, "c" },
	{ "a range that goes down is its ends", "[c-a]b", "cb", RECIPE_MATCH, NULL },
	{ "a range that goes down has no middle", "^[c-a]$", "b", RECIPE_NO_MATCH, NULL },
	{ "a range goes on", "^[a-b-d]$", "c", RECIPE_MATCH, NULL },
	{ "a macro behind a backslash is none", "\\^TO_x", "^TO_x", RECIPE_MATCH, NULL },
	{ "nested stars over what PCRE2 gives up on", "((a+)+)+b",
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", RECIPE_NO_MATCH, NULL },
};

/* With D: letter case counts. */
static const Row case_rows[] = {
	{ "case counts: the other one", "b", "aBc", RECIPE_NO_MATCH, NULL },
	{ "case counts: the same", "B", "aBc", RECIPE_MATCH, NULL },
	{ "case counts: a set of both, the small one", "[Bb]c", "abc", RECIPE_MATCH, NULL },
	{ "case counts: a set of both, the capital", "[bB]c", "aBc", RECIPE_MATCH, NULL },
	{ "case counts: a set of both, and neither", "[Bb]c", "axc", RECIPE_NO_MATCH, NULL },
	{ "case counts: a capital and another letter", "[Bx]c", "axc", RECIPE_MATCH, NULL },
	{ "case counts: a capital and another letter, small", "[Bx]c", "abc", RECIPE_NO_MATCH,
	  NULL },
	{ "case counts: a range", "[A-C]", "b", RECIPE_NO_MATCH, NULL },
	{ "case counts: not that one", "^[^B]$", "b", RECIPE_MATCH, NULL },
	{ "case counts: MATCH", "[Bb]\\/[Cc]*", "abcCd", RECIPE_MATCH, "cC" },
	{ "case counts: a macro that folds makes all fold", "^FROM_DAEMON|B", "abc", RECIPE_MATCH,
	  NULL },
};

/* Where it does not. */
static const Row folded_rows[] = {
	{ "folded: a set of one", "[b]c", "aBC", RECIPE_MATCH, NULL },
	{ "folded: a set of both", "[Bb]c", "abc", RECIPE_MATCH, NULL },
	{ "folded: a capital and another letter", "[Bx]c", "aXc", RECIPE_MATCH, NULL },
	{ "folded: not that one", "^[^B]$", "b", RECIPE_NO_MATCH, NULL },
};

static bool
case_counts(const Row *row)
{
	return row >= case_rows && row < case_rows + G_N_ELEMENTS(case_rows);
}

static void
test_match(void **state)
{
	const Row *row = *state;
	RecipePatternError error;
	g_autoptr(RecipePattern)
		pattern = recipe_pattern_compile(row->expression, case_counts(row), &error);

	assert_non_null(pattern);
	assert_int_equal(recipe_pattern_splits(pattern), row->match != NULL);
	RecipeSpan span = { 9999, 9999 };
	assert_int_equal(recipe_pattern_match(pattern, row->text, strlen(row->text), &span),
	                 row->want);
	assert_int_equal(recipe_pattern_simulate(pattern, row->text, strlen(row->text), NULL),
	                 row->want);

	if (row->match == NULL) {
		assert_int_equal(span.start, 9999);
		return;
	}

	g_autofree char *match = g_strndup(row->text + span.start, span.end - span.start);
	assert_string_equal(match, row->match);
}

static void
test_invalid(void **state)
{
	(void) state;
	RecipePatternError error = { 9999, NULL };
	assert_null(recipe_pattern_compile("a(b", false, &error));
	assert_int_equal(error.offset, 3);
	assert_null(recipe_pattern_compile("a)b", false, &error));
	assert_int_equal(error.offset, 1);
}

static void
test_limits(void **state)
{
	(void) state;
	RecipePatternError error;
	g_autofree char *longest = g_strnfill(LIMIT_RECIPE_PATTERN_BYTES, 'a');
	g_autofree char *too_long = g_strnfill(LIMIT_RECIPE_PATTERN_BYTES + 1, 'a');
	g_autoptr(RecipePattern) pattern = recipe_pattern_compile(longest, false, &error);
	assert_non_null(pattern);
	assert_null(recipe_pattern_compile(too_long, false, &error));

	g_autoptr(GString) deep = g_string_new(NULL);
	for (unsigned i = 0; i <= LIMIT_RECIPE_PATTERN_DEPTH; i++)
		g_string_append_c(deep, '(');
	for (unsigned i = 0; i <= LIMIT_RECIPE_PATTERN_DEPTH; i++)
		g_string_append_c(deep, ')');
	assert_null(recipe_pattern_compile(deep->str, false, &error));
	assert_string_equal(error.text, "groups are nested too deeply");

	g_autofree char *fits = g_strndup(deep->str + 1, deep->len - 2);
	g_autoptr(RecipePattern) other = recipe_pattern_compile(fits, false, &error);
	assert_non_null(other);
}

/* What has to stand in a text; NULL: nobody says. */
static const struct {
	const char *expression;
	const char *want;
} literals[] = {
	{ "^Subject:.*\\[Project 3\\]", "[project 3]" },
	{ "^TO_list-7@lists\\.example\\.org", "list-7@lists.example.org" },
	{ "^Sender: owner-\\/list[^ ]*", "\nsender: owner-list" },
	{ "^From:.*\\<person@", "person@" },
	{ "^(To|Cc):.*a@b\\.(org|net)", "a@b." },
	{ "unsubscribe$", "unsubscribe\n" },
	{ "abc+d", "abc" },
	{ "abc*d", "ab" },
	{ "ab?", "a" },
	{ "x**y", "*y" },
	{ "ab\\/*c", "ab*c" },
	{ "a[])]bc", "bc" },
	{ "a[^])]bc", "bc" },
	{ "a[]", "a" },
	{ "a(b|(c))de", "de" },
	{ "a\\", "a\\" },
	{ "\\^TO_x", "^to_x" },
	{ "^^ab", "ab" },
	{ "^^TOab", "ab" },
	{ "^FROM_DAEMON", NULL },
	{ "[^TO_]abc", NULL },
	{ "([^TO_])abc", NULL },
	{ "abc|def", NULL },
	{ "abc)", NULL },
	{ "(abc", NULL },
	{ "(abc[)]", NULL },
	{ ".*", NULL },
	{ "", NULL },
};

static void
test_literal(void **state)
{
	(void) state;
	for (size_t i = 0; i < G_N_ELEMENTS(literals); i++) {
		RecipeLiteral literal = { .len = 0 };
		bool found = recipe_literal_find(literals[i].expression, &literal);
		g_autofree char *got = found ? g_strndup(literal.octets, literal.len) : NULL;
		if (g_strcmp0(got, literals[i].want) != 0)
			fail_msg("%s: %s", literals[i].expression, got);
	}
}

static void
test_literal_limits(void **state)
{
	(void) state;
	RecipeLiteral literal;
	g_autofree char *longest = g_strnfill(LIMIT_RECIPE_PATTERN_BYTES, 'A');
	g_autofree char *too_long = g_strnfill(LIMIT_RECIPE_PATTERN_BYTES + 1, 'a');
	g_autofree char *deep = g_strnfill(LIMIT_RECIPE_PATTERN_DEPTH + 1, '(');
	g_autofree char *end = g_strnfill(LIMIT_RECIPE_PATTERN_DEPTH + 1, ')');
	g_autofree char *too_deep = g_strconcat("abc", deep, end, NULL);

	assert_true(recipe_literal_find(longest, &literal));
	assert_int_equal(literal.len, sizeof literal.octets);
	assert_int_equal(literal.octets[0], 'a');
	assert_false(recipe_literal_find(too_long, &literal));
	assert_false(recipe_literal_find(too_deep, &literal));
}

/*
 * Random expressions over random texts: what the literal rules out does not match, and no invalid
 * expression has one.
 */
static void
test_literal_rules_out_no_match(void **state)
{
	(void) state;
	static const char *const parts[] = {
		"a",      "B",  "ab",   "b",     "^",   "$",     "^^",
		".",      "*",  "+",    "?",     "(",   ")",     "|",
		"[",      "]",  "[^b]", "[a]",   "\\",  "\\/",   "\\<",
		"\\>",    "-",  "a*",   "(a|b)", "^TO", "^TO_",  "\\^TO",
		"To: ",   "\n", "[]a]", "[^]b]", "()*", "(ab)?", "^FROM_DAEMON",
		"daemon",
	};
	static const char *const words[] = {
		"a", "b", "A", "\n", "-", "To: ", "*", "^", " ", "ba"
	};
	unsigned ruled_out = 0, rounds = g_getenv("SANITIZERS") != NULL ? 3000 : 30000;

	for (unsigned round = 0; round < rounds; round++) {
		g_autoptr(GRand) random = g_rand_new_with_seed(round);
		g_autoptr(GString) expression = g_string_new(NULL);
		g_autoptr(GString) text = g_string_new(NULL);
		for (int i = g_rand_int_range(random, 1, 7); i > 0; i--)
			g_string_append(expression,
			                parts[g_rand_int_range(random, 0, G_N_ELEMENTS(parts))]);
		for (int i = g_rand_int_range(random, 0, 9); i > 0; i--)
			g_string_append(text,
			                words[g_rand_int_range(random, 0, G_N_ELEMENTS(words))]);

		RecipeLiteral literal;
		RecipePatternError error;
		if (!recipe_literal_find(expression->str, &literal))
			continue;
		g_autoptr(RecipePattern)
			pattern = recipe_pattern_compile(expression->str, round % 2 == 0, &error);
		g_autoptr(GString) prepared = recipe_literal_prepare(text->str, text->len);
		if (pattern == NULL)
			fail_msg("invalid: %s", expression->str);
		if (recipe_literal_is_in(&literal, prepared))
			continue;
		ruled_out++;
		if (recipe_pattern_match(pattern, text->str, text->len, NULL) != RECIPE_NO_MATCH)
			fail_msg("'%s' matches '%s'", expression->str, text->str);
	}

	assert_true(ruled_out > rounds / 10);
}

int
main(void)
{
	struct CMUnitTest
		tests[G_N_ELEMENTS(rows) + G_N_ELEMENTS(case_rows) + G_N_ELEMENTS(folded_rows) + 5];
	size_t n = 0;

	UNIT_ROWS(tests, n, rows, test_match);
	UNIT_ROWS(tests, n, case_rows, test_match);
	UNIT_ROWS(tests, n, folded_rows, test_match);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_invalid);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_limits);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_literal);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_literal_limits);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_literal_rules_out_no_match);

	return _cmocka_run_group_tests("recipe-pattern", tests, n, NULL, NULL);
}

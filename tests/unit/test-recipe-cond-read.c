/* SPDX-License-Identifier: MIT */
/* The marks before a condition (procmailrc(5), procmailsc(5)): what is read, and what is left. */
#include "filters/recipe/lang/recipe-cond-read.h"

#include "tests/unit/unit.h"

#include <string.h>

typedef struct {
	const char *name;
	const char *text;
	char kind;
	const char
		*marks; /* "inverted", "weighted", "escaped", "substitutes", those that are set */
	double weight;
	double exponent;
	RecipeParts area;
	const char *variable;
	const char *rest;
} Row;

static const Row rows[] = {
	{ "an expression", "^From: a", 'r', "", 0, 0, 0, NULL, "^From: a" },
	{ "blanks before it", " \t^From", 'r', "", 0, 0, 0, NULL, "^From" },
	{ "blanks behind it stay", "a ", 'r', "", 0, 0, 0, NULL, "a " },
	{ "nothing", "", 'r', "", 0, 0, 0, NULL, "" },
	{ "!", "! ^From", 'r', "inverted", 0, 0, 0, NULL, "^From" },
	{ "! twice", "!!^From", 'r', "", 0, 0, 0, NULL, "^From" },
	{ "smaller", "< 1000", '<', "", 0, 0, 0, NULL, "1000" },
	{ "bigger, inverted", "! > 1000", '>', "inverted", 0, 0, 0, NULL, "1000" },
	{ "a program", "? test -f x", '?', "", 0, 0, 0, NULL, "test -f x" },
	{ "a program, inverted", "!? test -f x", '?', "inverted", 0, 0, 0, NULL, "test -f x" },
	{ "substitution", "$ ^$X", 'r', "substitutes", 0, 0, 0, NULL, "^$X" },
	{ "substitution, inverted", "! $ ^$X", 'r', "inverted substitutes", 0, 0, 0, NULL, "^$X" },
	{ "a backslash: what follows is no mark", "\\!a", 'r', "escaped", 0, 0, 0, NULL, "!a" },
	{ "... and no size", "\\< a", 'r', "escaped", 0, 0, 0, NULL, "< a" },
	{ "the header", "H ?? a", 'r', "", 0, 0, RECIPE_HEADER, NULL, "a" },
	{ "the body", "B ?? a", 'r', "", 0, 0, RECIPE_BODY, NULL, "a" },
	{ "both", "HB ?? a", 'r', "", 0, 0, RECIPE_BOTH, NULL, "a" },
	{ "both, the other way round", "BH ?? a", 'r', "", 0, 0, RECIPE_BOTH, NULL, "a" },
	{ "no blanks", "B??a", 'r', "", 0, 0, RECIPE_BODY, NULL, "a" },
	{ "a variable", "SUBJ ?? a", 'r', "", 0, 0, 0, "SUBJ", "a" },
	{ "a name of H and more is a variable", "HX ?? a", 'r', "", 0, 0, 0, "HX", "a" },
	{ "a variable, inverted before it", "! X ?? a", 'r', "inverted", 0, 0, 0, "X", "a" },
	{ "a variable, inverted behind it", "X ?? ! a", 'r', "inverted", 0, 0, 0, "X", "a" },
	{ "a variable, substitution", "X ?? $ ^^${Y}^^", 'r', "substitutes", 0, 0, 0, "X",
	  "^^${Y}^^" },
	{ "the size of the body", "B ?? > 10", '>', "", 0, 0, RECIPE_BODY, NULL, "10" },
	{ "one question is none of it", "B ? a", 'r', "", 0, 0, 0, NULL, "B ? a" },
	{ "a weight", "2000^0 ^From", 'r', "weighted", 2000, 0, 0, NULL, "^From" },
	{ "a weight below 0", "-100^3 > 2000", '>', "weighted", -100, 3, 0, NULL, "2000" },
	{ "fractions", "350^.9 :-\\)", 'r', "weighted", 350, .9, 0, NULL, ":-\\)" },
	{ "a plus sign, an exponent below 0", "+1.5^-1 a", 'r', "weighted", 1.5, -1, 0, NULL, "a" },
	{ "blanks in the weight", "1 ^ 1 a", 'r', "weighted", 1, 1, 0, NULL, "a" },
	{ "a weight alone", "-150^0", 'r', "weighted", -150, 0, 0, NULL, "" },
	{ "a weight and !", "7^1 ! a", 'r', "inverted weighted", 7, 1, 0, NULL, "a" },
	{ "a weight and a variable", "1^1 X ?? a", 'r', "weighted", 1, 1, 0, "X", "a" },
	{ "a number without exponent is an expression", "10 a", 'r', "", 0, 0, 0, NULL, "10 a" },
	{ "a number and what is none", "10^a", 'r', "", 0, 0, 0, NULL, "10^a" },
};

static void
test_marks(void **state)
{
	const Row *row = *state;
	RecipeCond cond = { 0 };
	g_autofree char *text = g_strdup(row->text);

	recipe_cond_read(&cond, text);
	g_autofree char *variable = cond.variable;

	assert_int_equal(cond.kind, row->kind);
	assert_int_equal(cond.inverted, strstr(row->marks, "inverted") != NULL);
	assert_int_equal(cond.weighted, strstr(row->marks, "weighted") != NULL);
	assert_int_equal(cond.escaped, strstr(row->marks, "escaped") != NULL);
	assert_int_equal(cond.substitutes, strstr(row->marks, "substitutes") != NULL);
	assert_true(cond.weight == row->weight);
	assert_true(cond.exponent == row->exponent);
	assert_int_equal(cond.area, row->area);
	assert_string_equal(variable != NULL ? variable : "",
	                    row->variable != NULL ? row->variable : "");
	assert_string_equal(cond.rest, row->rest);
}

/* Names of fields are ours: only DECODE makes them names. */
static void
test_fields(void **state)
{
	(void) state;
	RecipeCond plain = { 0 }, fields = { .fields = true };

	recipe_cond_read(&plain, "List-Id ?? a");
	assert_null(plain.variable);
	assert_string_equal(plain.rest, "List-Id ?? a");

	recipe_cond_read(&fields, "List-Id ?? a");
	assert_string_equal(fields.variable, "List-Id");
	assert_string_equal(fields.rest, "a");
	g_free(fields.variable);
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + 1];
	size_t n = 0;

	UNIT_ROWS(tests, n, rows, test_marks);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_fields);

	return _cmocka_run_group_tests("recipe-cond-read", tests, n, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Conditions and their scores: the formulas of procmailsc(5), worked out by hand. Rows about
 * texts were tried with procmail 3.22.
 */
#include "filters/recipe/run/recipe-cond.h"
#include "tests/lib/recipe-unit.h"

#include "tests/unit/unit.h"

#include <string.h>

/* 100 octets, which the rows about sizes go by. */
static const char mail[] =
	"From: jane@work\nSubject: Re: meeting\nX-Pad: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"
	"\none\n> two\n> three\nfour\n";

G_STATIC_ASSERT(sizeof mail - 1 == 100);

typedef struct {
	const char *name;
	RecipeParts area;
	const char *conditions; /* a line each */
	bool want;
	gint64 score; /* $= */
} Row;

#define H RECIPE_HEADER
#define B RECIPE_BODY

static const Row rows[] = {
	{ "no score", H, "meeting", true, 0 },
	{ "no match", H, "holiday", false, 0 },
	{ "inverted", H, "!holiday", true, 0 },
	{ "case does not count", H, "MEETING", true, 0 },
	{ "all must hold", H, "meeting\nholiday", false, 0 },
	{ "only the area is searched", B, "meeting", false, 0 },
	{ "an area of its own", B, "H ?? meeting", true, 0 },
	{ "a variable", H, "X ?? ^^a b^^", true, 0 },
	{ "a variable, substituted", H, "X ?? $ ^^a ${Y}^^", true, 0 },
	{ "a variable that is not set is empty", H, "NONE ?? ^^^^", true, 0 },
	{ "substitution twice", H, "$ $W", true, 0 },
	{ "bigger", H, "> 99", true, 0 },
	{ "not bigger than itself", H, "> 100", false, 0 },
	{ "smaller", H, "< 101", true, 0 },
	{ "not smaller than itself", H, "< 100", false, 0 },
	{ "the size of a variable", H, "X ?? < 4", true, 0 },
	{ "a program", H, "? code 0", true, 0 },
	{ "a program that failed", H, "? code 1", false, 0 },
	{ "a program that failed, inverted", H, "!? code 1", true, 0 },

	{ "found", H, "10^0 meeting", true, 10 },
	{ "not found: 0 is not positive", H, "10^0 holiday", false, 0 },
	{ "x=0: only the first match", H, "5^0 e", true, 5 },
	{ "x=1: every match the same", B, "2^1 ^>", true, 4 },
	{ "0<x<1: every match less", B, "100^.5 ^>", true, 150 },
	{ "x>1: every match more", B, "1^3 ^>", true, 4 },
	{ "x<0: an even number of matches", B, "4^-1 ^>", false, 0 },
	{ "x<0: an odd number", B, "5^-1 ^(>|one)", true, 5 },
	{ "not found, inverted: once", H, "7^1 ! holiday", true, 7 },
	{ "found, inverted: nothing", H, "7^1 ! meeting", false, 0 },
	{ "an empty expression is found once with x=0", H, "3^0", true, 3 },
	{ "... with x=1 without end", H, "3^1 ()", true, 2147483647 },
	{ "... with 0<x<1 the sum is w/(1-x)", H, "10^.75 ()", true, 40 },
	{ "the sum of all", B, "-3^0\n2^1 ^>", true, 1 },
	{ "the sum is 0", B, "-4^0\n2^1 ^>", false, 0 },
	{ "quoted against other lines", B, "20^1 ^>\n-10^1 ^[^>]", true, 20 },

	{ "bigger: (M/L)^x, M=L", H, "10^1 > 100", true, 10 },
	{ "bigger: M=2L", H, "10^1 > 50", true, 20 },
	{ "smaller: (L/M)^x, M=2L", H, "10^1 < 50", true, 5 },
	{ "smaller: L=2M", H, "10^1 < 200", true, 20 },
	{ "smaller: the exponent", H, "10^2 < 200", true, 40 },
	{ "bigger: x=0", H, "10^0 > 5", true, 10 },
	{ "bigger: below 0, cut to a whole number", H, "-100^3 > 200\n20^0 meeting", true, 7 },

	{ "a program: w", H, "5^-2 ? code 0", true, 5 },
	{ "a program that failed: x", H, "5^-2 ? code 1", false, -2 },
	{ "a program, inverted: its exit code is the number of matches", H, "2^3 !? code 3", true,
	  26 },
	{ "... none", H, "2^3 !? code 0", false, 0 },

	{ "plain conditions do not score", H, "!^Precedence:\n3^0 meeting", true, 3 },
	{ "a plain condition that fails ends it", H, "^Precedence:\n3^0 meeting", false, 0 },
	{ "... but leaves the score", H, "3^0 meeting\n^Precedence:", false, 3 },
	{ "infinity: what follows is skipped", H, "2147483647^0 meeting\n-100^0 meeting", true,
	  2147483647 },
	{ "infinity below: no match", H, "-2147483647^0 meeting\n5^0 meeting", false, -2147483647 },
	{ "more than infinity is infinity", H, "2147483646^0 meeting\n9^0 meeting", true,
	  2147483647 },
	{ "half a point is positive, and shown as 1", H, ".5^0 meeting", true, 1 },
	{ "half a point below 0", H, "-.5^0 meeting", false, 0 },
	{ "fractions are cut off", H, "1.9^0 meeting", true, 1 },
};

static void
free_condition(gpointer data)
{
	RecipeText *condition = data;
	g_free(condition->text);
	g_free(condition);
}

static void
test_hold(void **state)
{
	const Row *row = *state;
	RecipeUnit unit;
	recipe_unit_init(&unit, mail, NULL);
	RecipeVars *vars = unit.run.state->vars;
	recipe_vars_set(vars, "X", "a b");
	recipe_vars_set(vars, "Y", "b");
	recipe_vars_set(vars, "Z", "meeting");
	recipe_vars_set(vars, "W", "$ ^Subject:.*${Z}");

	RecipeNode node = { .conditions = g_ptr_array_new_with_free_func(free_condition) };
	g_auto(GStrv) lines = g_strsplit(row->conditions, "\n", -1);
	for (size_t i = 0; lines[i] != NULL; i++) {
		RecipeText *condition = g_new0(RecipeText, 1);
		condition->text = g_strdup(lines[i]);
		condition->line = (unsigned) i + 1;
		g_ptr_array_add(node.conditions, condition);
	}

	const RecipeCondFlags flags = { .area = row->area };
	bool holds = recipe_cond_hold(&unit.run, &node, &flags);
	gint64 score = unit.run.state->score;
	g_ptr_array_unref(node.conditions);
	recipe_unit_clear(&unit);

	assert_int_equal(holds, row->want);
	assert_int_equal(score, row->score);
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(rows)];
	size_t n = 0;

	UNIT_ROWS(tests, n, rows, test_hold);

	return _cmocka_run_group_tests("recipe-cond", tests, n, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Which recipes run, and what of the command line comes before them. */
#include "agent/run/recipes.h"

#include "conf/conf-choices.h"
#include "tests/lib/scratch.h"
#include "tests/unit/unit.h"

#include <string.h>
#include <unistd.h>

static char none[] = "";

/* What an rc file has that says the same as a value of the command line. */
static void
test_values(void **state)
{
	(void) state;
	static const struct {
		const char *given, *want;
	} rows[] = {
		{ "A=b", "A=b\n" },
		{ "A=", "A=\n" },
		{ "A=  b", "A=b\n" },
		{ "A=b c\td", "A=b\\ c\\\td\n" },
		{ "A=\"b c\"", "A=\"b c\"\n" },
		{ "A='b c'", "A='b c'\n" },
		{ "A='b \"c' d", "A='b \"c'\\ d\n" },
		{ "A=\"b 'c\" d", "A=\"b 'c\"\\ d\n" },
		{ "A=\"b", "A=\"b\"\n" },
		{ "A='b", "A='b'\n" },
		{ "A=b#c", "A=b#c\n" },
		{ "A=#c", "A=\n" },
		{ "A=b #c", "A=b\\ \n" },
		{ "A=b\t#c", "A=b\\\t\n" },
		{ "A='b #c'", "A='b #c'\n" },
		{ "A=b\\ c", "A=b\\ c\n" },
		{ "A=b\\\"c d", "A=b\\\"c\\ d\n" },
		{ "A='b\\' c", "A='b\\'\\ c\n" },
		{ "A=b\\", "A=b\n" },
		{ "A=`id`", "A=\\`id\\`\n" },
		{ "A=\"`id`\"", "A=\"\\`id\\`\"\n" },
		{ "A='`id`'", "A='`id`'\n" },
		{ "A=b\nINCLUDERC=/x", "A=b\n" },
		{ "A=\"b\nc\"", "A=\"b\nc\"\n" },
		{ "A=$B=c", "A=$B=c\n" },
		{ "INCLUDERC=/x", NULL },
		{ "SWITCHRC=/x", NULL },
		{ "INCLUDERCS=/x", "INCLUDERCS=/x\n" },
	};
	const Conf conf = { .recipe_site = none };
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		const char *const assignments[] = { rows[i].given, NULL };
		const RecipeCall call = { .assignments = assignments };
		g_autofree char *got = recipes_prelude(&conf, &call);
		if (g_strcmp0(got, rows[i].want) != 0)
			fail_msg("%s: %s", rows[i].given, got);
	}
	assert_null(recipes_prelude(&conf, NULL));

	const char *const two[] = { "A=b", "INCLUDERC=/x", "C=d", NULL };
	const RecipeCall call = { .assignments = two };
	g_autofree char *both = recipes_prelude(&conf, &call);
	assert_string_equal(both, "A=b\nC=d\n");
}

/* The site's come first, whatever its path has in it, unless the door does without. */
static void
test_of_the_site(void **state)
{
	(void) state;
	static char path[] = "/etc/a $b\\`c`\"d";
	const Conf conf = { .recipe_site = path }, without = { .recipe_site = none };
	const RecipeCall plain = { .alone = true }, alone = { .without_site = true };
	assert_true(recipes_site_runs(&conf, NULL));
	assert_true(recipes_site_runs(&conf, &plain));
	assert_false(recipes_site_runs(&conf, &alone));
	assert_false(recipes_site_runs(&without, NULL));

	g_autofree char *text = recipes_prelude(&conf, NULL);
	assert_non_null(strstr(text, "INCLUDERC=\"/etc/a \\$b\\\\\\`c\\`\\\"d\"\n"));
	assert_null(recipes_prelude(&conf, &alone));
}

static void
test_found(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_autofree char *one = g_build_filename(dir, "one", NULL),
			*two = g_build_filename(dir, "two", NULL);
	static char nowhere[] = "/nonexistent/rc", at_home[] = "~/two", wrong[] = "/%x",
		    usual[] = "/m/%u", site[] = "/nonexistent/site";
	char *files[] = { nowhere, one, at_home, NULL }, *bad[] = { wrong, NULL },
	     *absent[] = { nowhere, NULL };
	Account ann = { .user = (char *) (uintptr_t) "ann",
		        .local = (char *) (uintptr_t) "ann",
		        .home = dir };
	const RecipeCall call = { .assignments = NULL };
	struct {
		unsigned recipes;
		bool is_system;
		const RecipeCall *call;
		char **files, *site, *usual;
		bool has_one, has_two;
		const char *want;
	} rows[] = {
		{ CONF_RECIPES_NO, true, NULL, files, none, none, true, true, NULL },
		{ CONF_RECIPES_YES, true, NULL, files, none, none, true, true, one },
		{ CONF_RECIPES_YES, true, NULL, files, none, none, false, true, two },
		{ CONF_RECIPES_YES, true, NULL, files, none, none, false, false, NULL },
		{ CONF_RECIPES_YES, false, NULL, files, none, none, true, true, NULL },
		{ CONF_RECIPES_ALL, false, NULL, files, none, none, true, true, one },
		{ CONF_RECIPES_NO, false, &call, files, none, none, true, true, one },
		{ CONF_RECIPES_ALL, false, NULL, absent, site, none, true, true, RECIPES_NONE },
		{ CONF_RECIPES_ALL, false, NULL, absent, none, usual, true, true, RECIPES_NONE },
		{ CONF_RECIPES_NO, false, NULL, absent, site, usual, true, true, NULL },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		const Conf conf = { .recipes = rows[i].recipes,
			            .recipe_files = rows[i].files,
			            .recipe_site = rows[i].site,
			            .recipe_default = rows[i].usual };
		ann.is_system = rows[i].is_system;
		(void) unlink(one);
		(void) unlink(two);
		if (rows[i].has_one)
			scratch_write(dir, "one", "");
		if (rows[i].has_two)
			scratch_write(dir, "two", "");
		g_auto(Status) st = STATUS_INIT;
		g_autofree char *got = recipes_find(&conf, &ann, rows[i].call, &st);
		assert_int_equal(st.id, STATUS_OK);
		if (g_strcmp0(got, rows[i].want) != 0)
			fail_msg("row %zu: %s", i, got);
	}

	const Conf conf = { .recipes = CONF_RECIPES_ALL,
		            .recipe_files = bad,
		            .recipe_site = none,
		            .recipe_default = usual };
	g_auto(Status) st = STATUS_INIT;
	assert_null(recipes_find(&conf, &ann, NULL, &st));
	assert_int_equal(st.id, STATUS_CONFIG);
	scratch_remove(dir);
}

/*
 * Files that the door names: the first that is there, or the last, which is told of; then the
 * next.
 */
static void
test_named(void **state)
{
	(void) state;
	char *dir = scratch_new();
	Account ann = { .home = dir };
	const Conf conf = { .recipe_site = none };
	g_autofree char *one = g_build_filename(dir, "one", NULL),
			*two = g_build_filename(dir, "two", NULL);
	const char *const names[] = { "one", "two", NULL };
	const RecipeCall call = { .files = names };
	g_auto(Status) st = STATUS_INIT;

	g_autofree char *last = recipes_find(&conf, &ann, &call, &st);
	assert_string_equal(last, two);
	scratch_write(dir, "one", "");
	g_autofree char *first = recipes_find(&conf, &ann, &call, &st);
	assert_string_equal(first, one);
	g_autofree char *next = recipes_next(&ann, &call, one);
	assert_string_equal(next, two);
	assert_null(recipes_next(&ann, &call, two));
	assert_null(recipes_next(&ann, &call, "/other"));
	assert_null(recipes_next(&ann, NULL, one));
	const RecipeCall of_none = { .files = NULL };
	assert_null(recipes_next(&ann, &of_none, one));

	/* A path that says where it is counts from where the door stands. */
	static const char *const paths[][2] = { { "./x", "./x" },
		                                { "../x", "../x" },
		                                { "/x", "/x" } };
	for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
		const char *const path[] = { paths[i][0], NULL };
		const RecipeCall of_path = { .files = path };
		g_autofree char *got = recipes_find(&conf, &ann, &of_path, &st);
		assert_string_equal(got, paths[i][1]);
	}
	Account homeless = { .home = NULL };
	const char *const bare[] = { "x", NULL };
	const RecipeCall of_bare = { .files = bare };
	g_autofree char *got = recipes_find(&conf, &homeless, &of_bare, &st);
	assert_string_equal(got, "x");
	scratch_remove(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_of_the_site),
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_named),
	};
	return _cmocka_run_group_tests("recipes", tests, G_N_ELEMENTS(tests), NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* recipe-convert-test: the conditions of a recipe as a test of Sieve. */
#ifndef TODOKE_RECIPE_CONVERT_TEST_H
#define TODOKE_RECIPE_CONVERT_TEST_H

#include "filters/recipe/lang/recipe-flags.h"
#include "filters/recipe/lang/recipe-constant.h"
#include "filters/recipe/convert/recipe-convert-pattern.h"
#include "filters/recipe/convert/recipe-convert-writer.h"

/* What a script needs and knows while it is written. */
typedef struct {
	FilterEnv *env;
	RecipeConstants *constants;
	RecipeWriter writer;
	GHashTable *reads; /* char *: variables that its rules look at */
	GHashTable *sets;  /* char *: variables that the rules may have set */
	bool answers;      /* EXITCODE is set: what is thrown away is refused */
} RecipeSieve;

/*
 * A RecipeUnknown: a variable that the script sets itself is written as ${NAME}. `user` is the
 * RecipeSieve.
 */
bool recipe_sieve_variable(GString *out, const char *name, gpointer user);

/*
 * The test for `node`; "": it has no conditions. *ret_match_group is the group that becomes MATCH
 * in its last test; 0: none. NULL: `verdict` says what Sieve cannot ask. Caller frees.
 */
char *recipe_convert_test(RecipeSieve *sieve, const RecipeNode *node, const RecipeFlags *flags,
                          unsigned *ret_match_group, RecipeVerdict *verdict);

#endif

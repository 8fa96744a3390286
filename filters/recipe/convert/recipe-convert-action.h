/* SPDX-License-Identifier: MIT */
/*
 * recipe-convert-action: what a recipe does as commands of Sieve, written to the script. False:
 * `verdict` says what Sieve cannot do.
 */
#ifndef TODOKE_RECIPE_CONVERT_ACTION_H
#define TODOKE_RECIPE_CONVERT_ACTION_H

#include "filters/recipe/convert/recipe-convert-test.h"

/* What is said of a folder whose name does not end in '/'. */
#define RECIPE_SIEVE_NO_MAILDIR "an mbox file, directory or MH folder becomes a mailbox"

/*
 * The mailbox for a path, with what MAILDIR and HOME are at this place of the recipes.
 * *ret_is_there: mail that is filed into it lies where the recipe puts it; else the name is only
 * like the path. NULL: see recipe_convert_mailbox. Caller frees.
 */
char *recipe_sieve_mailbox(const RecipeSieve *sieve, const char *path, bool *ret_is_there);

bool recipe_convert_folders(RecipeSieve *sieve, const RecipeNode *node, const RecipeFlags *flags,
                            RecipeVerdict *verdict);
bool recipe_convert_forward(RecipeSieve *sieve, const RecipeNode *node, const RecipeFlags *flags,
                            RecipeVerdict *verdict);

/* A call of formail that only adds and takes away fields. False: it is something else. */
bool recipe_convert_formail(RecipeSieve *sieve, const RecipeNode *node);

/*
 * `| formail -D MAX CACHE` that waits: a test duplicate that throws away. False: it is something
 * else.
 */
bool recipe_convert_seen(RecipeSieve *sieve, const RecipeNode *node, const RecipeFlags *flags);

/* NAME=`formail -xField:`, written where a rule reads NAME. False: it is something else. */
bool recipe_convert_extracted(RecipeSieve *sieve, const RecipeNode *node);

#endif

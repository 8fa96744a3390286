/* SPDX-License-Identifier: MIT */
/*
 * recipe-convert: an rc file as a Sieve script. Each recipe is marked: same, changed (and how), or
 * by hand (and why): then it stands in the script as a comment. Comments stay. What is written
 * always compiles without a finding.
 */
#ifndef TODOKE_RECIPE_CONVERT_H
#define TODOKE_RECIPE_CONVERT_H

#include "filters/filter-recipes.h"
#include "filters/recipe/convert/recipe-convert-pattern.h"

/* Recipes by verdict; included files count too. */
typedef struct {
	unsigned recipes[VERDICT_BY_HAND + 1];
} RecipeConvertCounts;

/*
 * The script; NULL: the file is none that procmail reads. `env` opens included files and knows
 * HOME. Caller frees.
 */
char *recipe_convert(const FilterSource *source, FilterEnv *env, RecipeConvertCounts *ret_counts);

/*
 * Append a warning for each recipe that no mail comes to, unless an earlier one fails; behind a
 * recipe that takes all mail for the first alone.
 */
void recipe_convert_find_unreached(const FilterSource *source, FilterEnv *env, GPtrArray *problems);

/*
 * The mailbox that a path of a recipe stands for, by names as rules write them; "INBOX" for the
 * mail folder itself. `maildir` is MAILDIR and `home` HOME; both may be NULL. NULL: the path is
 * outside of both, or no UTF-8 text. Caller frees.
 */
char *recipe_convert_mailbox(const char *path, const char *maildir, const char *home);

#endif

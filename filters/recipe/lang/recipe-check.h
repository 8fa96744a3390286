/* SPDX-License-Identifier: MIT */
/*
 * recipe-check: what can be said of an rc file before any mail comes: errors, and the known traps
 * as warnings.
 */
#ifndef TODOKE_RECIPE_CHECK_H
#define TODOKE_RECIPE_CHECK_H

#include "filters/filter.h"

/* The code of the warning that an action names a place to which nothing can be stored now. */
#define RECIPE_CHECK_NO_PLACE "no-place"

/* Append what is wrong with `nodes` (RecipeNode) to `problems`. */
void recipe_check(const GPtrArray *nodes, const char *file, GPtrArray *problems);

/*
 * Parse and check `source`, and every file that it includes under a name that the files themselves
 * tell; `env` opens them. If it has can_store and path_kind, places that are there and cannot be
 * stored to are told.
 */
void recipe_check_files(const FilterSource *source, FilterEnv *env, GPtrArray *problems);

#endif

/* SPDX-License-Identifier: MIT */
/* recipe-store: folders: mbox files, Maildirs, MH folders, plain directories, /dev/null. */
#ifndef TODOKE_RECIPE_STORE_H
#define TODOKE_RECIPE_STORE_H

#include "filters/recipe/lang/recipe-flags.h"
#include "filters/recipe/run/recipe-run.h"

/*
 * Have the plan store to `words`, folders as the rules write them, or take the mail for nothing
 * where the first is /dev/null. *ret_stored false: none of them takes mail; the log says why.
 * Faults as recipe_plan_add().
 */
bool recipe_store_to(RecipeRun *run, const GPtrArray *words, const RecipeFlags *flags,
                     unsigned line, bool *ret_stored, Status *st);

/* The action of a recipe. *ret_succeeded: some folder takes mail. */
bool recipe_store_do(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags,
                     bool *ret_succeeded, Status *st);

#endif

/* SPDX-License-Identifier: MIT */
/* recipe-store: folders: mbox files, Maildirs, MH folders, plain directories, /dev/null. */
#ifndef TODOKE_RECIPE_STORE_H
#define TODOKE_RECIPE_STORE_H

#include "filters/recipe/lang/recipe-flags.h"
#include "filters/recipe/run/recipe-run.h"

/*
 * The paths of `words` that take mail; the log says why others do not. A file takes no others; of
 * directories only those count where a store is possible. Caller owns them.
 */
GPtrArray *recipe_store_paths(const RecipeRun *run, const GPtrArray *words, unsigned line);

/*
 * Have the plan store to `taken_paths`, which are not empty. `as_written`: LASTFOLDER has the paths
 * below MAILDIR without it. Faults as recipe_plan_add().
 */
bool recipe_store_add(RecipeRun *run, GPtrArray *taken_paths, const RecipeFlags *flags,
                      bool as_written, unsigned line, Status *st);

/* The action of a recipe. *ret_succeeded: some folder takes mail. */
bool recipe_store_do(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags,
                     bool *ret_succeeded, Status *st);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * recipe-forward: "!": redirects that the agent sends, or a call of the sendmail that the owner has
 * set.
 */
#ifndef TODOKE_RECIPE_FORWARD_H
#define TODOKE_RECIPE_FORWARD_H

#include "filters/recipe/lang/recipe-flags.h"
#include "filters/recipe/run/recipe-run.h"

/* The action of a recipe. *ret_succeeded: somebody gets it. */
bool recipe_forward_do(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags,
                       bool *ret_succeeded, Status *st);

#endif

/* SPDX-License-Identifier: MIT */
/* recipe-cond: the conditions of a recipe, with their scores. */
#ifndef TODOKE_RECIPE_COND_H
#define TODOKE_RECIPE_COND_H

#include "filters/recipe/run/recipe-run.h"

typedef struct {
	RecipeParts area; /* flags H and B */
	bool case_counts; /* flag D */
} RecipeCondFlags;

/*
 * Do all conditions hold? Sets $= and MATCH. An expression that is wrong, or that reached a limit,
 * does not hold, and a note says so.
 */
bool recipe_cond_hold(RecipeRun *run, const RecipeNode *node, const RecipeCondFlags *flags);

#endif

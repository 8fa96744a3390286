/* SPDX-License-Identifier: MIT */
/*
 * recipe-action: what a recipe does once its conditions hold: an entry of the plan, or a program
 * that is run now.
 */
#ifndef TODOKE_RECIPE_ACTION_H
#define TODOKE_RECIPE_ACTION_H

#include "filters/recipe/lang/recipe-flags.h"
#include "filters/recipe/run/recipe-run.h"

/*
 * Do it. *ret_succeeded: as far as can be known now. A recipe that delivers ends the run, unless it
 * copies. False: a fault of the run itself (STATUS_CONFLICT of the plan, STATUS_IO).
 */
bool recipe_action_do(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags,
                      bool *ret_succeeded, Status *st);

#endif

/* SPDX-License-Identifier: MIT */
/* recipe-plan: what recipes put into the plan, whatever their action is. */
#ifndef TODOKE_RECIPE_PLAN_H
#define TODOKE_RECIPE_PLAN_H

#include "filters/recipe/lang/recipe-flags.h"
#include "filters/recipe/run/recipe-run.h"

/*
 * Add to the plan. All but a copy and a discard gives the mail its place. Faults as plan_add().
 */
bool recipe_plan_add(RecipeRun *run, PlanAction *taken, Status *st);

/*
 * Give `action` the mail as it is now, where that is not the message as it came. Faults as
 * recipe_mail_message().
 */
bool recipe_plan_take_mail(const RecipeRun *run, PlanAction *action, RecipeParts parts, Status *st);

/* LASTFOLDER is `name`, no file that a store of the plan makes. */
void recipe_plan_last_folder(const RecipeRun *run, const char *name);

/*
 * A program for the plan, in the environment of now: `argv` ends in NULL and is borrowed. The
 * caller owns the action.
 */
PlanAction *
recipe_plan_program(RecipeRun *run, const GPtrArray *argv, unsigned line, GString *taken_input);

/* What the flags of its recipe say of a program; `done`: it ran. `lock` NULL: none. */
void
recipe_plan_set_program(PlanAction *action, const RecipeFlags *flags, bool done, const char *lock);

/* Have the plan run TRAP when all is stored. */
bool recipe_plan_trap(RecipeRun *run, const char *command, Status *st);

#endif

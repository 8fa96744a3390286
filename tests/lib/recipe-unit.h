/* SPDX-License-Identifier: MIT */
/*
 * recipe-unit: a run of recipes over a mail in memory, for tests of what a run evaluates. Its
 * programs do not run: "code N" ends with exit code N, "say TEXT" prints the text.
 */
#ifndef TODOKE_RECIPE_UNIT_H
#define TODOKE_RECIPE_UNIT_H

#include "filters/recipe/run/recipe-run.h"

typedef struct {
	RecipeRun run;
	FilterEnv env;
	FilterInput input;
} RecipeUnit;

/*
 * `mail`: header, empty line, body. `args`: $1 and on; NULL ends them. Clear with
 * recipe_unit_clear.
 */
void recipe_unit_init(RecipeUnit *unit, const char *mail, const char *const *args);
void recipe_unit_clear(RecipeUnit *unit);

#endif

/* SPDX-License-Identifier: MIT */
/* recipe-default: the end of a run that no recipe has ended. */
#ifndef TODOKE_RECIPE_DEFAULT_H
#define TODOKE_RECIPE_DEFAULT_H

#include "filters/recipe/run/recipe-run.h"

/* Store the mail where DEFAULT says, else ORGMAIL, or leave it to the implicit keep. */
bool recipe_default_store(RecipeRun *run, Status *st);

#endif

/* SPDX-License-Identifier: MIT */
/* recipe-output: programs that are run for what they print: filters, and NAME=| captures. */
#ifndef TODOKE_RECIPE_OUTPUT_H
#define TODOKE_RECIPE_OUTPUT_H

#include "filters/recipe/lang/recipe-flags.h"
#include "filters/recipe/run/recipe-run.h"

/*
 * Run a filter; the mail is replaced only by what a filter that worked has written. False: it
 * stays.
 */
bool recipe_output_filter(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags,
                          const GString *input);

/*
 * NAME=|: the variable is what the program prints, without one line end. False: it keeps its value,
 * or a fault of the run (`st`).
 */
bool recipe_output_capture(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags,
                           const GString *input, Status *st);

#endif

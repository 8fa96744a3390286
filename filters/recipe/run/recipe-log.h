/* SPDX-License-Identifier: MIT */
/*
 * recipe-log: what procmail would have written into LOGFILE: LOG, the abstract of LOGABSTRACT, and
 * the story of VERBOSE in procmail's words. People grep these files. Of an MH folder the abstract
 * names the folder, not the file: that is numbered later.
 */
#ifndef TODOKE_RECIPE_LOG_H
#define TODOKE_RECIPE_LOG_H

#include "filters/recipe/lang/recipe-flags.h"
#include "filters/recipe/run/recipe-run.h"

void recipe_log_text(const RecipeRun *run, const char *text);

/* "procmail: " and the line, where VERBOSE is on. */
void recipe_log_say(const RecipeRun *run, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* The same whether VERBOSE is on or not. */
void recipe_log_complain(const RecipeRun *run, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Give a variable its value, and say so. NULL unsets. */
void recipe_log_set(const RecipeRun *run, const char *name, const char *value);

/*
 * The abstract of a delivery to LASTFOLDER, if LOGABSTRACT wants it; copies have one only with
 * "all".
 */
void recipe_log_abstract(const RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags);

#endif

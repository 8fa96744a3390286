/* SPDX-License-Identifier: MIT */
/*
 * recipe-expand: quotes, variables and backquotes of an rc file, as procmail reads them: sh's rules
 * with differences of its own.
 */
#ifndef TODOKE_RECIPE_EXPAND_H
#define TODOKE_RECIPE_EXPAND_H

#include "filters/recipe/run/recipe-run.h"

/* The words of a line; unquoted variables are split at blanks. Caller owns the array of char *. */
GPtrArray *recipe_expand_words(RecipeRun *run, const char *text);

/* The same for a program and its arguments: behind a letter, "\#" keeps its backslash. */
GPtrArray *recipe_expand_arguments(RecipeRun *run, const char *text);

/* The value of an assignment: one word. Caller frees. */
char *recipe_expand_value(RecipeRun *run, const char *text);

/* A condition behind `$`: as between double quotes. Caller frees. */
char *recipe_expand_quoted(RecipeRun *run, const char *text);

#endif

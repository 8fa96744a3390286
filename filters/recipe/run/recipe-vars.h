/* SPDX-License-Identifier: MIT */
/* recipe-vars: the variables of a run. They are the environment of its programs too. */
#ifndef TODOKE_RECIPE_VARS_H
#define TODOKE_RECIPE_VARS_H

#include <glib.h>
#include <stdbool.h>

typedef struct RecipeVars RecipeVars;

RecipeVars *recipe_vars_new(void);
RecipeVars *recipe_vars_copy(const RecipeVars *vars);
void recipe_vars_free(RecipeVars *vars);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RecipeVars, recipe_vars_free)

/* The value, or NULL: not set. Borrowed until the variable changes. */
const char *recipe_vars_get(const RecipeVars *vars, const char *name);

/* The value, or "" where it is not set. */
const char *recipe_vars_text(const RecipeVars *vars, const char *name);

/*
 * `value` NULL unsets. Longer ones than LIMIT_RECIPE_VALUE_BYTES are cut, and PROCMAIL_OVERFLOW
 * says so.
 */
void recipe_vars_set(RecipeVars *vars, const char *name, const char *value);

/* Variables that say yes or no. */
typedef enum { RECIPE_VERBOSE, RECIPE_LOGABSTRACT, RECIPE_DECODE, RECIPE_SWITCHES } RecipeSwitch;

enum { RECIPE_NOT_SAID = -1, RECIPE_NO, RECIPE_YES, RECIPE_ALL };

/*
 * What a switch was last told by one of procmail's words ("on", "y...", "off", "n...", "all") or by
 * a number; RECIPE_NOT_SAID: nothing yet. A value that says neither changes nothing, nor
 * does it to unset one, but for DECODE, which procmail does not have.
 */
int recipe_vars_level(const RecipeVars *vars, RecipeSwitch which);

/* "NAME=value", sorted; NULL ends it. Caller frees with g_strfreev. */
char **recipe_vars_environment(const RecipeVars *vars);

#endif

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

/*
 * Is it switched on, by procmail's words for yes ("on", "y...", "1")? `otherwise` where it is not
 * set or no such word.
 */
bool recipe_vars_bool(const RecipeVars *vars, const char *name, bool otherwise);

/* "NAME=value", sorted; NULL ends it. Caller frees with g_strfreev. */
char **recipe_vars_environment(const RecipeVars *vars);

#endif

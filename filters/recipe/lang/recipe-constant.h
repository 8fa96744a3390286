/* SPDX-License-Identifier: MIT */
/*
 * recipe-constant: what the variables of an rc file hold as far as the file itself tells, without a
 * mail: for who reads rules and does not run them (check, explain, convert).
 */
#ifndef TODOKE_RECIPE_CONSTANT_H
#define TODOKE_RECIPE_CONSTANT_H

#include "filters/filter-recipes.h"
#include "filters/recipe/lang/recipe-ast.h"

typedef struct RecipeConstants RecipeConstants;

/* With what `env` says of the variables that recipes start with. */
RecipeConstants *recipe_constants_new(FilterEnv *env);
void recipe_constants_free(RecipeConstants *constants);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RecipeConstants, recipe_constants_free)

/*
 * The value of a variable, or NULL: it is not set, or nobody can know. Borrowed until it changes.
 */
const char *recipe_constants_get(const RecipeConstants *constants, const char *name);

/*
 * Follow an assignment or its opposite. Unless it is `certain` to be reached, the variable is not
 * known from now on.
 */
void recipe_constants_follow(RecipeConstants *constants, const RecipeNode *node, bool certain);

/*
 * The text without its quotes and with the values of its variables; NULL: that depends on the mail,
 * on a program or on who calls. What is not known is handed to `unknown`, which may write something
 * in its place and says whether it could; NULL: it never can. Caller frees.
 */
typedef bool (*RecipeUnknown)(GString *out, const char *name, gpointer user);
char *recipe_constants_expand(const RecipeConstants *constants, const char *text,
                              RecipeUnknown unknown, gpointer user);

/* The same for a condition behind "$": as between double quotes, and $\NAME disarmed. */
char *recipe_constants_expand_quoted(const RecipeConstants *constants, const char *text);

/*
 * A path below MAILDIR, or HOME where that is not known; as it is where neither is. Caller frees.
 */
char *recipe_constants_path(const RecipeConstants *constants, const char *path);

#endif

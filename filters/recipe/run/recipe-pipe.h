/* SPDX-License-Identifier: MIT */
/*
 * recipe-pipe: programs that get the mail for good. One whose end decides about the next recipes
 * runs at once, others when the plan is carried out.
 */
#ifndef TODOKE_RECIPE_PIPE_H
#define TODOKE_RECIPE_PIPE_H

#include "filters/recipe/lang/recipe-flags.h"
#include "filters/recipe/run/recipe-run.h"

/* A "|" and nothing behind it. */
bool recipe_pipe_is_bare(const RecipeNode *node);

/*
 * A "|" without a program is standard output, which only a person has: for Postfix the mail would
 * be gone. *ret_succeeded false: there is none, or it is closed.
 */
bool recipe_pipe_print(RecipeRun *run, const RecipeFlags *flags, bool copies, unsigned line,
                       bool *ret_succeeded, Status *st);

/* A call that is ready. All is borrowed. */
typedef struct {
	const GPtrArray *argv; /* char *, NULL ends it */
	const char *shown;     /* as the log shows it where it is run */
	const char *blamed;    /* and where it fails */
	const char *lock;      /* a lock file; NULL: none */
} RecipePipeCall;

/*
 * The plan gets the program, or the note that it ran. *ret_succeeded false: it ran and failed.
 */
bool
recipe_pipe_call(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags,
                 const RecipePipeCall *call, GString *taken_input, bool *ret_succeeded, Status *st);

/*
 * The action of a recipe. The program still finds the LASTFOLDER of the recipes before it. Faults
 * as recipe_plan_add().
 */
bool recipe_pipe_do(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags,
                    GString *taken_input, bool *ret_succeeded, Status *st);

#endif

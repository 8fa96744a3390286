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

/*
 * Must a program run now, because the next recipes depend on its end? Without w they do where it
 * could leave a part of the mail unread; what fits into a pipe is written in any case. Who only
 * looks takes its success for granted.
 */
bool recipe_pipe_runs_now(const RecipeRun *run, const RecipeFlags *flags, const GString *input);

/*
 * The plan gets the program, or the note that it ran; the program still finds the LASTFOLDER of the
 * recipes before it.
 */
bool recipe_pipe_do(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags,
                    GString *taken_input, bool *ret_succeeded, Status *st);

#endif

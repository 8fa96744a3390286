/* SPDX-License-Identifier: MIT */
/*
 * recipe-program: the programs of recipes: with the shell where SHELLMETAS says so, else word by
 * word. Run by the agent's service.
 */
#ifndef TODOKE_RECIPE_PROGRAM_H
#define TODOKE_RECIPE_PROGRAM_H

#include "filters/recipe/lang/recipe-flags.h"
#include "filters/recipe/run/recipe-run.h"

/* Does SHELLMETAS ask for the shell? */
bool recipe_program_has_shell(const RecipeRun *run, const char *command);

/*
 * The arguments of `command`, the program first. Caller owns the array of char *, which ends in
 * NULL. Asked for once a call: what stands in backquotes runs each time.
 */
GPtrArray *recipe_program_argv(RecipeRun *run, const char *command);

/* The command as LASTFOLDER names it. Caller frees. */
char *recipe_program_name(const GPtrArray *argv);

/*
 * The command as procmail's log complains of it: a line of the shell, or the name of the program.
 * Caller frees.
 */
char *recipe_program_blamed(const RecipeRun *run, const char *command, const GPtrArray *argv);

/* The command as the log shows it where it is run. Caller frees. */
char *recipe_program_shown(const RecipeRun *run, const char *command, const GPtrArray *argv);

/*
 * A call that is ready, `shown` as the log shows it. Faults as recipe_program_run(). Caller unrefs
 * ret_result->output.
 */
bool
recipe_program_call_argv(RecipeRun *run, const GPtrArray *argv, const char *shown,
                         const GString *input, const char *lock, FilterProgramResult *ret_result);

/*
 * Run `command` over `input`, holding the lock file `lock` (NULL: none). False: it could not run; a
 * note says why. *ret_output (may be NULL) is what it printed.
 */
bool recipe_program_run(RecipeRun *run, const char *command, const GString *input, const char *lock,
                        int *ret_exit_code, GBytes **ret_output);

/*
 * The same where no program may run: false, and no note, unless the agent itself can tell what it
 * would do.
 */
bool recipe_program_inside(RecipeRun *run, const GPtrArray *argv, const GString *input,
                           const char *lock, int *ret_exit_code);

/* Would the program be found? Asked where it may not run. */
bool recipe_program_is_there(RecipeRun *run, const GPtrArray *argv);

/* What `command` prints over the whole mail; "" where it cannot run. Sets $?. Caller frees. */
char *recipe_program_capture(RecipeRun *run, const char *command);

/*
 * The lock file that a recipe with a program asks for; NULL: none. Without a name it is made from
 * what the command writes to, as procmail does it. Caller frees.
 */
char *recipe_program_lock(const RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags);

/*
 * A program's line as it stands behind its sign: the shell and the log get the blanks too. Caller
 * frees.
 */
char *recipe_program_command(const RecipeNode *node);

/*
 * Did a program that has ended fail, by the flags of its recipe? procmail's log has always said so
 * in these words. A filter or pipe that was killed has failed whatever the flags say: the mail
 * would be cut short or lost.
 */
bool recipe_program_has_failed(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags,
                               const char *name, const FilterProgramResult *result);

#endif

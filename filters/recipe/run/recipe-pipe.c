/* SPDX-License-Identifier: MIT */
/* recipe-pipe: whether a program runs now or with the plan. */
#include "filters/recipe/run/recipe-pipe.h"

#include "agent/base/child.h"
#include "agent/plan/plan-program.h"
#include "filters/recipe/run/recipe-log.h"
#include "filters/recipe/run/recipe-plan.h"
#include "filters/recipe/run/recipe-program.h"

#include <string.h>

bool
recipe_pipe_is_bare(const RecipeNode *node)
{
	return node->action_kind == RECIPE_ACTION_PROGRAM && node->name == NULL &&
	       *node->action.text == '\0';
}

bool
recipe_pipe_print(RecipeRun *run, const RecipeFlags *flags, bool copies, unsigned line,
                  bool *ret_succeeded, Status *st)
{
	const FilterRecipes *services = run->env->recipes;
	GString *bytes = recipe_mail_bytes(run->state->mail, flags->feeds, flags->raw);

	recipe_plan_last_folder(run, "|");
	*ret_succeeded = services->write_output != NULL &&
	                 services->write_output(run->env, bytes->str, bytes->len);
	if (!*ret_succeeded) {
		g_string_free(bytes, TRUE);
		recipe_run_note(run, line, "there is no standard output for the mail here");
		return true;
	}

	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	g_ptr_array_add(argv, (gpointer) "standard output");
	g_ptr_array_add(argv, NULL);

	g_autoptr(PlanAction) action = recipe_plan_program(run, argv, line, bytes);
	plan_program_of(action)->done = true;
	action->copy = copies;

	return recipe_plan_add(run, g_steal_pointer(&action), st);
}

static bool
is_of_name(char c, const char *others)
{
	return g_ascii_isalnum(c) || (c != '\0' && strchr(others, c) != NULL);
}

/*
 * Does a word have `name`, and not as a part of a longer one, which has letters, digits and
 * `others`?
 */
static bool
says(const GPtrArray *argv, const char *name, const char *others)
{
	size_t len = strlen(name);

	for (guint i = 0; argv->pdata[i] != NULL; i++) {
		const char *word = argv->pdata[i];
		for (const char *at = word; (at = strstr(at, name)) != NULL; at++) {
			bool begins = at == word || !is_of_name(at[-1], others);
			if (begins && !is_of_name(at[len], others))
				return true;
		}
	}

	return false;
}

/*
 * Is the program for the file that LASTFOLDER names, by its name or by a variable that has it
 * (LASTFOLDER, MATCH)? It is there when the plan is carried out: what moves it to cur/ to mark it
 * as read runs then, whatever its flags.
 */
static bool
needs_pending_file(const RecipeRun *run, const GPtrArray *argv)
{
	const char *last = recipe_vars_text(run->state->vars, "LASTFOLDER"),
		   *slash = strrchr(last, '/');
	const char *file = slash != NULL ? slash + 1 : last;
	bool is_numbered_later = strcmp(file, ".") == 0; /* in an MH folder */
	if (!run->state->is_pending || *file == '\0' || is_numbered_later)
		return false;

	g_auto(GStrv) variables = recipe_vars_environment(run->state->vars);
	bool is_named = says(argv, file, "._-");
	for (char **variable = variables; *variable != NULL && !is_named; variable++) {
		char *value = strchr(*variable, '=');
		*value = '\0';
		is_named = strstr(value + 1, file) != NULL && says(argv, *variable, "_");
	}

	return is_named;
}

/*
 * Must a program run now, because the next recipes depend on its end? Without w they do where it
 * could leave a part of the mail unread; what fits into a pipe is written in any case. Who only
 * looks takes its success for granted.
 */
static bool
end_matters(const RecipeFlags *flags, const GString *input)
{
	return flags->waits || (!flags->ignores_write_errors && input->len > CHILD_PIPE_OCTETS);
}

/* Run it to its end. False: it failed. */
static bool
run_now(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags,
        const RecipePipeCall *call, const GString *input)
{
	enum { DID_NOT_RUN = 127 };
	FilterProgramResult result = { .exit_code = DID_NOT_RUN };
	bool ran = recipe_program_call_argv(run, call->argv, call->shown, input, call->lock,
	                                    &result);
	g_clear_pointer(&result.output, g_bytes_unref);

	if (flags->waits)
		run->state->exit_code = result.exit_code;
	return ran && !recipe_program_has_failed(run, node, flags, call->blamed, &result);
}

/* The end of a program that cannot be found. */
static bool
would_fail_as_missing(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags,
                      const RecipePipeCall *call, const GString *input)
{
	enum { NOT_FOUND = 127 };
	const FilterProgramResult result = { .exit_code = NOT_FOUND,
		                             .unread = input->len > CHILD_PIPE_OCTETS };

	if (flags->waits)
		run->state->exit_code = NOT_FOUND;
	return recipe_program_has_failed(run, node, flags, call->blamed, &result);
}

/*
 * Who only looks runs nothing, and is told where that matters: what the agent itself knows how to
 * answer, and whether the program would be found, decide.
 */
static bool
look_inside(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags,
            const RecipePipeCall *call, const GString *input, bool *ret_ran)
{
	int exit_code = 0;
	*ret_ran = flags->waits &&
	           recipe_program_inside(run, call->argv, input, call->lock, &exit_code);
	if (*ret_ran) {
		run->state->exit_code = exit_code;
		return exit_code == 0;
	}

	if (!end_matters(flags, input))
		return true;
	if (!recipe_program_is_there(run, call->argv))
		return !would_fail_as_missing(run, node, flags, call, input);

	g_autofree char *shown = g_strdup(call->shown);
	g_autofree char *text = g_strdup_printf(
		"'%s' is not run here: it is taken to end well, and a delivery asks how it ends",
		g_strstrip(shown));
	filter_note(run->env, recipe_run_file(run), node->action.line, text);
	return true;
}

bool
recipe_pipe_call(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags,
                 const RecipePipeCall *call, GString *taken_input, bool *ret_succeeded, Status *st)
{
	bool may_run = run->env->recipes->run_command != NULL;
	bool ran = may_run && end_matters(flags, taken_input) &&
	           !needs_pending_file(run, call->argv);

	*ret_succeeded = true;
	if (ran)
		*ret_succeeded = run_now(run, node, flags, call, taken_input);
	else if (!may_run)
		*ret_succeeded = look_inside(run, node, flags, call, taken_input, &ran);

	g_autoptr(PlanAction)
		action = recipe_plan_program(run, call->argv, node->line, taken_input);
	recipe_plan_set_program(action, flags, ran, call->lock);

	return !*ret_succeeded || recipe_plan_add(run, g_steal_pointer(&action), st);
}

bool
recipe_pipe_do(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags,
               GString *taken_input, bool *ret_succeeded, Status *st)
{
	g_autofree char *lock = recipe_program_lock(run, node, flags),
			*command = recipe_program_command(node);
	g_autoptr(GPtrArray) argv = recipe_program_argv(run, command);
	g_autofree char *name = recipe_program_name(argv),
			*shown = recipe_program_shown(run, command, argv),
			*blamed = recipe_program_blamed(run, command, argv);
	const RecipePipeCall call = { argv, shown, blamed, lock };

	bool done = recipe_pipe_call(run, node, flags, &call, taken_input, ret_succeeded, st);
	recipe_plan_last_folder(run, name);

	return done;
}

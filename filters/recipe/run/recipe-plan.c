/* SPDX-License-Identifier: MIT */
/* recipe-plan: entries of the plan. */
#include "filters/recipe/run/recipe-plan.h"

#include "agent/plan/plan-program.h"
#include "filters/recipe/run/recipe-log.h"
#include "filters/recipe/run/recipe-program.h"

bool
recipe_plan_add(RecipeRun *run, PlanAction *taken, Status *st)
{
	if (!taken->copy && taken->kind != PLAN_DISCARD)
		run->state->keeps = true;
	return plan_add(run->plan, taken, st);
}

bool
recipe_plan_take_mail(const RecipeRun *run, PlanAction *action, RecipeParts parts, Status *st)
{
	const FilterInput *input = run->input;

	if (!recipe_mail_is_original(run->state->mail) || parts != RECIPE_BOTH) {
		action->message = recipe_mail_message(run->state->mail, parts, st);
		action->edited_at = g_strdup(run->state->edited_at);
		return action->message != NULL;
	}

	if (input->headers != message_headers(input->message))
		action->headers = headers_ref(input->headers);
	return true;
}

void
recipe_plan_last_folder(const RecipeRun *run, const char *name)
{
	run->state->is_maildir = run->state->is_directory = run->state->is_pending = false;
	recipe_log_set(run, "LASTFOLDER", name);
}

PlanAction *
recipe_plan_program(RecipeRun *run, const GPtrArray *argv, unsigned line, GString *taken_input)
{
	PlanAction *action = plan_action_new(PLAN_PIPE, recipe_run_file(run), line);
	PlanProgram *program = plan_program_of(action);

	program->name = g_strdup(argv->pdata[0] != NULL ? argv->pdata[0] : "");
	program->args = g_ptr_array_new_with_free_func(g_free);
	for (guint n = 1; n + 1 < argv->len; n++) /* without the NULL */
		g_ptr_array_add(program->args, g_strdup(argv->pdata[n]));
	program->directory = g_strdup(run->state->folder);
	program->input = g_string_free_to_bytes(taken_input);

	char **environment = recipe_vars_environment(run->state->vars);
	program->environment = g_ptr_array_new_with_free_func(g_free);
	for (char **item = environment; *item != NULL; item++)
		g_ptr_array_add(program->environment, *item);
	g_free(environment);

	return action;
}

void
recipe_plan_set_program(PlanAction *action, const RecipeFlags *flags, bool done, const char *lock)
{
	PlanProgram *program = plan_program_of(action);

	action->copy = flags->copies;
	program->may_fail = !flags->waits;
	program->must_read = !flags->ignores_write_errors;
	program->done = done;
	program->lock = g_strdup(lock);
}

bool
recipe_plan_trap(RecipeRun *run, const char *command, Status *st)
{
	GString *input = recipe_mail_bytes(run->state->mail, RECIPE_BOTH, false);
	g_autoptr(GPtrArray) argv = recipe_program_argv(run, command);
	g_autoptr(PlanAction) action = recipe_plan_program(run, argv, 0, input);

	action->copy = true;
	plan_program_of(action)->may_fail = plan_program_of(action)->is_trap = true;
	return recipe_plan_add(run, g_steal_pointer(&action), st);
}

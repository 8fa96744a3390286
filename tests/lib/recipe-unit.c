/* SPDX-License-Identifier: MIT */
/* recipe-unit: the state that recipe_run makes, without the walk. */
#include "tests/lib/recipe-unit.h"

#include <stdlib.h>
#include <string.h>

static bool
run_command(FilterEnv *env, const FilterCommandCall *call, FilterProgramResult *ret_result,
            Status *st)
{
	(void) env, (void) st;
	const char *word = call->argv[1] != NULL ? call->argv[1] : "";
	bool says = strcmp(call->argv[0], "say") == 0;

	ret_result->exit_code = says ? 0 : atoi(word);
	ret_result->output = says ? g_bytes_new(word, strlen(word)) : g_bytes_new(NULL, 0);
	return true;
}

void
recipe_unit_init(RecipeUnit *unit, const char *mail, const char *const *args)
{
	static const FilterServices services = { .note = NULL };
	static const FilterRecipes recipes = { .run_command = run_command };
	g_auto(Status) st = STATUS_INIT;

	memset(unit, 0, sizeof *unit);
	unit->env = (FilterEnv){ .services = &services,
		                 .recipes = &recipes,
		                 .conf = conf_default(),
		                 .trace_level = -1 };
	unit->input.message = message_from_bytes(mail, strlen(mail), &st);
	unit->input.headers = message_headers(unit->input.message);
	unit->input.user = "me";

	RecipeState *state = g_new0(RecipeState, 1);
	state->vars = recipe_vars_new();
	state->mail = recipe_mail_read(&unit->input, &unit->env, &st);
	state->frames = g_array_new(FALSE, FALSE, sizeof(RecipeFrame));
	state->args = g_ptr_array_new_with_free_func(g_free);
	state->folder = g_strdup("");
	for (; args != NULL && *args != NULL; args++)
		g_ptr_array_add(state->args, g_strdup(*args));

	unit->run = (RecipeRun){ .input = &unit->input,
		                 .env = &unit->env,
		                 .plan = plan_new(),
		                 .file = "unit",
		                 .state = state,
		                 .has_body = true };
}

void
recipe_unit_clear(RecipeUnit *unit)
{
	RecipeState *state = unit->run.state;

	recipe_vars_free(state->vars);
	recipe_mail_unref(state->mail);
	g_array_unref(state->frames);
	g_ptr_array_unref(state->args);
	g_free(state->folder);
	g_free(state);
	plan_free(unit->run.plan);
	message_unref(unit->input.message);
}

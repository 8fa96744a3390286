/* SPDX-License-Identifier: MIT */
/* recipe-program: builds the call. */
#include "filters/recipe/run/recipe-program.h"

#include "agent/base/limits.h"
#include "filters/recipe/run/recipe-expand.h"
#include "filters/recipe/run/recipe-formail.h"
#include "filters/recipe/run/recipe-log.h"

#include <string.h>

bool
recipe_program_has_shell(const RecipeRun *run, const char *command)
{
	return strpbrk(command, recipe_vars_text(run->state->vars, "SHELLMETAS")) != NULL;
}

GPtrArray *
recipe_program_argv(RecipeRun *run, const char *command)
{
	const RecipeVars *vars = run->state->vars;
	GPtrArray *argv;

	if (recipe_program_has_shell(run, command)) {
		argv = g_ptr_array_new_with_free_func(g_free);
		g_ptr_array_add(argv, g_strdup(recipe_vars_text(vars, "SHELL")));
		g_ptr_array_add(argv, g_strdup(recipe_vars_text(vars, "SHELLFLAGS")));
		g_ptr_array_add(argv, g_strdup(command));
	} else {
		argv = recipe_expand_arguments(run, command);
	}

	g_ptr_array_add(argv, NULL);
	return argv;
}

char *
recipe_program_name(const GPtrArray *argv)
{
	bool shell = argv->len == 4 && argv->pdata[1] != NULL &&
	             g_str_has_prefix(argv->pdata[1], "-c");
	return shell ? g_strdup(argv->pdata[2]) : g_strjoinv(" ", (char **) argv->pdata);
}

/* A formail of the owner's own, before the system's in PATH, is another program. */
static bool
is_formail(const RecipeRun *run, const GPtrArray *argv)
{
	const FilterRecipes *services = run->env->recipes;
	if (argv->len < 2 || !recipe_formail_is(argv->pdata[0]))
		return false;
	if (*(const char *) argv->pdata[0] == '/')
		return true;

	g_auto(GStrv) folders = g_strsplit(recipe_vars_text(run->state->vars, "PATH"), ":", -1);
	for (char **folder = folders; *folder != NULL; folder++) {
		if (strcmp(*folder, "/usr/bin") == 0)
			return true;
		g_autofree char *path = g_build_filename(*folder, "formail", NULL);
		PathAnswer answer = services->path_kind != NULL
		                            ? services->path_kind(run->env, path)
		                            : PATH_UNKNOWN;
		if (**folder != '/' || answer != PATH_MISSING)
			return false;
	}

	return false;
}

/* formail -D, answered by the agent: formail would remember the id before the mail is safe. */
static bool
ask_for_id(RecipeRun *run, const GPtrArray *argv, const GString *input, const char *lock,
           int *ret_exit_code)
{
	const FilterRecipes *services = run->env->recipes;
	RecipeFormailId asked;
	if (services->id_seen == NULL ||
	    !recipe_formail_id((const char *const *) argv->pdata, input, &asked))
		return false;

	g_autofree char *path = recipe_run_path(run, asked.cache), *id = asked.id;
	const FilterIdCall call = { path, asked.max, id, lock };
	bool seen;
	if (!services->id_seen(run->env, &call, &seen))
		return false;

	*ret_exit_code = !seen;
	return true;
}

char *
recipe_program_blamed(const RecipeRun *run, const char *command, const GPtrArray *argv)
{
	if (recipe_program_has_shell(run, command))
		return g_strdup(command);
	return g_strdup(argv->pdata[0] != NULL ? argv->pdata[0] : "");
}

char *
recipe_program_shown(const RecipeRun *run, const char *command, const GPtrArray *argv)
{
	return recipe_program_has_shell(run, command) ? g_strdup(command)
	                                              : g_strjoinv(",", (char **) argv->pdata);
}

/* formail without a process, where it is certain what it would do. */
static bool
run_formail(RecipeRun *run, const GPtrArray *argv, const GString *input, const char *lock,
            FilterProgramResult *ret_result)
{
	GString *output = NULL;
	int exit_code = 0;
	if (!is_formail(run, argv) ||
	    (!recipe_formail((const char *const *) argv->pdata, input, &output) &&
	     !ask_for_id(run, argv, input, lock, &exit_code)))
		return false;

	if (output == NULL)
		output = g_string_new(NULL);
	*ret_result = (FilterProgramResult){ .exit_code = exit_code,
		                             .output = g_string_free_to_bytes(output) };
	return true;
}

bool
recipe_program_inside(RecipeRun *run, const GPtrArray *argv, const GString *input, const char *lock,
                      int *ret_exit_code)
{
	FilterProgramResult result;
	if (is_formail(run, argv) &&
	    recipe_formail_lacks_id((const char *const *) argv->pdata, input)) {
		*ret_exit_code = 1;
		return true;
	}

	if (!run_formail(run, argv, input, lock, &result))
		return false;

	*ret_exit_code = result.exit_code;
	g_bytes_unref(result.output);
	return true;
}

bool
recipe_program_is_there(RecipeRun *run, const GPtrArray *argv)
{
	g_auto(GStrv) environment = recipe_vars_environment(run->state->vars);
	const FilterCommandCall call = {
		.argv = (const char *const *) argv->pdata,
		.environment = (const char *const *) environment,
		.directory = run->state->folder,
	};

	if (argv->len == 1)
		return false;
	return run->env->recipes->command_exists == NULL ||
	       run->env->recipes->command_exists(run->env, &call);
}

bool
recipe_program_call_argv(RecipeRun *run, const GPtrArray *argv, const char *shown,
                         const GString *input, const char *lock, FilterProgramResult *ret_result)
{
	recipe_log_say(run, "Executing \"%s\"", shown);
	if (run_formail(run, argv, input, lock, ret_result))
		return true;

	if (argv->len == 1) { /* variables that are empty: as a program that is not there */
		*ret_result = (FilterProgramResult){ .exit_code = 127,
			                             .output = g_bytes_new(NULL, 0) };
		return true;
	}

	g_auto(GStrv) environment = recipe_vars_environment(run->state->vars);
	g_auto(Status) fault = STATUS_INIT;
	const FilterCommandCall call = {
		.argv = (const char *const *) argv->pdata,
		.environment = (const char *const *) environment,
		.directory = run->state->folder,
		.input = input->str,
		.input_len = input->len,
		.output_limit = LIMIT_RECIPE_MESSAGE_BYTES,
		.lock = lock,
	};
	bool ran = run->env->recipes->run_command != NULL &&
	           run->env->recipes->run_command(run->env, &call, ret_result, &fault);
	if (!ran)
		recipe_run_note(run, 0, "program '%s' did not run: %s", shown,
		                fault.detail != NULL ? fault.detail : "programs are not run here");

	return ran;
}

bool
recipe_program_run(RecipeRun *run, const char *command, const GString *input, const char *lock,
                   int *ret_exit_code, GBytes **ret_output)
{
	g_autoptr(GPtrArray) argv = recipe_program_argv(run, command);
	g_autofree char *shown = recipe_program_shown(run, command, argv);
	FilterProgramResult result = { 0 };

	if (!recipe_program_call_argv(run, argv, shown, input, lock, &result))
		return false;
	*ret_exit_code = result.exit_code;
	if (ret_output != NULL)
		*ret_output = g_bytes_ref(result.output);
	g_bytes_unref(result.output);

	return true;
}

char *
recipe_program_capture(RecipeRun *run, const char *command)
{
	g_autoptr(GString) input = recipe_mail_bytes(run->state->mail, RECIPE_BOTH, false);
	g_autoptr(GBytes) output = NULL;
	int exit_code = 127;
	bool ran = recipe_program_run(run, command, input, NULL, &exit_code, &output);

	run->state->exit_code = exit_code;
	if (!ran)
		return g_strdup("");

	gsize len;
	const char *data = g_bytes_get_data(output, &len);
	return g_strndup(data != NULL ? data : "", MIN(len, LIMIT_RECIPE_VALUE_BYTES + 1));
}

char *
recipe_program_lock(const RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags)
{
	if (flags->lock != NULL)
		return recipe_run_path(run, flags->lock);
	const char *to = flags->locks ? strstr(node->action.text, ">>") : NULL;
	if (to == NULL)
		return NULL;

	to += strspn(to, "> \t");
	g_autofree char *file = g_strndup(to, strcspn(to, " \t;|&<>()\n"));
	g_autofree char *name = g_strconcat(file, recipe_vars_text(run->state->vars, "LOCKEXT"),
	                                    NULL);

	return *file != '\0' && strpbrk(file, "$`\"'\\*?[") == NULL ? recipe_run_path(run, name)
	                                                            : NULL;
}

char *
recipe_program_command(const RecipeNode *node)
{
	return g_strconcat(node->indent != NULL ? node->indent : "", node->action.text, NULL);
}

/* The first of a shell's exit codes that say that no program was run. */
enum { NOT_RUN = 126 };

bool
recipe_program_has_failed(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags,
                          const char *name, const FilterProgramResult *result)
{
	bool unread = result->unread && !flags->ignores_write_errors;
	bool bad_end = (result->exit_code < 0 && node->name == NULL) ||
	               (flags->waits && result->exit_code != 0);
	if (!unread && !bad_end)
		return false;

	if (unread)
		recipe_log_complain(run, "Error while writing to \"%s\"", name);
	if (bad_end && flags->quiet)
		recipe_log_say(run, "Non-zero exitcode (%d) from \"%s\"", result->exit_code, name);
	else if (bad_end)
		recipe_log_complain(run, "Program failure (%d) of \"%s\"", result->exit_code, name);

	/* with W an answer that the recipe asks for, as formail -D gives it */
	bool is_asked_for = flags->quiet && result->exit_code > 0 && result->exit_code < NOT_RUN;
	if (!unread && is_asked_for)
		return true;
	recipe_run_note(run, node->action.line,
	                unread ? "program '%s' did not read all of the mail (exit code %d)"
	                       : "program '%s' failed with exit code %d",
	                name, result->exit_code);
	return true;
}

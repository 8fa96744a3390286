/* SPDX-License-Identifier: MIT */
/* recipe-output: the mail or a variable is what a program printed. */
#include "filters/recipe/run/recipe-output.h"

#include "filters/recipe/run/recipe-log.h"
#include "filters/recipe/run/recipe-program.h"

#include <sysexits.h>

/*
 * Run a program for what it prints. False: it failed, and the mail and the variables stay as they
 * were. $? is then what the process of procmail that feeds it would have said.
 */
static bool
run_for_output(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags,
               const GString *input, FilterProgramResult *ret_result)
{
	enum { OCTET = 0xff };
	g_autofree char *lock = recipe_program_lock(run, node, flags),
			*command = recipe_program_command(node);
	g_autoptr(GPtrArray) argv = recipe_program_argv(run, command);
	g_autofree char *shown = recipe_program_shown(run, command, argv),
			*name = recipe_program_blamed(run, command, argv);
	if (!recipe_program_call_argv(run, argv, shown, input, lock, ret_result))
		return false;

	if (flags->waits)
		run->state->exit_code = ret_result->exit_code & OCTET;
	if (!recipe_program_has_failed(run, node, flags, name, ret_result))
		return true;

	if (ret_result->unread && !flags->ignores_write_errors)
		run->state->exit_code = EX_IOERR;
	if (node->name == NULL || g_bytes_get_size(ret_result->output) > 0)
		recipe_log_complain(run, "Rescue of unfiltered data succeeded");
	return false;
}

/* A filter that sees the header may change it. */
static void
note_edit(RecipeRun *run, unsigned line)
{
	RecipeState *state = run->state;
	char *all = plan_edited_at(state->edited_at, recipe_run_file(run), line);
	if (all == NULL)
		return;

	g_free(state->edited_at);
	state->edited_at = all;
}

bool
recipe_output_filter(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags,
                     const GString *input)
{
	FilterProgramResult result = { 0 };
	bool worked = run_for_output(run, node, flags, input, &result);
	g_autoptr(GBytes) output = result.output;

	if (!worked)
		return false;
	gsize len;
	const char *data = g_bytes_get_data(output, &len);
	if (len == 0) {
		recipe_run_note(
			run, node->action.line,
			"the filter wrote nothing: the mail stays as it was (procmail would lose "
			"it)");
		return false;
	}

	RecipeMail *filtered = recipe_mail_filtered(run->state->mail, flags->feeds, data, len);
	recipe_mail_unref(run->state->mail);
	run->state->mail = filtered;
	if ((flags->feeds & RECIPE_HEADER) != 0)
		note_edit(run, node->line);

	return true;
}

bool
recipe_output_capture(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags,
                      const GString *input, Status *st)
{
	FilterProgramResult result = { 0 };

	recipe_log_say(run, "Assigning \"%s=\"", node->name);
	bool worked = run_for_output(run, node, flags, input, &result);
	g_autoptr(GBytes) output = result.output;
	if (!worked)
		return false;

	gsize len;
	const char *data = g_bytes_get_data(output, &len);
	if (len > 0 && data[len - 1] == '\n')
		len--;

	g_autofree char *value = g_strndup(data != NULL ? data : "", len);
	return recipe_run_take_value(run, node->name, value, node->line, st);
}

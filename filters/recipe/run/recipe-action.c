/* SPDX-License-Identifier: MIT */
/* recipe-action: which kind it is. */
#include "filters/recipe/run/recipe-action.h"

#include "filters/recipe/run/recipe-forward.h"
#include "filters/recipe/run/recipe-log.h"
#include "filters/recipe/run/recipe-output.h"
#include "filters/recipe/run/recipe-pipe.h"
#include "filters/recipe/run/recipe-store.h"

static bool
do_program(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags, bool *ret_succeeded,
           Status *st)
{
	if (recipe_pipe_is_bare(node))
		return recipe_pipe_print(run, flags, flags->copies, node->action.line,
		                         ret_succeeded, st);
	GString *input = recipe_mail_bytes(run->state->mail, flags->feeds, flags->raw);
	if (!flags->filters && node->name == NULL)
		return recipe_pipe_do(run, node, flags, input, ret_succeeded, st);

	g_auto(Status) fault = STATUS_INIT;
	*ret_succeeded = node->name != NULL ? recipe_output_capture(run, node, flags, input, &fault)
	                                    : recipe_output_filter(run, node, flags, input);
	g_string_free(input, TRUE);
	status_move(st, &fault);

	return st->id == STATUS_OK;
}

bool
recipe_action_do(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags,
                 bool *ret_succeeded, Status *st)
{
	bool done = node->action_kind == RECIPE_ACTION_FOLDER
	                    ? recipe_store_do(run, node, flags, ret_succeeded, st)
	            : node->action_kind == RECIPE_ACTION_FORWARD
	                    ? recipe_forward_do(run, node, flags, ret_succeeded, st)
	                    : do_program(run, node, flags, ret_succeeded, st);
	bool answers = node->action_kind == RECIPE_ACTION_PROGRAM &&
	               (flags->filters || node->name != NULL) && !recipe_pipe_is_bare(node);

	if (done && *ret_succeeded && !answers)
		recipe_log_abstract(run, node, flags);
	if (done && *ret_succeeded && !answers && !flags->copies)
		run->state->delivered = run->state->ended = true;
	return done;
}

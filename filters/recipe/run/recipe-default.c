/* SPDX-License-Identifier: MIT */
/* recipe-default: DEFAULT, ORGMAIL, and what is left where neither takes the mail. */
#include "filters/recipe/run/recipe-default.h"

#include "filters/recipe/run/recipe-log.h"
#include "filters/recipe/run/recipe-pipe.h"
#include "filters/recipe/run/recipe-plan.h"
#include "filters/recipe/run/recipe-store.h"

#include <string.h>
#include <sysexits.h>

/* Is this where the implicit keep stores? */
static bool
is_inbox(const RecipeRun *run, const char *folder)
{
	const FilterRecipes *services = run->env->recipes;
	const char *inbox = services->recipe_variable != NULL
	                            ? services->recipe_variable(run->env, "INBOX")
	                            : NULL;
	return inbox != NULL && strcmp(inbox, folder) == 0;
}

/* Mail that no recipe filed stays with the plan: other scripts may have a rule for it. */
static bool
leave_to_keep(RecipeRun *run, Status *st)
{
	if (!recipe_mail_is_original(run->state->mail)) {
		g_autoptr(Message) message = recipe_mail_message(run->state->mail, RECIPE_BOTH, st);
		if (message == NULL)
			return false;
		plan_set_keep_state(run->plan, NULL, message_headers(message), message);
		plan_set_keep_rules(run->plan, (PlanSource){ NULL, 0 }, run->state->edited_at);
	}

	plan_set_implicit_keep(run->plan, true);
	run->state->keeps = true;
	return true;
}

/* Store where DEFAULT or ORGMAIL says; *ret_stored tells whether that is possible. */
static bool
store_by_default(RecipeRun *run, const char *folder, const RecipeFlags *flags, bool *ret_stored,
                 Status *st)
{
	*ret_stored = *folder != '|' || run->has_body;
	if (*folder == '|')
		return !run->has_body || recipe_pipe_print(run, flags, false, 0, ret_stored, st);

	if (!run->state->is_clone && is_inbox(run, folder)) {
		recipe_plan_last_folder(run, folder);
		run->state->is_maildir = true;
		return leave_to_keep(run, st);
	}

	g_autoptr(GPtrArray) words = g_ptr_array_new();
	g_ptr_array_add(words, (gpointer) folder);
	if (!recipe_store_to(run, words, flags, 0, ret_stored, st))
		return false;

	if (!*ret_stored)
		recipe_plan_last_folder(run, folder);
	return true;
}

/* Has the door said so? */
static bool
asks_door(const RecipeRun *run, const char *what)
{
	const FilterRecipes *services = run->env->recipes;
	return services->recipe_variable != NULL &&
	       services->recipe_variable(run->env, what) != NULL;
}

/*
 * Neither DEFAULT nor ORGMAIL takes the mail: the INBOX does, or, where all is to be as with
 * procmail -t, Postfix keeps it. procmail without -t refuses it: so do we, but only for a person
 * who reads the answer.
 */
static bool
cannot_store(RecipeRun *run, Status *st)
{
	recipe_run_note(run, 0, "neither DEFAULT nor ORGMAIL can be stored to");
	if ((!run->strict && !asks_door(run, "FILTER_")) || run->state->is_clone) {
		g_autoptr(PlanAction) keep = plan_action_new(PLAN_KEEP, run->file, 0);
		return recipe_plan_take_mail(run, keep, RECIPE_BOTH, st) &&
		       recipe_plan_add(run, g_steal_pointer(&keep), st);
	}

	bool by_hand = asks_door(run, "BY_HAND_");
	g_autoptr(PlanAction)
		action = plan_action_new(by_hand ? PLAN_REJECT : PLAN_DEFER, run->file, 0);
	action->text = g_strdup(
		"neither DEFAULT nor ORGMAIL of the recipient's rules can be stored to");
	action->answer = by_hand ? STATUS_RULE_NO_PLACE : STATUS_MAILBOX;
	run->state->failed_code = by_hand ? EX_CANTCREAT : EX_TEMPFAIL;

	return plan_add(run->plan, g_steal_pointer(&action), st);
}

bool
recipe_default_store(RecipeRun *run, Status *st)
{
	static const char *const names[] = { "DEFAULT", "ORGMAIL" };
	static const RecipeNode to_folder = { .action_kind = RECIPE_ACTION_FOLDER };
	g_auto(RecipeFlags) flags = { .feeds = RECIPE_BOTH };
	bool stored = false;

	for (size_t i = 0; i < G_N_ELEMENTS(names) && !stored; i++) {
		g_autofree char *folder = g_strdup(recipe_vars_text(run->state->vars, names[i]));
		if (*folder != '\0' && !store_by_default(run, folder, &flags, &stored, st))
			return false;
	}

	if (!stored)
		return cannot_store(run, st);
	recipe_log_abstract(run, &to_folder, &flags);
	return true;
}

/* SPDX-License-Identifier: MIT */
/* recipe-forward: whom a forward goes to, and by whom. */
#include "filters/recipe/run/recipe-forward.h"

#include "agent/message/address-list.h"
#include "agent/message/address.h"
#include "filters/recipe/run/recipe-expand.h"
#include "filters/recipe/run/recipe-pipe.h"
#include "filters/recipe/run/recipe-plan.h"

#include <string.h>

/* Those that `text` names, in whatever form. */
static void
add_addresses(const char *text, GPtrArray *addresses)
{
	g_auto(AddressList) list = { 0 };
	address_list_parse(text, strlen(text), ADDRESS_NAMES_RAW, &list);
	for (size_t i = 0; i < list.count; i++)
		if (!list.items[i].is_group && *list.items[i].address != '\0')
			g_ptr_array_add(addresses, g_strdup(list.items[i].address));
}

/*
 * Fields that say who gets the mail (RFC 5322 3.6.3, 3.6.6): those of a resent mail alone, where it
 * is one.
 */
static void
add_recipients_of(const Headers *headers, bool resent, GPtrArray *addresses)
{
	static const char *const names[2][3] = { { "To", "Cc", "Bcc" },
		                                 { "Resent-To", "Resent-Cc", "Resent-Bcc" } };
	for (size_t n = 0; n < G_N_ELEMENTS(names[0]); n++) {
		const HeaderField *field;
		for (size_t at = 0;
		     (field = headers_next(headers, names[resent][n], &at)) != NULL;) {
			g_autofree char *value = header_field_value(field);
			add_addresses(value, addresses);
		}
	}
}

/* sendmail -t. */
static bool
add_header_recipients(const RecipeRun *run, GPtrArray *addresses, Status *st)
{
	g_autoptr(Message) message = recipe_mail_message(run->state->mail, RECIPE_BOTH, st);
	if (message == NULL)
		return false;

	guint before = addresses->len;
	add_recipients_of(message_headers(message), true, addresses);
	if (addresses->len == before)
		add_recipients_of(message_headers(message), false, addresses);

	return true;
}

/* Who gets what sendmail would be called with: its options are not for us, but for -t. */
static bool
forward_addresses(const RecipeRun *run, const GPtrArray *words, GPtrArray *addresses,
                  bool *ret_hides_bcc, Status *st)
{
	static const char *const with_value[] = { "-f", "-r", "-F", "-o", NULL };
	for (guint i = 0; i < words->len; i++) {
		const char *word = words->pdata[i];
		if (*word != '-') {
			add_addresses(word, addresses);
		} else if (strcmp(word, "-t") == 0) {
			*ret_hides_bcc = true;
			if (!add_header_recipients(run, addresses, st))
				return false;
		} else {
			i += g_strv_contains(with_value, word);
		}
	}

	return true;
}

/* Its own words, those of SENDMAILFLAGS, and the recipe's. NULL ends them. */
static GPtrArray *
sendmail_argv(RecipeRun *run, const GPtrArray *words)
{
	GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) flags = recipe_expand_words(run, "$SENDMAILFLAGS");

	g_ptr_array_add(argv, g_strdup(recipe_vars_text(run->state->vars, "SENDMAIL")));
	for (guint i = 0; i < flags->len; i++)
		g_ptr_array_add(argv, g_strdup(flags->pdata[i]));
	for (guint i = 0; i < words->len; i++)
		g_ptr_array_add(argv, g_strdup(words->pdata[i]));
	g_ptr_array_add(argv, NULL);

	return argv;
}

/* The owner has set SENDMAIL: it runs as any other program, and gets no From_ line. */
static bool
call_sendmail(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags,
              const GPtrArray *argv, bool *ret_succeeded, Status *st)
{
	GString *input = recipe_mail_bytes(run->state->mail, flags->feeds, flags->raw);

	if (flags->feeds & RECIPE_HEADER)
		recipe_mail_drop_from(input);
	g_autofree char *lock = flags->lock != NULL ? recipe_run_path(run, flags->lock) : NULL;
	g_autofree char *shown = g_strjoinv(",", (char **) argv->pdata);
	const RecipePipeCall call = { argv, shown, argv->pdata[0], lock };

	return recipe_pipe_call(run, node, flags, &call, input, ret_succeeded, st);
}

/* What sendmail -t sends on says nothing of those who get a blind copy. */
static bool
hide_bcc(PlanAction *action, const RecipeRun *run, Status *st)
{
	if (action->message == NULL)
		action->message = recipe_mail_message(run->state->mail, RECIPE_BOTH, st);
	if (action->message == NULL)
		return false;

	Headers *from = action->headers != NULL ? action->headers
	                                        : message_headers(action->message);
	Headers *headers = headers_new(from, headers_newline(from));
	for (size_t i = 0; i < headers_count(from); i++) {
		const HeaderField *field = headers_get(from, i);
		if (!header_field_is(field, "Bcc") && !header_field_is(field, "Resent-Bcc"))
			headers_append(headers, field);
	}

	headers_unref(action->headers);
	action->headers = headers;
	return true;
}

/* One redirect each: the agent sends them, and keeps the mail where it may not. */
static bool
add_redirects(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags,
              const GPtrArray *addresses, bool hides_bcc, Status *st)
{
	for (guint i = 0; i < addresses->len; i++) {
		g_autoptr(PlanAction)
			action = plan_action_new(PLAN_REDIRECT, recipe_run_file(run), node->line);
		action->copy = flags->copies;
		action->address = g_strdup(addresses->pdata[i]);
		if (!recipe_plan_take_mail(run, action, flags->feeds, st) ||
		    (hides_bcc && !hide_bcc(action, run, st)) ||
		    !recipe_plan_add(run, g_steal_pointer(&action), st))
			return false;
	}
	return true;
}

bool
recipe_forward_do(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags,
                  bool *ret_succeeded, Status *st)
{
	g_autoptr(GPtrArray) words = recipe_expand_words(run, node->action.text),
			     argv = sendmail_argv(run, words);
	g_autoptr(GPtrArray) addresses = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *all = g_strjoinv(" ", (char **) argv->pdata);
	bool hides_bcc = false;

	if (!forward_addresses(run, words, addresses, &hides_bcc, st))
		return false;
	*ret_succeeded = addresses->len > 0;
	if (addresses->len == 0)
		recipe_run_note(run, node->action.line, "the forward names no address");
	else if (strcmp(argv->pdata[0], RECIPE_SENDMAIL) != 0
	                 ? !call_sendmail(run, node, flags, argv, ret_succeeded, st)
	                 : !add_redirects(run, node, flags, addresses, hides_bcc, st))
		return false;

	recipe_plan_last_folder(run, all);
	return true;
}

/* SPDX-License-Identifier: MIT */
/* try-door: see the header. */
#include "agent/cmd/try-door.h"

#include "agent/base/words.h"
#include "agent/cmd/local-command.h"
#include "agent/cmd/setup-plan.h"

#include <stdint.h>
#include <string.h>

const char *
try_door_name(const TryDoor *door)
{
	return door->is_procmail ? "procmail" : "deliver";
}

void
try_door_clear(TryDoor *door)
{
	g_clear_pointer(&door->words, g_free);
}

/* Is this all that the command line asks for: the detail of the address as $1? */
static bool
is_plain(const char *arguments)
{
	g_auto(GStrv) words = NULL;
	if (!g_shell_parse_argv(arguments, NULL, &words, NULL))
		return *arguments == '\0' || arguments[strspn(arguments, " \t")] == '\0';

	for (char **word = words; *word != NULL; word++) {
		bool is_detail = strcmp(*word, "-a") == 0 && g_strcmp0(word[1], "$EXTENSION") == 0;
		if (is_detail)
			word++;
		else if (strcmp(*word, "-t") != 0 && strcmp(*word, "-Y") != 0)
			return false;
	}

	return true;
}

static char *
procmail_words(const char *why, const char *arguments)
{
	g_autofree char *words = g_strdup_printf(
		_("todoke procmail (%s): the owner's recipes run, and no Sieve script"), why);
	return is_plain(arguments)
	               ? g_steal_pointer(&words)
	               : g_strdup_printf(_("%s; what else stands in its command line is not looked "
	                                   "at:%s"),
	                                 words, arguments);
}

static char *
deliver_words(const char *why)
{
	return g_strdup_printf(_("todoke deliver (%s)"), why);
}

/* The command that local(8) runs for this account, if it comes to run one. */
static void
ask_postfix(const char *folder, const char *user, TryDoor *door)
{
	g_auto(Status) unknown = STATUS_INIT;
	g_autofree char *values = NULL;
	g_auto(LocalCommand) local = { 0 };
	g_autoptr(GPtrArray) args = g_ptr_array_new();

	g_ptr_array_add(args, (char *) (uintptr_t) "-x");
	for (const char *const *name = local_command_parameters; *name != NULL; name++)
		g_ptr_array_add(args, (char *) (uintptr_t) *name);
	g_ptr_array_add(args, NULL);
	if (!postfix_facts_postconf(folder, (const char *const *) args->pdata, &values, &unknown)) {
		door->words = deliver_words(
			_("assumed, as there is no Postfix to ask; else say --procmail yes"));
		return;
	}

	g_autoptr(PostfixFacts) facts = postfix_facts_parse(values, "", "");
	facts->folder = g_strdup(folder);
	local_command_find(facts, user, &local);
	const char *arguments = setup_plan_own_procmail(local.command);
	g_autofree char *why = g_strdup_printf(_("Postfix's %s"), local.parameter);

	door->is_procmail = arguments != NULL;
	if (local.unasked != NULL) {
		g_autofree char *words = g_strdup_printf(
			_("assumed, as a table of mailbox_command_maps or "
		          "mailbox_transport_maps cannot be asked: %s; else say --procmail"),
			local.unasked);
		door->words = arguments != NULL ? procmail_words(words, arguments)
		                                : deliver_words(words);
	} else if (door->is_procmail) {
		door->words = procmail_words(why, arguments);
	} else if (strstr(local.command, "todoke") != NULL) {
		door->words = deliver_words(why);
	} else {
		g_autofree char *words = g_strdup_printf(
			_("assumed, as Postfix's %s does not call todoke; else say --procmail yes"),
			local.parameter);
		door->words = deliver_words(words);
	}
}

void
try_door_find(const Account *account, int said, const char *folder, TryDoor *ret_door)
{
	*ret_door = (TryDoor){ .call = { .alone = true }, .is_procmail = said == TRY_PROCMAIL_YES };
	if (said == TRY_PROCMAIL_YES)
		ret_door->words = procmail_words("--procmail yes", "");
	else if (said == TRY_PROCMAIL_NO)
		ret_door->words = deliver_words("--procmail no");
	else if (account->is_system)
		ask_postfix(folder, account->user, ret_door);
}

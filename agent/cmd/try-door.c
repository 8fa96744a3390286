/* SPDX-License-Identifier: MIT */
/* try-door: see the header. */
#include "agent/cmd/try-door.h"

#include "agent/base/words.h"
#include "agent/cmd/postfix-facts.h"
#include "agent/cmd/setup-plan.h"

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

/* What mailbox_command says, if local(8) comes to run it. */
static void
ask_postfix(const char *folder, TryDoor *door)
{
	static const char *const names[] = { "-x", "mailbox_command", "mailbox_transport", NULL };
	g_auto(Status) unknown = STATUS_INIT;
	g_autofree char *values = NULL;

	if (!postfix_facts_postconf(folder, names, &values, &unknown)) {
		door->words = deliver_words(
			_("assumed, as there is no Postfix to ask; else say --procmail yes"));
		return;
	}

	g_autoptr(PostfixFacts) facts = postfix_facts_parse(values, "", "");
	const char *command = postfix_facts_value(facts, "mailbox_command");
	const char *arguments = setup_plan_own_procmail(command);
	bool is_run = *postfix_facts_value(facts, "mailbox_transport") == '\0';
	door->is_procmail = is_run && arguments != NULL;
	if (door->is_procmail)
		door->words = procmail_words(_("Postfix's mailbox_command"), arguments);
	else if (is_run && strstr(command, "todoke") != NULL)
		door->words = deliver_words(_("Postfix's mailbox_command"));
	else
		door->words = deliver_words(_("assumed, as Postfix's mailbox_command does not call "
		                              "todoke; else say --procmail yes"));
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
		ask_postfix(folder, ret_door);
}

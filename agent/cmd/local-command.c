/* SPDX-License-Identifier: MIT */
/* local-command: see the header. */
#include "agent/cmd/local-command.h"

#include "agent/cmd/postfix-aliases.h"

#include <string.h>

static const char transport_maps[] = "mailbox_transport_maps", transport[] = "mailbox_transport",
		  command_maps[] = "mailbox_command_maps", command_of_all[] = "mailbox_command";

const char *const local_command_parameters[] = { transport_maps, transport, command_maps,
	                                         command_of_all, NULL };

void
local_command_clear(LocalCommand *command)
{
	g_clear_pointer(&command->command, g_free);
	g_clear_pointer(&command->unasked, g_free);
}

/* What the first of these tables that knows the account has for it. Caller frees. */
static char *
ask_tables(const PostfixFacts *facts, const char *parameter, const char *user, char **ret_unasked)
{
	g_autoptr(GPtrArray) maps = postfix_list_words(postfix_facts_value(facts, parameter));

	for (guint i = 0; i < maps->len; i++) {
		g_autofree char *why = NULL;
		g_autofree char *found = postfix_map_query(facts, maps->pdata[i], user, &why);
		if (found != NULL && *found != '\0')
			return g_steal_pointer(&found);
		if (why != NULL && *ret_unasked == NULL)
			*ret_unasked = g_steal_pointer(&why);
	}

	return NULL;
}

void
local_command_find(const PostfixFacts *facts, const char *user, LocalCommand *ret)
{
	*ret = (LocalCommand){ .parameter = transport_maps };
	g_autofree char *before = ask_tables(facts, transport_maps, user, &ret->unasked);
	if (before != NULL || *postfix_facts_value(facts, transport) != '\0') {
		ret->parameter = before != NULL ? transport_maps : transport;
		ret->command = g_strdup("");
		return;
	}

	ret->parameter = command_maps;
	ret->command = ask_tables(facts, command_maps, user, &ret->unasked);
	if (ret->command == NULL) {
		ret->parameter = command_of_all;
		ret->command = g_strdup(postfix_facts_value(facts, command_of_all));
	}
}

/* The values of a table, one a line of `postmap -s` behind the key and a tab. */
static bool
any_in_table(const PostfixFacts *facts, const char *map, bool (*is_meant)(const char *command))
{
	g_auto(Status) unlisted = STATUS_INIT;
	g_autofree char *output = NULL;
	const char *const args[] = { "-s", postfix_map_without_proxy(map), NULL };
	if (!postfix_facts_run("postmap", facts->folder, args, &output, &unlisted))
		return false;

	g_auto(GStrv) lines = g_strsplit(output, "\n", -1);
	for (char **line = lines; *line != NULL; line++) {
		const char *tab = strchr(*line, '\t');
		if (tab != NULL && is_meant(tab + 1))
			return true;
	}

	return false;
}

bool
local_command_any(const PostfixFacts *facts, bool (*is_meant)(const char *command))
{
	if (is_meant(postfix_facts_value(facts, command_of_all)))
		return true;

	g_autoptr(GPtrArray) maps = postfix_list_words(postfix_facts_value(facts, command_maps));
	for (guint i = 0; i < maps->len; i++)
		if (any_in_table(facts, maps->pdata[i], is_meant))
			return true;
	return false;
}

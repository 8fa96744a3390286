/* SPDX-License-Identifier: MIT */
/* setup-status: does Postfix make a bounce of what todoke calls temporary? */
#include "agent/cmd/setup-status.h"

#include "agent/cmd/postfix-aliases.h"

#include <string.h>

/* The parameter of the part of Postfix that hears our answer. */
static const char *const filters[SETUP_DOORS] = {
	[SETUP_PIPE] = "pipe_delivery_status_filter",
	[SETUP_LOCAL] = "local_delivery_status_filter",
	[SETUP_LMTP] = "lmtp_delivery_status_filter",
};

/*
 * What the tables of a filter make of a fault, as Postfix asks them: by code and text. Caller
 * frees; NULL: nothing.
 */
static char *
filtered(const PostfixFacts *facts, const GPtrArray *maps, const StatusRow *row)
{
	g_autofree char *key = g_strdup_printf("%s %s", row->dsn, row->text);
	for (guint i = 0; i < maps->len; i++) {
		g_autofree char *why = NULL;
		char *answer = postfix_map_query(facts, maps->pdata[i], key, &why);
		if (answer != NULL)
			return answer;
	}

	return NULL;
}

void
setup_status_plan(SetupPlanner *planner)
{
	const char *name = filters[planner->wish->door];
	g_autoptr(GPtrArray) maps = postfix_list_words(postfix_facts_value(planner->facts, name));

	for (StatusId id = 0; maps->len > 0 && id < STATUS_COUNT; id++) {
		const StatusRow *row = status_row(id);
		g_autofree char *answer = row->dsn[0] == '4' ? filtered(planner->facts, maps, row)
		                                             : NULL;
		if (answer == NULL || answer[0] != '5')
			continue;
		setup_plan_find(
			planner, "status-filter",
			g_strdup_printf(
				"%s (%s) makes '%s' of our '%s %s': what is temporary would bounce",
				name, postfix_facts_value(planner->facts, name), answer, row->dsn,
				row->text),
			setup_plan_set_command(planner, name, ""));
		return;
	}
}

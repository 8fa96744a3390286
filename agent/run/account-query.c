/* SPDX-License-Identifier: MIT */
/* account-query: see the header. */
#include "agent/run/account-query.h"

#include "agent/base/module.h"
#include "agent/run/account-parts.h"

#include <string.h>

/* One connection a process: users come from one source. */
static struct {
	const AccountQueryModule *module;
	char *file; /* of the module */
	AccountQueryLink *link;
	char *where;
} kept;

const AccountQueryModule *
account_query_module(const char *file, Status *st)
{
	if (kept.module != NULL && strcmp(kept.file, file) == 0)
		return kept.module;

	account_query_close(true);
	const AccountQueryModule *module = module_open(file, "account_query_module",
	                                               ACCOUNT_QUERY_VERSION, st);
	if (module == NULL)
		return NULL;
	kept.module = module;
	g_free(kept.file);
	kept.file = g_strdup(file);
	return module;
}

void
account_query_close(bool is_ours)
{
	if (kept.link != NULL)
		kept.module->close(kept.link, is_ours);
	kept.link = NULL;
	g_clear_pointer(&kept.where, g_free);
}

bool
account_query_is_open(const char *module, const char *where)
{
	return kept.link != NULL && strcmp(kept.file, module) == 0 &&
	       strcmp(kept.where, where) == 0;
}

/* A data base that is a file is nothing that could be down. */
static bool
is_server(const AccountQueryTarget *target)
{
	return *target->peer != '/';
}

static bool
open_link(const AccountQueryTarget *target, char **ret_why)
{
	if (account_query_is_open(target->module, target->place.where))
		return true;

	account_query_close(true);
	kept.link = kept.module->open(&target->place, ret_why);
	if (kept.link == NULL)
		return false;
	kept.where = g_strdup(target->place.where);
	if (is_server(target))
		outside_reach(OUTSIDE_USERS, target->peer);
	return true;
}

static bool
ask_once(const AccountQueryTarget *target, const AccountQuery *query, AccountQueryTake *take,
         void *user, bool *ret_lost, char **ret_why)
{
	if (!open_link(target, ret_why)) {
		*ret_lost = true;
		return false;
	}
	if (kept.module->ask(kept.link, query, take, user, ret_lost, ret_why))
		return true;
	account_query_close(true);
	return false;
}

bool
account_query_ask(const AccountQueryTarget *target, const AccountQuery *query,
                  AccountQueryTake *take, void *user, const char *name, Status *st)
{
	g_autofree char *why = NULL;
	bool is_lost = false;
	if (account_query_module(target->module, st) == NULL)
		return false;

	bool was_kept = account_query_is_open(target->module, target->place.where);
	bool done = ask_once(target, query, take, user, &is_lost, &why);
	if (!done && was_kept && is_lost) {
		g_clear_pointer(&why, g_free);
		done = ask_once(target, query, take, user, &is_lost, &why);
	}
	if (done)
		return true;

	const char *words = why != NULL ? g_strchomp(why) : "no reason given";
	status_fail_detail(st, STATUS_LOOKUP, "cannot ask '%s' for a user: %s", target->peer,
	                   words);
	return (is_lost && is_server(target) ? account_fail_silent
	                                     : account_fail_lookup)(target->peer, name, words, st);
}

bool
account_query_take_fields(void *user, const char *const *names, const char *const *values,
                          unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		g_ptr_array_add(user, g_strconcat(names[i], "=", values[i], NULL));
	return true;
}

bool
account_query_take_first(void *user, const char *const *names, const char *const *values,
                         unsigned n)
{
	(void) names;
	if (n > 0)
		g_ptr_array_add(user, g_strdup(values[0]));
	return true;
}

/* SPDX-License-Identifier: MIT */
/* account-list: the source's own list, or its names and a question for each. */
#include "agent/run/account-list.h"

#include "agent/base/limits.h"
#include "agent/run/account-parts.h"
#include "agent/run/account-source.h"

static void
free_account(gpointer account)
{
	account_free(account);
}

bool
account_list_has_room(const GPtrArray *list, Status *st)
{
	return list->len <= LIMIT_LISTED_ACCOUNTS ||
	       status_fail_detail(st, STATUS_LIMIT, "there are more than %u accounts: name some",
	                          LIMIT_LISTED_ACCOUNTS);
}

void
account_list_add(GPtrArray *list, const Conf *conf, Account *taken)
{
	g_autoptr(Account) account = taken;
	g_auto(Status) unknown = STATUS_INIT;
	if (account_set_paths(conf, account, NULL, &unknown))
		g_ptr_array_add(list, g_steal_pointer(&account));
}

/* Of a source that is asked. A user who went away since the list was made is left out. */
static bool
list_names(const AccountSource *source, GPtrArray *list, const Conf *conf, Status *st)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	if (source->ask_names == NULL)
		return status_fail_detail(st, STATUS_CONFIG,
		                          "users = %s has no list of users: name them",
		                          source->name);
	if (!source->ask_names(conf, names, st))
		return false;

	for (guint i = 0; i < names->len && account_list_has_room(list, st); i++) {
		g_auto(Status) unusable = STATUS_INIT;
		Account *account = account_find(conf, names->pdata[i], &unusable);
		if (account != NULL)
			g_ptr_array_add(list, account);
		else if (unusable.id == STATUS_LOOKUP) {
			status_move(st, &unusable);
			return false;
		}
	}

	return account_list_has_room(list, st);
}

GPtrArray *
account_list(const Conf *conf, Status *st)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(free_account);
	const AccountSource *source = account_source_of(conf);
	bool good = source->list != NULL ? source->list(list, conf, st)
	                                 : list_names(source, list, conf, st);

	return good ? g_steal_pointer(&list) : NULL;
}

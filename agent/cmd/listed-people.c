/* SPDX-License-Identifier: MIT */
/* listed-people: who of all accounts is somebody. */
#include "agent/cmd/listed-people.h"

#include "agent/run/account-list.h"

#include <string.h>

/* Where /etc/login.defs does not say which ids are people's. */
enum { FIRST_PERSON = 1000, LAST_PERSON = 60000 };

/* A number of /etc/login.defs. */
static gint64
login_number(const char *text, const char *name, gint64 otherwise)
{
	g_autofree char *line = g_strconcat("\n", name, NULL);
	const char *at = text != NULL ? strstr(text, line) : NULL;

	return at != NULL && g_ascii_isspace(at[strlen(line)])
	               ? g_ascii_strtoll(at + strlen(line), NULL, 10)
	               : otherwise;
}

static int
compare(gconstpointer one, gconstpointer other)
{
	const Account *const *left = one, *const *right = other;
	return strcmp((*left)->user, (*right)->user);
}

GPtrArray *
listed_people(const Conf *conf, Status *st)
{
	g_autofree char *defs = NULL;
	GPtrArray *list = account_list(conf, st);
	if (list == NULL)
		return NULL;

	(void) g_file_get_contents("/etc/login.defs", &defs, NULL, NULL);
	gint64 first = login_number(defs, "UID_MIN", FIRST_PERSON),
	       last = login_number(defs, "UID_MAX", LAST_PERSON);
	for (guint i = list->len; i > 0; i--) {
		const Account *account = list->pdata[i - 1];
		if (account->is_system && (account->uid < first || account->uid > last))
			g_ptr_array_remove_index(list, i - 1);
	}

	g_ptr_array_sort(list, compare);
	return list;
}

/* SPDX-License-Identifier: MIT */
/* users-sqlite-module: users in a file of SQLite, which is only read. */
#include "agent/run/account-query-module.h"

#include "agent/base/limits.h"

#include <sqlite3.h>
#include <stdint.h>
#include <string.h>

struct AccountQueryLink {
	sqlite3 *db;
	gint64 ends; /* of the question, by the monotonic clock */
	gint64 seconds;
};

/* A query that runs on is ended. */
static int
is_over(void *user)
{
	const AccountQueryLink *link = user;
	return g_get_monotonic_time() > link->ends;
}

static void
link_close(AccountQueryLink *link, bool is_ours)
{
	(void) is_ours; /* what is only read leaves no lock behind that another process has */
	sqlite3_close(link->db);
	g_free(link);
}

static AccountQueryLink *
link_open(const AccountQueryPlace *place, char **ret_why)
{
	enum { STEPS = 10000 };
	AccountQueryLink *link = g_new0(AccountQueryLink, 1);
	int rc = sqlite3_open_v2(place->where, &link->db, SQLITE_OPEN_READONLY, NULL);

	link->seconds = place->seconds;
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(link->db, (int) place->seconds * 1000);
	if (rc == SQLITE_OK) {
		sqlite3_progress_handler(link->db, STEPS, is_over, link);
		return link;
	}

	*ret_why = g_strdup(link->db != NULL ? sqlite3_errmsg(link->db) : sqlite3_errstr(rc));
	link_close(link, true);
	return NULL;
}

/* Take the values of a row that are text. NULL, or why it can be none of a user. */
static const char *
give_row(sqlite3_stmt *stmt, AccountQueryTake *take, void *user, bool *ret_goes_on)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	g_autoptr(GPtrArray) values = g_ptr_array_new();
	size_t total = 0;

	for (int i = 0; i < sqlite3_column_count(stmt); i++) {
		const char *value = (const char *) sqlite3_column_text(stmt, i);
		if (value == NULL)
			continue;
		size_t len = (size_t) sqlite3_column_bytes(stmt, i);
		if (strlen(value) != len)
			return "a value has a NUL in it"; /* half a path is no path */
		total += len;
		g_ptr_array_add(names, (char *) (uintptr_t) sqlite3_column_name(stmt, i));
		g_ptr_array_add(values, (char *) (uintptr_t) value);
	}

	if (total > LIMIT_USERS_ANSWER)
		return "the answer is too long";
	*ret_goes_on = take(user, (const char *const *) names->pdata,
	                    (const char *const *) values->pdata, names->len);
	return NULL;
}

static bool
link_ask(AccountQueryLink *link, const AccountQuery *query, AccountQueryTake *take, void *user,
         bool *ret_lost, char **ret_why)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(link->db, query->text, -1, &stmt, NULL);

	link->ends = g_get_monotonic_time() + link->seconds * G_USEC_PER_SEC;
	for (unsigned i = 0; rc == SQLITE_OK && i < query->n_values; i++)
		rc = sqlite3_bind_text(stmt, (int) i + 1, query->values[i], -1, SQLITE_STATIC);

	bool goes_on = rc == SQLITE_OK;
	const char *why = NULL;
	for (unsigned rows = 0; goes_on && rows < query->most; rows++) {
		rc = sqlite3_step(stmt);
		if (rc != SQLITE_ROW)
			break;
		why = give_row(stmt, take, user, &goes_on);
		goes_on = goes_on && why == NULL;
	}

	bool good = why == NULL && (rc == SQLITE_OK || rc == SQLITE_ROW || rc == SQLITE_DONE);
	if (!good)
		*ret_why = g_strdup(why != NULL ? why : sqlite3_errmsg(link->db));
	(void) sqlite3_finalize(stmt);
	*ret_lost = false;
	return good;
}

const void *account_query_module(void);

const void *
account_query_module(void)
{
	static const AccountQueryModule module = {
		.version = ACCOUNT_QUERY_VERSION,
		.sign = '?',
		.open = link_open,
		.ask = link_ask,
		.close = link_close,
	};
	return &module;
}

/* SPDX-License-Identifier: MIT */
/* users-postgresql-module: users in PostgreSQL, by libpq without ever blocking on its socket. */
#include "agent/run/account-query-module.h"

#include "agent/base/limits.h"
#include "agent/base/postgresql-wait.h"

#include <unistd.h>

struct AccountQueryLink {
	PGconn *conn;
	gint64 seconds;
};

static const char *
name_setting(const char *why)
{
	return why == postgresql_too_late ? "no answer in time (users_timeout)" : why;
}

/* In another process the socket must close without a word: the session is not its own. */
static void
link_close(AccountQueryLink *link, bool is_ours)
{
	if (is_ours)
		PQfinish(link->conn);
	else if (PQsocket(link->conn) >= 0)
		(void) close(PQsocket(link->conn));
	g_free(link);
}

static AccountQueryLink *
link_open(const AccountQueryPlace *place, char **ret_why)
{
	const gint64 ends = g_get_monotonic_time() + place->seconds * G_USEC_PER_SEC;
	AccountQueryLink *link = g_new0(AccountQueryLink, 1);

	link->seconds = place->seconds;
	link->conn = PQconnectStart(place->where);
	const char *why = postgresql_wait_connect(link->conn, ends);
	if (why == NULL)
		return link;

	*ret_why = g_strdup(name_setting(why));
	link_close(link, true);
	return NULL;
}

static bool
give_row(const PGresult *result, int row, AccountQueryTake *take, void *user, bool *ret_goes_on)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	g_autoptr(GPtrArray) values = g_ptr_array_new();
	size_t total = 0;

	for (int i = 0; i < PQnfields(result); i++) {
		if (PQgetisnull(result, row, i))
			continue;
		total += (size_t) PQgetlength(result, row, i);
		g_ptr_array_add(names, PQfname(result, i));
		g_ptr_array_add(values, PQgetvalue(result, row, i));
	}

	if (total > LIMIT_USERS_ANSWER)
		return false;
	*ret_goes_on = take(user, (const char *const *) names->pdata,
	                    (const char *const *) values->pdata, names->len);
	return true;
}

static const char *
give_rows(const PGresult *result, unsigned most, AccountQueryTake *take, void *user)
{
	bool goes_on = true;

	for (int i = 0; goes_on && i < PQntuples(result) && (unsigned) i < most; i++)
		if (!give_row(result, i, take, user, &goes_on))
			return "the answer is too long";
	return NULL;
}

/* The results of one query; NULL: all is given. */
static const char *
read_results(AccountQueryLink *link, const AccountQuery *query, gint64 ends, AccountQueryTake *take,
             void *user, PGresult **ret_bad)
{
	const char *why = NULL;

	for (PGresult *result = NULL;; PQclear(result)) {
		const char *fault = postgresql_wait_result(link->conn, ends, &result);
		if (fault != NULL || result == NULL)
			return fault != NULL ? fault : why;
		if (why != NULL)
			continue;
		if (PQresultStatus(result) == PGRES_TUPLES_OK) {
			why = give_rows(result, query->most, take, user);
			continue;
		}
		*ret_bad = result;
		return PQresultErrorMessage(result);
	}
}

static bool
link_ask(AccountQueryLink *link, const AccountQuery *query, AccountQueryTake *take, void *user,
         bool *ret_lost, char **ret_why)
{
	const gint64 ends = g_get_monotonic_time() + link->seconds * G_USEC_PER_SEC;
	PGresult *bad = NULL;
	const char *why = PQsendQueryParams(link->conn, query->text, (int) query->n_values, NULL,
	                                    query->values, NULL, NULL, 0)
	                          ? postgresql_wait_flush(link->conn, ends)
	                          : PQerrorMessage(link->conn);
	if (why == NULL)
		why = read_results(link, query, ends, take, user, &bad);

	*ret_lost = PQstatus(link->conn) == CONNECTION_BAD;
	if (why != NULL)
		*ret_why = g_strdup(name_setting(why));
	PQclear(bad);
	return why == NULL;
}

const void *account_query_module(void);

const void *
account_query_module(void)
{
	static const AccountQueryModule module = {
		.version = ACCOUNT_QUERY_VERSION,
		.sign = '$',
		.open = link_open,
		.ask = link_ask,
		.close = link_close,
	};
	return &module;
}

/* SPDX-License-Identifier: MIT */
/* users-postgresql-module: users in PostgreSQL, by libpq without ever blocking on its socket. */
#include "agent/run/account-query-module.h"

#include "agent/base/limits.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

struct AccountQueryLink {
	PGconn *conn;
	gint64 seconds;
};

static const char too_late[] = "no answer in time (users_timeout)";

static bool
wait_for(PGconn *conn, short events, gint64 ends)
{
	struct pollfd fd = { .fd = PQsocket(conn), .events = events };

	for (;;) {
		gint64 left_ms = (ends - g_get_monotonic_time()) / 1000;
		int ready = left_ms > 0 ? poll(&fd, 1, (int) MIN(left_ms, G_MAXINT)) : 0;
		if (ready >= 0 || errno != EINTR)
			return ready > 0;
	}
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

/* NULL: connected; else why not. */
static const char *
connect_within(PGconn *conn, gint64 ends)
{
	if (PQstatus(conn) == CONNECTION_BAD)
		return PQerrorMessage(conn);

	for (PostgresPollingStatusType state = PGRES_POLLING_WRITING;;) {
		short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
		if (!wait_for(conn, events, ends))
			return too_late;
		state = PQconnectPoll(conn);
		if (state == PGRES_POLLING_FAILED)
			return PQerrorMessage(conn);
		if (state == PGRES_POLLING_OK)
			return NULL;
	}
}

static void
ignore_notice(void *user, const PGresult *result)
{
	(void) user, (void) result;
}

static AccountQueryLink *
link_open(const AccountQueryPlace *place, char **ret_why)
{
	const gint64 ends = g_get_monotonic_time() + place->seconds * G_USEC_PER_SEC;
	AccountQueryLink *link = g_new0(AccountQueryLink, 1);

	link->seconds = place->seconds;
	link->conn = PQconnectStart(place->where);
	const char *why = link->conn != NULL ? connect_within(link->conn, ends) : "out of memory";
	if (why == NULL && PQsetClientEncoding(link->conn, "UTF8") != 0)
		why = PQerrorMessage(link->conn);
	if (why == NULL) {
		(void) PQsetnonblocking(link->conn, 1);
		(void) PQsetNoticeReceiver(link->conn, ignore_notice, NULL);
		return link;
	}

	*ret_why = g_strdup(why);
	link_close(link, true);
	return NULL;
}

/* Send all of it, reading meanwhile what the server says. */
static const char *
flush_within(PGconn *conn, gint64 ends)
{
	int left;

	while ((left = PQflush(conn)) > 0)
		if (!wait_for(conn, POLLIN | POLLOUT, ends))
			return too_late;
		else if (!PQconsumeInput(conn))
			return PQerrorMessage(conn);
	return left < 0 ? PQerrorMessage(conn) : NULL;
}

/* The next result in *ret_result (NULL: there is none left), or why there is none. */
static const char *
next_result(PGconn *conn, gint64 ends, PGresult **ret_result)
{
	while (PQisBusy(conn))
		if (!wait_for(conn, POLLIN, ends))
			return too_late;
		else if (!PQconsumeInput(conn))
			return PQerrorMessage(conn);
	*ret_result = PQgetResult(conn);
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
		const char *fault = next_result(link->conn, ends, &result);
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
	                          ? flush_within(link->conn, ends)
	                          : PQerrorMessage(link->conn);
	if (why == NULL)
		why = read_results(link, query, ends, take, user, &bad);

	*ret_lost = PQstatus(link->conn) == CONNECTION_BAD;
	if (why != NULL)
		*ret_why = g_strdup(why);
	PQclear(bad);
	return why == NULL;
}

const AccountQueryModule *account_query_module(void);

const AccountQueryModule *
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

/* SPDX-License-Identifier: MIT */
/* postgresql-wait: see the header. */
#include "agent/base/postgresql-wait.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>

const char postgresql_too_late[] = "no answer in time";

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

static const char *
finish_connecting(PGconn *conn, gint64 ends)
{
	if (PQstatus(conn) == CONNECTION_BAD)
		return PQerrorMessage(conn);

	for (PostgresPollingStatusType state = PGRES_POLLING_WRITING;;) {
		short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
		if (!wait_for(conn, events, ends))
			return postgresql_too_late;
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

const char *
postgresql_wait_flush(PGconn *conn, gint64 ends)
{
	int left;

	while ((left = PQflush(conn)) > 0)
		if (!wait_for(conn, POLLIN | POLLOUT, ends))
			return postgresql_too_late;
		else if (!PQconsumeInput(conn))
			return PQerrorMessage(conn);
	return left < 0 ? PQerrorMessage(conn) : NULL;
}

const char *
postgresql_wait_result(PGconn *conn, gint64 ends, PGresult **ret_result)
{
	while (PQisBusy(conn))
		if (!wait_for(conn, POLLIN, ends))
			return postgresql_too_late;
		else if (!PQconsumeInput(conn))
			return PQerrorMessage(conn);
	*ret_result = PQgetResult(conn);
	return NULL;
}

/* PQsetClientEncoding would wait for ever. */
static const char *
set_encoding(PGconn *conn, gint64 ends)
{
	const char *known = PQparameterStatus(conn, "client_encoding");
	if (known != NULL && strcmp(known, "UTF8") == 0)
		return NULL;

	bool is_sent = PQsendQuery(conn, "SET client_encoding TO 'UTF8'") == 1, is_set = true;
	const char *why = is_sent ? postgresql_wait_flush(conn, ends) : PQerrorMessage(conn);
	for (PGresult *result = NULL; why == NULL;) {
		why = postgresql_wait_result(conn, ends, &result);
		if (why != NULL || result == NULL)
			break;
		is_set = is_set && PQresultStatus(result) == PGRES_COMMAND_OK;
		PQclear(result);
	}

	return why != NULL || is_set ? why : PQerrorMessage(conn);
}

const char *
postgresql_wait_connect(PGconn *conn, gint64 ends)
{
	const char *why = conn != NULL ? finish_connecting(conn, ends) : "out of memory";
	if (why != NULL)
		return why;

	(void) PQsetnonblocking(conn, 1);
	(void) PQsetNoticeReceiver(conn, ignore_notice, NULL);
	return set_encoding(conn, ends);
}

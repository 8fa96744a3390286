/* SPDX-License-Identifier: MIT */
/*
 * postgresql-wait: libpq without ever blocking on its socket. For modules that speak with
 * PostgreSQL; the program itself is not linked with libpq.
 *
 * `ends` is monotonic microseconds. Each function returns NULL, or why it failed: the words of
 * libpq, borrowed until the connection is used again, or postgresql_too_late.
 */
#ifndef TODOKE_POSTGRESQL_WAIT_H
#define TODOKE_POSTGRESQL_WAIT_H

#include <glib.h>
#include <libpq-fe.h>

extern const char postgresql_too_late[];

/* Go on with PQconnectStart (`conn` may be NULL); then it is in UTF-8 and does not block. */
const char *postgresql_wait_connect(PGconn *conn, gint64 ends);

/* Send all that waits, and read meanwhile what the server says. */
const char *postgresql_wait_flush(PGconn *conn, gint64 ends);

/* The next result in *ret_result, the caller's; NULL: there is none left. */
const char *postgresql_wait_result(PGconn *conn, gint64 ends, PGresult **ret_result);

#endif

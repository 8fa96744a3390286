/* SPDX-License-Identifier: MIT */
/*
 * account-query: asks the data base or directory of a source of users, and keeps the connection for
 * the next question. One that broke since the last question is made anew once.
 */
#ifndef TODOKE_ACCOUNT_QUERY_H
#define TODOKE_ACCOUNT_QUERY_H

#include "agent/run/account-query-module.h"
#include "agent/run/account.h"

/*
 * Which module, and how it is reached. `place` is called only for a new connection; what it returns
 * is borrowed until the next call.
 */
typedef struct {
	const char *module; /* "todoke-users-sqlite.so" */
	const char *peer;   /* for the log: no password in it */
	AccountQueryPlace place;
} AccountQueryTarget;

/* The module, opened once a process. NULL: STATUS_CONFIG (it is not installed). */
const AccountQueryModule *account_query_module(const char *file, Status *st);

/* Ask. `name` is whom for, for the log. Fault: STATUS_LOOKUP, STATUS_CONFIG. */
bool account_query_ask(const AccountQueryTarget *target, const AccountQuery *query,
                       AccountQueryTake *take, void *user, const char *name, Status *st);

/* Is a connection kept? Then nothing that only a new one needs has to be read. */
bool account_query_is_open(const char *module, const char *where);

void account_query_close(bool is_ours);

/* AccountQueryTake: `user` is a GPtrArray that gets the row as "name=value" (char *). */
bool account_query_take_fields(void *user, const char *const *names, const char *const *values,
                               unsigned n);

/* AccountQueryTake: `user` is a GPtrArray that gets the first value of the row (char *). */
bool account_query_take_first(void *user, const char *const *names, const char *const *values,
                              unsigned n);

#endif

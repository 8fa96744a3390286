/* SPDX-License-Identifier: MIT */
/*
 * account-query-module: a data base or a directory in which users are looked up. Its library is in
 * a shared object of ours that is opened on first use (agent/base/module.h). One connection a
 * process, kept until `close`.
 */
#ifndef TODOKE_ACCOUNT_QUERY_MODULE_H
#define TODOKE_ACCOUNT_QUERY_MODULE_H

#include <glib.h>
#include <stdbool.h>

enum { ACCOUNT_QUERY_VERSION = 1 };

typedef struct AccountQueryLink AccountQueryLink;

/* How to reach it. Strings are borrowed. */
typedef struct {
	const char *where; /* path, connection string or URIs */
	unsigned seconds;  /* for connecting, and for one question */
	/* LDAP only */
	const char *bind, *password; /* NULL: anonymous */
	bool start_tls;
} AccountQueryPlace;

/* One question. */
typedef struct {
	const char *text;          /* SQL with placeholders of the data base, or a filter */
	const char *const *values; /* of the placeholders, in their order */
	unsigned n_values;
	const char *base;           /* LDAP: where to search */
	const char *const *columns; /* LDAP: attributes wanted; NULL ends */
	unsigned most;              /* rows that are read */
} AccountQuery;

/*
 * Takes one row: names and values of its columns that are not NULL. An attribute with several
 * values comes several times. False: enough.
 */
typedef bool
AccountQueryTake(void *user, const char *const *names, const char *const *values, unsigned n);

typedef struct {
	unsigned version; /* ACCOUNT_QUERY_VERSION */

	/* "?1" or "$1": how the data base writes its n-th placeholder; 0: it has none. */
	char sign;

	/* NULL: *ret_why (caller frees) says why. */
	AccountQueryLink *(*open)(const AccountQueryPlace *place, char **ret_why);

	/*
	 * Ask; false: *ret_why says why, and *ret_lost whether the connection is gone, so that
	 * another might answer.
	 */
	bool (*ask)(AccountQueryLink *link, const AccountQuery *query, AccountQueryTake *take,
	            void *user, bool *ret_lost, char **ret_why);

	/* `is_ours`: this process has opened it; else only its memory and descriptor go. */
	void (*close)(AccountQueryLink *link, bool is_ours);
} AccountQueryModule;

#endif

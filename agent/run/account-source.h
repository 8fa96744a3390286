/* SPDX-License-Identifier: MIT */
/*
 * account-source: where accounts come from. A source is one file, account-source-NAME.c, with the
 * table account_source_NAME, one row in account-source-table.def, and its word among the choices of
 * the setting users.
 *
 * A source of this host (system, virtual, passwd_file) completes the account itself. A source that
 * is asked (a server, a data base) only returns fields, "name=value"; what they mean is the same
 * for all such sources (account-answer.h), and so are the cache, aliases and the list.
 */
#ifndef TODOKE_ACCOUNT_SOURCE_H
#define TODOKE_ACCOUNT_SOURCE_H

#include "agent/run/account.h"

typedef struct {
	const char
		*name; /* the word of the setting users; stands in logs and in `todoke account` */

	/*
	 * Complete the account that account_begin began. Faults: STATUS_UNKNOWN_USER, STATUS_LOOKUP
	 * (could not find out), STATUS_UNTRUSTED, STATUS_CONFIG.
	 */
	bool (*find)(const Conf *conf, Account *account, const char *recipient, Status *st);

	/* Append all accounts to `list` (account-list.h). Faults of account_list. */
	bool (*list)(GPtrArray *list, const Conf *conf, Status *st);

	/*
	 * The rest is for sources that are asked; `find` and `list` are NULL.
	 *
	 * The fields (char *, "name=value") of the user `name`, an address without detail whose
	 * halves are in `asked`; *ret_fields is NULL if there is no such user. Caller frees. Fault:
	 * STATUS_LOOKUP, STATUS_UNTRUSTED, STATUS_CONFIG.
	 */
	bool (*ask)(const Conf *conf, const Account *asked, const char *name,
	            GPtrArray **ret_fields, Status *st);

	/*
	 * The address to which the alias `name` leads; *ret_target is NULL if it is none. NULL: the
	 * source has no aliases.
	 */
	bool (*ask_alias)(const Conf *conf, const Account *asked, const char *name,
	                  char **ret_target, Status *st);

	/* Append the names (char *) of all users. */
	bool (*ask_names)(const Conf *conf, GPtrArray *names, Status *st);

	/* Close what is kept open for the next question; `is_ours`: this process has opened it. */
	void (*close)(bool is_ours);

	/* Which server, file or data base answers, for people. NULL: the name says it. */
	char *(*describe)(const Conf *conf);
} AccountSource;

/* The source that the settings name. */
const AccountSource *account_source_of(const Conf *conf);

/* "dovecot (/run/dovecot/auth-userdb)". Caller frees. */
char *account_source_describe(const Conf *conf);

/*
 * Close connections and forget answers: a process that gives up its rights must not keep what it
 * opened with them. Works in a forked process too.
 */
void account_source_close(void);

#endif

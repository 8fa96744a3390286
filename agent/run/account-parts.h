/* SPDX-License-Identifier: MIT */
/* account-parts: what an account is made of, for account.c and account-list.c only. */
#ifndef TODOKE_ACCOUNT_PARTS_H
#define TODOKE_ACCOUNT_PARTS_H

#include "agent/run/account.h"

#include <pwd.h>

/* The template that says where all mailboxes lie; NULL: each lies in a home of its own. */
const char *account_tree_template(const Conf *conf);

/*
 * An account with the halves of the address, and nothing else yet. Faults as account_find. Caller
 * frees.
 */
Account *account_begin(const Conf *conf, const char *recipient, Status *st);

/* Take over what an entry of the system, or a line of the passwd-like file, says. */
void account_use_passwd(Account *account, const struct passwd *pw);
bool account_use_line(Account *account, char **fields, const char *file, unsigned line, Status *st);

/* The text of the setting passwd_file; NULL: STATUS_UNTRUSTED, STATUS_LOOKUP. Caller frees. */
char *account_read_lines(const Conf *conf, Status *st);

/*
 * What every kind of account has once its home is known; `recipient` may be NULL. Faults:
 * STATUS_CONFIG and those of account_expand.
 */
bool account_set_paths(const Conf *conf, Account *account, const char *recipient, Status *st);

#endif

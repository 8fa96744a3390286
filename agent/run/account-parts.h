/* SPDX-License-Identifier: MIT */
/* account-parts: what an account is made of, for account.c, account-list.c and the sources only. */
#ifndef TODOKE_ACCOUNT_PARTS_H
#define TODOKE_ACCOUNT_PARTS_H

#include "agent/base/path-template.h"
#include "agent/run/account.h"

#include <pwd.h>

/* The template that says where all mailboxes lie; NULL: each lies in a home of its own. */
const char *account_tree_template(const Conf *conf);

/*
 * An account with the halves of the address, and nothing else yet. Faults as account_find. Caller
 * frees.
 */
Account *account_begin(const Conf *conf, const char *recipient, Status *st);

/* Take over what an entry of the system says. */
void account_use_passwd(Account *account, const struct passwd *pw);

/* The address without detail, or the local part if it has no domain. Caller frees. */
char *account_address(const Account *account);

/* What variables of templates stand for. Borrowed from the account. */
PathTemplateValues account_template_values(const Account *account);

enum { ACCOUNT_PASSWD_BUFFER = 16384 };

/* getpwnam_r: "no such name" is no fault. Fault: STATUS_LOOKUP. */
bool account_system_entry(const char *name, struct passwd *ret_pw, char *buffer, size_t size,
                          bool *ret_found, Status *st);

/*
 * Root has no mailbox: send its mail on to the address that a setting names. False: none does,
 * STATUS_CONFIG.
 */
bool account_send_on_root(const Conf *conf, Account *account, Status *st);

/*
 * `st` says what failed: a look-up that fails is not a user that does not exist. Whom we asked, for
 * what, and the answer go with it, for the log. Always false.
 */
bool account_fail_lookup(const char *peer, const char *question, const char *words, Status *st);

/* The same, where the source itself does not answer, whoever asks it. */
bool account_fail_silent(const char *peer, const char *question, const char *words, Status *st);

/* Add an account to a list that account_list returns; takes it. One without paths is left out. */
void account_list_add(GPtrArray *list, const Conf *conf, Account *taken);

/* Fault: STATUS_LIMIT. */
bool account_list_has_room(const GPtrArray *list, Status *st);

/*
 * What every kind of account has once its home is known; `recipient` may be NULL. Faults:
 * STATUS_CONFIG and those of account_expand.
 */
bool account_set_paths(const Conf *conf, Account *account, const char *recipient, Status *st);

#endif

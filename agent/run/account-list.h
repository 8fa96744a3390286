/* SPDX-License-Identifier: MIT */
/*
 * account-list: all accounts that the settings know, for commands that look at every owner's state.
 *
 * Accounts of the system with a uid that root may become; the lines of passwd_file; or, for a
 * virtual tree, the folders that lie where the template of the mailboxes leads: no list of virtual
 * users is kept, and a user without a folder has had no mail.
 */
#ifndef TODOKE_ACCOUNT_LIST_H
#define TODOKE_ACCOUNT_LIST_H

#include "agent/run/account.h"

/*
 * The accounts (Account), in the order of their source; the array frees them. Accounts whose paths
 * the settings cannot tell are left out. NULL: STATUS_LOOKUP (the source cannot be read),
 * STATUS_UNTRUSTED, STATUS_CONFIG (a template from which no names can be read back),
 * STATUS_LIMIT (more than LIMIT_LISTED_ACCOUNTS).
 */
GPtrArray *account_list(const Conf *conf, Status *st);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * account-list: the users of this host, for commands that look at all of them: accounts of the
 * system that a person may have, the lines of passwd_file, or the folders of the tree of virtual
 * users.
 */
#ifndef TODOKE_ACCOUNT_LIST_H
#define TODOKE_ACCOUNT_LIST_H

#include "agent/base/status.h"
#include "conf/conf.h"

/*
 * Their addresses (char *), as a delivery would name them, in alphabetical order; at most
 * LIMIT_DOCTOR_USERS. A tree is read without following links below its fixed part, which are its
 * users'. Caller unrefs. Faults (what could be found is returned all the same): STATUS_LIMIT,
 * STATUS_CONFIG, those of reading.
 */
GPtrArray *account_list(const Conf *conf, Status *st);

#endif

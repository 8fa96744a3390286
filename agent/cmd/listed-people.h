/* SPDX-License-Identifier: MIT */
/* listed-people: the accounts that a person may have, for commands that look at all of them. */
#ifndef TODOKE_LISTED_PEOPLE_H
#define TODOKE_LISTED_PEOPLE_H

#include "agent/run/account.h"

/*
 * As account_list, by name; of the system only accounts with the ids that /etc/login.defs gives to
 * people. Caller unrefs. NULL: the faults of account_list.
 */
GPtrArray *listed_people(const Conf *conf, Status *st);

#endif

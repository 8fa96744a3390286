/* SPDX-License-Identifier: MIT */
/*
 * recipient: resolves an envelope recipient to an account, or to the original sender if it is an
 * address that SRS made here.
 */
#ifndef TODOKE_RECIPIENT_H
#define TODOKE_RECIPIENT_H

#include "agent/run/account.h"
#include "agent/run/site.h"

/*
 * The account of `address`; for an address that SRS made with our key, an account that only sends
 * on (account->returns_to). Caller frees. Faults of account_find; a forged or expired SRS address
 * is STATUS_UNKNOWN_USER if this site uses SRS.
 */
Account *recipient_find(const Site *site, const char *address, Status *st);

/*
 * Behind a look-up that a delivery asked for, good or not (`st`): the log reports a source of users
 * that does not answer once and not for each mail (outage.h). st->outside->is_told says that it
 * does.
 */
void recipient_tell_outage(const Conf *conf, Status *st);

#endif

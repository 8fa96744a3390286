/* SPDX-License-Identifier: MIT */
/*
 * account-admit: what settings say before any mailbox is looked at: is it held or disabled, is the
 * sender blocked, is the message too big?
 */
#ifndef TODOKE_ACCOUNT_ADMIT_H
#define TODOKE_ACCOUNT_ADMIT_H

#include "agent/base/status.h"
#include "conf/conf.h"

/*
 * May mail of `size` octets (0: not known) from `sender` ("": a bounce) come in? `conf` is the
 * account's own. Faults: STATUS_HELD, STATUS_DISABLED, STATUS_RULE_REFUSED (sender_block),
 * STATUS_TOO_BIG.
 */
bool account_admit(const Conf *conf, const char *sender, guint64 size, Status *st);

#endif

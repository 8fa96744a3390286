/* SPDX-License-Identifier: MIT */
/*
 * lmtp-owners: deliveries of the root half of a worker, each in a process that has become the
 * mailbox's owner before it sees an octet of the message (lmtp-pool).
 *
 * One process remains root. It alone walks the paths that lead to the owners, so that a file system
 * that hangs costs no more than this process.
 */
#ifndef TODOKE_LMTP_OWNERS_H
#define TODOKE_LMTP_OWNERS_H

#include "agent/lmtp/lmtp-delivery.h"
#include "agent/lmtp/lmtp-pool.h"

typedef struct LmtpOwners LmtpOwners;

/* It lives as long as the process. `site` is borrowed. */
LmtpOwners *lmtp_owners_new(Site *site);

/* Call while we still have all our rights: see whether we can remember outages. */
void lmtp_owners_ready(LmtpOwners *owners);

/*
 * Report peers that are down or back, by what the outcome that was just taken says; owners' own
 * processes must not write what the site remembers. Call after each outcome.
 */
void lmtp_owners_tell_outages(const LmtpOwners *owners);

/* The pool of the owners' processes. Borrowed. */
LmtpPool *lmtp_owners_pool(const LmtpOwners *owners);

/* lmtp_delivery_look in a process of the account's owner. Faults: those, and of the process. */
bool lmtp_owners_look(LmtpOwners *owners, const Account *account, const LmtpDeliveryAsked *asked,
                      Status *st);

/*
 * Ask a process of the owner to deliver the message in `fd` (lmtp_delivery_run); *ret_member
 * answers. Faults: those of account_locate, and of a process that cannot be had; they are logged.
 */
bool lmtp_owners_ask_deliver(LmtpOwners *owners, const Account *account, const Envelope *envelope,
                             int fd, LmtpPoolMember **ret_member, Status *st);

#endif

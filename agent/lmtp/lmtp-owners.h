/* SPDX-License-Identifier: MIT */
/*
 * lmtp-owners: deliveries of the root half of a worker, each in a process that has become the
 * mailbox's owner before it sees an octet of the message (lmtp-pool).
 *
 * Processes that remain root search for the owners. They alone walk the paths that lead there, so
 * that a file system that hangs holds such a process and nobody else.
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
 * The part of the file system that the account's mailbox lies in, by its name: the folder above the
 * home, or above the INBOX. Caller frees.
 */
char *lmtp_owners_place(const Account *account);

/*
 * What a search for the account's owner has answered lately; it is an answer for all whose owner is
 * named alike and whose mailboxes lie in one place. NULL: nothing. Caller frees.
 */
char *lmtp_owners_known(const LmtpOwners *owners, const Account *account);

/* A delivery has failed: what was found may have changed. */
void lmtp_owners_forget_known(LmtpOwners *owners);

/*
 * Ask for the owner of the account's mailbox: *ret_member answers by what lmtp_owners_ask_deliver
 * takes. It has LIMIT_LMTP_SEARCH seconds, but LIMIT_LMTP_SEARCH_AGAIN where a search of the same
 * place was lost lately. Faults: those of a process that cannot be had. The answer's are those of
 * account_locate.
 */
bool lmtp_owners_ask_search(LmtpOwners *owners, const Account *account, LmtpPoolMember **ret_member,
                            Status *st);

/*
 * Remember what came of a search that has just ended: what it found (NULL: nothing), or that it was
 * lost. Whoever uses `found` later must not come here with it: it is believed from now on.
 */
void
lmtp_owners_note_search(LmtpOwners *owners, const Account *account, const char *found, bool lost);

/*
 * Ask a process of the owner that was `found` to deliver the message (lmtp_delivery_run): a file,
 * which it gets only to read, or octets. *ret_member answers. Faults: those of a process that
 * cannot be had, and of lmtp_spool_lend.
 */
bool lmtp_owners_ask_deliver(LmtpOwners *owners, const Account *account, const char *found,
                             const Envelope *envelope, const LmtpLoad *message,
                             LmtpPoolMember **ret_member, Status *st);

#endif

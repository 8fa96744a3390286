/* SPDX-License-Identifier: MIT */
/*
 * deliver-outgoing: what the actions that send mail share: who speaks, the ids of what is sent,
 * handing it over within the time that is left.
 */
#ifndef TODOKE_DELIVER_OUTGOING_H
#define TODOKE_DELIVER_OUTGOING_H

#include "agent/deliver/deliver.h"
#include "agent/plan/plan-fcc.h"
#include "agent/send/compose.h"
#include "agent/send/route.h"

/* The address to speak as: the owner's first; NULL: none is known. Borrowed. */
const char *deliver_speaker(const DeliverRun *run);

/* Somebody whom a setting names. */
typedef enum {
	DELIVER_WHO_OWNER,
	DELIVER_WHO_RECIPIENT,
	DELIVER_WHO_ORIGINAL_RECIPIENT,
	DELIVER_WHO_POSTMASTER,
	DELIVER_WHO_SENDER
} DeliverWho;

/*
 * The address of `who`, in the string form; where the door did not say it, the next best: the
 * recipient for the one before aliases, the owner for the recipient. NULL: none is known. Caller
 * frees.
 */
char *deliver_address_of(const DeliverRun *run, DeliverWho who);

/* Is `address` one of the owner's own, with any detail? */
bool deliver_is_own(const DeliverRun *run, const char *address);

/* How addresses compare here. */
AddressRules deliver_address_rules(const DeliverRun *run);

/*
 * A Message-ID for what the step `key` sends. The same step of the same message has the same one at
 * every try, so that two copies that went out can be recognised as one mail. Caller frees.
 */
char *deliver_message_id(const DeliverRun *run, const char *key);

/* The header that an action works with: as a rule edited it, or as it is stored. Borrowed. */
Headers *deliver_headers(const DeliverRun *run, const PlanAction *action);

/* Hand over a composed message; no notices about it are wanted. Faults of route_send. */
bool deliver_send_composed(DeliverRun *run, GBytes *message, const char *sender,
                           const char *recipient, Status *st);

/*
 * Hand over `message` with the fields of `headers`; sender, recipient and DSN wishes stand in
 * `mail`, which is used up. Faults of route_send.
 */
bool deliver_send_message(DeliverRun *run, Message *message, const Headers *headers,
                          RouteMail *mail, guint64 *ret_bytes, Status *st);

/* Keep a copy of what was sent (RFC 8580), if that was asked for. A fault is noted. */
void deliver_keep_copy(DeliverRun *run, const PlanFcc *fcc, GBytes *message);

#endif

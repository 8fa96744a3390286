/* SPDX-License-Identifier: MIT */
/*
 * reply-guard: decides which senders and messages vacation must not answer, nor any other automatic
 * reply (RFC 3834 2, RFC 5230 4.5 and 4.6). Pure: no state, no mail.
 */
#ifndef TODOKE_REPLY_GUARD_H
#define TODOKE_REPLY_GUARD_H

#include "agent/message/address.h"
#include "agent/message/envelope.h"
#include "agent/message/headers.h"

/* What is asked about. All is borrowed. */
typedef struct {
	const Headers *headers; /* as the message came */
	const Envelope *envelope;
	/* char *: the owner's addresses, and those that the rule adds; each may be NULL */
	const GPtrArray *own[2];
	AddressRules rules;
	/* the envelope's address before aliases is the owner's too */
	bool original_is_own;
	bool any_recipient; /* nothing in the header needs to name the owner */
} ReplyQuestion;

/* Does an Auto-Submitted field say that a machine sent it (RFC 3834 5)? */
bool reply_guard_is_auto_submitted(const Headers *headers);

/* Was it sent by a machine? Why, in a few words; NULL: it does not say so. Caller frees. */
char *reply_guard_machine(const Headers *headers);

/* Why this message must not be answered; NULL: it may. Caller frees. */
char *reply_guard_why_not(const ReplyQuestion *question);

#endif

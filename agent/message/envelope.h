/* SPDX-License-Identifier: MIT */
/* envelope: who sent the message to whom, as the front door heard it. */
#ifndef TODOKE_ENVELOPE_H
#define TODOKE_ENVELOPE_H

#include <glib.h>
#include <stdbool.h>

typedef enum { DOOR_PIPE, DOOR_LOCAL, DOOR_LMTP, DOOR_TRY } EnvelopeDoor;

/*
 * Strings are owned; NULL means that the door did not say. Addresses are without angle brackets,
 * unquoted as Postfix passes them.
 */
typedef struct {
	EnvelopeDoor door;
	char *sender;    /* "" is the null sender (RFC 5321 4.5.5) */
	char *recipient; /* final recipient, after aliases */
	char *original;  /* the address before aliases: ${original_recipient}, ORCPT */
	char *queue_id;
	char *client_address;
	char *client_name;
	char *helo;
	char *auth; /* SASL login name of the sender (RFC 4954), for "envelope auth" */
	/* DSN wishes (RFC 3461): of the recipient, and of the message. */
	char *orcpt;
	char *notify;
	char *ret;
	char *envid;
	guint64 queue_size; /* ${size}; 0: not said */
} Envelope;

Envelope *envelope_new(EnvelopeDoor door);
void envelope_free(Envelope *envelope);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Envelope, envelope_free)

/*
 * Is it a bounce: sent by the null sender, or by a MAILER-DAEMON that stands for it (pipe(8)
 * without null_sender=)?
 */
bool envelope_is_bounce(const Envelope *envelope);

#endif

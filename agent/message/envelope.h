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
	/*
	 * the id of this delivery's queue file, as the door that knows it says (--queue-id);
	 * mail-ids.h finds it where no door says it
	 */
	char *queue_id;
	/*
	 * XFORWARD IDENT: the id under which the message first came to the site. Behind a content
	 * filter that is another queue file than this delivery's: it is told, and decides nothing.
	 */
	char *origin_id;
	char *lhlo; /* what the client of LMTP calls itself */
	char *client_address;
	char *client_name;
	char *helo;
	char *auth; /* SASL login name of the sender (RFC 4954), for "envelope auth" */
	/* DSN wishes (RFC 3461): of the recipient, and of the message. */
	char *orcpt;
	char *notify;
	char *ret;
	char *envid; /* as xtext: it goes out again as it came */
	/*
	 * the id to tell people and programs: queue_id, else what mail-ids.h found; borrowed, set
	 * by transact_new for its own copy
	 */
	const char *told_id;
	guint64 queue_size; /* ${size}; 0: not said */
} Envelope;

/* Caller frees. */
Envelope *envelope_new(EnvelopeDoor door);
void envelope_free(Envelope *envelope);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Envelope, envelope_free)

/*
 * The envelope id as the sender wrote it, without the escapes of xtext. One that RFC 3461 does not
 * allow (a character beyond ASCII, too long) is left out: it decides nothing about the mail.
 */
void envelope_set_envid(Envelope *envelope, const char *plain);

/*
 * Is it a bounce: sent by the null sender, or by a MAILER-DAEMON that stands for it (pipe(8)
 * without null_sender=)?
 */
bool envelope_is_bounce(const Envelope *envelope);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * mail-ids: by which names other logs know a message, so that lines can be joined. For telling
 * only: nothing is decided by them.
 */
#ifndef TODOKE_MAIL_IDS_H
#define TODOKE_MAIL_IDS_H

#include "agent/message/envelope.h"
#include "agent/message/headers.h"

/* NULL: not known. */
typedef struct {
	/* of the queue file that was delivered from */
	char *queue_id;
	/* under which it first came to the site, where that is told (XFORWARD); may be the same */
	char *origin_id;
	/* "<a@b>": the first word of the field, printable, at most LIMIT_MESSAGE_ID octets */
	char *message_id;
} MailIds;

/* Borrowed for the call. */
typedef struct {
	const char *const *hostnames; /* of this host; NULL ends; NULL: none */
	const char *given_name;       /* setting myhostname; may be NULL or empty */
	const char *system_name;      /* gethostname(); may be NULL */
} MailHosts;

/*
 * The queue id is the door's (envelope->queue_id). If the door has none, it is that of the newest
 * Received line, provided that local(8) is the door, or one of `hosts` wrote the line, or the LMTP
 * client, by the name that it gave in LHLO; else there is none. A queue id is letters, digits and
 * hyphens.
 */
void mail_ids_init(MailIds *ret_ids, const Envelope *envelope, const Headers *headers,
                   const MailHosts *hosts);
void mail_ids_clear(MailIds *ids);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MailIds, mail_ids_clear)

/* Can this be a queue id? Whoever reads one from elsewhere asks first. */
bool mail_ids_is_queue_id(const char *text);

#endif

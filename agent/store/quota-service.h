/* SPDX-License-Identifier: MIT */
/*
 * quota-service: ask Dovecot's service quota-status whether a mailbox has room.
 *
 * It speaks Postfix's policy protocol (SMTPD_POLICY_README): lines of attributes and an empty line,
 * answered by "action=...". Which action says what: success is OK or DUNNO; full and too large are
 * refusals with an enhanced code x.2.2, x.2.3, or 552; all else is no answer.
 */
#ifndef TODOKE_QUOTA_SERVICE_H
#define TODOKE_QUOTA_SERVICE_H

#include <glib.h>

typedef enum {
	QUOTA_SERVICE_ROOM,
	QUOTA_SERVICE_FULL,
	QUOTA_SERVICE_TOO_BIG,
	QUOTA_SERVICE_NO_ANSWER,
} QuotaServiceVerdict;

typedef struct {
	const char *where;   /* "unix:/PATH", "127.0.0.1:12340", "[::1]:12340" */
	const char *user;    /* as Dovecot knows the owner */
	guint64 bytes;       /* of the mail */
	unsigned timeout_ms; /* for all of it */
} QuotaServiceQuestion;

/*
 * Ask. *ret_reply (caller frees) is the action's text, or why there is none; one printable line.
 */
QuotaServiceVerdict quota_service_ask(const QuotaServiceQuestion *question, char **ret_reply);

/* For tests: what an action ("552 5.2.2 Mailbox is full") says. */
QuotaServiceVerdict quota_service_read(const char *action);

#endif

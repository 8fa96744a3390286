/* SPDX-License-Identifier: MIT */
/*
 * notice: a message of our own to the owner, stored in the INBOX: it is not sent, and nobody can
 * answer it.
 */
#ifndef TODOKE_NOTICE_H
#define TODOKE_NOTICE_H

#include "agent/store/maildir.h"
#include "agent/run/account.h"

/* The recipient, our name, the time. All is borrowed. */
typedef struct {
	const Account *account;
	const Conf *conf; /* the account's */
	const char *host; /* our name */
	gint64 now;       /* seconds since 1970 */
	GPtrArray *told;  /* char *: gets the subject of each notice that was stored */
} NoticeFrame;

/*
 * Store a notice of a subject and a text in UTF-8, flushed as mail is. It counts for the quota,
 * which does not refuse it. Faults of mime_compose and of the Maildir.
 */
bool notice_store(const NoticeFrame *frame, Maildir *inbox, const char *subject, const char *text,
                  Status *st);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * submit-talk: the SMTP commands behind the greeting (RFC 5321, 3461, 6152, 6531) over a line that
 * somebody else opened. No sockets and no clock here: tests play the other side from memory.
 */
#ifndef TODOKE_SUBMIT_TALK_H
#define TODOKE_SUBMIT_TALK_H

#include "agent/send/submit-module.h"

/* What the other side offers in its answer to EHLO. */
typedef struct {
	bool dsn;
	bool eightbit;
	bool smtputf8;
} SubmitOffers;

/*
 * The line to the other side. Both return false when it is gone or the time is up; *ret_len > 0 on
 * success.
 */
typedef struct {
	void *user;
	bool (*send)(void *user, const void *data, size_t len);
	bool (*receive)(void *user, char *data, size_t size, size_t *ret_len);
	const char *(*why)(void *user); /* why it failed, for people */
	/* the end of the message goes out: its answer has more time */
	void (*at_end)(void *user);
} SubmitLine;

/* Note what one line of the EHLO answer ("250-DSN") offers. */
void submit_talk_offer(SubmitOffers *offers, const char *line, size_t len);

/* MAIL, RCPT, DATA, the message, QUIT. */
SubmitOutcome submit_talk(const RouteMail *mail, const SubmitPaths *paths,
                          const SubmitOffers *offers, const SubmitLine *line, SubmitSaid *ret_said);

#endif

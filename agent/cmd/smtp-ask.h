/* SPDX-License-Identifier: MIT */
/*
 * smtp-ask: a few commands to an SMTP or LMTP server, each with its reply, for commands that ask
 * whether it works. Mail goes out by agent/send/route.
 */
#ifndef TODOKE_SMTP_ASK_H
#define TODOKE_SMTP_ASK_H

#include <glib.h>
#include <stdbool.h>

/* A talk with a server. */
typedef struct {
	int fd;
	gint64 ends;   /* monotonic microseconds */
	GString *text; /* what came and was not read yet */
	char *answer;  /* the last line of the last reply, or "connection lost"; borrowed */
} SmtpAsk;

/*
 * Connect to "unix:/path" or "host:port"; the whole talk may take so many seconds. NULL: connected;
 * else why not (caller frees). smtp_ask_close in both cases.
 */
char *smtp_ask_open(SmtpAsk *talk, const char *where, unsigned seconds);
void smtp_ask_close(SmtpAsk *talk);

/* Read a reply. True: its code begins with `digit`. */
bool smtp_ask_is_answered(SmtpAsk *talk, char digit);

/* Send a line and read its reply. True: its code begins with `digit`. */
bool smtp_ask(SmtpAsk *talk, const char *command, char digit);

#endif

/* SPDX-License-Identifier: MIT */
/* smtp-peer: a mail server on a unix socket, in a process of its own, that answers as told. */
#ifndef TODOKE_SMTP_PEER_H
#define TODOKE_SMTP_PEER_H

#include <glib.h>
#include <sys/types.h>

/*
 * Begin to listen on dir/smtp ("smtp:unix:DIR/smtp" of the setting submit). `answers`: lines
 * "STEP REPLY" for what is answered otherwise than by a good server; steps are GREETING, EHLO,
 * MAIL, RCPT, DATA and DOT, the reply "die" ends the connection. What it takes is in dir/sent: the
 * commands MAIL and RCPT, then the message, each line as it came. -> the process.
 */
pid_t smtp_peer_begin(const char *dir, const char *answers);
void smtp_peer_end(pid_t peer);

/* What it has taken so far; "": nothing. Caller frees. */
char *smtp_peer_sent(const char *dir);

#endif

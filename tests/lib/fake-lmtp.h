/* SPDX-License-Identifier: MIT */
/*
 * fake-lmtp: a backend for LmtpSession that stores nothing and writes down what it was asked for.
 *
 * The local part of the sender says what fails: openfail, writefail, closefail. That of a
 * recipient: unknown (5.1.1 at RCPT), full (4.2.2 at RCPT), lookup (4.3.0 at RCPT), loop (5.4.6 at
 * delivery), disk (4.3.1), long and utf8 (long texts), hangup (the client is gone at the next
 * flush), null (fails without a reason).
 */
#ifndef TODOKE_FAKE_LMTP_H
#define TODOKE_FAKE_LMTP_H

#include "agent/lmtp/lmtp-session.h"

typedef struct {
	LmtpBackend backend;
	LmtpSession *session;
	GString *body;
	/* "S: reply" and "D: delivery" lines, in the order in which they came to be */
	GString *log;
	bool open;            /* a message is begun and not ended */
	GPtrArray *announced; /* Envelope: deliveries have to come in this order */
	unsigned deliveries;
	bool gone;
	bool late;        /* a delivery began before the reply to the one before was sent */
	const char *fail; /* of the present sender */
	LmtpBody form;
} FakeLmtp;

void fake_lmtp_init(FakeLmtp *fake);
void fake_lmtp_clear(FakeLmtp *fake);

/* Move the session's output to the log. */
void fake_lmtp_drain(FakeLmtp *fake);

#endif

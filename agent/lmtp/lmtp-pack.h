/* SPDX-License-Identifier: MIT */
/*
 * lmtp-pack: strings and outcomes on their way between processes of lmtpd: each string ends with a
 * NUL, none has one.
 */
#ifndef TODOKE_LMTP_PACK_H
#define TODOKE_LMTP_PACK_H

#include "agent/base/status.h"
#include "agent/message/envelope.h"
#include "agent/run/account.h"

void lmtp_pack_string(GString *out, const char *text);

/*
 * The string at *at, which moves behind it. NULL: it was NULL, or there is no whole string; then
 * *at is NULL. Caller frees.
 */
char *lmtp_pack_take_string(const char **at, const char *end);

/* Octets of a packed outcome at most. */
enum { LMTP_PACK_MOST_OUTCOME = 72 * 1024 };

/*
 * A fault or none, and what the client reads on success. Of a text that is too long, its beginning.
 */
void lmtp_pack_outcome(GString *out, const Status *st, const char *done);

/*
 * The outcome that ends at `end`: its fault becomes `st`. What is none is STATUS_INTERNAL.
 * *ret_done is the caller's.
 */
bool lmtp_pack_take_outcome(const char *at, const char *end, char **ret_done, Status *st);

/* All that a session knows of a recipient. */
void lmtp_pack_envelope(GString *out, const Envelope *envelope);

/*
 * Fill an envelope from the octets up to `end`. False: they are none, or a string has control
 * characters, which no session lets pass.
 */
bool lmtp_pack_take_envelope(const char *at, const char *end, Envelope *envelope);

/* Between processes of root and of the account's owner, so that it is looked up once. */
void lmtp_pack_account(GString *out, const Account *account);

/* The account at *at, which moves behind it. NULL: there is none. Caller frees. */
Account *lmtp_pack_take_account(const char **at, const char *end);

#endif

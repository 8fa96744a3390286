/* SPDX-License-Identifier: MIT */
/*
 * lmtp-pack: strings and outcomes on their way between processes of lmtpd: each string ends with a
 * NUL and holds no other.
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
enum { LMTP_PACK_MOST_OUTCOME = 80 * 1024 };

/*
 * Append an outcome: the fault or STATUS_OK, and what the client reads on success. Of a text that
 * is too long, its beginning.
 */
void lmtp_pack_outcome(GString *out, const Status *st, const char *done);

/*
 * Read the outcome that ends at `end`; false: its fault is in `st`, STATUS_INTERNAL if the octets
 * are not an outcome. *ret_done is the caller's.
 */
bool lmtp_pack_take_outcome(const char *at, const char *end, char **ret_done, Status *st);

/* Append all that a session knows of a recipient. */
void lmtp_pack_envelope(GString *out, const Envelope *envelope);

/*
 * Fill an envelope from the octets at *at, which moves behind it. False: there is no whole
 * envelope, or a string has control characters, which no session lets pass.
 */
bool lmtp_pack_take_envelope(const char **at, const char *end, Envelope *envelope);

/* Append an account, for the process of its owner, so that it is looked up only once. */
void lmtp_pack_account(GString *out, const Account *account);

/* The account at *at, which moves behind it. NULL: there is none. Caller frees. */
Account *lmtp_pack_take_account(const char **at, const char *end);

#endif

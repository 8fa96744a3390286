/* SPDX-License-Identifier: MIT */
/*
 * lmtp-reply: the lines that the LMTP door answers with, none of them over 512 octets (RFC 5321
 * 4.5.3.1.5).
 */
#ifndef TODOKE_LMTP_REPLY_H
#define TODOKE_LMTP_REPLY_H

#include "agent/base/status.h"

typedef enum {
#define REPLY(id, code, dsn, text) LMTP_REPLY_##id,
#include "agent/lmtp/lmtp-reply-table.def"
#undef REPLY
	LMTP_REPLY_COUNT
} LmtpReplyId;

typedef struct {
	int code;
	char dsn[6]; /* "" has none (354) */
	char text[76];
} LmtpReplyRow;

/* The row of `id`; never NULL. */
const LmtpReplyRow *lmtp_reply_row(LmtpReplyId id);

/* Append the reply `id` with its CRLF. */
void lmtp_reply_append(GString *out, LmtpReplyId id);

/*
 * Append what became of a delivery to `recipient`: code and enhanced code of `st`, "<recipient>",
 * the text, on success `done` (NULL: the row's text), and "[4ABC12]", the reference of `st`, if
 * any. A long text takes several lines. Control characters become blanks. Octets beyond ASCII stay
 * only with `utf8` (RFC 6531 3.7.4.2); else letters lose their accents, and if too little can be
 * read then, the row's text takes their place, with a reference (answer_reference of the text) to
 * the log.
 */
void lmtp_reply_append_status(GString *out, const Status *st, const char *recipient,
                              const char *done, bool utf8);

#endif

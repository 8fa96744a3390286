/* SPDX-License-Identifier: MIT */
/*
 * lmtp-data: the octets of DATA and BDAT into those that are stored.
 *
 * CRLF becomes LF, a stuffed dot goes (RFC 5321 4.5.2). Only CRLF "." CRLF ends a message: a bare
 * LF never begins a line here, so "\n.\n", "\n.\r\n", "\r.\r" and the like are content, and nobody
 * can smuggle a second message through us. Bare CR and bare LF are kept as they are: they are what
 * was signed, and Postfix does not send them.
 */
#ifndef TODOKE_LMTP_DATA_H
#define TODOKE_LMTP_DATA_H

#include <stdbool.h>
#include <stddef.h>

typedef enum {
	LMTP_DATA_DOTS,   /* DATA: stuffed, ended by the dot */
	LMTP_DATA_LINES,  /* BDAT of a text message: only CRLF becomes LF */
	LMTP_DATA_BINARY, /* BDAT of BODY=BINARYMIME: octets (RFC 3030) */
} LmtpDataForm;

typedef struct {
	LmtpDataForm form;
	unsigned state;
} LmtpData;

void lmtp_data_init(LmtpData *data, LmtpDataForm form);

/*
 * Octets that the output of `len` octets of input may need at most: some may be held back from the
 * call before.
 */
#define LMTP_DATA_ROOM(len) ((len) + 2)

/*
 * Decode `len` octets of `in` into `out`, which has LMTP_DATA_ROOM(len). Returns how many were
 * used: all, or those up to the end of the message, and then *ret_ended is true. *ret_len is what
 * was written.
 */
size_t lmtp_data_decode(LmtpData *data, const char *in, size_t len, char *out, size_t *ret_len,
                        bool *ret_ended);

/* After the last chunk: write what was held back to `out` (up to 2 octets); returns its length. */
size_t lmtp_data_finish(LmtpData *data, char *out);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * lmtp-spool: where the octets of a message wait until it is whole: in an unnamed file in memory,
 * from LIMIT_LMTP_SPOOL_MEMORY on in an unnamed file on disk. It is written once for all
 * recipients; nothing is flushed, because nothing was promised yet.
 */
#ifndef TODOKE_LMTP_SPOOL_H
#define TODOKE_LMTP_SPOOL_H

#include "agent/base/status.h"

typedef struct {
	int fd; /* -1: closed */
	bool on_disk;
	guint64 bytes;
	const char *folder; /* borrowed */
} LmtpSpool;

#define LMTP_SPOOL_INIT \
	{ \
		-1, false, 0, NULL \
	}

/*
 * Open an empty spool; `folder` (borrowed) is where the file of a big message goes. Faults:
 * STATUS_IO and its like.
 */
bool lmtp_spool_open(LmtpSpool *spool, const char *folder, Status *st);

/* Append octets. Faults as lmtp_spool_open. */
bool lmtp_spool_write(LmtpSpool *spool, const void *data, size_t len, Status *st);

/* The file, positioned at its beginning, which the caller closes; the spool is closed. */
int lmtp_spool_take(LmtpSpool *spool);

void lmtp_spool_close(LmtpSpool *spool);

#endif

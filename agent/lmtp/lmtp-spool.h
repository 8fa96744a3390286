/* SPDX-License-Identifier: MIT */
/*
 * lmtp-spool: where the octets of a message wait until it is whole: few of them in our own memory,
 * from LIMIT_LMTP_SPOOL_FEW on in an unnamed file in memory, from LIMIT_LMTP_SPOOL_MEMORY on in one
 * on disk. It is written once for all recipients; nothing is flushed, because nothing was promised
 * yet.
 */
#ifndef TODOKE_LMTP_SPOOL_H
#define TODOKE_LMTP_SPOOL_H

#include "agent/base/status.h"

#include <glib.h>

typedef struct {
	int fd;       /* -1: no file is needed yet */
	GString *few; /* what it holds while no file is needed; NULL: nothing was ever written */
	bool on_disk;
	guint64 bytes;
	const char *folder; /* borrowed */
} LmtpSpool;

#define LMTP_SPOOL_INIT \
	{ \
		-1, NULL, false, 0, NULL \
	}

/* Begin an empty spool; `folder` (borrowed) is where the file of a big message goes. */
void lmtp_spool_open(LmtpSpool *spool, const char *folder);

/* Append octets. Faults: STATUS_IO and its like. */
bool lmtp_spool_write(LmtpSpool *spool, const void *data, size_t len, Status *st);

/* All octets, where they are few; NULL: they lie in a file. Borrowed until the spool changes. */
const char *lmtp_spool_few(const LmtpSpool *spool, size_t *ret_len);

/*
 * All octets in a file, positioned at its beginning, which the caller closes; the spool is closed.
 * -1: there is no such file. Faults as lmtp_spool_write.
 */
int lmtp_spool_take(LmtpSpool *spool, Status *st);

/*
 * A descriptor of its own for somebody who must not change the file of a spool: read-only, and with
 * an offset of its own. Root only: nobody else may write to the file from then on but who has it
 * open. Where root may not take a file on disk (CAP_CHOWN), `fd` becomes that of a copy in
 * `folder`; without /proc, a copy in memory is lent. The caller closes it. -1: a fault.
 */
int lmtp_spool_lend(int fd, const char *folder, Status *st);

void lmtp_spool_close(LmtpSpool *spool);

#endif

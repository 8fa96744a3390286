/* SPDX-License-Identifier: MIT */
/*
 * try-lock: one try of a message at a time. A retry that starts while an earlier try still waits
 * for the server's answer would send the message a second time, as it is not known yet whether the
 * server has accepted it.
 *
 * A lock file in the owner's state folder, held by flock(2): the lock ends with its process,
 * however that dies. Between hosts that share a folder by NFS it works if the server supports
 * locks.
 */
#ifndef TODOKE_TRY_LOCK_H
#define TODOKE_TRY_LOCK_H

#include "agent/base/status.h"

typedef struct TryLock TryLock;

/*
 * Lock `key` in `folder`, waiting up to `patience_ms` for another try. NULL: STATUS_BUSY (another
 * try is at work), else a fault of the file system; the delivery can then go on without the lock.
 * Caller frees.
 */
TryLock *try_lock_take(const char *folder, const char *key, unsigned patience_ms, Status *st);

/* Release the lock and remove its file. */
void try_lock_free(TryLock *lock);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TryLock, try_lock_free)

#endif

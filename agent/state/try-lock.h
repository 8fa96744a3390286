/*
 * try-lock: one try of a message at a time. A retry that starts while an earlier try still waits for the other side's answer would send
 * the message a second time, as nobody knows yet whether it was taken.
 *
 * A lock file in the owner's state folder, held by flock(2): it ends with its process, however that dies. Between machines that share
 * a folder by NFS it counts where the server has locks.
 */
#ifndef TODOKE_TRY_LOCK_H
#define TODOKE_TRY_LOCK_H

#include "agent/base/status.h"

typedef struct TryLock TryLock;

/*
 * Lock `key` in `folder`, waiting up to `patience_ms` for another try. NULL: STATUS_BUSY (another try is at work), else what the system
 * said; the mail can go on then, without the guard.
 */
TryLock *try_lock_take(const char *folder, const char *key, unsigned patience_ms, Status *st);

/* Let go and remove the file. */
void try_lock_free(TryLock *lock);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TryLock, try_lock_free)

#endif

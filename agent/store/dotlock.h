/*
 * dotlock: change a small text file that other programs change too, as Dovecot does it: `NAME.lock` is made
 * exclusively, the new contents are written into it, and it is renamed over NAME. Readers need no lock.
 */
#ifndef TODOKE_DOTLOCK_H
#define TODOKE_DOTLOCK_H

#include "agent/base/status.h"

/*
 * What shall be in the file instead of `old` (len octets, NUL-terminated; "" if there is no file)? NULL: leave it as it
 * is. Caller frees the result with g_free.
 */
typedef char *DotlockEdit(const char *old, size_t len, void *user);

/*
 * Lock `name` in `dirfd`, give its contents to `edit`, and replace the file by what comes back. Waits
 * LIMIT_LOCK_WAIT_MS at most for somebody else's lock (then STATUS_LOCKED), and takes one away that has not changed for
 * LIMIT_LOCK_STALE_S. A file that was there keeps its mode. On failure the file is as it was, and no lock of ours
 * stays.
 */
bool dotlock_edit(int dirfd, const char *name, DotlockEdit *edit, void *user, Status *st);

/* How long another program is waited for, and after which time without a change its lock is taken away. */
typedef struct {
	unsigned wait_ms;
	unsigned stale_s; /* 0: never */
} DotlockPatience;

/* A lock file that is held. */
typedef struct Dotlock Dotlock;

/*
 * Make the lock file `path`. The deadline removes it. Faults: STATUS_LOCKED (somebody holds it), STATUS_NO_PERMISSION and its like: there
 * can be none in this folder. One that this process holds already is held once more: recipes may name a lock twice.
 */
Dotlock *dotlock_take(const char *path, const DotlockPatience *patience, Status *st);

/* Remove the lock file when nobody here holds it any more, if it is still ours. NULL is fine. */
void dotlock_release(Dotlock *lock);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Dotlock, dotlock_release)

#endif

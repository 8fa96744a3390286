/* SPDX-License-Identifier: MIT */
/*
 * dotlock: change a small text file that other programs change too, as Dovecot does it: `NAME.lock`
 * is made exclusively, the new contents are written into it, and it is renamed over NAME. Readers
 * need no lock.
 */
#ifndef TODOKE_DOTLOCK_H
#define TODOKE_DOTLOCK_H

#include "agent/base/status.h"

/* How long who waits for a lock file sleeps before it looks again, in milliseconds. */
enum { DOTLOCK_STEP_MS = 50 };

/*
 * What shall be in the file instead of `old` (len octets, NUL-terminated; "" if there is no file)?
 * NULL: leave it as it is. Caller frees the result with g_free.
 */
typedef char *DotlockEdit(const char *old, size_t len, void *user);

/*
 * Lock `name` in `dirfd`, give its contents to `edit`, and replace the file by what comes back.
 * Waits at most LIMIT_LOCK_WAIT_MS for somebody else's lock (then STATUS_LOCKED), and removes one
 * that has not changed for LIMIT_LOCK_STALE_S. An existing file keeps its mode; one with a NUL
 * octet is damaged and never edited (STATUS_IO). Where somebody took our lock away before we were
 * done, that is STATUS_LOCKED too. On failure the file is unchanged, and no lock of ours stays.
 */
bool dotlock_edit(int dirfd, const char *name, DotlockEdit *edit, void *user, Status *st);

/*
 * The same while the lock file of `guard` is held too, for files that another program changes under
 * the lock of a second one. It waits for neither lock (then STATUS_LOCKED): when they are free,
 * what they were wanted for may be done. `name` gets a later time than it had, in whole seconds:
 * by that others see that it changed.
 */
bool dotlock_try_edit_under(int dirfd, const char *guard, const char *name, DotlockEdit *edit,
                            void *user, Status *st);

/*
 * How long to wait for another program, and after which time without a change its lock is removed.
 */
typedef struct {
	unsigned wait_ms;
	unsigned stale_s; /* 0: never */
} DotlockPatience;

/* A lock file that is held. */
typedef struct Dotlock Dotlock;

/*
 * Make the lock file `path`. The deadline removes it. Faults: STATUS_LOCKED (somebody holds it),
 * STATUS_NO_PERMISSION and its like: it cannot be made in this folder. A lock that this process
 * already holds is counted, as recipes may name a lock twice. Release with dotlock_release.
 */
Dotlock *dotlock_take(const char *path, const DotlockPatience *patience, Status *st);

/* Remove the lock file when nobody here holds it any more, if it is still ours. NULL is fine. */
void dotlock_release(Dotlock *lock);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Dotlock, dotlock_release)

#endif

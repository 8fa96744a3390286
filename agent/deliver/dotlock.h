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
 * LIMIT_LOCK_WAIT_MS at most for somebody else's lock (then STATUS_BUSY), and takes one away that has not changed for
 * LIMIT_LOCK_STALE_S. A file that was there keeps its mode. On failure the file is as it was, and no lock of ours
 * stays.
 */
bool dotlock_edit(int dirfd, const char *name, DotlockEdit *edit, void *user, Status *st);

#endif

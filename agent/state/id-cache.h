/* SPDX-License-Identifier: MIT */
/*
 * id-cache: the file in which formail -D remembers the ids of messages, shared with formail itself:
 * ids with a NUL behind each, and one NUL more behind the newest. At `max` octets it begins anew at
 * its front; what is left of an older id behind the newest counts for nothing.
 * tests/diff/formail-diff holds it against the real one.
 */
#ifndef TODOKE_ID_CACHE_H
#define TODOKE_ID_CACHE_H

#include "agent/base/status.h"

#include <glib.h>

/* An id, and where it is remembered. */
typedef struct {
	char *path;
	size_t max;
	char *id;
	char *lock; /* lock file to hold while it is written; NULL: none */
} IdCacheEntry;

IdCacheEntry *id_cache_entry_new(const char *path, size_t max, const char *id, const char *lock);
void id_cache_entry_free(IdCacheEntry *entry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(IdCacheEntry, id_cache_entry_free)

/*
 * Is it there? Without a file it is not. Faults: those of fs_read_file (more than LIMIT_SMALL_FILE:
 * STATUS_LIMIT).
 */
bool id_cache_has(const IdCacheEntry *entry, bool *ret_has, Status *st);

/*
 * Add it unless it is there. A lock file that others hold for LIMIT_LOCK_WAIT_MS is not waited for
 * any longer: an id too few costs a duplicate, no mail. Faults: STATUS_IO and its like.
 */
bool id_cache_add(const IdCacheEntry *entry, Status *st);

#endif

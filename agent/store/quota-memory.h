/* SPDX-License-Identifier: MIT */
/*
 * quota-memory: since when an owner's mailbox is full, and which warning its owner has had.
 *
 * One line in the file `quota` of the owner's state folder, changed under a lock: of two deliveries
 * at once one warns. What cannot be read is not remembered; then mail is put off, not refused, and
 * nobody is warned. It is a cache like maildirsize: nothing is flushed.
 */
#ifndef TODOKE_QUOTA_MEMORY_H
#define TODOKE_QUOTA_MEMORY_H

#include <glib.h>
#include <stdbool.h>

#define QUOTA_MEMORY_FILE "quota"

typedef struct {
	gint64 since;    /* of the first mail for which there was no room, since 1970; 0: none */
	gint64 last;     /* of the latest */
	unsigned warned; /* percent of the last warning; 0: none */
} QuotaMemory;

/* What is remembered in the state folder `folder`; all 0 where there is nothing. */
void quota_memory_read(const char *folder, QuotaMemory *ret);

/*
 * There is no room for a mail that came at `now`. Returns since when there is none: `now` where it
 * is the first, or where no other came for `forgets` seconds. With `look_only` nothing is
 * remembered.
 */
gint64 quota_memory_refuse(const char *folder, gint64 now, gint64 forgets, bool look_only);

/* There is room again. */
void quota_memory_take(const char *folder);

/*
 * The mailbox is at the threshold `percent` (0: below all of them). True: it was lower before, and
 * this process is the one that warns. With `look_only` nothing is remembered.
 */
bool quota_memory_reach(const char *folder, unsigned percent, bool look_only);

#endif

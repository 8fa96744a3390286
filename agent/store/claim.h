/* SPDX-License-Identifier: MIT */
/*
 * claim: tells a retry what the earlier try did with a copy, whatever moment that try died at.
 *
 * A claim is a symbolic link "todoke-KEY" in a folder's tmp whose text is the name of a draft in
 * the same tmp. The draft is written and flushed first, then claimed, then moved to new or cur. So
 * whoever finds a claim can tell:
 *
 *     its draft is still in tmp    that try did not reach the move, and cannot once the draft is
 *                                  removed
 *     its draft is gone            the copy was made visible; where it is now (read, moved,
 *                                  deleted) is up to its owner
 *
 * Whoever claims holds a shared lock (flock) on the draft's file until the delivery is over:
 * another delivery that finds the claim waits for that end instead of guessing by its age whether a
 * process is alive.
 *
 * To give a copy up, remove the claim first and the draft or the copy after it; where these lie in
 * different folders, the claim's is flushed in between. Else the claim is not flushed: the flush of
 * new that follows the move brings it to the disk wherever the file system keeps the order of what
 * was done (ext4, XFS). Elsewhere a power cut may lose it, and a retry stores a second copy; never
 * none.
 */
#ifndef TODOKE_CLAIM_H
#define TODOKE_CLAIM_H

#include "agent/base/status.h"

typedef struct Claim Claim;

typedef enum {
	CLAIM_OURS,        /* our draft is the one to be made visible */
	CLAIM_STORED,      /* an earlier try has done it */
	CLAIM_UNSUPPORTED, /* this folder does not support symbolic links: a retry cannot tell */
} ClaimAnswer;

/*
 * A claim under `key` (hexadecimal digits, the first of them as good as random) in the folder
 * `dirfd` (borrowed). Nothing is read yet. Caller frees.
 */
Claim *claim_new(int dirfd, const char *key);

/*
 * The draft lies in another folder than the claim: in `dirfd` (borrowed), behind `hidden` ("tmp/"
 * or "."; lives for ever). For folders of other programs, which have no tmp or whose tmp nobody
 * sweeps.
 */
void claim_set_folder(Claim *claim, int dirfd, const char *hidden);

/*
 * For what is not a file of its own, such as a message in an mbox: a note in place of a draft's
 * name (no '/', not over LIMIT_FILE_NAME). _read gives that of an earlier try (*ret_note, caller
 * frees, stays as it is where none counts). False: it cannot be found out. claim_forget removes it.
 */
bool claim_read_note(const Claim *claim, gint64 lifetime, char **ret_note, Status *st);
void claim_write_note(Claim *claim, const char *note);

/* Frees the memory only: what stands in tmp stays. */
void claim_free(Claim *claim);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Claim, claim_free)

typedef struct {
	gint64 lifetime;  /* seconds after which a claim does not count any more */
	unsigned wait_ms; /* how long to wait for a delivery that is at work */
} ClaimTimes;

/*
 * Claim the draft `name`, which is in the folder's tmp, flushed, locked, and no longer removed by
 * the deadline: once it is claimed, a draft that is gone means that the copy was made visible. A
 * claim older than its lifetime does not count, nor one that another user has made; what is no
 * claim of ours and cannot be removed stops nothing. *ret_earlier (caller frees) is set with
 * CLAIM_STORED: the earlier try's file, without sizes and flags. False: STATUS_BUSY (another
 * delivery holds the claim for too long), or a fault of the file system; then claim_drop must be
 * asked before the draft is removed.
 */
bool claim_take(Claim *claim, const char *name, const ClaimTimes *times, ClaimAnswer *ret_answer,
                char **ret_earlier, Status *st);

/* After CLAIM_STORED: that was another message; claim the draft `name` all the same. */
bool claim_take_anyway(Claim *claim, const char *name, Status *st);

/*
 * Give up what was claimed. False: the claim belongs to another try by now or will do so soon, or
 * it cannot be removed, so draft and copy must stay.
 */
bool claim_drop(Claim *claim);

/*
 * After CLAIM_STORED: does the answer still stand? No, if the delivery that made the claim was
 * still at work then, and removed the claim at its end.
 */
bool claim_answer_stands(const Claim *claim, const char *earlier);

/*
 * Remove our claim, or the one that was found: the same message may come again on purpose. A claim
 * that belongs to another delivery by now stays.
 */
void claim_forget(Claim *claim);

/*
 * One time in CLAIM_SWEEP_EVERY, which the key decides, remove the claims in this tmp that are
 * older than `lifetime` seconds, and the files of programs that died: those that nobody has written
 * to or changed for `tmp_age` seconds (LIMIT_TMP_AGE_SECONDS).
 */
#define CLAIM_SWEEP_EVERY 32
void claim_sweep(const Claim *claim, gint64 lifetime, gint64 tmp_age);

#endif

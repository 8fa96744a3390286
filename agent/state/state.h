/* SPDX-License-Identifier: MIT */
/*
 * state: what is remembered from one delivery to the next: who was answered, what was seen, how
 * much went out today, what a retry must not repeat, the last version of a script that worked.
 *
 * Keys and values that expire, and counters; nothing more, so that other stores can replace SQLite:
 * each is in a module (state-module.h). Faults of a file beside the mailbox never stop mail: they
 * go into a note, and the caller goes on as if nothing were remembered. A damaged file is put aside
 * under the name FILE.damaged and a new one is begun.
 *
 * A server that several hosts share (state-place.h) is different: what it does not say now it will
 * say later, and another host may know what this one does not. Mail that needs it is put off
 * (STATUS_STATE); other mail is delivered, and never asks. One connection a process is kept; a
 * question that loses it is asked once more by a new one. A server that does not answer in time is
 * not asked again for as long as it was waited for.
 */
#ifndef TODOKE_STATE_H
#define TODOKE_STATE_H

#include "agent/base/status.h"
#include "agent/state/state-place.h"

/* Their numbers are in the stores. */
typedef enum { STATE_SEEN, STATE_JOURNAL, STATE_COUNTER, STATE_BLOB, STATE_CLAIM } StateKind;

typedef struct State State;

/* One thing to remember until `until` (seconds since 1970). */
typedef struct {
	StateKind kind;
	const char *key;
	const void *value; /* NULL with len 0: only the key is remembered */
	size_t len;
	gint64 until;
} StateItem;

/*
 * Open the state in `folder`, which is made if it is missing. Items that end before `now` (seconds
 * since 1970) have expired. *ret_note (caller frees; NULL: nothing to say) tells that a damaged
 * file was put aside. NULL: it cannot be used.
 */
State *state_open(const char *folder, gint64 now, char **ret_note, Status *st);

/*
 * What is remembered of `owner` in the server `place` (borrowed). NULL: STATUS_STATE, it does not
 * answer, or not as it should.
 */
State *state_open_shared(const StatePlace *place, const char *owner, gint64 now, Status *st);
void state_close(State *state);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(State, state_close)

/*
 * The value of a key, as text with a NUL behind it; *ret_value is NULL where there is none. Caller
 * frees.
 */
bool state_get(State *state, StateKind kind, const char *key, char **ret_value, size_t *ret_len,
               Status *st);

/*
 * Remember all of `items`, or none (false); flushed to the disk. A value with a later end replaces
 * an earlier one.
 */
bool state_put(State *state, const StateItem *items, size_t n, Status *st);

/*
 * Add `by` to a counter that ends at `until`; *ret_total is its new value. With 0 it is only read.
 */
bool
state_count(State *state, const char *key, gint64 by, gint64 until, gint64 *ret_total, Status *st);

/*
 * Put the item unless there is one already that has not ended: of all that try at once, on whatever
 * hosts, one has *ret_taken. One with the same value counts as the caller's own; the value is not
 * empty.
 */
bool state_take(State *state, const StateItem *item, bool *ret_taken, Status *st);

/* Remove the item if it still has this value. */
bool state_drop(State *state, const StateItem *item, Status *st);

/* Has `key` been seen? Also false after a fault, which is in `st`. */
bool state_seen(State *state, const char *key, Status *st);

/*
 * The state of one delivery: opened on first use, with the keys to be remembered if the delivery
 * succeeds.
 */
typedef struct StateOnce StateOnce;

StateOnce *state_once_new(const char *folder, gint64 now);

/*
 * What `owner` has in the server `place` (borrowed; NULL: it is in the file in `folder`, as above).
 * What belongs to this host, or lies beside the mailbox, is in `folder` all the same.
 */
StateOnce *
state_once_new_shared(const StatePlace *place, const char *owner, const char *folder, gint64 now);

/*
 * For `try`: a private copy of the state in `folder` (NULL: none), if it exists and can be read
 * (else a note says so). The copy is removed by state_once_free.
 */
StateOnce *state_once_new_copy(const char *folder, gint64 now);

/*
 * The same where the state is in a server (`place` borrowed; NULL: as above): it is read, and what
 * would be written goes into a private file.
 */
StateOnce *state_once_new_copy_shared(const StatePlace *place, const char *owner,
                                      const char *folder, gint64 now);
void state_once_free(StateOnce *once);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StateOnce, state_once_free)

/*
 * The state, or NULL where there is none. What went wrong is appended to `notes` (char *), once.
 * Borrowed.
 */
State *state_once_get(StateOnce *once, GPtrArray *notes);

/* Is it in a server that other hosts share? */
bool state_once_is_shared(const StateOnce *once);

/*
 * Has a server been asked what decides about this mail, and not answered? Then the mail waits:
 * `st` is set to STATUS_STATE, and the answer is true.
 */
bool state_once_must_wait(const StateOnce *once, Status *st);

/* An answer that decides is missing for this reason. Of a file: nothing happens. */
void state_once_miss(StateOnce *once, const Status *fault);

/*
 * The folder of the state, whether it is there or not; of a copy only when it has been asked for.
 * Borrowed.
 */
const char *state_once_folder(const StateOnce *once);

/*
 * Has another mail made `key` seen? `arrival` (arrival_key; NULL: a retry cannot be told from a
 * second copy) names this one: a delivery that was done but not answered in time has not seen what
 * it made seen itself. Where nobody knows, that is noted, and the answer is no.
 */
bool state_once_has_seen(StateOnce *once, const char *key, const char *arrival, GPtrArray *notes);

/* Did an earlier try of this arrival make `key` seen? */
bool state_once_was_first(StateOnce *once, const char *key, const char *arrival, GPtrArray *notes);

/*
 * Remember `key` as seen until then, when the delivery has succeeded; made so by `arrival`, or by
 * an earlier one (NULL).
 */
void state_once_will_see(StateOnce *once, const char *key, const char *arrival, gint64 until);

/*
 * The delivery has succeeded: write what state_once_will_see was told. Faults go to `notes` (char
 * *).
 */
void state_once_succeeded(StateOnce *once, GPtrArray *notes);

/*
 * A key made of several parts by SHA-256, as strangers write some of them. NULL ends the list.
 * Caller frees.
 */
char *state_key(const char *first, ...) G_GNUC_NULL_TERMINATED;

#endif

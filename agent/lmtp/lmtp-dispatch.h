/* SPDX-License-Identifier: MIT */
/*
 * lmtp-dispatch: the deliveries of one message, several at once in the processes of a pool, their
 * outcomes taken in order.
 *
 * Each has two steps: a process of root searches for the owner of the mailbox, and one of the owner
 * delivers. Where a file system hangs, searches hang with it; so only a few of one place are begun,
 * and those of other places go on beside them.
 */
#ifndef TODOKE_LMTP_DISPATCH_H
#define TODOKE_LMTP_DISPATCH_H

#include "agent/lmtp/lmtp-pool.h"
#include "agent/lmtp/lmtp-slots.h"

/*
 * Searches at once, and how many of them for mailboxes of one place. The next one is begun as soon
 * as the last has taken so many milliseconds: where nothing hangs, one process does them all.
 */
enum { LMTP_SEARCHES = 8, LMTP_SEARCHES_OF_PLACE = 2, LMTP_SEARCH_SLOW_MS = 100 };

typedef struct {
	/*
	 * Ask a process of the pool to search for delivery `number`, in `lane` (below
	 * LMTP_SLOT_LANES). Or, where nothing has to be asked, set *ret_found (the dispatch frees
	 * it) to what it would answer. False: it has failed already, and st says how.
	 */
	bool (*search)(void *user, unsigned number, unsigned lane, LmtpPoolMember **ret_member,
	               char **ret_found, Status *st);
	/* Ask a process to deliver; `found` is what the other one answered. */
	bool (*deliver)(void *user, unsigned number, const char *found, LmtpPoolMember **ret_member,
	                Status *st);
	/*
	 * The process that was at delivery `number` has answered, or (`lost`) is gone without an
	 * answer. `searched`: it was the one that searches; `found` is what it found, NULL: it
	 * failed. May be NULL.
	 */
	void (*hear)(void *user, unsigned number, bool searched, const char *found, bool lost);
	/* Delivery `number`, whose search was begun in this lane, is over. */
	void (*end)(void *user, unsigned number, unsigned lane);
	/* It has failed by st, and no delivery process could log that. May be NULL. */
	void (*failed)(void *user, unsigned number, const Status *st);
	void *user;
} LmtpDispatchWork;

typedef struct LmtpDispatch LmtpDispatch;

/* Both are borrowed. Caller frees. */
LmtpDispatch *lmtp_dispatch_new(LmtpPool *pool, const LmtpDispatchWork *work);

/* Nothing more is begun; waits for what was. */
void lmtp_dispatch_free(LmtpDispatch *dispatch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LmtpDispatch, lmtp_dispatch_free)

/*
 * One more delivery, to this mailbox, which lies in `place`. Deliveries to one mailbox follow each
 * other.
 */
void lmtp_dispatch_add(LmtpDispatch *dispatch, const char *mailbox, const char *place);

/* The number of the delivery whose outcome is taken next; their count if all have been taken. */
unsigned lmtp_dispatch_next(const LmtpDispatch *dispatch);

/*
 * Wait for the outcome of the next delivery; meanwhile others run. Faults are those of the
 * delivery. *ret_done is the caller's.
 */
bool lmtp_dispatch_take(LmtpDispatch *dispatch, char **ret_done, Status *st);

#endif

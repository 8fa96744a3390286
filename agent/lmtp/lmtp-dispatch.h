/* SPDX-License-Identifier: MIT */
/*
 * lmtp-dispatch: the deliveries of one message, several at once in the processes of a pool, their
 * outcomes taken in order.
 */
#ifndef TODOKE_LMTP_DISPATCH_H
#define TODOKE_LMTP_DISPATCH_H

#include "agent/lmtp/lmtp-lanes.h"
#include "agent/lmtp/lmtp-pool.h"

typedef struct {
	/*
	 * Ask a process of the pool for delivery `number`, in `lane` (below LMTP_LANES). False: it
	 * has failed already, and st says how.
	 */
	bool (*begin)(void *user, unsigned number, unsigned lane, LmtpPoolMember **ret_member,
	              Status *st);
	/* The delivery in this lane is over. */
	void (*end)(void *user, unsigned lane);
	void *user;
} LmtpDispatchWork;

typedef struct LmtpDispatch LmtpDispatch;

/* Both are borrowed. Caller frees. */
LmtpDispatch *lmtp_dispatch_new(LmtpPool *pool, const LmtpDispatchWork *work);

/* Nothing more is begun; waits for what was. */
void lmtp_dispatch_free(LmtpDispatch *dispatch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LmtpDispatch, lmtp_dispatch_free)

/* One more delivery, to this mailbox. Deliveries to one mailbox follow each other. */
void lmtp_dispatch_add(LmtpDispatch *dispatch, const char *mailbox);

/* The number of the delivery whose outcome is taken next; their count if all have been taken. */
unsigned lmtp_dispatch_next(const LmtpDispatch *dispatch);

/*
 * Wait for the outcome of the next delivery; meanwhile others run. Faults are those of the
 * delivery. *ret_done is the caller's.
 */
bool lmtp_dispatch_take(LmtpDispatch *dispatch, char **ret_done, Status *st);

#endif

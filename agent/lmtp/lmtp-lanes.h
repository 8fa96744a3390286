/* SPDX-License-Identifier: MIT */
/*
 * lmtp-lanes: the deliveries of one message, several at once.
 *
 * Each of them flushes its files by itself before it answers, but those that wait for the disk at
 * the same time wait together: the file system writes its journal once for all. A lane is a
 * process, so a delivery that dies takes no other one with it; the rest of its lane gets a new
 * process.
 */
#ifndef TODOKE_LMTP_LANES_H
#define TODOKE_LMTP_LANES_H

#include "agent/base/status.h"

/* Lanes at most. What more of them bring is in tests/bench/README. */
enum { LMTP_LANES = 8 };

typedef struct LmtpLanes LmtpLanes;

/* Delivery `number` in `lane`, in the lane's process. *ret_done may stay NULL. */
typedef bool LmtpLanesWork(void *user, unsigned lane, unsigned number, char **ret_done, Status *st);

/* No outcome is waited for longer than `seconds`. `user` is borrowed; caller frees. */
LmtpLanes *lmtp_lanes_new(LmtpLanesWork *work, void *user, unsigned seconds);

/* Waits for deliveries that have begun; those that have not are never begun. */
void lmtp_lanes_free(LmtpLanes *lanes);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LmtpLanes, lmtp_lanes_free)

/*
 * Add the next delivery; numbers begin at 0. Those of one user are in one lane, in their order: a
 * user has one mailbox.
 */
void lmtp_lanes_add(LmtpLanes *lanes, const char *user_name);

/* Are there enough of them to be worth more than one process? */
bool lmtp_lanes_pay(const LmtpLanes *lanes);

/* The delivery whose outcome comes next, from number 0 on. */
unsigned lmtp_lanes_next(const LmtpLanes *lanes);

/*
 * The outcome of the next delivery; there has to be one. The first call starts all lanes. Faults:
 * those of lmtp_child_take. *ret_done is the caller's. *ret_lost: the process died, or could not be
 * started, so it has logged nothing.
 */
bool lmtp_lanes_take(LmtpLanes *lanes, char **ret_done, bool *ret_lost, Status *st);

#endif

/* SPDX-License-Identifier: MIT */
/* lmtp-child: work in a process of its own, and its outcomes brought back. */
#ifndef TODOKE_LMTP_CHILD_H
#define TODOKE_LMTP_CHILD_H

#include "agent/base/status.h"

#include <sys/types.h>

/* A piece of the work. *ret_done may stay NULL. */
typedef bool LmtpChildWork(void *user, char **ret_done, Status *st);

typedef struct {
	pid_t pid; /* 0: none */
	int from;
} LmtpChild;

/*
 * Start a child that calls `work` so many `times`, or until nobody takes its outcomes any more. The
 * process has no other children than those of this file.
 */
bool
lmtp_child_start(LmtpChild *child, LmtpChildWork *work, void *user, unsigned times, Status *st);

/*
 * The next outcome, waited for at most `seconds`. A child that dies is STATUS_INTERNAL, by its own
 * deadline (exit code EX_TEMPFAIL) or ours STATUS_DEADLINE; then it has ended. *ret_done is the
 * caller's.
 */
bool lmtp_child_take(LmtpChild *child, unsigned seconds, char **ret_done, Status *st);

/*
 * Take no more outcomes of the child: it finishes what it is at. Nothing happens where there is no
 * child.
 */
void lmtp_child_leave(LmtpChild *child);

/*
 * The last outcome was taken, or it was left and has so many seconds to end. Nothing happens
 * without a child.
 */
void lmtp_child_end(LmtpChild *child, unsigned seconds);

/* One piece of work in a child, from start to end. */
bool lmtp_child_run(LmtpChildWork *work, void *user, unsigned seconds, char **ret_done, Status *st);

/* From now on children do not have our descriptor `fd`: they belong to their recipients. */
void lmtp_child_hide(int fd);

#endif

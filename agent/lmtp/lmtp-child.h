/* SPDX-License-Identifier: MIT */
/* lmtp-child: work in a process of its own, and its outcomes brought back. */
#ifndef TODOKE_LMTP_CHILD_H
#define TODOKE_LMTP_CHILD_H

#include "agent/base/status.h"

#include <glib.h>
#include <sys/types.h>

/* A piece of the work. *ret_done (may stay NULL) is the caller's. False: its fault is in `st`. */
typedef bool LmtpChildWork(void *user, char **ret_done, Status *st);

typedef struct {
	pid_t pid; /* 0: none */
	int from;
} LmtpChild;

/*
 * Start a child that calls `work` so many `times`, or until nobody takes its outcomes any more. The
 * process has no other children than those of this file. False: it could not be started.
 */
bool
lmtp_child_start(LmtpChild *child, LmtpChildWork *work, void *user, unsigned times, Status *st);

/*
 * Wait at most `seconds` for the next outcome. Faults are those of the work; STATUS_DEADLINE for a
 * child that ran out of its own time (exit code EX_TEMPFAIL) or of ours, STATUS_INTERNAL for one
 * that died otherwise; in both cases it has ended. *ret_done is the caller's.
 */
bool lmtp_child_take(LmtpChild *child, unsigned seconds, char **ret_done, Status *st);

/*
 * Take no more outcomes of the child: it finishes what it is at. Nothing happens where there is no
 * child.
 */
void lmtp_child_leave(LmtpChild *child);

/*
 * End a child whose last outcome was taken, or one that was left and has so many seconds to end.
 * Nothing happens without a child.
 */
void lmtp_child_end(LmtpChild *child, unsigned seconds);

/*
 * Answer one request. `fd` came with it (-1: none) and is the callee's to close. *ret_done may stay
 * NULL.
 */
typedef bool
LmtpChildAnswer(void *user, const char *request, size_t len, int fd, char **ret_done, Status *st);

/* Octets of a request; more is not sent. */
enum { LMTP_CHILD_MOST_REQUEST = 128 * 1024 };

/*
 * Start a child that answers requests, one after the other, until its channel is closed
 * (lmtp_child_end). lmtp_child_take returns the outcome of each. False: it could not be started.
 */
bool lmtp_child_serve(LmtpChild *child, LmtpChildAnswer *answer, void *user, Status *st);

/* What goes with a request: octets that stand behind it, and a descriptor. */
typedef struct {
	const char *octets;
	size_t len;
	int fd; /* -1: none */
} LmtpLoad;

/*
 * Send it a request with its load (NULL: none). Call it again only after the outcome was taken.
 * Faults: STATUS_INTERNAL, the child has not got the request.
 */
bool
lmtp_child_ask(const LmtpChild *child, const GString *request, const LmtpLoad *load, Status *st);

/*
 * Memory for what children must not find in theirs, for good: mail of others. It is empty at first.
 * NULL: there is none.
 */
void *lmtp_child_hidden_memory(size_t size);

/* Has a child that was asked nothing ended all the same? */
bool lmtp_child_is_gone(const LmtpChild *child);

/* From now on children do not have our descriptor `fd`: they belong to their recipients. */
void lmtp_child_hide(int fd);

/* It is about to be closed, or children may have it again. */
void lmtp_child_show(int fd);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * lmtp-pool: delivery processes that stay. Each has become one user for good; after a request it
 * waits for the next one for the same user. Another user gets another process.
 *
 * The pool starts, keeps and ends them; what a request means is the business of `answer`.
 */
#ifndef TODOKE_LMTP_POOL_H
#define TODOKE_LMTP_POOL_H

#include "agent/lmtp/lmtp-child.h"

typedef struct {
	unsigned most;         /* processes that wait; 0: each ends after its request */
	unsigned uses;         /* requests until a process is replaced */
	unsigned idle_seconds; /* that a process waits for the next request */
	unsigned seconds;      /* that a request may take; then its process is killed */
	unsigned life_seconds; /* after which a process is replaced; 0: never */
} LmtpPoolOptions;

typedef struct LmtpPool LmtpPool;
typedef struct LmtpPoolMember LmtpPoolMember;

/* `answer` is called in the processes. `user` is borrowed. Caller frees. */
LmtpPool *lmtp_pool_new(const LmtpPoolOptions *options, LmtpChildAnswer *answer, void *user);

/*
 * For tests, as a daemon's pool lives as long as the daemon: ends the processes. Call it when all
 * outcomes were taken.
 */
void lmtp_pool_free(LmtpPool *pool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LmtpPool, lmtp_pool_free)

/*
 * Send a request with its load (NULL: none) to a process that waits under `key`, or to a new
 * one. *ret_member answers it: take its outcome next. Faults: STATUS_INTERNAL and those of fork.
 */
bool lmtp_pool_ask(LmtpPool *pool, const char *key, const GString *request, const LmtpLoad *load,
                   LmtpPoolMember **ret_member, Status *st);

/* How many processes there are. */
unsigned lmtp_pool_size(const LmtpPool *pool);

/* Let the request of `member` take no more than so many seconds from now on. */
void lmtp_pool_hurry(LmtpPoolMember *member, unsigned seconds);

/* Readable as soon as the outcome is there, or the process is gone. */
int lmtp_pool_fd(const LmtpPoolMember *member);

/* Milliseconds that its request may still take; 0: it is late, lmtp_pool_take will end it. */
int lmtp_pool_left_ms(const LmtpPoolMember *member);

/*
 * Wait for the outcome of `member`, which is not to be used afterwards. Faults are those of the
 * outcome, and of lmtp_child_take. *ret_done is the caller's; it may be NULL. *ret_lost (NULL: not
 * wanted): there was no outcome, as the process died or was killed.
 */
bool
lmtp_pool_take(LmtpPool *pool, LmtpPoolMember *member, char **ret_done, bool *ret_lost, Status *st);

/*
 * End the processes that have waited long enough. Returns after how many milliseconds to call
 * again; -1: when something was asked.
 */
int lmtp_pool_tidy(LmtpPool *pool);

#endif

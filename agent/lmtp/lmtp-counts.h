/* SPDX-License-Identifier: MIT */
/*
 * lmtp-counts: what lmtpd has done since it started, counted by the master and its workers in
 * memory that they share.
 *
 * Each count is one atomic word, so a process that dies leaves all of them whole. No process that
 * talks with clients beside a root half has that memory (lmtp_counts_forget), nor has one that
 * belongs to an owner (lmtp_counts_keep): they could make up counts.
 */
#ifndef TODOKE_LMTP_COUNTS_H
#define TODOKE_LMTP_COUNTS_H

#include "agent/base/status.h"

#include <glib.h>
#include <stdbool.h>

typedef struct LmtpCounts LmtpCounts;

typedef enum {
	LMTP_COUNTS_SESSION,     /* a worker got a client */
	LMTP_COUNTS_BUSY,        /* no worker was free for a client */
	LMTP_COUNTS_NOT_ALLOWED, /* lmtp_allow does not name a client */
	LMTP_COUNTS_WORKER_LATE, /* a worker ended by its deadline */
	LMTP_COUNTS_WORKER_LOST, /* a worker died */
	LMTP_COUNTS_EVENTS
} LmtpCountsEvent;

/*
 * For so many workers; it lives as long as the process. NULL: there is no memory. All functions
 * below do nothing with NULL.
 */
LmtpCounts *lmtp_counts_new(unsigned workers);

void lmtp_counts_add(LmtpCounts *counts, LmtpCountsEvent event);

/* A delivery is over and will be answered by this; STATUS_OK: the mail was delivered. */
void lmtp_counts_add_outcome(LmtpCounts *counts, const Status *st);

/* A recipient was refused or deferred at RCPT. */
void lmtp_counts_add_refusal(LmtpCounts *counts, const Status *st);

/* A delivery took so many microseconds. */
void lmtp_counts_add_time(LmtpCounts *counts, gint64 took_us);

/* Where a delivery was made: it met those whom outside_seen and outside_reached know. */
void lmtp_counts_add_peers(LmtpCounts *counts);

/* Worker `slot` has so many delivery processes that stay. */
void lmtp_counts_set_processes(LmtpCounts *counts, unsigned slot, unsigned processes);

/* How many workers wait for a client, and how many talk with one. */
void lmtp_counts_set_workers(LmtpCounts *counts, unsigned idle, unsigned busy);

/* From now on, no child of this process has the memory. */
void lmtp_counts_keep(LmtpCounts *counts);

/* This process must not write: it only prints. */
void lmtp_counts_only_read(LmtpCounts *counts);

/* This process has the memory no longer. */
void lmtp_counts_forget(LmtpCounts *counts);

/* All of it as OpenMetrics 1.0. Caller frees. */
char *lmtp_counts_print(const LmtpCounts *counts);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * outage: the log reports a peer that does not answer once, then every 15 minutes, and once when it
 * is back, however many processes meet it.
 *
 * One file a peer in a folder of one account: its head says since when it is down and when that was
 * reported last, and each mail that is deferred appends an octet. No process waits: one that does
 * not get the lock leaves the report to the one that holds it. A peer that comes and goes is
 * reported no more often than one that stays away: an outage that begins within 15 minutes of the
 * last report is reported when they are over.
 */
#ifndef TODOKE_OUTAGE_H
#define TODOKE_OUTAGE_H

#include "agent/base/outside.h"

#include <glib.h>
#include <stdbool.h>

typedef enum {
	OUTAGE_QUIET, /* nothing is to be told now */
	OUTAGE_BEGINS,
	OUTAGE_GOES_ON,
	OUTAGE_ENDS
} OutageNews;

typedef struct {
	OutageNews news;
	gint64 since;  /* seconds since 1970 */
	guint64 count; /* mails that were put off, this one included */
} Outage;

/* Seconds between two reports of one outage. */
enum { OUTAGE_TOLD_EVERY = 900 };

/*
 * Open the folder in which this process may remember outages: `path` is a folder that this account
 * owns and nobody else writes to; with `make` it is made where its parent is there. -1: it cannot
 * be used. Caller closes.
 */
int outage_open_folder(const char *path, bool make);

/*
 * A mail is deferred at `now` because the peer does not answer. False: that cannot be remembered in
 * `folder`, so only the mail's own log line reports it.
 */
bool
outage_put_off(int folder, const char *protocol, const char *peer, gint64 now, Outage *ret_outage);

/* The peer has answered. False: there was no outage, or another process reports its end. */
bool outage_over(int folder, const char *protocol, const char *peer, Outage *ret_outage);

/* Write the log line that is due, if any; `reply` (may be NULL) says why there is no answer. */
void outage_log(const Outage *outage, const char *protocol, const char *peer, const char *reply,
                gint64 now);

/*
 * All of the above for the mail that has just been handled, or for whose recipient a source of
 * users has just been asked: remember what outside_seen and outside_reached know in the folder
 * `path`, or if that cannot be used, in `otherwise` (NULL: none), and report it. True: a peer is
 * down, and the log says so besides the line of this mail.
 */
bool outage_tell(const char *path, const char *otherwise, gint64 now);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * outage: a peer that does not answer is told once, then every 15 minutes, and once when it is
 * back, however many processes meet it.
 *
 * One file a peer in a folder of one account: its head says since when and when it was told last,
 * and each mail that is put off appends an octet. Nobody waits: who does not get the lock leaves
 * the telling to who has it. A peer that comes and goes is told no more often than one that stays
 * away: an outage that begins within 15 minutes after the last was told is told when those are
 * over.
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

/* Seconds between two tellings of one outage. */
enum { OUTAGE_TOLD_EVERY = 900 };

/*
 * Open the folder in which this process may remember outages: `path` is a folder that this account
 * owns and nobody else writes to; with `make` it is made where its parent is there. -1: it cannot
 * be used. Caller closes.
 */
int outage_open_folder(const char *path, bool make);

/*
 * A mail is put off at `now` as the peer does not answer. False: that cannot be remembered in
 * `folder`, so nobody tells it but the mail's own line.
 */
bool
outage_put_off(int folder, const char *protocol, const char *peer, gint64 now, Outage *ret_outage);

/* The peer has answered. False: there was no outage, or another process tells its end. */
bool outage_over(int folder, const char *protocol, const char *peer, Outage *ret_outage);

/* Write the line that is due, if any; `reply` (may be NULL) is why there is no answer. */
void outage_log(const Outage *outage, const char *protocol, const char *peer, const char *reply,
                gint64 now);

/*
 * All of it, for the mail that has just been dealt with: what outside_seen and outside_reached know
 * is remembered in the folder `path`, where that cannot be used in `otherwise` (NULL: none), and
 * told. True: a peer is down, and the log tells so without the line of this mail.
 */
bool outage_tell(const char *path, const char *otherwise, gint64 now);

#endif

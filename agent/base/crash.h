/* SPDX-License-Identifier: MIT */
/*
 * crash: a process that dies by a fault of its own says where, and leaves a mark that the next try
 * of the same message finds. So a message that kills the rules does not block a mailbox until it
 * bounces.
 *
 * The line has addresses only, and nothing of the message: `addr2line -e todoke-main.so ADDRESS`
 * (or todoke-deliver) turns them into lines of the source, where the build id is the same.
 */
#ifndef TODOKE_CRASH_H
#define TODOKE_CRASH_H

#include "agent/base/status.h"

#include <glib.h>

/*
 * What a message is known by: the octets of its header, borrowed. Those up to the last Received do
 * not count: they differ where the message comes anew.
 */
typedef struct {
	const char *folder; /* the owner's state folder; NULL: nothing is counted */
	const char *octets;
	size_t len;
} CrashPlace;

/*
 * From now on a system call that the box does not let through (SIGSYS) writes a line into the log
 * that names it, and the mail (NULL: none yet); after that the process dies as it would have.
 */
void crash_catch_refused(const char *queue_id);

/*
 * From now on a crash writes its line, where rules do not run, too. For processes that live long:
 * in one that delivers a single mail it costs as many calls as there are signals.
 */
void crash_catch(void);

/*
 * From now on a crash (SIGSEGV, SIGBUS, SIGABRT, SIGTRAP, SIGFPE, SIGILL) writes a line into the
 * log, and it, or such a call, adds one to the mark of this message in the folder "crashes" of the
 * state folder, which is made then; after that the process dies as it would have. The octets must
 * live until crash_unwatch. A path that is too long leaves no mark. Only the last call counts.
 */
void crash_watch(const CrashPlace *place, const char *queue_id);

/*
 * The time is over while rules run: leave the mark that a crash leaves, without the line. For the
 * handler of the deadline.
 */
void crash_mark_overtime(void);

/* The rules have run, and what they want is done now: only a crash is counted. */
void crash_rules_ended(void);

/* From now on a crash leaves no mark. The line is still written. */
void crash_unwatch(void);

/*
 * How often rules have crashed, or run past the deadline, over this message in the last
 * LIMIT_CRASH_AGE seconds. Costs one
 * system call where nothing has crashed.
 */
unsigned crash_count(const CrashPlace *place);

/* Remove the mark of this message, and those of others that no longer count. */
void crash_forget(const CrashPlace *place);

#endif

/*
 * deadline: our own end of patience, below Postfix's.
 *
 * pipe(8) kills a command that runs past its time limit and bounces the mail (5.3.0), whatever it printed. So we end
 * first: at the deadline the temporary file goes away, the children are killed, and the answer is "4.3.0 ... while
 * reading the message" with exit code 75. A signal that asks a one-shot program to end is answered in the same way.
 */
#ifndef TODOKE_DEADLINE_H
#define TODOKE_DEADLINE_H

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/* Start the clock: `seconds` from now (0: none). `queue_id` (may be NULL) ends the answer. */
void deadline_start(unsigned seconds, const char *queue_id);

/* See to it that at least so many seconds are left from now on, where there is a clock. */
void deadline_grant(unsigned seconds);

/* Stop the clock: the commit has ended, or main is about to answer. */
void deadline_stop(void);

/* What is being waited for ("reading the message"), for the answer. A string that lives for ever. */
void deadline_waiting_for(const char *what);

/*
 * SIGTERM, SIGINT and SIGHUP end this process as the deadline does: no file stays, the answer is 4.3.2 with exit code 75. From
 * deadline_outlast_termination on, when what was begun can no longer be undone without a trace, they wait until the delivery is over.
 */
void deadline_catch_termination(void);
void deadline_outlast_termination(void);

/* A file that must not stay behind when the deadline strikes. The struct, the folder and the name live until it is dropped. */
typedef struct DeadlineFile {
	int dirfd;
	const char *name;
	struct DeadlineFile *next;
} DeadlineFile;

/* Remove `file` at the deadline, beside those that were added before. Add it before the file is made: no moment is unguarded. */
void deadline_add_file(DeadlineFile *file);

/* Take `file` back; nothing happens if it was never added. */
void deadline_drop_file(DeadlineFile *file);

/* A process group that must not outlive us; 0 takes it back. One at a time. */
void deadline_kill_group(pid_t group);

/* Whole seconds that are left; G_MAXUINT without a deadline. */
unsigned deadline_left(void);

#endif

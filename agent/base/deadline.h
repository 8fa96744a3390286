/* SPDX-License-Identifier: MIT */
/*
 * deadline: our own time limit for a delivery, below Postfix's.
 *
 * pipe(8) kills a command that runs past its time limit and bounces the mail (5.3.0), whatever it
 * printed. So the agent ends first: at the deadline it removes its temporary files, kills its
 * children, and answers "4.3.0 ... while reading the message" with exit code 75. SIGTERM and its
 * like end `todoke deliver` in the same way.
 */
#ifndef TODOKE_DEADLINE_H
#define TODOKE_DEADLINE_H

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/*
 * Start the clock: `seconds` from now (0: none), or what is left of the alarm that the process
 * began with, if that is less. `queue_id` (may be NULL) ends the answer.
 */
void deadline_start(unsigned seconds, const char *queue_id);

/* Extend the deadline, if there is one, so that at least `seconds` are left. */
void deadline_grant(unsigned seconds);

/* Stop the clock: the commit is over, or main is about to answer. */
void deadline_stop(void);

/* The same for a process that ends now: an alarm that still comes does nothing. */
void deadline_end(void);

/* Set what the delivery is doing ("reading the message"), for the answer. A static string. */
void deadline_waiting_for(const char *what);

/*
 * SIGTERM, SIGINT and SIGHUP end this process as the deadline does: no file stays behind, the
 * answer is 4.3.2 with exit code 75. From deadline_outlast_termination on, when the delivery can no
 * longer be undone without a trace, they take effect when it is over.
 */
void deadline_catch_termination(void);
void deadline_outlast_termination(void);

/*
 * A file that must not stay behind when the deadline strikes. The struct, the folder and the name
 * live until it is dropped.
 */
typedef struct DeadlineFile {
	int dirfd;
	const char *name;
	struct DeadlineFile *next;
} DeadlineFile;

/*
 * Remove `file` at the deadline, beside those that were added before. Add it before the file is
 * made, so that no moment is unguarded.
 */
void deadline_add_file(DeadlineFile *file);

/* Forget `file`; does nothing if it was never added. */
void deadline_drop_file(DeadlineFile *file);

/*
 * Set the process group that must not outlive this process; 0: none. There is only one at a time.
 */
void deadline_kill_group(pid_t group);

/*
 * The same of a program that another process started for this one: `stop` ends it, and calls only
 * what is safe in a handler of signals. NULL: there is none.
 */
void deadline_stop_program(void (*stop)(void));

/* Whole seconds that are left; G_MAXUINT without a deadline. */
unsigned deadline_left(void);

#endif

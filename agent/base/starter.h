/* SPDX-License-Identifier: MIT */
/*
 * starter: a process that starts programs for one that is in a box (box.h).
 *
 * What a process in a box starts is in the box too, and may gain no rights by setgid. So where
 * rules may run programs, the process forks a starter before it enters the box. The starter reads
 * nothing of the message; it starts what its policy allows, one program at a time, and tells how it
 * ended. The program's pipes lead to the process in the box. When that process ends, by whatever,
 * the program's process group is killed and the starter ends.
 */
#ifndef TODOKE_STARTER_H
#define TODOKE_STARTER_H

#include "agent/base/program.h"

/*
 * What may be started. NULL: none of that kind. All is borrowed and need not outlive starter_fork.
 *
 * Only `any` lets programs have an environment beyond the names of site-program.c and route.c, or
 * be scripts for /bin/sh.
 */
typedef struct {
	const char *folder;   /* each file right in this folder */
	const char *sendmail; /* this program, with the arguments that route.c gives it */
	const char *cage;     /* this one, without arguments or environment */
	bool any;             /* all */
	unsigned seconds;     /* a program that runs for longer is killed */
} StarterPolicy;

/* May it be started? */
bool starter_policy_allows(const StarterPolicy *policy, const Program *program);

/* Fork the starter. Before the box, and before the message is read. False: errno. */
bool starter_fork(const StarterPolicy *policy);

/* Is there one? Programs must then be started by it. */
bool starter_is_there(void);

/*
 * Ask for a program, with this umask; `fds` are copied. What keeps it from being started comes by
 * fds[PROGRAM_FAILURE]: errno, or, if there could be no process for it, errno below zero. False:
 * errno; ESRCH: the starter is gone.
 */
bool starter_start(const Program *program, mode_t mask, const int fds[PROGRAM_FDS]);

/* Can be read when the program may have ended; has it, or is the starter gone? */
int starter_channel(void);
bool starter_has_ended(void);

/*
 * Behind starter_start: kill what is left of the program's group, and tell how the program ended,
 * as waitpid(2) does. False: the starter is gone.
 */
bool starter_end(int *ret_wait);

/* The same, telling nothing, in a handler of signals before the process ends. */
void starter_stop(void);

/*
 * Let the starter end before this process does, so that init has nothing to reap. Does nothing
 * where there is none.
 */
void starter_finish(void);

/* Before the process becomes another program of ours, which calls starter_take_over. */
bool starter_hand_over(void);
void starter_take_over(void);

#endif

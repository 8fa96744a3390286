/* SPDX-License-Identifier: MIT */
/*
 * program: how a process that was forked becomes a program.
 *
 * No shell: the program gets its arguments as they are. It runs in a process group of its own, in a
 * clean environment, with descriptors 0, 1 and 2 of ours and no others: Postfix waits until nobody
 * holds its pipe (agent/POSTFIX, RESULT).
 */
#ifndef TODOKE_PROGRAM_H
#define TODOKE_PROGRAM_H

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/* What to become. All is borrowed. */
typedef struct {
	const char *path;        /* absolute: no search */
	const char *const *argv; /* with the program's name first; NULL ends it */
	const char *const *envp; /* all of its environment; NULL ends it */
	/* for /bin/sh, if the program is a script without "#!"; NULL: such a script cannot run */
	const char *const *script_argv;
	const char *folder; /* working folder; NULL: "/" */
} Program;

/* What the process has open for it. */
enum {
	PROGRAM_IN,
	PROGRAM_OUT,
	PROGRAM_ERR,
	PROGRAM_FAILURE, /* gets errno, an int, if it cannot become the program */
	PROGRAM_FDS
};

/*
 * In a forked process, whose end follows that of `parent`. Only calls that are safe in a handler of
 * signals.
 */
G_NORETURN void program_become(const Program *program, const int fds[PROGRAM_FDS], pid_t parent);

/*
 * Remember this process's present limit of address space (the soft limit) and give it to programs,
 * whatever limit this process sets for itself later: a bound on our own parsers says nothing about
 * what a user's program needs.
 */
void program_keep_memory_limit(void);

#endif

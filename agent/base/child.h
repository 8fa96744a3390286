/* SPDX-License-Identifier: MIT */
/*
 * child: runs a program to its end, within bounds.
 *
 * No shell: the program gets its arguments as they are. It runs in a process group of its own, in a
 * clean environment, with descriptors 0, 1 and 2 of ours and no others: Postfix waits until nobody
 * holds its pipe (agent/POSTFIX, RESULT). When it ends or runs too long, or when we die, the rest
 * of its process group is killed. Where this process is in a box, the starter runs it outside
 * (starter.h).
 */
#ifndef TODOKE_CHILD_H
#define TODOKE_CHILD_H

#include "agent/base/program.h"
#include "agent/base/status.h"

#include <sys/types.h>

/* Octets that a pipe takes although nobody reads it (pipe(7)). */
enum { CHILD_PIPE_OCTETS = 64 * 1024 };

/* What to run. All is borrowed. */
typedef struct {
	Program program;
	/* Its input: bytes, then a part of a file. */
	const void *head;
	size_t head_len;
	int body_fd; /* with body_len > 0 */
	off_t body_at;
	off_t body_len;
	/* octets of output that are kept; a program that prints more is killed */
	size_t output_limit;
	unsigned seconds; /* how long it may take; the delivery's deadline counts too */
} ChildCall;

/* How it ended. */
typedef struct {
	int exit_code; /* -1: killed by `signal` */
	int signal;
	GBytes *output;
	/* it did not read all of its input, and the rest did not fit into a pipe */
	bool unread;
	/* the first LIMIT_CHILD_ERRORS octets of its standard error, as UTF-8 */
	char *errors;
} ChildResult;

/*
 * Run it to its end. True: it ended by itself, with an exit code or by a signal that was not ours;
 * caller clears *ret_result. It need not read all of its input: `unread` tells. False
 * (STATUS_PROGRAM): it could not be started, took too long, or printed more than output_limit, and
 * is dead now.
 */
bool child_run(const ChildCall *call, ChildResult *ret_result, Status *st);

/*
 * The program at `path`, called with `argv`, and what it said or how it failed, for
 * status_set_outside. Caller frees.
 */
Outside *child_outside(const char *path, const char *const *argv, const char *words);

void child_result_clear(ChildResult *result);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ChildResult, child_result_clear)

#endif

/*
 * child: runs a program to its end, within bounds.
 *
 * No shell: the program gets its arguments as they are. It runs in a process group of its own, in a clean environment,
 * with descriptors 0, 1 and 2 of ours and no others: Postfix waits until nobody holds its pipe (agent/POSTFIX, RESULT). When it has
 * ended, ran too long, or we die, what is left of its group is killed.
 */
#ifndef TODOKE_CHILD_H
#define TODOKE_CHILD_H

#include "agent/base/status.h"

#include <sys/types.h>

/* What a pipe holds that nobody reads (pipe(7)). */
enum { CHILD_PIPE_OCTETS = 64 * 1024 };

/* What to run. All is borrowed. */
typedef struct {
	const char *path;             /* absolute: no search */
	const char *const *argv;      /* with the program's name first; NULL ends it */
	const char *const *envp;      /* all of its environment; NULL ends it */
	const char *const *script_argv; /* for /bin/sh, where the program is a script without "#!"; NULL: such a one cannot run */
	const char *folder;           /* working folder; NULL: "/" */
	/* Its input: bytes, then a part of a file. */
	const void *head;
	size_t head_len;
	int body_fd;                  /* with body_len > 0 */
	off_t body_at;
	off_t body_len;
	size_t output_limit;          /* octets of output that are kept; one more kills it */
	unsigned seconds;             /* how long it may take; the delivery's deadline counts too */
} ChildCall;

/* How it ended. */
typedef struct {
	int exit_code;                /* -1: killed by `signal` */
	int signal;
	GBytes *output;
	bool unread;                  /* it left a part of its input that no pipe could hold for it */
	char *errors;                 /* the first LIMIT_CHILD_ERRORS octets of its standard error, as UTF-8 */
} ChildResult;

/*
 * Run it. True: it ended by itself, by an exit code or a signal that was not ours. A program that does not read all of
 * its input is fine: `unread` says so, for
 * who minds. False, all STATUS_PROGRAM: it could not be started, took too long, or said more than
 * output_limit; it is dead then.
 */
bool child_run(const ChildCall *call, ChildResult *ret_result, Status *st);

/*
 * Remember the limit of the address space that this process has now: programs get it back, whatever this process allows itself
 * afterwards (soft limit only). A bound on our own parsers says nothing about what a program of a user needs.
 */
void child_keep_memory_limit(void);

void child_result_clear(ChildResult *result);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ChildResult, child_result_clear)

#endif

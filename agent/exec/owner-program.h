/* SPDX-License-Identifier: MIT */
/*
 * owner-program: runs a program of the owner's recipes, as the owner: found in the PATH that the
 * recipes have set, in their environment and folder, within the agent's limits. Its standard error
 * goes to their LOGFILE.
 */
#ifndef TODOKE_OWNER_PROGRAM_H
#define TODOKE_OWNER_PROGRAM_H

#include "agent/base/child.h"
#include "agent/store/dotlock.h"
#include "conf/conf.h"

#include <sys/types.h>

/* What to run. All is borrowed. */
typedef struct {
	const Conf *conf;
	const char *const *argv;        /* NULL ends it */
	const char *const *environment; /* "NAME=value"; NULL ends it */
	const char *directory;          /* "" or NULL: `home` */
	const char *home;               /* NULL: none */
	const char *input;
	size_t input_len;
	size_t output_limit;
	const char *lock; /* lock file to hold meanwhile; NULL: none */
	bool logs_output; /* its output goes where its errors go */
} OwnerProgramCall;

/*
 * Run it to its end, whatever its exit code is; a missing program counts as exit code 127. Caller
 * clears *ret_result. Faults: STATUS_PROGRAM (it cannot be run, takes too long, prints too much),
 * STATUS_LOCKED (its lock).
 */
bool owner_program_run(const OwnerProgramCall *call, ChildResult *ret_result, Status *st);

/* Would a program be found? Fault: STATUS_PROGRAM. */
bool owner_program_is_there(const OwnerProgramCall *call, Status *st);

/* The value of `name` in a NULL-terminated environment; "" if it is not there. Borrowed. */
const char *owner_program_variable(const char *const *environment, const char *name);

/* How it ended badly, for people: "program 'x' ended with exit code 2: its words". Caller frees. */
char *owner_program_describe_end(const char *name, const ChildResult *result);

/*
 * Append to a log of the owner's recipes; a path that is not absolute is below `folder`. False: it
 * cannot be written, which must not stop the mail.
 */
bool
owner_program_log(const char *folder, const char *path, const char *text, size_t len, Status *st);

/*
 * Set the umask of this process to the one that recipes name ("022"; "" or NULL: none), to be set
 * back to what is returned when their files are made.
 */
mode_t owner_program_set_umask(const char *octal);

/*
 * How long to wait for locks of the owner's recipes, and when a lock is stale; `timeout` is the
 * recipes' LOCKTIMEOUT, "" or NULL: the site's.
 */
DotlockPatience owner_program_patience(const Conf *conf, const char *timeout);

#endif

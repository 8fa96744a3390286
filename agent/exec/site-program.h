/* SPDX-License-Identifier: MIT */
/*
 * site-program: runs a program of the site's folder (setting `program_folder`) for a rule: pipe,
 * filter, execute (vnd.dovecot.*). No shell, no search: the name is a file in that folder.
 */
#ifndef TODOKE_SITE_PROGRAM_H
#define TODOKE_SITE_PROGRAM_H

#include "agent/base/child.h"
#include "agent/message/envelope.h"
#include "conf/conf.h"

/* What to run, for whom. All is borrowed. */
typedef struct {
	const Conf *conf;
	const char *user;
	const char *home; /* NULL: none */
	const char *host; /* the name of this host; NULL: it is not told */
	const Envelope *envelope;
	const char *name;
	const char *const *args; /* without the name; NULL ends it; NULL: none */
	/* Its input: bytes, then a part of a file. */
	const void *head;
	size_t head_len;
	int body_fd;
	off_t body_at;
	off_t body_len;
	size_t output_limit; /* 0: the setting */
} SiteProgramCall;

/* May a program have this name? False: *ret_why (static) says why not. */
bool site_program_name_is_safe(const char *name, const char **ret_why);

/* Can it be run: is it allowed, does it exist, is it executable? Fault: STATUS_PROGRAM. */
bool site_program_is_there(const SiteProgramCall *call, Status *st);

/*
 * Run it to its end, whatever its exit code is. Caller clears *ret_result. Faults: STATUS_PROGRAM
 * (not allowed, missing, too long, too much output).
 */
bool site_program_run(const SiteProgramCall *call, ChildResult *ret_result, Status *st);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * rewrite: a script as libsieve gets it.
 *
 * Written anew from our tree: lower case, numbers multiplied out, comparators spelled out, no
 * comments. Fields have the names "q0", "q1" ..., under which the library is given values as our
 * own engine reads them: decoded, addresses without names and comments. Actions are all fileinto
 * "NUMBER": what they do is in our tree.
 *
 * A test whose values are such that the library cannot be trusted with them in this message (the
 * null sender, an address with a quoted local part, a value that is too long for a pattern) is
 * decided by our own engine and stands there as true or false.
 */
#ifndef TODOKE_REWRITE_H
#define TODOKE_REWRITE_H

#include "filters/sieve/run/sieve-run.h"

typedef struct {
	GString *script;
	GPtrArray *queries; /* GPtrArray of char *: values by number */
	GPtrArray *actions; /* const SieveCall *: by number, borrowed from the program */
} Rewrite;

/* Of run->program, which subset_check found good. False after a fault. */
bool rewrite_program(SieveRun *run, Rewrite *ret_rewrite);

void rewrite_clear(Rewrite *rewrite);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Rewrite, rewrite_clear)

#endif

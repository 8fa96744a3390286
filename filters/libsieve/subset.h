/* SPDX-License-Identifier: MIT */
/*
 * subset: which scripts libsieve may see.
 *
 * Our own parser and checker have found the script good; here everything is refused that the
 * library does not have, reads in another way than the RFCs, or dies of.
 */
#ifndef TODOKE_SUBSET_H
#define TODOKE_SUBSET_H

#include "filters/sieve/lang/sieve-program.h"

/* A test that takes keys, and how the library is asked: what subset and rewrite look at. */
typedef enum {
	SUBSET_IS,
	SUBSET_CONTAINS,
	SUBSET_MATCHES,
	SUBSET_VALUE,
	SUBSET_COUNT,
	SUBSET_REGEX,
	SUBSET_NO_MATCH
} SubsetMatch;

/* SUBSET_NO_MATCH: the library does not know the match type. */
SubsetMatch subset_match(const SieveCall *test);

/* Does the test compare numbers? */
bool subset_is_numeric(const SieveCall *test);

/*
 * Is the script within the subset? Each thing that is not is appended to `problems` (may be NULL)
 * as a problem of that severity with the code "libsieve-refused".
 */
bool subset_check(const SieveProgram *program, ProblemSeverity severity, GPtrArray *problems);

#endif

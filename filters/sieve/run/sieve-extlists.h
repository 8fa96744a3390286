/* SPDX-License-Identifier: MIT */
/* sieve-extlists: what redirect needs of external lists (RFC 6134). */
#ifndef TODOKE_SIEVE_EXTLISTS_H
#define TODOKE_SIEVE_EXTLISTS_H

#include "filters/sieve/run/sieve-run.h"

/*
 * Append the items (char *) of the list to `members`, which frees them. A fault: it is unknown,
 * unreadable or too long.
 */
bool
sieve_extlists_members(SieveRun *run, const SieveCall *call, SieveText name, GPtrArray *members);

#endif

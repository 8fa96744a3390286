/* SPDX-License-Identifier: MIT */
/*
 * sieve-special-use: special uses of mailboxes (RFC 8579), which fileinto has and copies of what is
 * sent (RFC 8580 3.1.3).
 */
#ifndef TODOKE_SIEVE_SPECIAL_USE_H
#define TODOKE_SIEVE_SPECIAL_USE_H

#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/run/sieve-run.h"

/* Are the strings without variables special uses? */
bool sieve_special_use_check(SieveCheck *check, const SieveArg *arg);

/*
 * What :specialuse means while the script runs: *use becomes the use, unless it can be none, and
 * *mailbox (the named one) the mailbox that has it, if there is one. Both are owned by the caller.
 */
void sieve_special_use_choose(SieveRun *run, const SieveCall *call, const SieveTag *tag, char **use,
                              char **mailbox);

#endif

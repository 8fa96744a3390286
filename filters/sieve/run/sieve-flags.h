/* SPDX-License-Identifier: MIT */
/*
 * sieve-flags: the internal variable of imap4flags (RFC 5232 2), for commands of other extensions
 * that change it.
 */
#ifndef TODOKE_SIEVE_FLAGS_H
#define TODOKE_SIEVE_FLAGS_H

#include "filters/sieve/run/sieve-run.h"

/* Add or remove the flags that a text with blanks names. False: the run has no budget left. */
bool sieve_flags_add(SieveRun *run, SieveText flags);
bool sieve_flags_remove(SieveRun *run, SieveText flags);

#endif

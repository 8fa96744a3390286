/* SPDX-License-Identifier: MIT */
/*
 * sieve-warn: what a checked block says that its author can hardly mean. Warnings never stop a
 * script.
 */
#ifndef TODOKE_SIEVE_WARN_H
#define TODOKE_SIEVE_WARN_H

#include "filters/sieve/lang/sieve-ext.h"

/*
 * Commands that are never reached, rules hidden by earlier ones, tests that are always true or
 * false, keys that no value has. Not the blocks within.
 */
void sieve_warn_block(SieveCheck *check, const SieveCall *first);

#endif

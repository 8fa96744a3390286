/* SPDX-License-Identifier: MIT */
/* sieve-loop: which loop of foreverypart a command stands in, for the checker. */
#ifndef TODOKE_SIEVE_LOOP_H
#define TODOKE_SIEVE_LOOP_H

#include "filters/sieve/lang/sieve-ast.h"

typedef struct SieveLoopInfo SieveLoopInfo;

/* The loop around a call of foreverypart, break or extracttext, in its own check; NULL: none. */
const SieveLoopInfo *sieve_loop_of(const SieveCall *call);

#endif

/* SPDX-License-Identifier: MIT */
/* sieve-debug: what writes a text of the script to its trace, under whatever name. */
#ifndef TODOKE_SIEVE_DEBUG_H
#define TODOKE_SIEVE_DEBUG_H

#include "filters/sieve/run/sieve-run.h"

/* Run a command whose argument is the text. */
bool sieve_debug_log(SieveRun *run, const SieveCall *call);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * sieve-external: programs of the site's allow-list as scripts name them
 * (spec-bosch-sieve-extprograms), for pipe, filter and execute.
 */
#ifndef TODOKE_SIEVE_EXTERNAL_H
#define TODOKE_SIEVE_EXTERNAL_H

#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/run/sieve-run.h"

/* The positional arguments: a name, and what it is given. */
#define SIEVE_EXTERNAL_ARGUMENTS \
	{ \
		SIEVE_STRING | SIEVE_CONSTANT, SIEVE_STRINGS | SIEVE_OPTIONAL \
	}

/* Name and number of arguments. */
bool sieve_external_check(SieveCheck *check, SieveCall *call);

/* A new action of `kind` with the program and its arguments. Caller owns it. */
PlanAction *sieve_external_action_new(SieveRun *run, const SieveCall *call, PlanKind kind);

/*
 * Run it now, with the input and the output limit of `how`, and note that in the plan. *ret_output
 * (caller unrefs) is NULL where it did not end well. A program that could not run is a fault of a
 * command; of a test it is the answer no. Where nobody runs programs (`try`), the answer is no for
 * both.
 */
bool sieve_external_run(SieveRun *run, const SieveCall *call, PlanKind kind,
                        const FilterProgramCall *how, GBytes **ret_output);

#endif

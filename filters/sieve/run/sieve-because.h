/* SPDX-License-Identifier: MIT */
/*
 * sieve-because: which tests made a block run, for the actions in it. While a branch is tested,
 * each test leaves a fact in the run; nothing is allocated before a value has matched, or the
 * branch is taken.
 */
#ifndef TODOKE_SIEVE_BECAUSE_H
#define TODOKE_SIEVE_BECAUSE_H

#include "filters/sieve/run/sieve-run.h"

/* A test that holds no other tests has a result. */
void sieve_because_note(SieveRun *run, const SieveCall *test, bool result);

/*
 * What leads into the block of `call` (if, elsif, else), whose test was true; inside the branch
 * that runs now. Lives until that command ends, and the block with it.
 */
const SieveBranch *sieve_because_branch(SieveRun *run, const SieveCall *call);

/* Give an action the tests of the branch that runs now and of those around it. */
void sieve_because_explain(const SieveRun *run, PlanAction *action);

/* The command that runs now has edited the header. */
void sieve_because_note_edit(SieveRun *run);

#endif

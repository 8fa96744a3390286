/* SPDX-License-Identifier: MIT */
/*
 * vnd.dovecot.pipe: spec-bosch-sieve-extprograms 5, complete as far as filters go: the agent runs
 * the program when the plan is carried out. :copy comes with the extension copy (5.2).
 */
#include "filters/sieve/ext/sieve-external.h"

#include "agent/plan/plan-program.h"

#include <string.h>

/* 5.1: one program gets the message once. */
static bool
was_piped(SieveRun *run, const char *name)
{
	for (size_t i = 0; i < plan_count(run->plan); i++) {
		const PlanAction *action = plan_get(run->plan, i);
		if (action->kind == PLAN_PIPE && strcmp(plan_program_of(action)->name, name) == 0)
			return true;
	}
	return false;
}

static bool
run_pipe(SieveRun *run, const SieveCall *call)
{
	const char *name = sieve_run_string(run, call->positional[0], 0);

	if (was_piped(run, name))
		return sieve_run_fail(run, call, STATUS_CONFLICT,
		                      "\"%s\" gets the message a second time", name);
	PlanAction *action = sieve_external_action_new(run, call, PLAN_PIPE);
	plan_program_of(action)->may_fail = sieve_call_tag(call, "try") != NULL;

	return sieve_run_action(run, call, action);
}

static const SieveTagDef pipe_tags[] = { { .name = "try" }, { .name = NULL } };

static const SieveCallDef commands[] = { { .name = "pipe",
	                                   .positional = SIEVE_EXTERNAL_ARGUMENTS,
	                                   .flags = SIEVE_IS_ACTION,
	                                   .tags = pipe_tags,
	                                   .check = sieve_external_check,
	                                   .run = run_pipe },
	                                 { .name = NULL } };

const SieveExt sieve_ext_pipe = {
	.capability = "vnd.dovecot.pipe",
	.rfc = "spec-bosch-sieve-extprograms",
	.commands = commands,
};

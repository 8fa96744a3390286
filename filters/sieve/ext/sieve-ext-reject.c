/* SPDX-License-Identifier: MIT */
/*
 * reject and ereject: RFC 5429, complete as far as filters go: the plan refuses them beside actions
 * that deliver (2.1.1, 2.2.1), the agent answers in the protocol. Neither stops the script.
 */
#include "filters/sieve/run/sieve-run.h"

static bool
refuse(SieveRun *run, const SieveCall *call, PlanKind kind)
{
	SieveText reason = sieve_run_text(run, &call->positional[0]->strings[0]);
	PlanAction *action = sieve_run_action_new(run, kind, call);
	action->text = g_strndup(reason.data, reason.len);
	return sieve_run_action(run, call, action);
}

static bool
run_reject(SieveRun *run, const SieveCall *call)
{
	return refuse(run, call, PLAN_REJECT);
}

static bool
run_ereject(SieveRun *run, const SieveCall *call)
{
	return refuse(run, call, PLAN_EREJECT);
}

static const SieveCallDef reject_commands[] = { { .name = "reject",
	                                          .positional = { SIEVE_STRING },
	                                          .flags = SIEVE_IS_ACTION,
	                                          .run = run_reject },
	                                        { .name = NULL } };

static const SieveCallDef ereject_commands[] = { { .name = "ereject",
	                                           .positional = { SIEVE_STRING },
	                                           .flags = SIEVE_IS_ACTION,
	                                           .run = run_ereject },
	                                         { .name = NULL } };

const SieveExt sieve_ext_reject = { .capability = "reject",
	                            .rfc = "RFC 5429",
	                            .commands = reject_commands };

const SieveExt sieve_ext_ereject = { .capability = "ereject",
	                             .rfc = "RFC 5429",
	                             .commands = ereject_commands };

/* SPDX-License-Identifier: MIT */
/* mailbox: RFC 5490 3, complete: :create and mailboxexists. */
#include "filters/sieve/run/sieve-run.h"

static bool
set_create(SieveRun *run, const SieveCall *call, const SieveTag *tag, PlanAction *action)
{
	(void) run;
	(void) call;
	(void) tag;
	action->create = true;
	return true;
}

/* RFC 5490 3.1: all of them; what nobody knows does not exist. */
static bool
test_mailboxexists(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	const FilterServices *services = run->env->services;
	const SieveArg *names = call->positional[0];
	bool all = services->mailbox_exists != NULL;

	for (size_t i = 0; all && i < names->n; i++) {
		const char *name = sieve_run_string(run, names, i);
		all = services->mailbox_exists(run->env, name) == MAILBOX_EXISTS;
		sieve_run_trace(run, TRACE_MATCHING, call, "mailbox \"%s\" %s", name,
		                all ? "exists" : "does not exist");
	}

	*ret_result = all;
	return true;
}

static const SieveTagDef tags[] = { { .name = "create", .on = "fileinto", .action = set_create },
	                            { .name = NULL } };

static const SieveCallDef tests[] = {
	{ .name = "mailboxexists", .positional = { SIEVE_STRINGS }, .test = test_mailboxexists },
	{ .name = NULL }
};

const SieveExt sieve_ext_mailbox = {
	.capability = "mailbox", .rfc = "RFC 5490", .tests = tests, .tags = tags
};

/* SPDX-License-Identifier: MIT */
/*
 * mailboxid: RFC 9042, complete: fileinto :mailboxid, the same beside :fcc (7), and
 * mailboxidexists. An id that no mailbox has leaves the named mailbox, or the one of :specialuse,
 * in force (4, 5).
 */
#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/run/sieve-mailboxid.h"

#include <string.h>

/* The name of the mailbox that has the id; NULL: none has. Caller frees. */
static char *
find(SieveRun *run, const SieveCall *call, const char *id)
{
	const FilterServices *services = run->env->services;
	char *mailbox = services->mailbox_by_id != NULL ? services->mailbox_by_id(run->env, id)
	                                                : NULL;

	sieve_run_trace(run, TRACE_MATCHING, call, "mailbox id \"%s\": %s", id,
	                mailbox != NULL ? mailbox : "none has it");
	return mailbox;
}

bool
sieve_mailboxid_choose(SieveRun *run, const SieveCall *call, const SieveTag *tag, char **mailbox)
{
	char *found = find(run, call, sieve_run_string(run, tag->value, 0));
	if (found == NULL)
		return false;

	g_free(*mailbox);
	*mailbox = found;
	return true;
}

/* Behind all tags: the id wins over :specialuse, wherever that stands (5). */
static bool
complete(SieveRun *run, const SieveCall *call, PlanAction *action)
{
	const SieveTag *tag = action->kind == PLAN_FILEINTO ? sieve_call_tag(call, "mailboxid")
	                                                    : NULL;
	if (tag != NULL && sieve_mailboxid_choose(run, call, tag, &action->mailbox))
		g_clear_pointer(&action->special_use, g_free);
	return true;
}

static bool
test_mailboxidexists(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	const SieveArg *ids = call->positional[0];

	*ret_result = true;
	for (size_t i = 0; i < ids->n && *ret_result; i++) {
		g_autofree char *mailbox = find(run, call, sieve_run_string(run, ids, i));
		*ret_result = mailbox != NULL;
	}

	return true;
}

/* Without :fcc it means nothing on what sends mail. */
static bool
check_fcc(SieveCheck *check, SieveCall *call, SieveTag *tag)
{
	if (sieve_call_tag(call, "fcc") != NULL)
		return true;
	return sieve_check_error(check, tag->tag->span, "missing-tag", "add :fcc and a mailbox",
	                         "':mailboxid' needs ':fcc' here");
}

static const SieveTagDef tags[] = {
	{ .name = "mailboxid", .value = SIEVE_STRING, .on = "fileinto" },
	{ .name = "mailboxid", .value = SIEVE_STRING, .on = "vacation notify", .check = check_fcc },
	{ .name = NULL }
};

static const SieveCallDef tests[] = { { .name = "mailboxidexists",
	                                .positional = { SIEVE_STRINGS },
	                                .test = test_mailboxidexists },
	                              { .name = NULL } };

const SieveExt sieve_ext_mailboxid = { .capability = "mailboxid",
	                               .rfc = "RFC 9042",
	                               .tests = tests,
	                               .tags = tags,
	                               .action = complete };

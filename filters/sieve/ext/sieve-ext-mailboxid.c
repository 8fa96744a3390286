/* SPDX-License-Identifier: MIT */
/*
 * mailboxid: RFC 9042, complete: fileinto :mailboxid, the same beside :fcc (7), and
 * mailboxidexists. An id that no mailbox has leaves the named mailbox, or the one of :specialuse,
 * in force (4, 5).
 */
#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/run/sieve-mailboxid.h"

#include <string.h>

/* *ret_mailbox: the name of the mailbox that has the id (caller frees); NULL: none has. */
static bool
find(SieveRun *run, const SieveCall *call, const char *id, char **ret_mailbox)
{
	const FilterServices *services = run->env->services;
	g_auto(Status) st = STATUS_INIT;
	char *mailbox = services->mailbox_by_id != NULL ? services->mailbox_by_id(run->env, id, &st)
	                                                : NULL;
	if (st.id != STATUS_OK)
		return sieve_run_fail(run, call, st.id, "mailbox id \"%s\": %s", id,
		                      status_why(&st));

	sieve_run_trace(run, TRACE_MATCHING, call, "mailbox id \"%s\": %s", id,
	                mailbox != NULL ? mailbox : "none has it");
	*ret_mailbox = mailbox;
	return true;
}

bool
sieve_mailboxid_choose(SieveRun *run, const SieveCall *call, const SieveTag *tag, char **mailbox,
                       bool *ret_found)
{
	char *found = NULL;
	if (!find(run, call, sieve_run_string(run, tag->value, 0), &found))
		return false;

	*ret_found = found != NULL;
	if (found != NULL) {
		g_free(*mailbox);
		*mailbox = found;
	}
	return true;
}

/* Behind all tags: the id wins over :specialuse, wherever that stands (5). */
static bool
complete(SieveRun *run, const SieveCall *call, PlanAction *action)
{
	const SieveTag *tag = action->kind == PLAN_FILEINTO ? sieve_call_tag(call, "mailboxid")
	                                                    : NULL;
	bool is_found = false;
	if (tag != NULL && !sieve_mailboxid_choose(run, call, tag, &action->mailbox, &is_found))
		return false;
	if (is_found)
		g_clear_pointer(&action->special_use, g_free);
	return true;
}

static bool
test_mailboxidexists(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	const SieveArg *ids = call->positional[0];
	bool has_all = true;

	for (size_t i = 0; i < ids->n && has_all; i++) {
		g_autofree char *mailbox = NULL;
		if (!find(run, call, sieve_run_string(run, ids, i), &mailbox))
			return false;
		has_all = mailbox != NULL;
	}

	*ret_result = has_all;
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

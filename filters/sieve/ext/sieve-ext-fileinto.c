/* fileinto: RFC 5228 4.1, complete. Names are UTF-8 as people read them; the agent finds the folder. */
#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/run/sieve-run.h"
#include "filters/sieve/run/sieve-value.h"

#include <string.h>

/* What no folder can be called, whatever the store. */
static const char *
fault_of(SieveText name)
{
	if (name.len == 0)
		return "the name of a mailbox is empty";
	if (memchr(name.data, '\0', name.len) != NULL || !sieve_value_is_utf8(name))
		return "the name of a mailbox is no UTF-8 text";
	return NULL;
}

static bool
check_fileinto(SieveCheck *check, SieveCall *call)
{
	const SieveString *name = &call->positional[0]->strings[0];
	const char *fault = name->template == NULL ? fault_of(name->text) : NULL;
	return fault == NULL || sieve_check_error(check, name->span, "bad-mailbox", NULL, "%s", fault);
}

static bool
run_fileinto(SieveRun *run, const SieveCall *call)
{
	SieveText name = sieve_run_text(run, &call->positional[0]->strings[0]);
	const char *fault = fault_of(name);
	if (fault != NULL)
		return sieve_run_fail(run, call, STATUS_SCRIPT, "%s", fault);
	PlanAction *action = sieve_run_action_new(run, PLAN_FILEINTO, call);
	action->mailbox = g_strndup(name.data, name.len);
	return sieve_run_action(run, call, action);
}

static const SieveCallDef commands[] = {
	{ .name = "fileinto", .positional = { SIEVE_STRING }, .flags = SIEVE_IS_ACTION, .check = check_fileinto,
	  .run = run_fileinto },
	{ .name = NULL }
};

const SieveExt sieve_ext_fileinto = { .capability = "fileinto", .rfc = "RFC 5228", .commands = commands };

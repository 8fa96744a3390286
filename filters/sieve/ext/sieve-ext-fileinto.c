/* SPDX-License-Identifier: MIT */
/*
 * fileinto: RFC 5228 4.1, complete. Names are UTF-8 as people read them; the agent finds the
 * folder.
 */
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
	if (memchr(name.data, '\0', name.len) != NULL || !sieve_text_is_utf8(name))
		return "the name of a mailbox is not UTF-8 text";
	return NULL;
}

static void
warn_of_place(SieveCheck *check, const SieveString *name)
{
	FilterEnv *env = sieve_check_env(check);
	if (env->unwatched || env->services->mailbox_warning == NULL)
		return;

	g_autofree char *mailbox = g_strndup(name->text.data, name->text.len);
	g_autofree char *text = env->services->mailbox_warning(env, mailbox);
	if (text != NULL)
		sieve_check_warning(check, name->span, "folder-name",
		                    "see FOLDER NAMES in todoke-sieve(7)", "%s", text);
}

static bool
check_fileinto(SieveCheck *check, SieveCall *call)
{
	const SieveString *name = &call->positional[0]->strings[0];
	const char *fault = name->template == NULL ? fault_of(name->text) : NULL;
	if (fault != NULL)
		return sieve_check_error(check, name->span, "bad-mailbox", NULL, "%s", fault);

	if (name->template == NULL)
		warn_of_place(check, name);
	return true;
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

static const SieveCallDef commands[] = { { .name = "fileinto",
	                                   .positional = { SIEVE_STRING },
	                                   .flags = SIEVE_IS_ACTION,
	                                   .check = check_fileinto,
	                                   .run = run_fileinto },
	                                 { .name = NULL } };

const SieveExt sieve_ext_fileinto = { .capability = "fileinto",
	                              .rfc = "RFC 5228",
	                              .commands = commands };

/* SPDX-License-Identifier: MIT */
/*
 * special-use: RFC 8579, complete: specialuse_exists and fileinto :specialuse. Where no mailbox has
 * the use, the named one is used (4).
 */
#include "filters/sieve/run/sieve-special-use.h"
#include "filters/sieve/lang/sieve-text.h"

#include <string.h>

/* use-attr of RFC 6154: a backslash and an atom. */
static bool
is_use(SieveText use)
{
	bool good = use.len > 1 && use.data[0] == '\\';
	for (size_t i = 1; good && i < use.len; i++)
		good = use.data[i] > 32 && use.data[i] < 127 &&
		       strchr("(){%*\"\\]", use.data[i]) == NULL;
	return good;
}

bool
sieve_special_use_check(SieveCheck *check, const SieveArg *arg)
{
	bool good = true;
	for (size_t i = 0; i < arg->n; i++) {
		const SieveString *use = &arg->strings[i];
		if (use->template == NULL && !is_use(use->text))
			good = sieve_check_error(check, use->span, "bad-special-use",
			                         "write \"\\\\Junk\"",
			                         "\"%.*s\" is not a special use",
			                         (int) use->text.len, use->text.data);
	}

	return good;
}

static bool
check_test(SieveCheck *check, SieveCall *call)
{
	return sieve_special_use_check(check, call->positional[1]);
}

static bool
check_tag(SieveCheck *check, SieveCall *call, SieveTag *tag)
{
	(void) call;
	return sieve_special_use_check(check, tag->value);
}

/* RFC 8579 3: all uses, of the mailbox, or each of any mailbox; what nobody knows is not so. */
static bool
test_specialuse_exists(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	const FilterServices *services = run->env->services;
	const SieveArg *uses = call->positional[1];
	const char *mailbox = call->positional[0] != NULL
	                              ? sieve_run_string(run, call->positional[0], 0)
	                              : NULL;
	bool all = services->special_use_mailbox != NULL;

	for (size_t i = 0; all && i < uses->n; i++) {
		SieveText use = sieve_run_text(run, &uses->strings[i]);
		const char *text = sieve_arena_copy(run->scratch, use.data, use.len);
		g_autofree char *found = is_use(use) ? services->special_use_mailbox(run->env, text,
		                                                                     mailbox)
		                                     : NULL;
		all = found != NULL && (mailbox == NULL || strcmp(found, mailbox) == 0);
		sieve_run_trace(run, TRACE_MATCHING, call, "%s special use \"%s\": %s",
		                mailbox != NULL ? mailbox : "a mailbox of", text,
		                all ? "yes" : "no");
	}

	*ret_result = all;
	return true;
}

void
sieve_special_use_choose(SieveRun *run, const SieveCall *call, const SieveTag *tag, char **use,
                         char **mailbox)
{
	SieveText text = sieve_run_text(run, &tag->value->strings[0]);

	if (!is_use(text)) {
		sieve_run_trace(run, TRACE_COMMANDS, call, "\"%.*s\" is not a special use",
		                sieve_text_shown(text, 200), text.data);
		return;
	}

	*use = g_strndup(text.data, text.len);
	const FilterServices *services = run->env->services;
	char *found = services->special_use_mailbox != NULL
	                      ? services->special_use_mailbox(run->env, *use, *mailbox)
	                      : NULL;
	if (found == NULL)
		return;

	sieve_run_trace(run, TRACE_COMMANDS, call, "special use \"%s\": \"%s\"", *use, found);
	g_free(*mailbox);
	*mailbox = found;
}

static bool
set_special_use(SieveRun *run, const SieveCall *call, const SieveTag *tag, PlanAction *action)
{
	sieve_special_use_choose(run, call, tag, &action->special_use, &action->mailbox);
	return true;
}

static const SieveTagDef tags[] = { { .name = "specialuse",
	                              .value = SIEVE_STRING,
	                              .on = "fileinto",
	                              .check = check_tag,
	                              .action = set_special_use },
	                            { .name = NULL } };

static const SieveCallDef tests[] = { { .name = "specialuse_exists",
	                                .positional = { SIEVE_STRING | SIEVE_OPTIONAL,
	                                                SIEVE_STRINGS },
	                                .check = check_test,
	                                .test = test_specialuse_exists },
	                              { .name = NULL } };

const SieveExt sieve_ext_special_use = {
	.capability = "special-use", .rfc = "RFC 8579", .tests = tests, .tags = tags
};

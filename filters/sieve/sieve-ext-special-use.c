/*
 * special-use: RFC 8579, complete: specialuse_exists and fileinto :specialuse. Which mailbox has a use is known when the message
 * is stored; where none has it, the named mailbox is used (4).
 */
#include "filters/sieve/sieve-check.h"
#include "filters/sieve/sieve-run.h"

#include <string.h>

/* use-attr of RFC 6154: a backslash and an atom. */
static bool
is_use(SieveText use)
{
	bool good = use.len > 1 && use.data[0] == '\\';
	for (size_t i = 1; good && i < use.len; i++)
		good = use.data[i] > 32 && use.data[i] < 127 && strchr("(){%*\"\\]", use.data[i]) == NULL;
	return good;
}

static bool
check_uses(SieveCheck *check, const SieveArg *arg)
{
	bool good = true;
	for (size_t i = 0; i < arg->n; i++) {
		const SieveString *use = &arg->strings[i];
		if (use->template == NULL && !is_use(use->text))
			good = sieve_check_error(check, use->span, "bad-special-use", "write \"\\\\Junk\"", "\"%.*s\" is no special use",
			                         (int) use->text.len, use->text.data);
	}
	return good;
}

static bool
check_test(SieveCheck *check, SieveCall *call)
{
	return check_uses(check, call->positional[1]);
}

static bool
check_tag(SieveCheck *check, SieveCall *call, SieveTag *tag)
{
	(void) call;
	return check_uses(check, tag->value);
}

/* RFC 8579 3: all uses, of the mailbox, or each of any mailbox; what nobody knows is not so. */
static bool
test_specialuse_exists(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	const FilterServices *services = run->env->services;
	const SieveArg *uses = call->positional[1];
	const char *mailbox = call->positional[0] != NULL ? sieve_run_string(run, call->positional[0], 0) : NULL;
	bool all = services->special_use_exists != NULL;
	for (size_t i = 0; all && i < uses->n; i++) {
		SieveText use = sieve_run_text(run, &uses->strings[i]);
		const char *text = sieve_arena_copy(run->scratch, use.data, use.len);
		all = is_use(use) && services->special_use_exists(run->env, mailbox, text) == MAILBOX_EXISTS;
		sieve_run_trace(run, TRACE_MATCHING, call, "%s special use \"%s\": %s", mailbox != NULL ? mailbox : "a mailbox of",
		                text, all ? "yes" : "no");
	}
	*ret_result = all;
	return true;
}

static bool
set_special_use(SieveRun *run, const SieveCall *call, const SieveTag *tag, PlanAction *action)
{
	SieveText use = sieve_run_text(run, &tag->value->strings[0]);
	if (is_use(use))
		action->special_use = g_strndup(use.data, use.len);
	else
		sieve_run_trace(run, TRACE_COMMANDS, call, "\"%.*s\" is no special use", (int) MIN(use.len, 200), use.data);
	return true;
}

static const SieveTagDef tags[] = {
	{ .name = "specialuse", .value = SIEVE_STRING, .on = "fileinto", .check = check_tag, .action = set_special_use },
	{ .name = NULL }
};

static const SieveCallDef tests[] = {
	{ .name = "specialuse_exists", .positional = { SIEVE_STRING | SIEVE_OPTIONAL, SIEVE_STRINGS }, .check = check_test,
	  .test = test_specialuse_exists },
	{ .name = NULL }
};

const SieveExt sieve_ext_special_use = { .capability = "special-use", .rfc = "RFC 8579", .tests = tests, .tags = tags };

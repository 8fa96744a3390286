/*
 * ihave: RFC 5463, complete but for one thing: an extension that ihave names is active from the test on, whether the test
 * was reached or not. What is here is known when the script is compiled, so a failed ihave is, too: what it guards is
 * parsed and not checked.
 */
#include "filters/sieve/sieve-check.h"
#include "filters/sieve/sieve-run.h"

/* RFC 5463 4: extensions that change what strings mean come too late here. */
static bool
changes_strings(const SieveExt *ext)
{
	return ext == &sieve_ext_variables || ext == &sieve_ext_encoded_character;
}

static bool
can_have(SieveCheck *check, SieveText name)
{
	const SieveExt *ext = sieve_ext_find(name);
	if (ext == NULL || !sieve_check_available(check, ext))
		return false;
	return sieve_check_has(check, ext) || !changes_strings(ext);
}

static bool
check_ihave(SieveCheck *check, SieveCall *call)
{
	const SieveArg *names = call->positional[0];
	bool all = true;
	for (size_t i = 0; i < names->n; i++)
		all = all && can_have(check, names->strings[i].text);
	call->known = all ? 1 : -1;
	call->known_by_ihave = true;
	for (size_t i = 0; all && i < names->n; i++)
		sieve_check_activate(check, sieve_ext_find(names->strings[i].text));
	return true;
}

static bool
test_ihave(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	(void) run;
	*ret_result = call->known > 0;
	return true;
}

static bool
run_error(SieveRun *run, const SieveCall *call)
{
	return sieve_run_fail(run, call, STATUS_SCRIPT, "%s", sieve_run_string(run, call->positional[0], 0));
}

static const SieveCallDef commands[] = {
	{ .name = "error", .positional = { SIEVE_STRING }, .flags = SIEVE_ENDS_BLOCK, .run = run_error },
	{ .name = NULL }
};

static const SieveCallDef tests[] = {
	{ .name = "ihave", .positional = { SIEVE_STRINGS | SIEVE_CONSTANT }, .check = check_ihave, .test = test_ihave },
	{ .name = NULL }
};

const SieveExt sieve_ext_ihave = { .capability = "ihave", .rfc = "RFC 5463", .commands = commands, .tests = tests };

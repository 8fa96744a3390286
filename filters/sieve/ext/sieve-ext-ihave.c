/* SPDX-License-Identifier: MIT */
/*
 * ihave: RFC 5463, complete. What is here is known when the script is compiled, so a failed ihave
 * is, too: what it guards is parsed and not checked. When the script runs, a call that uses what
 * only an ihave names fails unless that test was true before.
 */
#include "filters/sieve/ext/sieve-ext-table.h"
#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/run/sieve-run.h"

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

/* With what they imply. */
static guint64
named_by(const SieveArg *names)
{
	guint64 set = 0;
	for (size_t i = 0; i < names->n; i++)
		set |= sieve_ext_with_implied(sieve_ext_find(names->strings[i].text));
	return set;
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

	SieveProgram *program = sieve_check_program(check);
	guint64 before = program->active, *found = SIEVE_NEW(sieve_check_arena(check), guint64);
	call->data = found;
	for (size_t i = 0; all && i < names->n; i++)
		sieve_check_activate(check, sieve_ext_find(names->strings[i].text));
	program->by_ihave |= program->active & ~before;
	*found = all ? program->by_ihave & named_by(names) : 0;

	return true;
}

static bool
test_ihave(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	run->found |= *(const guint64 *) call->data;
	*ret_result = call->known > 0;
	return true;
}

static bool
run_error(SieveRun *run, const SieveCall *call)
{
	return sieve_run_fail(run, call, STATUS_SCRIPT, "%s",
	                      sieve_run_string(run, call->positional[0], 0));
}

static const SieveCallDef commands[] = { { .name = "error",
	                                   .positional = { SIEVE_STRING },
	                                   .flags = SIEVE_ENDS_BLOCK,
	                                   .run = run_error },
	                                 { .name = NULL } };

static const SieveCallDef tests[] = { { .name = "ihave",
	                                .positional = { SIEVE_STRINGS | SIEVE_CONSTANT },
	                                .check = check_ihave,
	                                .test = test_ihave },
	                              { .name = NULL } };

const SieveExt sieve_ext_ihave = {
	.capability = "ihave", .rfc = "RFC 5463", .commands = commands, .tests = tests
};

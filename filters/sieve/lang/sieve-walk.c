/* sieve-walk: one walk over the tree of a script. Each call is looked up, bound and checked; so is what is in it. */
#include "filters/sieve/lang/sieve-check-parts.h"

#include "filters/sieve/lang/sieve-warn.h"

#include <string.h>

static void check_test(SieveCheck *check, SieveCall *test);

/* Children first: what is known of them decides what is known of their parent. */
static void
check_tests(SieveCheck *check, SieveCall *call)
{
	bool all = call->def != NULL && strcmp(call->def->name, "allof") == 0;
	for (size_t i = 0; i < call->n_tests; i++) {
		check_test(check, call->tests[i]);
		/* RFC 5463 4: behind a failed ihave nothing needs to make sense. */
		if (all && call->tests[i]->known < 0 && call->tests[i]->known_by_ihave)
			return;
	}
}

static void
check_test(SieveCheck *check, SieveCall *test)
{
	sieve_lookup_call(check, test);
	if (test->def == NULL)
		sieve_lookup_report_unknown(check, test);
	check_tests(check, test);
	test->is_broken = test->def == NULL || !sieve_bind_call(check, test);
	if (!test->is_broken && test->def->check != NULL)
		test->is_broken = !test->def->check(check, test);
}

static void
check_place(SieveCheck *check, const SieveCall *call, const SieveCall *before)
{
	unsigned flags = call->def->flags;
	if ((flags & SIEVE_AT_TOP) == 0)
		check->has_commands = true;
	else if (check->has_commands)
		sieve_check_error(check, call->span, "late-require", "move it to the top", "'%s' stands behind other commands",
		                  call->def->name);
	if ((flags & SIEVE_ELSIF) == 0)
		return;
	/* An else has no test; nothing may continue it. */
	bool continues = before != NULL && (before->is_broken || (before->def != NULL &&
	                 (before->def->flags & (SIEVE_IF | SIEVE_ELSIF)) != 0 && (before->def->flags & SIEVE_TAKES_TEST) != 0));
	if (!continues)
		sieve_check_error(check, call->span, "lone-else", NULL, "'%s' follows no 'if'", call->def->name);
}

/* A block that never runs because of what is installed here needs not make sense. */
static bool
is_out_of_reach(const SieveCall *call)
{
	return call->n_tests == 1 && call->tests[0]->known_by_ihave && call->tests[0]->known < 0;
}

static void
check_command(SieveCheck *check, SieveCall *call, const SieveCall *before)
{
	if (call->def != NULL)
		check_place(check, call, before);
	else if (!call->is_broken || !sieve_lookup_is_known(call->name, false))
		sieve_lookup_report_unknown(check, call);
	if (!call->is_broken) {
		check_tests(check, call);
		if (call->def != NULL && sieve_bind_call(check, call) && call->def->check != NULL)
			call->def->check(check, call);
	}
	if (call->has_block && !is_out_of_reach(call))
		sieve_walk_block(check, call->block);
}

/* A chain whose test is true by ihave: its other branches are for other installations. */
static bool
closes_chain(const SieveCall *call)
{
	return call->n_tests == 1 && call->tests[0]->known_by_ihave && call->tests[0]->known > 0;
}

void
sieve_walk_block(SieveCheck *check, SieveCall *first)
{
	const SieveCall *before = NULL;
	bool closed = false;
	for (SieveCall *call = first; call != NULL; before = call, call = call->next) {
		sieve_lookup_call(check, call);
		closed = closed && call->def != NULL && (call->def->flags & SIEVE_ELSIF) != 0;
		if (!closed)
			check_command(check, call, before);
		closed = closed || closes_chain(call);
	}
	if (!check->env->unwatched)
		sieve_warn_block(check, first);
}

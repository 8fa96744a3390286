/* SPDX-License-Identifier: MIT */
/*
 * sieve-walk: one walk over the tree of a script. Each call is looked up, bound and checked; so is
 * what is in it.
 */
#include "filters/sieve/lang/sieve-check-parts.h"

#include "filters/sieve/lang/sieve-warn.h"

#include <string.h>

static void check_test(SieveCheck *check, SieveCall *test);

/*
 * From here on nothing is ever reached, up to leave_dead: errors become warnings. Scripts that
 * other servers take have rules switched off by "if false", with commands in them that nobody here
 * knows.
 */
static bool
enter_dead(SieveCheck *check, unsigned *ret_errors)
{
	bool was_dead = check->is_dead;
	check->is_dead = true;
	*ret_errors = check->dead_errors;
	return was_dead;
}

/* Is there anything in it that could not be bound? Then it must not stay in the tree. */
static bool
leave_dead(SieveCheck *check, bool was_dead, unsigned errors)
{
	check->is_dead = was_dead;
	return check->dead_errors > errors;
}

/* The tests of an allof or anyof behind the one that decides. */
static void
check_dead_tests(SieveCheck *check, SieveCall *call, size_t first)
{
	unsigned errors;
	bool was_dead = enter_dead(check, &errors);

	for (size_t i = first; i < call->n_tests; i++)
		check_test(check, call->tests[i]);
	if (leave_dead(check, was_dead, errors))
		call->n_tests = first;
}

/* Children first: what is known of them decides what is known of their parent. */
static void
check_tests(SieveCheck *check, SieveCall *call)
{
	if (call->n_tests == 0)
		return;
	bool all = call->def != NULL && strcmp(call->def->name, "allof") == 0;
	bool any = call->def != NULL && strcmp(call->def->name, "anyof") == 0;

	for (size_t i = 0; i < call->n_tests; i++) {
		const SieveCall *test = call->tests[i];
		check_test(check, call->tests[i]);
		bool decides = (all && test->known < 0) || (any && test->known > 0);
		/* RFC 5463 4: behind a failed ihave nothing needs to make sense. */
		if (all && decides && test->known_by_ihave)
			return;
		if (decides) {
			check_dead_tests(check, call, i + 1);
			return;
		}
	}
}

/* What the call's own check answers. An error was said then: else the script would run unprepared. */
static bool
passes_own_check(SieveCheck *check, SieveCall *call)
{
	if (call->def->check == NULL || call->def->check(check, call))
		return true;

	g_assert(check->errors > 0 || check->dead_errors > 0);
	return false;
}

static void
check_test(SieveCheck *check, SieveCall *test)
{
	sieve_lookup_call(check, test);
	if (test->def == NULL)
		sieve_lookup_report_unknown(check, test);
	check_tests(check, test);
	test->is_broken = test->def == NULL || !sieve_bind_call(check, test) ||
	                  !passes_own_check(check, test);
}

static void
check_place(SieveCheck *check, const SieveCall *call, const SieveCall *before)
{
	unsigned flags = call->def->flags;

	if ((flags & SIEVE_AT_TOP) == 0)
		check->has_commands = true;
	else if (check->has_commands)
		sieve_check_error(check, call->span, "late-require", "move it to the top",
		                  "'%s' stands behind other commands", call->def->name);

	if ((flags & SIEVE_ELSIF) == 0)
		return;
	/* An else has no test; nothing may continue it. */
	bool continues = before != NULL && (before->is_broken ||
	                                    (before->def != NULL &&
	                                     (before->def->flags & (SIEVE_IF | SIEVE_ELSIF)) != 0 &&
	                                     (before->def->flags & SIEVE_TAKES_TEST) != 0));
	if (!continues)
		sieve_check_error(check, call->span, "lone-else", NULL, "'%s' follows no 'if'",
		                  call->def->name);
}

/* A block that never runs because of what is installed here needs not make sense. */
static bool
is_out_of_reach(const SieveCall *call)
{
	return call->n_tests == 1 && call->tests[0]->known_by_ihave && call->tests[0]->known < 0;
}

static void
check_dead_block(SieveCheck *check, SieveCall *call)
{
	unsigned errors;
	bool was_dead = enter_dead(check, &errors);
	sieve_walk_block(check, call->block);
	if (leave_dead(check, was_dead, errors))
		call->block = NULL;
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
		if (call->def != NULL && sieve_bind_call(check, call))
			(void) passes_own_check(check, call); /* errors are counted */
	}

	if (!call->has_block || is_out_of_reach(call))
		return;
	if (call->n_tests == 1 && call->tests[0]->known < 0)
		check_dead_block(check, call);
	else
		sieve_walk_block(check, call->block);
}

/* A test that is always true: the other branches of the chain are never reached. */
static bool
closes_chain(const SieveCall *call)
{
	return call->n_tests == 1 && call->tests[0]->known > 0;
}

/* By ihave: they are for other installations, and nobody wants to hear of them. */
static bool
closes_chain_by_ihave(const SieveCall *call)
{
	return closes_chain(call) && call->tests[0]->known_by_ihave;
}

/*
 * A branch of a chain that is closed before it. False: there were errors in it, it must go from the
 * chain.
 */
static bool
check_dead_branch(SieveCheck *check, SieveCall *call, const SieveCall *before)
{
	unsigned errors;
	bool was_dead = enter_dead(check, &errors);
	check_command(check, call, before);
	return !leave_dead(check, was_dead, errors);
}

void
sieve_walk_block(SieveCheck *check, SieveCall *first)
{
	SieveCall *before = NULL;
	bool is_closed = false, by_ihave = false;

	for (SieveCall *call = first; call != NULL; call = call->next) {
		sieve_lookup_call(check, call);
		bool is_branch = call->def != NULL && (call->def->flags & SIEVE_ELSIF) != 0;
		is_closed = is_closed && is_branch;
		by_ihave = by_ihave && is_branch;
		if (is_closed && !by_ihave && !check_dead_branch(check, call, before)) {
			before->next = call->next;
			continue;
		}
		if (!is_closed)
			check_command(check, call, before);
		is_closed = is_closed || closes_chain(call);
		by_ihave = by_ihave || closes_chain_by_ihave(call);
		before = call;
	}

	if (!check->env->unwatched)
		sieve_warn_block(check, first);
}

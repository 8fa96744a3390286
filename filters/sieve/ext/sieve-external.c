/* SPDX-License-Identifier: MIT */
/* sieve-external: the names are checked here, who may be run is the agent's business. */
#include "filters/sieve/ext/sieve-external.h"

#include "agent/base/limits.h"
#include "agent/plan/plan-program.h"
#include "filters/sieve/lang/sieve-text.h"

#include <string.h>

/*
 * Section 3 of the specification: no control characters, no slash, no line separators; it is no
 * path.
 */
static bool
is_program_name(SieveText name)
{
	if (name.len == 0 || name.len > LIMIT_SIEVE_PROGRAM_NAME ||
	    !g_utf8_validate_len(name.data, name.len, NULL))
		return false;
	for (const char *c = name.data; c < name.data + name.len; c = g_utf8_next_char(c)) {
		gunichar sign = g_utf8_get_char(c);
		if (sign < 0x20 || (sign >= 0x7f && sign < 0xa0) || sign == '/' || sign == 0x2028 ||
		    sign == 0x2029)
			return false;
	}

	return true;
}

/* A name with variables in it is known when it runs. */
static void
warn_of_program(SieveCheck *check, const SieveString *name)
{
	FilterEnv *env = sieve_check_env(check);
	if (env->unwatched || env->services->program_warning == NULL || name->template != NULL)
		return;

	g_autofree char *program = g_strndup(name->text.data, name->text.len);
	g_autofree char *why = env->services->program_warning(env, program);
	if (why != NULL)
		sieve_check_warning(check, name->span, "missing-program", NULL, "%s", why);
}

bool
sieve_external_check(SieveCheck *check, SieveCall *call)
{
	const SieveString *name = &call->positional[0]->strings[0];

	if (!is_program_name(name->text))
		return sieve_check_error(check, name->span, "bad-program",
		                         "a name of the site's list, no path",
		                         "\"%.*s\" is not the name of a program",
		                         sieve_text_shown(name->text, 200), name->text.data);

	warn_of_program(check, name);

	const SieveArg *args = call->positional[1];
	if (args != NULL && args->n > LIMIT_SIEVE_PROGRAM_ARGUMENTS)
		return sieve_check_error(check, args->span, "too-many-arguments", NULL,
		                         "a program takes %u arguments at most",
		                         LIMIT_SIEVE_PROGRAM_ARGUMENTS);

	return true;
}

PlanAction *
sieve_external_action_new(SieveRun *run, const SieveCall *call, PlanKind kind)
{
	PlanAction *action = sieve_run_action_new(run, kind, call);
	PlanProgram *program = plan_program_of(action);

	program->name = g_strdup(sieve_run_string(run, call->positional[0], 0));
	program->args = sieve_run_strings(run, call->positional[1]);
	if (program->args == NULL)
		program->args = g_ptr_array_new_with_free_func(g_free);

	return action;
}

static bool
note_in_plan(SieveRun *run, const SieveCall *call, PlanKind kind)
{
	return sieve_run_action(run, call, sieve_external_action_new(run, call, kind));
}

/* The list as exec wants it, in run->scratch. */
static const char *const *
make_argv(SieveRun *run, const SieveArg *args)
{
	size_t n = args != NULL ? args->n : 0;
	const char **argv = SIEVE_NEW_ARRAY(run->scratch, const char *, n + 1);
	for (size_t i = 0; i < n; i++)
		argv[i] = sieve_run_string(run, args, i);
	return argv;
}

/* The rule takes it for "no" and goes on; whoever looks for the cause finds it in the log. */
static void
note(SieveRun *run, const SieveCall *call, const char *text)
{
	g_autofree char *whole = g_strdup_printf("%s: %s", call->def->name, text);
	filter_note(run->env, run->program->file, call->span.line, whole);
}

/* It could not be run: a command has failed (section 6, 7), a test has its answer (section 8). */
static bool
could_not_run(SieveRun *run, const SieveCall *call, const Status *fault)
{
	const char *text = status_why(fault);
	if (!call->is_test)
		return sieve_run_fail(run, call, fault->id, "%s", text);
	note(run, call, text);
	return true;
}

bool
sieve_external_run(SieveRun *run, const SieveCall *call, PlanKind kind,
                   const FilterProgramCall *how, GBytes **ret_output)
{
	const FilterServices *services = run->env->services;
	FilterProgramCall program = *how;

	program.name = sieve_run_string(run, call->positional[0], 0);
	program.argv = make_argv(run, call->positional[1]);
	*ret_output = NULL;
	if (!note_in_plan(run, call, kind))
		return false;

	if (services->run_program == NULL) {
		sieve_run_trace(run, TRACE_ACTIONS, call, "%s: programs are not run here",
		                call->def->name);
		return true;
	}

	g_auto(Status) fault = STATUS_INIT;
	FilterProgramResult result = { 0 };
	if (!services->run_program(run->env, &program, &result, &fault))
		return could_not_run(run, call, &fault);

	g_autoptr(GBytes) output = result.output;
	g_autofree char *end = result.end;
	sieve_run_trace(run, TRACE_TESTS, call, "%s: \"%s\" ended with %d", call->def->name,
	                program.name, result.exit_code);
	if (end != NULL)
		note(run, call, end);
	if (result.exit_code == 0)
		*ret_output = output != NULL ? g_steal_pointer(&output) : g_bytes_new(NULL, 0);

	return true;
}

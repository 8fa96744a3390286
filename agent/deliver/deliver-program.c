/* SPDX-License-Identifier: MIT */
/*
 * deliver-program: pipe (vnd.dovecot.pipe): the message is handed to a program of the site's
 * folder, as the last thing but after all copies are safe.
 *
 * Exit 0: taken. Exit 75 (EX_TEMPFAIL): the delivery is put off, as the program wishes. Any other
 * end, and a program that is not there, hangs or floods: the message is kept here, and a note says
 * why. filter and execute have run already, while the rules were asked (site_program_run); in a
 * plan they are only to be told. A program of the owner's recipes (command) has no allow-list, may
 * have run already, and its exit codes mean nothing but that the message has to be kept here:
 * recipes that want to know them wait for them.
 */
#include "agent/deliver/deliver-outgoing.h"

#include "agent/base/outcome.h"
#include "agent/exec/owner-program.h"
#include "agent/exec/site-program.h"
#include "agent/plan/plan-program.h"

#include <string.h>
#include <sysexits.h>

typedef struct {
	const PlanAction *action; /* borrowed */
	Message *message;         /* borrowed */
	Headers *headers;         /* borrowed */
	char *key;
	GPtrArray *args; /* borrowed strings, NULL ends */
} Pipe;

static void
pipe_free(void *step)
{
	Pipe *pipe = step;
	g_ptr_array_unref(pipe->args);
	g_free(pipe->key);
	g_free(pipe);
}

static char *
make_key(const DeliverRun *run, const PlanProgram *program, const GPtrArray *args)
{
	g_autoptr(GString) key = g_string_new(program->name);

	for (guint i = 0; i + 1 < args->len; i++)
		g_string_append_printf(key, "%c%s", '\001', (const char *) args->pdata[i]);
	g_autofree char *hash = state_key("pipe", key->str, NULL);
	g_autofree char *named = g_strdup_printf("pipe %s %.16s", program->name, hash);

	/*
	 * Recipes that run it twice mean it: variables decide, or a part of the mail, not only the
	 * words of the call.
	 */
	return program->environment != NULL ? deliver_own_key(run, named) : g_steal_pointer(&named);
}

static bool
pipe_prepare(DeliverRun *run, const PlanAction *action, void **ret_step, Status *st)
{
	(void) st;
	Pipe *pipe = g_new0(Pipe, 1);
	*ret_step = pipe;
	pipe->action = action;
	pipe->message = action->message != NULL ? action->message : run->job->message;
	pipe->headers = deliver_headers(run, action);
	pipe->args = g_ptr_array_new();

	const GPtrArray *args = plan_program_of(action)->args;
	for (guint i = 0; args != NULL && i < args->len; i++)
		g_ptr_array_add(pipe->args, args->pdata[i]);
	g_ptr_array_add(pipe->args, NULL);
	pipe->key = make_key(run, plan_program_of(action), pipe->args);

	return true;
}

static const char *
pipe_key(const void *step)
{
	return ((const Pipe *) step)->key;
}

static bool
run_program(DeliverRun *run, const Pipe *pipe, ChildResult *ret_result, Status *st)
{
	const DeliverOwner *owner = run->job->owner;
	MessageBody body;

	if (!message_body(pipe->message, &body))
		return status_fail_detail(st, STATUS_INTERNAL,
		                          "the body of a message that leaves is not stored");
	g_autoptr(GString) head = compose_print_headers(pipe->message, pipe->headers);
	SiteProgramCall call = {
		.conf = run->job->conf,
		.user = owner->user,
		.home = owner->home,
		.host = owner->host,
		.envelope = run->job->envelope,
		.name = plan_program_of(pipe->action)->name,
		.args = (const char *const *) pipe->args->pdata,
		.head = head->str,
		.head_len = head->len,
		.body_fd = body.fd,
		.body_at = body.offset,
		.body_len = body.size,
	};

	return site_program_run(&call, ret_result, st);
}

/* A program of recipes, in the environment that they left; `ret_result` NULL: is it there? */
static bool
run_command(DeliverRun *run, const Pipe *pipe, ChildResult *ret_result, Status *st)
{
	const PlanProgram *program = plan_program_of(pipe->action);
	g_autoptr(GPtrArray) argv = g_ptr_array_new(), environment = g_ptr_array_new();

	g_ptr_array_add(argv, program->name);
	g_ptr_array_extend(argv, pipe->args, NULL, NULL); /* with the NULL */
	g_ptr_array_extend(environment, program->environment, NULL, NULL);
	g_ptr_array_add(environment, NULL);

	gsize len = 0;
	const char *input = program->input != NULL ? g_bytes_get_data(program->input, &len) : NULL;
	OwnerProgramCall call = {
		.conf = run->job->conf,
		.argv = (const char *const *) argv->pdata,
		.environment = (const char *const *) environment->pdata,
		.directory = program->directory,
		.home = run->job->owner->home,
		.input = input,
		.input_len = len,
		.output_limit = (size_t) run->job->conf->program_output,
		.lock = program->lock,
		.logs_output = program->is_trap,
	};

	return ret_result != NULL ? owner_program_run(&call, ret_result, st)
	                          : owner_program_is_there(&call, st);
}

/* Would it be run? That it succeeds then is taken for granted. */
static bool
would_run(DeliverRun *run, const Pipe *pipe, Status *st)
{
	const PlanProgram *program = plan_program_of(pipe->action);
	SiteProgramCall call = {
		.conf = run->job->conf,
		.name = program->name,
		.args = (const char *const *) pipe->args->pdata,
	};

	if (program->environment != NULL)
		return program->done || run_command(run, pipe, NULL, st);
	return site_program_is_there(&call, st);
}

static bool
pipe_rehearse(DeliverRun *run, const Pipe *pipe, Status *st)
{
	const PlanProgram *program = plan_program_of(pipe->action);
	g_auto(Status) fault = STATUS_INIT;
	if (program->is_trap)
		return true;
	if (would_run(run, pipe, &fault)) {
		deliver_report_sent(run->report, "pipe", program->name,
		                    message_size(pipe->message));
		return true;
	}

	deliver_hold(run, pipe->action, "not handed to a program but stored", fault.detail);
	return run->job->rules_alone || deliver_keep_now(run, fault.detail, st);
}

/* What people know it by: of a command line of the shell, that line. */
static const char *
name_of(const Pipe *pipe)
{
	const char *const *args = (const char *const *) pipe->args->pdata;
	bool is_line = g_strcmp0(args[0], "-c") == 0 && args[1] != NULL && *args[1] != '\0';
	return is_line ? args[1] + strspn(args[1], " \t") : plan_program_of(pipe->action)->name;
}

/* The program, its arguments, and how it ended. */
static Outside *
outside_of(const Pipe *pipe, const char *why)
{
	const char *name = plan_program_of(pipe->action)->name;
	g_autofree char *args = g_strjoinv(" ", (char **) pipe->args->pdata);
	g_autofree char *command = g_strconcat(name, *args != '\0' ? " " : "", args, NULL);

	return outside_new(OUTSIDE_PROGRAM, name, command, why);
}

static bool
pipe_send(DeliverRun *run, void *step, Status *st)
{
	Pipe *pipe = step;
	if (run->job->rehearsal)
		return pipe_rehearse(run, pipe, st);

	g_auto(ChildResult) result = { 0 };
	g_auto(Status) fault = STATUS_INIT;
	const PlanProgram *program = plan_program_of(pipe->action);
	bool of_recipes = program->environment != NULL;
	if (program->is_trap) {
		if (!run_command(run, pipe, &result, &fault))
			deliver_note(run, "TRAP: %s", fault.detail);
		return true;
	}

	bool ran = program->done ||
	           (of_recipes ? run_command : run_program)(run, pipe, &result, &fault);
	/*
	 * No process, no descriptor, no memory, a lock: that passes. The program has not had the
	 * mail, or not all of it.
	 */
	bool passes = outcome_fault_kind(fault.id) == FAULT_PASSING && !run->job->is_overdue;
	bool waits = !run->has_local && deliver_fallback_waits(run);
	if (!ran && (passes || waits)) {
		status_move(st, &fault);
		return false;
	}

	if (!ran)
		return deliver_keep_now(run, fault.detail, st);
	bool took_all = !program->must_read || !result.unread;
	if (program->done || (result.exit_code == EX_OK && took_all)) {
		deliver_report_sent(run->report, "pipe", name_of(pipe),
		                    message_size(pipe->message));
		return true;
	}

	g_autofree char *why = took_all ? owner_program_describe_end(program->name, &result)
	                                : g_strdup_printf(
						  "program '%s' did not read all of its input",
						  program->name);
	g_autoptr(Outside) outside = outside_of(pipe, why);
	outside_see(outside);
	bool asks_again = result.exit_code == EX_TEMPFAIL && !of_recipes && !run->job->is_overdue;
	if (asks_again || waits) {
		status_fail_detail(st, STATUS_PROGRAM, "%s", why);
		status_set_outside(st, g_steal_pointer(&outside));
		return false;
	}

	return deliver_keep_now(run, why, st);
}

static void
pipe_remember(DeliverRun *run, const void *step, GString *lines)
{
	const Pipe *pipe = step;
	deliver_remember_passed(run, pipe->message, pipe->headers, lines);
}

extern const DeliverAction deliver_pipe;
const DeliverAction deliver_pipe = {
	.name = "pipe",
	.rehearses = true,
	.prepare = pipe_prepare,
	.free = pipe_free,
	.key = pipe_key,
	.send = pipe_send,
	.remember = pipe_remember,
};

static bool
told_prepare(DeliverRun *run, const PlanAction *action, void **ret_step, Status *st)
{
	(void) run, (void) st;
	*ret_step = (void *) action;
	return true;
}

static void
told_report(DeliverRun *run, const void *step, DeliverReport *report)
{
	(void) run;
	const PlanAction *action = step;
	deliver_report_sent(report, plan_kind_row(action->kind)->name,
	                    plan_program_of(action)->name, 0);
}

static void
told_free(void *step)
{
	(void) step;
}

#define TOLD(action) \
	extern const DeliverAction deliver_##action; \
	const DeliverAction deliver_##action = { \
		.name = #action, \
		.prepare = told_prepare, \
		.report = told_report, \
		.free = told_free, \
	}

TOLD(filter);
TOLD(execute);

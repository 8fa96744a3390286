/* SPDX-License-Identifier: MIT */
/* sieve-run: commands in order, tests as they are needed, actions into the plan. */
#include "filters/sieve/run/sieve-run.h"

#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/run/sieve-because.h"
#include "filters/sieve/run/sieve-field.h"

#include <string.h>

bool
sieve_run_fail(SieveRun *run, const SieveCall *call, StatusId id, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);

	const SieveCall *at = call != NULL ? call : run->at;
	return status_fail_detail(run->st, id, "%s:%u: %s", run->program->file,
	                          at != NULL ? at->span.line : 0, text);
}

/* RFC 5463 4: what ihave names cannot be used before the test was true. */
static bool
has_found_all(SieveRun *run, const SieveCall *call)
{
	guint64 missing = call->by_ihave & ~run->found;
	if (G_LIKELY(missing == 0))
		return true;

	const SieveExt *ext = sieve_ext_nth((size_t) __builtin_ctzll(missing));
	return sieve_run_fail(run, call, STATUS_SCRIPT,
	                      "'%s' needs \"%s\", which no ihave has found yet", call->name,
	                      ext->capability);
}

static void
ask_again_later(SieveRun *run)
{
	run->ask_below = run->steps_left -
	                 MIN(run->steps_left, (guint64) FILTER_WORK_BEFORE_ASKING);
}

static bool
ask_to_go_on(SieveRun *run)
{
	g_auto(Status) fault = STATUS_INIT;
	guint64 done = run->ask_below + FILTER_WORK_BEFORE_ASKING - run->steps_left;
	ask_again_later(run);
	return filter_may_go_on(run->env, done, &fault) ||
	       sieve_run_fail(run, NULL, fault.id, "%s", fault.detail);
}

bool
sieve_run_spend(SieveRun *run, guint64 steps)
{
	if (run->steps_left > steps) {
		run->steps_left -= steps;
		return G_LIKELY(run->steps_left >= run->ask_below) || ask_to_go_on(run);
	}

	run->steps_left = 0;
	return sieve_run_fail(run, NULL, STATUS_LIMIT,
	                      "the script works too long on this message (sieve_max_steps)");
}

bool
sieve_run_hold(SieveRun *run, guint64 before, guint64 now)
{
	run->memory_held = run->memory_held + now - before;
	if (run->memory_held <= run->memory_limit)
		return true;

	return sieve_run_fail(run, NULL, STATUS_LIMIT,
	                      "variables and edits take more than %" G_GUINT64_FORMAT
	                      " octets (sieve_max_memory)",
	                      run->memory_limit);
}

SieveText
sieve_run_text(SieveRun *run, const SieveString *string)
{
	return string->template != NULL ? sieve_scope_expand(run, string->template) : string->text;
}

const char *
sieve_run_string(SieveRun *run, const SieveArg *arg, size_t n)
{
	SieveText text = sieve_run_text(run, &arg->strings[n]);
	return sieve_arena_copy(run->scratch, text.data, text.len);
}

GPtrArray *
sieve_run_strings(SieveRun *run, const SieveArg *arg)
{
	if (arg == NULL)
		return NULL;
	GPtrArray *copies = g_ptr_array_new_with_free_func(g_free);
	for (size_t i = 0; i < arg->n; i++) {
		SieveText text = sieve_run_text(run, &arg->strings[i]);
		g_ptr_array_add(copies, g_strndup(text.data, text.len));
	}

	return copies;
}

void *
sieve_run_state(SieveRun *run, const SieveExt *ext)
{
	void **state = &run->states[sieve_ext_number(ext)];
	if (*state == NULL)
		*state = sieve_arena_alloc(run->memory, ext->run_state);
	return *state;
}

static void
trace_test(SieveRun *run, const SieveCall *test, bool result)
{
	sieve_run_trace(run, TRACE_TESTS, test, "%s: %s", test->def->name,
	                result ? "true" : "false");
}

bool
sieve_run_test(SieveRun *run, const SieveCall *test, bool *ret_result)
{
	bool result = false;

	run->at = test;
	run->pair.test = NULL;
	if (!sieve_run_spend(run, 1) || !has_found_all(run, test) ||
	    !test->test(run, test, &result))
		return false;

	if (run->env->trace_level >= TRACE_TESTS)
		trace_test(run, test, result);
	if (test->n_tests == 0)
		sieve_because_note(run, test, result);
	*ret_result = result;
	return true;
}

/* An if, elsif or else; *taken: a branch of the chain has run. */
static bool
run_branch(SieveRun *run, const SieveCall *call, bool *taken)
{
	bool result = true;

	if ((call->def->flags & SIEVE_IF) != 0)
		*taken = false;
	if (*taken)
		return true;

	run->n_facts = 0;
	if (call->n_tests > 0 && !sieve_run_test(run, call->tests[0], &result))
		return false;

	*taken = result;
	if (!result)
		return true;

	const SieveBranch *outer = run->branch;
	run->branch = sieve_because_branch(run, call);
	bool good = sieve_run_block(run, call->block);
	run->branch = outer;

	return good;
}

static bool
run_command(SieveRun *run, const SieveCall *call, bool *taken)
{
	run->at = call;
	if ((call->def->flags & (SIEVE_IF | SIEVE_ELSIF)) != 0)
		return run_branch(run, call, taken);
	sieve_run_trace(run, TRACE_COMMANDS, call, "%s", call->def->name);
	return sieve_run_spend(run, 1) && has_found_all(run, call) && call->def->run(run, call);
}

bool
sieve_run_block(SieveRun *run, const SieveCall *first)
{
	bool taken = false, good = true;
	for (const SieveCall *call = first; good && call != NULL && run->control == SIEVE_ON;
	     call = call->next) {
		SieveArenaMark mark = sieve_arena_mark(run->scratch);
		good = run_command(run, call, &taken);
		sieve_arena_release(run->scratch, mark);
	}

	return good;
}

bool
sieve_run_nested(SieveRun *run, const SieveProgram *program)
{
	const SieveProgram *outer = run->program;
	SieveScope *scope = run->scope;
	SieveText *captures = run->captures;
	size_t n_captures = run->n_captures;
	guint64 found = run->found;
	const SieveBranch *branch = run->branch;

	run->branch = NULL; /* its lines are the outer script's */
	run->found = 0;     /* each script requires for itself (RFC 6609 3.1) */
	run->program = program;
	run->scope = sieve_scope_new(program->n_variables);
	run->captures = NULL; /* match variables are the script's own, too (RFC 6609 3.4) */
	run->n_captures = 0;

	bool good = sieve_run_block(run, program->first);
	run->memory_held -= sieve_scope_held(run->scope);
	sieve_scope_free(run->scope);
	g_free(run->captures);
	run->captures = captures;
	run->n_captures = n_captures;
	run->scope = scope;
	run->found = found;
	run->branch = branch;
	run->program = outer;
	if (run->control == SIEVE_RETURN)
		run->control = SIEVE_ON;

	return good;
}

PlanAction *
sieve_run_action_new(SieveRun *run, PlanKind kind, const SieveCall *call)
{
	PlanAction *action = plan_action_new(kind, run->program->file, call->span.line);

	sieve_because_explain(run, action);
	return action;
}

/* Tags and extensions add what they know. */
static bool
complete_action(SieveRun *run, const SieveCall *call, PlanAction *action)
{
	for (size_t i = 0; i < call->n_tags; i++) {
		const SieveTag *tag = &call->tags[i];
		if (tag->def->action != NULL && !tag->def->action(run, call, tag, action))
			return false;
	}

	for (size_t i = 0; i < sieve_ext_count(); i++) {
		const SieveExt *ext = sieve_ext_nth(i);
		bool used = sieve_program_has(run->program, ext) || run->states[i] != NULL;
		if (ext->action != NULL && used && !ext->action(run, call, action))
			return false;
	}

	/* A replaced message goes with our header: its own lacks what the agent has put there. */
	if ((run->headers_edited || run->message_replaced) && action->headers == NULL)
		action->headers = headers_ref(run->headers);
	if (run->message_replaced && action->message == NULL)
		action->message = message_ref(run->message);
	if (run->headers_edited)
		action->edited_at = g_strdup(run->edited_at);
	return true;
}

/* One that only repeats an earlier action is none of its own: the plan has merged it. */
static bool
count_action(SieveRun *run, const SieveCall *call, PlanKind kind)
{
	if (run->actions_left-- <= 0)
		return sieve_run_fail(run, call, STATUS_LIMIT,
		                      "too many actions (sieve_max_actions)");
	if (kind == PLAN_REDIRECT && run->redirects_left-- <= 0)
		return sieve_run_fail(run, call, STATUS_LIMIT,
		                      "too many redirects (sieve_max_redirects)");
	if (kind == PLAN_NOTIFY && run->notices_left-- <= 0)
		return sieve_run_fail(run, call, STATUS_LIMIT,
		                      "too many notices (sieve_max_notices)");

	return true;
}

bool
sieve_run_action(SieveRun *run, const SieveCall *call, PlanAction *taken)
{
	g_autoptr(PlanAction) action = taken;
	PlanKind kind = action->kind;
	size_t before = plan_count(run->plan);

	if (!complete_action(run, call, action))
		return false;
	sieve_run_trace(run, TRACE_ACTIONS, call, "%s%s%s", plan_kind_row(action->kind)->name,
	                action->mailbox != NULL || action->address != NULL ? " " : "",
	                action->mailbox != NULL   ? action->mailbox
	                : action->address != NULL ? action->address
	                                          : "");
	if (!plan_add(run->plan, g_steal_pointer(&action), run->st))
		return false;

	return plan_count(run->plan) == before || count_action(run, call, kind);
}

void
sieve_run_set_headers(SieveRun *run, Headers *headers)
{
	headers_unref(run->headers);
	run->headers = headers;
	run->headers_edited = true;
	sieve_because_note_edit(run);
	sieve_field_cache_clear(run->fields);
}

void
sieve_run_set_message(SieveRun *run, Message *message)
{
	message_unref(run->message);
	run->message = message;
	run->message_replaced = true;
}

void
sieve_run_renew_limits(SieveRun *run)
{
	const Conf *conf = run->env->conf;

	run->steps_left = (guint64) conf->sieve_max_steps;
	ask_again_later(run);
	run->actions_left = conf->sieve_max_actions;
	run->redirects_left = conf->sieve_max_redirects;
	run->notices_left = conf->sieve_max_notices;
	run->memory_limit = (guint64) conf->sieve_max_memory;
	run->variable_limit = (size_t) conf->sieve_max_variable_size;
}

static void
run_init(SieveRun *run, const SieveProgram *program)
{
	run->program = program;
	run->headers = headers_ref(run->input->headers);
	run->message = run->input->message != NULL ? message_ref(run->input->message) : NULL;
	run->memory = sieve_arena_new();
	run->scratch = sieve_arena_new();
	run->fields = sieve_field_cache_new();
	run->states = SIEVE_NEW_ARRAY(run->memory, void *, sieve_ext_count());
	run->scope = sieve_scope_new(program->n_variables);
	sieve_run_renew_limits(run);
}

static void
run_clear(SieveRun *run)
{
	for (size_t i = 0; i < sieve_ext_count(); i++)
		if (run->states[i] != NULL && sieve_ext_nth(i)->clear_run_state != NULL)
			sieve_ext_nth(i)->clear_run_state(run->states[i]);
	if (run->keep_flags != NULL)
		g_ptr_array_unref(run->keep_flags);
	sieve_scope_free(run->scope);
	g_free(run->captures);
	sieve_field_cache_free(run->fields);
	headers_unref(run->headers);
	message_unref(run->message);
	sieve_arena_free(run->scratch);
	sieve_arena_free(run->memory);
}

/* What extensions remember for the implicit keep belongs to the message and the plan. */
static void
forget_keep_state(SieveRun *run)
{
	for (size_t i = 0; i < sieve_ext_count(); i++) {
		const SieveExt *ext = sieve_ext_nth(i);
		if (ext->finish == NULL || run->states[i] == NULL)
			continue;
		if (ext->clear_run_state != NULL)
			ext->clear_run_state(run->states[i]);
		memset(run->states[i], 0, ext->run_state);
	}
}

void
sieve_run_take_input(SieveRun *run)
{
	sieve_run_set_headers(run, headers_ref(run->input->headers));
	sieve_run_set_message(run, run->input->message != NULL ? message_ref(run->input->message)
	                                                       : NULL);
	run->headers_edited = run->message_replaced = false;
	run->edited_at = NULL;
	forget_keep_state(run);
}

void
sieve_run_take_plan(SieveRun *run, Plan *plan)
{
	run->plan = plan;
	sieve_run_renew_limits(run);
	forget_keep_state(run);
}

bool
sieve_run_finish(SieveRun *run)
{
	g_clear_pointer(&run->keep_flags, g_ptr_array_unref);
	for (size_t i = 0; i < sieve_ext_count(); i++) {
		const SieveExt *ext = sieve_ext_nth(i);
		bool used = sieve_program_has(run->program, ext) || run->states[i] != NULL;
		if (ext->finish != NULL && used && !ext->finish(run))
			return false;
	}

	if (run->keep_flags != NULL || run->headers_edited || run->message_replaced)
		plan_set_keep_state(run->plan, run->keep_flags,
		                    run->headers_edited || run->message_replaced ? run->headers
		                                                                 : NULL,
		                    run->message_replaced ? run->message : NULL);
	bool has_flags = run->keep_flags != NULL && run->keep_flags->len > 0;
	plan_set_keep_rules(run->plan, has_flags ? run->flags_at : (PlanSource){ NULL, 0 },
	                    run->headers_edited ? run->edited_at : NULL);

	return true;
}

static bool
walk_tree(SieveRun *run)
{
	return sieve_run_block(run, run->program->first);
}

bool
sieve_run_guided(const SieveProgram *program, bool (*walk)(SieveRun *run), const FilterInput *input,
                 FilterEnv *env, Plan *plan, Status *st)
{
	SieveRun run = { .input = input, .env = env, .plan = plan, .st = st };
	run_init(&run, program);
	bool good = walk(&run) && sieve_run_finish(&run);
	run_clear(&run);
	return good;
}

bool
sieve_run_program(const SieveProgram *program, const FilterInput *input, FilterEnv *env, Plan *plan,
                  Status *st)
{
	return sieve_run_guided(program, walk_tree, input, env, plan, st);
}

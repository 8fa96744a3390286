/* SPDX-License-Identifier: MIT */
/*
 * libsieve-filter: the engine as filters/filter.h wants it: our own parser and checker, libsieve in
 * its cage, our own actions.
 */
#include "conf/conf-choices.h"
#include "filters/libsieve/cage.h"
#include "filters/libsieve/rewrite.h"
#include "filters/libsieve/subset.h"
#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/run/sieve-run.h"

extern const Filter filter_libsieve;

typedef struct {
	SieveProgram *sieve;
	/* the first thing that libsieve cannot run: our own engine serves; NULL: it can run all */
	char *refusal;
	unsigned line;
} Program;

static FilterProgram *
compile(const FilterSource *source, FilterEnv *env, GPtrArray *problems)
{
	g_autoptr(SieveProgram) sieve = sieve_check_compile(source, env, problems);
	if (sieve == NULL)
		return NULL;

	bool is_error = env->conf->libsieve_refused == CONF_LIBSIEVE_REFUSED_ERROR;
	g_autoptr(GPtrArray) refusals = problem_list_new();
	bool is_good = subset_check(sieve, is_error ? PROBLEM_ERROR : PROBLEM_WARNING, refusals);
	for (guint i = 0; i < refusals->len; i++)
		problem_add(problems, refusals->pdata[i]);
	if (!is_good && is_error)
		return NULL;

	const Problem *first = is_good ? NULL : refusals->pdata[0];
	Program *program = g_new0(Program, 1);
	program->sieve = g_steal_pointer(&sieve);
	program->refusal = first != NULL
	                           ? g_strconcat(first->text, "; the native engine serves", NULL)
	                           : NULL;
	program->line = first != NULL ? first->line : 0;

	return (FilterProgram *) program;
}

/* What the library has reached is done by our own code, as if we had walked there ourselves. */
static bool
run_actions(SieveRun *run, const Record *record, const GPtrArray *actions)
{
	for (size_t i = 0; i < record->n_actions; i++) {
		const SieveCall *call = actions->pdata[record->actions[i]];
		SieveArenaMark mark = sieve_arena_mark(run->scratch);
		run->at = call;
		if (!sieve_run_spend(run, 1) || !call->def->run(run, call))
			return false;
		sieve_arena_release(run->scratch, mark);
	}
	return true;
}

static bool
run_caged(SieveRun *run)
{
	g_auto(Rewrite) rewrite = { 0 };
	g_auto(Record) record = { 0 };
	g_auto(Status) fault = STATUS_INIT;

	if (!rewrite_program(run, &rewrite))
		return false;
	guint64 size = run->message != NULL ? message_size(run->message) : 0;
	const RecordRequest request = {
		.script = rewrite.script->str,
		.size = (guint32) MIN(size, G_MAXINT32),
		.delimiters = run->input->delimiters != NULL ? run->input->delimiters : "",
		.queries = rewrite.queries,
	};
	if (!cage_run(&request, rewrite.actions->len, &record, &fault))
		return status_fail_detail(run->st, fault.id, "%s: engine fault: %s",
		                          run->program->file, fault.detail);

	return run_actions(run, &record, rewrite.actions);
}

static bool
run(FilterProgram *opaque, const FilterInput *input, FilterEnv *env, Plan *plan, Status *st)
{
	const Program *program = (const Program *) opaque;
	if (program->refusal == NULL)
		return sieve_run_guided(program->sieve, run_caged, input, env, plan, st);
	filter_note(env, program->sieve->file, program->line, program->refusal);
	return sieve_run_program(program->sieve, input, env, plan, st);
}

static void
program_free(FilterProgram *opaque)
{
	Program *program = (Program *) opaque;
	sieve_program_free(program->sieve);
	g_free(program->refusal);
	g_free(program);
}

const Filter filter_libsieve = {
	.name = "libsieve", .compile = compile, .run = run, .free = program_free
};

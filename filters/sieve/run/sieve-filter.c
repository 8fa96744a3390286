/* SPDX-License-Identifier: MIT */
/* sieve-filter: the engine as filters/filter.h wants it. */
#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/run/sieve-run.h"

extern const Filter filter_sieve;

static FilterProgram *
compile(const FilterSource *source, FilterEnv *env, GPtrArray *problems)
{
	return (FilterProgram *) sieve_check_compile(source, env, problems);
}

static bool
run(FilterProgram *program, const FilterInput *input, FilterEnv *env, Plan *plan, Status *st)
{
	return sieve_run_program((const SieveProgram *) program, input, env, plan, st);
}

static void
program_free(FilterProgram *program)
{
	sieve_program_free((SieveProgram *) program);
}

const Filter filter_sieve = {
	.name = "sieve", .compile = compile, .run = run, .free = program_free
};

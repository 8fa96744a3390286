/* SPDX-License-Identifier: MIT */
/*
 * fuzz-sieve-parse: lexer, parser and checker on any bytes. Nothing may crash or hang; a script is
 * either a program or has errors with places in it. tests/fuzz/fuzz-sieve.sh runs it.
 */
#include "tests/lib/sieve-world.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guchar *data, size_t size);

static void
check_problems(const GPtrArray *problems, bool is_program)
{
	bool has_error = false;
	for (guint i = 0; i < problems->len; i++) {
		const Problem *problem = problems->pdata[i];
		has_error = has_error || problem->severity == PROBLEM_ERROR;
		g_assert(problem->line > 0 && problem->column > 0);
		g_assert(problem->end_column == 0 || problem->end_column >= problem->column);
		g_assert(problem->text[0] != '\0' && problem->code[0] != '\0');
	}

	g_assert(has_error != is_program);
}

int
LLVMFuzzerTestOneInput(const guchar *data, size_t size)
{
	static SieveWorld *world;

	if (world == NULL)
		world = sieve_world_new("", NULL);
	const Filter *filter = filter_find("sieve");
	FilterSource source = {
		.file = "fuzz.sieve", .text = (const char *) data, .len = size, .trust = SCRIPT_SITE
	};
	g_autoptr(GPtrArray) problems = problem_list_new();
	FilterProgram *program = filter->compile(&source, &world->env, problems);
	check_problems(problems, program != NULL);
	if (program != NULL)
		filter->free(program);

	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * recipe-filter: procmail's language behind filter.h. A file with errors runs all the same: what is
 * wrong in it does nothing, which is what procmail's users count on, and the problems tell of it.
 */
#include "filters/filter.h"
#include "filters/recipe/lang/recipe-check.h"
#include "filters/recipe/lang/recipe-parser.h"
#include "filters/recipe/run/recipe-run.h"

struct FilterProgram {
	GPtrArray *nodes;
	char *file;
};

static FilterProgram *
recipe_compile(const FilterSource *source, FilterEnv *env, GPtrArray *problems)
{
	(void) env;
	GPtrArray *nodes = recipe_parse(source, problems);
	if (nodes == NULL)
		return NULL;

	if (problems != NULL)
		recipe_check(nodes, source->file, problems);
	FilterProgram *program = g_new(FilterProgram, 1);
	*program = (FilterProgram){ nodes, g_strdup(source->file) };

	return program;
}

static bool
recipe_filter_run(FilterProgram *program, const FilterInput *input, FilterEnv *env, Plan *plan,
                  Status *st)
{
	return recipe_run(program->nodes, program->file, input, env, plan, st);
}

static void
recipe_free(FilterProgram *program)
{
	if (program == NULL)
		return;
	g_ptr_array_unref(program->nodes);
	g_free(program->file);
	g_free(program);
}

extern const Filter filter_recipe;
const Filter filter_recipe = {
	.name = "recipe",
	.compile = recipe_compile,
	.run = recipe_filter_run,
	.free = recipe_free,
};

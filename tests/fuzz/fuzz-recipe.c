/*
 * fuzz-recipe: an rc file through the parser and the checks, and as an expression over the rest of itself: PCRE2 and the states must
 * agree. With clang: -fsanitize=fuzzer,address,undefined tests/fuzz/fuzz-recipe.c, the recipe and filter sources, and libbase.
 */
#include "agent/base/limits.h"
#include "filters/filter.h"
#include "filters/recipe/recipe-check.h"
#include "filters/recipe/recipe-parser.h"
#include "filters/recipe/recipe-pattern.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guchar *data, size_t size);

static void
fuzz_parser(const char *text, size_t size)
{
	g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func((GDestroyNotify) filter_problem_free);
	const FilterSource source = { .file = "fuzz", .text = text, .len = size, .trust = SCRIPT_OWNER };
	g_autoptr(GPtrArray) nodes = recipe_parse(&source, problems);
	if (nodes != NULL)
		recipe_check(nodes, "fuzz", problems);
}

static void
fuzz_pattern(const char *text, size_t size)
{
	const char *newline = memchr(text, '\n', size);
	if (newline == NULL)
		return;
	RecipePatternError error;
	g_autofree char *expression = g_strndup(text, (gsize) (newline - text));
	g_autoptr(RecipePattern) pattern = recipe_pattern_compile(expression, false, &error);
	if (pattern == NULL)
		return;
	const char *rest = newline + 1;
	size_t len = size - (size_t) (rest - text), end = 0;
	RecipeSpan span = { 0, 0 };
	RecipeMatch quick = recipe_pattern_match(pattern, rest, len, NULL);
	RecipeMatch slow = recipe_pattern_simulate(pattern, rest, len, &span);
	g_assert(quick == slow || quick == RECIPE_LIMIT || slow == RECIPE_LIMIT);
	g_assert(span.start <= span.end && span.end <= len);
	RecipeMatch next = recipe_pattern_next(pattern, rest, len, 0, &end);
	g_assert(next == slow || next == RECIPE_LIMIT || slow == RECIPE_LIMIT);
	g_assert(end <= len + 1);
}

int
LLVMFuzzerTestOneInput(const guchar *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *) data, size);
	memcpy(text, data, size);
	fuzz_parser(text, size);
	fuzz_pattern(text, size);
	return 0;
}

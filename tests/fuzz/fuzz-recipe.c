/* SPDX-License-Identifier: MIT */
/*
 * fuzz-recipe: an rc file through the parser and the checks, and as an expression over the rest of
 * itself: PCRE2 and the states must agree, and with what a literal rules out. What it converts to
 * must compile without a finding, and explain must say something. As a mail it goes through the
 * calls of formail that are done inside. fuzz-recipe.sh says how to fuzz.
 */
#include "agent/base/limits.h"
#include "filters/filter-recipes.h"
#include "filters/recipe/lang/recipe-check.h"
#include "filters/recipe/convert/recipe-convert.h"
#include "filters/recipe/lang/recipe-explain.h"
#include "filters/recipe/run/recipe-formail.h"
#include "filters/recipe/lang/recipe-parser.h"
#include "filters/recipe/pattern/recipe-literal.h"
#include "filters/recipe/pattern/recipe-pattern.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guchar *data, size_t size);

/* The world of a file that stands alone. */
static void
fuzz_convert(const FilterSource *source)
{
	static const FilterServices services = { 0 };
	static const FilterRecipes recipes = { 0 };
	FilterEnv env = { .services = &services,
		          .recipes = &recipes,
		          .conf = conf_default(),
		          .trace_level = -1 };
	RecipeConvertCounts counts = { 0 };
	g_autofree char *script = recipe_convert(source, &env, &counts);
	g_autoptr(GPtrArray) problems = problem_list_new();
	const FilterSource converted = {
		.file = "converted", .text = script, .len = strlen(script), .trust = SCRIPT_OWNER
	};
	FilterProgram *program = filter_find("sieve")->compile(&converted, &env, problems);

	if (program == NULL) {
		const Problem *problem = problems->len > 0 ? problems->pdata[0] : NULL;
		g_printerr("line %u: %s in:\n%s", problem != NULL ? problem->line : 0,
		           problem != NULL ? problem->text : "?", script);
		abort();
	}

	filter_find("sieve")->free(program);
}

static void
fuzz_parser(const char *text, size_t size)
{
	g_autoptr(GPtrArray) problems = problem_list_new();
	const FilterSource source = {
		.file = "fuzz", .text = text, .len = size, .trust = SCRIPT_OWNER
	};
	g_autoptr(GPtrArray) nodes = recipe_parse(&source, problems);

	if (nodes == NULL)
		return;
	recipe_check(nodes, "fuzz", problems);
	g_autofree char *explained = recipe_explain(nodes);
	g_assert(nodes->len == 0 || explained != NULL);
	fuzz_convert(&source);
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
	RecipeLiteral literal;
	bool has_literal = recipe_literal_find(expression, &literal);
	g_assert(pattern != NULL || !has_literal);
	if (pattern == NULL)
		return;

	const char *rest = newline + 1;
	size_t len = size - (size_t) (rest - text);
	RecipeSpan span = { 0, 0 }, found = { 0, 0 };
	RecipeMatch quick = recipe_pattern_match(pattern, rest, len, NULL);
	RecipeMatch slow = recipe_pattern_simulate(pattern, rest, len, &span);
	g_assert(quick == slow || quick == RECIPE_LIMIT || slow == RECIPE_LIMIT);
	g_assert(span.start <= span.end && span.end <= len);
	g_autoptr(GString) prepared = recipe_literal_prepare(rest, len);
	g_assert(!has_literal || slow == RECIPE_NO_MATCH || slow == RECIPE_LIMIT ||
	         recipe_literal_is_in(&literal, prepared));

	RecipeMatch next = recipe_pattern_next(pattern, rest, len, 0, &found);
	g_assert(next == slow || next == RECIPE_LIMIT || slow == RECIPE_LIMIT);
	g_assert(found.end <= len + 1);
}

static void
fuzz_formail(const char *text, size_t size)
{
	static const char *const calls[][3] = { { "formail", "-xSubject:" },
		                                { "formail", "-IX: y" },
		                                { "formail", "-iTo:" } };
	static const char *const id_call[] = { "formail", "-D", "100", "ids", NULL };
	g_autoptr(GString) mail = g_string_new("From a@b  Mon Jan  1 00:00:00 2024\n");

	g_string_append_len(mail, text, (gssize) size);
	for (size_t i = 0; i < G_N_ELEMENTS(calls); i++) {
		GString *output;
		if (recipe_formail(calls[i], mail, &output))
			g_string_free(output, TRUE);
	}

	RecipeFormailId id;
	if (!recipe_formail_id(id_call, mail, &id))
		return;

	g_assert(*id.id != '\0' && strchr(id.id, '\n') == NULL);
	g_free(id.id);
}

int
LLVMFuzzerTestOneInput(const guchar *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *) data, size);

	memcpy(text, data, size);
	fuzz_parser(text, size);
	fuzz_pattern(text, size);
	fuzz_formail(text, size);

	return 0;
}

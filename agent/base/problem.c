/* SPDX-License-Identifier: MIT */
/* problem: a line of the script, and carets below what is meant. */
#include "agent/base/problem.h"

#include <string.h>

void
problem_free(Problem *problem)
{
	if (problem == NULL)
		return;

	g_free(problem->file);
	g_free(problem->text);
	g_free(problem->hint);
	g_free(problem);
}

GPtrArray *
problem_list_new(void)
{
	return g_ptr_array_new_with_free_func((GDestroyNotify) problem_free);
}

void
problem_add(GPtrArray *problems, const Problem *problem)
{
	if (problems == NULL)
		return;

	Problem *copy = g_new(Problem, 1);
	*copy = *problem;
	copy->file = g_strdup(problem->file);
	copy->text = g_strdup(problem->text);
	copy->hint = g_strdup(problem->hint);
	g_ptr_array_add(problems, copy);
}

const char *
problem_severity_name(ProblemSeverity severity)
{
	return severity == PROBLEM_ERROR ? "error" : "warning";
}

/* Line `number` (from 1) of a text; NULL: it has not so many. Caller frees. */
static char *
nth_line(const char *source, unsigned number)
{
	while (--number > 0 && source != NULL) {
		source = strchr(source, '\n');
		source = source != NULL ? source + 1 : NULL;
	}
	return source != NULL ? g_strndup(source, strcspn(source, "\r\n")) : NULL;
}

/* Cells of a terminal that an octet range of a line takes. A tab is kept as it is by the caller. */
static size_t
width_of(const char *text, size_t len)
{
	size_t width = 0;
	for (const char *c = text; c < text + len; c = g_utf8_next_char(c))
		width += g_unichar_iswide(g_utf8_get_char(c))        ? 2
		         : g_unichar_iszerowidth(g_utf8_get_char(c)) ? 0
		                                                     : 1;

	return width;
}

static void
append_repeated(GString *out, char c, size_t n)
{
	for (; n > 0; n--)
		g_string_append_c(out, c);
}

/* The line, and below it carets under the token. */
static void
append_carets(GString *out, const char *raw, unsigned column, unsigned end_column)
{
	g_autofree char *line = g_utf8_make_valid(raw, -1);
	size_t len = strlen(line), start = MIN((size_t) column - 1, len);
	size_t end = end_column > column ? MIN((size_t) end_column - 1, len) : start;

	g_string_append_printf(out, "    %s\n    ", line);
	for (const char *c = line; c < line + start; c = g_utf8_next_char(c))
		append_repeated(out, *c == '\t' ? '\t' : ' ', *c == '\t' ? 1 : width_of(c, 1));
	append_repeated(out, '^', MAX(width_of(line + start, end - start), 1));
	g_string_append_c(out, '\n');
}

char *
problem_print(const Problem *problem, const char *source)
{
	GString *out = g_string_new(problem->file);

	g_string_append_c(out, ':');
	if (problem->line > 0)
		g_string_append_printf(out, "%u:", problem->line);
	if (problem->line > 0 && problem->column > 0)
		g_string_append_printf(out, "%u:", problem->column);
	g_string_append_printf(out, " %s: %s\n", problem_severity_name(problem->severity),
	                       problem->text);

	g_autofree char *line = source != NULL && problem->line > 0
	                                ? nth_line(source, problem->line)
	                                : NULL;
	if (line != NULL && problem->column > 0)
		append_carets(out, line, problem->column, problem->end_column);
	if (problem->hint != NULL)
		g_string_append_printf(out, "    hint: %s\n", problem->hint);

	return g_string_free(out, FALSE);
}

char *
problem_place_print(const char *file, unsigned line)
{
	return line > 0 ? g_strdup_printf("%s:%u", file, line) : g_strdup(file);
}

char *
problem_print_short(const Problem *problem)
{
	g_autofree char *place = problem_place_print(problem->file, problem->line);
	return g_strdup_printf("%s: %s", place, problem->text);
}

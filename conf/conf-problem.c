/* SPDX-License-Identifier: MIT */
/* conf-problem: see the header. */
#include "conf/conf-problem.h"

#include "agent/base/limits.h"

#include <stdint.h>

/* What a file says ends up in logs and on terminals. */
static char *
make_printable(char *text)
{
	char *valid = g_utf8_make_valid(text, -1);

	for (char *c = valid; *c != '\0'; c++)
		if (g_ascii_iscntrl(*c))
			*c = ' ';
	g_free(text);
	return valid;
}

void
conf_problem_add(GPtrArray *problems, const ConfPlace *place, const char *code, const char *hint,
                 const char *text, ...)
{
	if (problems->len >= LIMIT_CONF_PROBLEMS)
		return;

	va_list args;
	va_start(args, text);
	g_autofree char *words = make_printable(g_strdup_vprintf(text, args));
	va_end(args);

	g_autofree char *advice = hint != NULL ? make_printable(g_strdup(hint)) : NULL;
	Problem problem = {
		.file = (char *) (uintptr_t) place->file,
		.line = place->line,
		.column = place->column,
		.end_column = place->end_column,
		.severity = PROBLEM_ERROR,
		.code = code,
		.text = words,
		.hint = advice,
	};
	problem_add(problems, &problem);
}

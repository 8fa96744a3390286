/* SPDX-License-Identifier: MIT */
/* code-queue: a reason stands in a line of its own, indented as far as its length lets it. */
#include "agent/cmd/code-queue.h"

#include "agent/base/limits.h"

#include <string.h>

bool
code_queue_is(const char *text)
{
	text += strspn(text, " \t\r\n");
	return g_str_has_prefix(text, "-Queue ID-") || *text == '(';
}

/* Has the line, without blanks around, nothing but a reason? */
static bool
is_reason(const char *line)
{
	size_t len = strlen(line);
	return len > 2 && line[0] == '(' && line[len - 1] == ')';
}

bool
code_queue_find(const char *text, GPtrArray *meanings, GPtrArray *unknown)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	bool found = false;
	size_t units = 0;

	for (char **line = lines; *line != NULL && units < LIMIT_CODE_UNITS; line++) {
		const CodeUnit unit = { .text = g_strstrip(*line) };
		if (!is_reason(unit.text))
			continue;
		units++;
		if (strlen(*line) > LIMIT_CODE_NEAR_BYTES)
			(*line)[LIMIT_CODE_NEAR_BYTES] = '\0';
		if (code_text_explain(&unit, meanings)) {
			found = true;
			continue;
		}

		g_autofree char *reason = g_strndup(*line + 1, strlen(*line) - 2);
		if (!g_ptr_array_find_with_equal_func(unknown, reason, g_str_equal, NULL))
			g_ptr_array_add(unknown, g_steal_pointer(&reason));
	}

	return found;
}

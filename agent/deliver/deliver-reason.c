/* SPDX-License-Identifier: MIT */
/* deliver-reason: the line X-Todoke of a stored copy. */
#include "agent/deliver/deliver-reason.h"

#include "agent/base/limits.h"
#include "agent/base/problem.h"

#include <string.h>

/* Octets that stand for themselves: none can end a value, a field or a word of a comment. */
static bool
is_plain(unsigned char c)
{
	return g_ascii_isgraph(c) && strchr("%=\"\\()<>;,", c) == NULL;
}

/* One more pair; a value of more than LIMIT_REASON_VALUE octets is cut, which "..." tells. */
static void
add_pair(GString *line, const char *key, const char *value)
{
	if (value == NULL || *value == '\0')
		return;

	g_string_append_printf(line, "%s%s=", line->len > 0 ? " " : "", key);
	gsize start = line->len;
	for (; *value != '\0'; value++) {
		unsigned char c = (unsigned char) *value;
		unsigned octets = is_plain(c) ? 1 : 3;

		if (line->len - start + octets > LIMIT_REASON_VALUE) {
			g_string_append(line, "...");
			return;
		}
		g_string_append_printf(line, is_plain(c) ? "%c" : "%%%02X", c);
	}
}

/* The script without its folder: a mail that is forwarded later tells no paths of this host. */
static void
add_rule(GString *line, const PlanSource *at)
{
	if (at->file == NULL)
		return;
	g_autofree char *name = g_path_get_basename(at->file);
	g_autofree char *rule = problem_place_print(name, at->line);
	add_pair(line, "rule", rule);
}

static char *
make_value(const DeliverRun *run, const PlanAction *action, const char *folder)
{
	const DeliverJob *job = run->job;
	bool elsewhere = action->mailbox != NULL && strcmp(action->mailbox, folder) != 0;
	GString *line = g_string_new(NULL);

	add_rule(line, &action->at);
	add_pair(line, "loop", job->loop);
	add_pair(line, "header_rule", job->header_rule);
	add_pair(line, "folder", folder);
	add_pair(line, "wanted", elsewhere ? action->mailbox : NULL);
	add_pair(line, "action", plan_kind_row(action->kind)->name);
	add_pair(line, "id", job->envelope != NULL ? job->envelope->told_id : NULL);

	return g_string_free(line, FALSE);
}

bool
deliver_has_reason(const DeliverRun *run)
{
	return run->job->conf->add_reason;
}

Headers *
deliver_reason_headers(const DeliverRun *run, const PlanAction *action, const char *folder,
                       Headers *headers)
{
	if (!deliver_has_reason(run))
		return headers_ref(headers);

	g_autofree char *value = make_value(run, action, folder);
	Headers *told = headers_new(headers, headers_newline(headers));
	size_t top = headers_top(headers), count = headers_count(headers);

	for (size_t i = 0; i <= count; i++) {
		if (i == top)
			headers_append_text(told, DELIVER_REASON_FIELD, value);
		if (i == count)
			break;

		const HeaderField *field = headers_get(headers, i);
		if (header_field_is(field, DELIVER_REASON_FIELD))
			headers_append_renamed(told, field, DELIVER_REASON_FOREIGN);
		else
			headers_append(told, field);
	}

	return told;
}

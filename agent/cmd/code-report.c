/* SPDX-License-Identifier: MIT */
/* code-report: the fields of a delivery report (RFC 3464), one unit a recipient. */
#include "agent/cmd/code-report.h"

#include "agent/base/limits.h"

#include <string.h>

/* The fields of one recipient. All are owned. */
typedef struct {
	char *recipient;
	char *action;
	char *status;
	char *diagnostic;
	char *remote; /* who said it */
} Group;

static void
group_clear(Group *group)
{
	g_clear_pointer(&group->recipient, g_free);
	g_clear_pointer(&group->action, g_free);
	g_clear_pointer(&group->status, g_free);
	g_clear_pointer(&group->diagnostic, g_free);
	g_clear_pointer(&group->remote, g_free);
}

static void
take_field(Group *group, char **reporting, const char *line)
{
	const struct {
		const char *name;
		char **value;
	} fields[] = {
		{ "Final-Recipient:", &group->recipient },
		{ "Original-Recipient:", &group->recipient }, /* what the sender wrote */
		{ "Action:", &group->action },
		{ "Status:", &group->status },
		{ "Diagnostic-Code:", &group->diagnostic },
		{ "Remote-MTA:", &group->remote },
		{ "Reporting-MTA:", reporting }, /* of all recipients */
	};

	for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
		size_t len = strlen(fields[i].name);
		if (g_ascii_strncasecmp(line, fields[i].name, len) != 0)
			continue;
		g_free(*fields[i].value);
		*fields[i].value = g_strstrip(g_strndup(line + len, LIMIT_CODE_NEAR_BYTES));
		return;
	}
}

/* "rfc822; a@b" is the address "a@b". Caller frees; bounded, valid UTF-8, printable. */
static char *
print_recipient(const char *value)
{
	const char *semicolon = strchr(value, ';');
	g_autofree char *start = g_strndup(semicolon != NULL ? semicolon + 1 : value,
	                                   LIMIT_CODE_SAID_BYTES);
	char *valid = g_utf8_make_valid(g_strstrip(start), -1);

	return valid;
}

static CodeFate
fate_of(const char *action)
{
	static const struct {
		const char *action;
		CodeFate fate;
	} rows[] = {
		{ "failed", CODE_FATE_RETURNED },    { "delayed", CODE_FATE_KEPT },
		{ "delivered", CODE_FATE_ACCEPTED }, { "relayed", CODE_FATE_ACCEPTED },
		{ "expanded", CODE_FATE_ACCEPTED },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows) && action != NULL; i++)
		if (g_ascii_strncasecmp(action, rows[i].action, strlen(rows[i].action)) == 0)
			return rows[i].fate;
	return CODE_FATE_UNKNOWN;
}

/* What the text for people says behind the address, up to an empty line. Caller frees; or NULL. */
static char *
words_about(const char *words, const char *recipient)
{
	const char *at = words != NULL ? strstr(words, recipient) : NULL;
	if (at == NULL || *recipient == '\0')
		return NULL;

	const char *end = strstr(at, "\n\n");
	size_t len = end != NULL ? (size_t) (end - at) : strlen(at);
	return g_strndup(at, MIN(len, LIMIT_CODE_NEAR_BYTES));
}

static bool
explain_group(const Group *group, const char *reporting, const char *words, GPtrArray *meanings)
{
	if (group->status == NULL && group->diagnostic == NULL)
		return false;

	g_autofree char *recipient = group->recipient != NULL ? print_recipient(group->recipient)
	                                                      : NULL;
	g_autofree char *about = recipient != NULL && group->diagnostic == NULL
	                                 ? words_about(words, recipient)
	                                 : NULL;
	CodeUnit unit = {
		.text = group->diagnostic != NULL ? group->diagnostic
		        : about != NULL           ? about
		                                  : "",
		.status = group->status,
		.recipient = recipient,
		.fate = fate_of(group->action),
		.is_local = reporting != NULL && group->remote != NULL &&
		            g_ascii_strcasecmp(group->remote, reporting) == 0,
	};

	return code_text_explain(&unit, meanings);
}

bool
code_report_find(const char *text, const char *words, GPtrArray *meanings)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	g_autoptr(GString) field = g_string_new(NULL);
	Group group = { 0 };
	g_autofree char *reporting = NULL;
	bool found = false;

	for (char **line = lines; meanings->len < LIMIT_CODE_MEANINGS; line++) {
		size_t len = *line != NULL ? strlen(*line) : 0;
		if (len > 0 && (*line)[len - 1] == '\r')
			(*line)[--len] = '\0';
		if (len > 0 && strchr(" \t", **line) != NULL) {
			if (field->len < LIMIT_CODE_NEAR_BYTES)
				g_string_append_printf(field, " %s", g_strchug(*line));
			continue;
		}

		take_field(&group, &reporting, field->str);
		g_string_truncate(field, 0);
		if (len > 0) {
			g_string_append(field, *line);
			continue;
		}

		found |= explain_group(&group, reporting, words, meanings);
		group_clear(&group);
		if (*line == NULL)
			break;
	}

	group_clear(&group);
	return found;
}

/* SPDX-License-Identifier: MIT */
/* convert-settings: see the header. */
#include "agent/cmd/convert-settings.h"

#include "conf/conf.h"
#include "conf/conf-value.h"

#include <string.h>

/*
 * What somebody else's file may bring into ours, so that it stays below LIMIT_CONF_BYTES: octets of
 * a comment, octets of a value, items of a list, and lines of the list at the end.
 */
enum { COMMENT_OCTETS = 300, VALUE_OCTETS = 1000, LIST_ITEMS = 50, LOST_SHOWN = 200 };

typedef struct {
	GPtrArray *values;   /* char *; one unless it is a list */
	GPtrArray *comments; /* char *: where they came from */
} Made;

struct ConvertSettings {
	Made made[CONF_ROWS]; /* values NULL: not set */
	GPtrArray *lost;      /* char *: comments */
};

ConvertSettings *
convert_settings_new(void)
{
	ConvertSettings *settings = g_new0(ConvertSettings, 1);
	settings->lost = g_ptr_array_new_with_free_func(g_free);
	return settings;
}

static void
made_clear(Made *made)
{
	g_clear_pointer(&made->values, g_ptr_array_unref);
	g_clear_pointer(&made->comments, g_ptr_array_unref);
}

void
convert_settings_free(ConvertSettings *settings)
{
	if (settings == NULL)
		return;
	for (size_t i = 0; i < CONF_ROWS; i++)
		made_clear(&settings->made[i]);
	g_ptr_array_unref(settings->lost);
	g_free(settings);
}

/* One line that no reader takes for more than a comment. Caller frees. */
static char *
comment_of(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, (gssize) strnlen(text, COMMENT_OCTETS));
	GString *line = g_string_new("# ");

	for (const char *c = valid; *c != '\0'; c++)
		g_string_append_c(line, g_ascii_iscntrl(*c) ? '?' : *c);
	if (strlen(text) > COMMENT_OCTETS)
		g_string_append(line, " ...");

	return g_string_free(line, FALSE);
}

/* What conf_read would say of the value; NULL: it is right. Caller frees. */
static char *
problem_of(const ConfRow *row, const char *value)
{
	char *problem = NULL;
	if (strlen(value) > VALUE_OCTETS)
		return g_strdup("the value is too long");
	if (!g_utf8_validate(value, -1, NULL))
		return g_strdup("the value is not UTF-8");
	for (const char *c = value; *c != '\0'; c++)
		if (g_ascii_iscntrl(*c))
			return g_strdup("the value has a control character");

	g_autoptr(Conf) trial = conf_copy(conf_default());
	(void) conf_value_set(trial, row, value, &problem);
	return problem;
}

char *
convert_settings_set(ConvertSettings *settings, const char *name, const char *value,
                     const char *from)
{
	const ConfRow *row = conf_find_row(name);
	Made *made = &settings->made[conf_row_number(row)];
	char *problem = problem_of(row, value);
	if (problem != NULL)
		return problem;

	if (row->type != CONF_LIST)
		made_clear(made);
	if (made->values != NULL && made->values->len == LIST_ITEMS)
		return g_strdup("the list is too long");
	if (made->values == NULL) {
		made->values = g_ptr_array_new_with_free_func(g_free);
		made->comments = g_ptr_array_new_with_free_func(g_free);
	}
	g_ptr_array_add(made->values, g_strdup(value));
	g_autofree char *comment = comment_of(from);
	if (!g_ptr_array_find_with_equal_func(made->comments, comment, g_str_equal, NULL))
		g_ptr_array_add(made->comments, g_steal_pointer(&comment));

	return NULL;
}

const char *
convert_settings_find(const ConvertSettings *settings, const char *name)
{
	const Made *made = &settings->made[conf_row_number(conf_find_row(name))];
	return made->values != NULL ? made->values->pdata[0] : NULL;
}

void
convert_settings_drop(ConvertSettings *settings, const char *name)
{
	made_clear(&settings->made[conf_row_number(conf_find_row(name))]);
}

void
convert_settings_lose(ConvertSettings *settings, const char *what, const char *reason)
{
	g_autofree char *shown = g_strndup(what, strnlen(what, COMMENT_OCTETS / 2));
	g_autofree char *text = g_strdup_printf("%s: %s", shown, reason);
	g_ptr_array_add(settings->lost, comment_of(text));
}

unsigned
convert_settings_lost(const ConvertSettings *settings)
{
	return settings->lost->len;
}

/* A string of todoke.conf: in double quotes, unless it has what is only right in single ones. */
static void
put_string(GString *out, const char *value)
{
	char quote = strstr(value, "${") != NULL ? '\'' : '"';

	g_string_append_c(out, quote);
	for (const char *c = value; *c != '\0'; c++) {
		if (*c == quote || *c == '\\')
			g_string_append_c(out, '\\');
		g_string_append_c(out, *c);
	}
	g_string_append_c(out, quote);
}

static void
put_setting(GString *out, const ConfRow *row, const Made *made)
{
	for (guint i = 0; i < made->comments->len; i++)
		g_string_append_printf(out, "%s\n", (char *) made->comments->pdata[i]);

	g_string_append_printf(out, "%s = ", row->name);
	if (row->type == CONF_LIST)
		g_string_append(out, "{ ");
	for (guint i = 0; i < made->values->len; i++) {
		if (i > 0)
			g_string_append(out, ", ");
		if (row->type == CONF_LIST || row->type == CONF_TEXT || row->type == CONF_ENUM)
			put_string(out, made->values->pdata[i]);
		else
			g_string_append(out, made->values->pdata[i]);
	}
	g_string_append(out, row->type == CONF_LIST ? " }\n\n" : "\n\n");
}

char *
convert_settings_print(const ConvertSettings *settings, const char *head)
{
	GString *out = g_string_new(NULL);
	g_auto(GStrv) lines = g_strsplit(head, "\n", -1);

	for (char **line = lines; *line != NULL; line++) {
		g_autofree char *comment = comment_of(*line);
		g_string_append_printf(out, "%s\n", comment);
	}
	g_string_append_c(out, '\n');

	for (size_t i = 0; i < CONF_ROWS; i++)
		if (settings->made[i].values != NULL)
			put_setting(out, conf_row(i), &settings->made[i]);

	if (settings->lost->len > 0)
		g_string_append(out, "# Not converted:\n");
	for (guint i = 0; i < MIN(settings->lost->len, LOST_SHOWN); i++)
		g_string_append_printf(out, "%s\n", (char *) settings->lost->pdata[i]);
	if (settings->lost->len > LOST_SHOWN)
		g_string_append_printf(out, "# and %u more\n", settings->lost->len - LOST_SHOWN);

	return g_string_free(out, FALSE);
}

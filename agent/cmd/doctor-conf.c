/* SPDX-License-Identifier: MIT */
/* doctor-conf: what `todoke check` finds in todoke.conf, with a command for each that has one. */
#include "agent/cmd/doctor.h"

#include "agent/base/problem.h"
#include "agent/cmd/check-conf.h"

#include <string.h>

/* Is there nothing but a value, and no advice behind it? */
static bool
ends_with_value(const char *text)
{
	char end = *text == '"' ? '"' : *text == '{' ? '}' : '\0';
	if (end == '\0')
		return strpbrk(text, " ,;") == NULL;

	const char *last = strchr(text + 1, end);
	return last != NULL && last[1] == '\0';
}

/*
 * A hint that is a line of todoke.conf becomes the command that writes it; one that is a command is
 * one. NULL: it is advice. Caller frees.
 */
static char *
fix_of(const Doctor *doctor, const Problem *problem)
{
	static const char *const programs[] = { "chmod ", "chown ",  "chgrp ",
		                                "mkdir ", "todoke ", "touch " };
	const char *hint = problem->hint, *equal = hint != NULL ? strstr(hint, " = ") : NULL;

	for (size_t i = 0; hint != NULL && i < G_N_ELEMENTS(programs); i++)
		if (g_str_has_prefix(hint, programs[i]))
			return g_strdup(hint);
	if (equal == NULL)
		return NULL;

	g_autofree char *name = g_strndup(hint, (gsize) (equal - hint));
	const char *value = equal + strlen(" = ");
	bool is_line = conf_find_row(name) != NULL && ends_with_value(value);
	return is_line ? doctor_set_command(doctor, name, value) : NULL;
}

/* "make one: todoke key --new", and where the site's file is another than the usual one. */
static char *
new_key_command(const Doctor *doctor)
{
	if (doctor->conf->files->len == 0)
		return g_strdup("todoke key --new");
	g_autofree char *file = g_shell_quote(doctor->conf->files->pdata[0]);
	return g_strdup_printf("todoke key --new -c %s", file);
}

/* Nobody reads it from now on, and what it signs by then is signed by another. */
static char *
close_key_command(const Doctor *doctor)
{
	g_autofree char *key = g_shell_quote(doctor->conf->key_file);
	g_autofree char *new_one = new_key_command(doctor);
	return g_strdup_printf("chmod o-r %s && %s", key, new_one);
}

static void
tell(Doctor *doctor, const Problem *problem)
{
	g_autofree char *where = problem->line > 0
	                                 ? g_strdup_printf("%s:%u", problem->file, problem->line)
	                                 : g_strdup(problem->file);
	bool needs_key = strcmp(problem->code, "no-key") == 0;
	bool is_open = strcmp(problem->code, "key-readable") == 0;
	char *fix = needs_key ? new_key_command(doctor)
	            : is_open ? close_key_command(doctor)
	                      : fix_of(doctor, problem);

	doctor_find_text(doctor, problem->code, DOCTOR_CONF, where, problem->text,
	                 fix != NULL ? fix : g_strdup(problem->hint));
}

void
doctor_conf(Doctor *doctor)
{
	g_autoptr(GPtrArray) problems = problem_list_new();

	check_conf_settings(doctor->conf, problems);
	for (guint i = 0; i < problems->len; i++)
		if (((const Problem *) problems->pdata[i])->code != NULL)
			tell(doctor, problems->pdata[i]);
}

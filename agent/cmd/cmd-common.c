/* SPDX-License-Identifier: MIT */
/* people: what the commands for people share. */
#include "agent/cmd/cmd-common.h"

#include "agent/base/problem.h"
#include "agent/base/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
cmd_options(int *argc, char ***argv, const char *synopsis, const char *about,
            const GOptionEntry *entries, int *ret_exit)
{
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_autoptr(GError) error = NULL;
	g_autofree char *language = NULL;
	gboolean help = FALSE;
	const GOptionEntry help_entry[] = {
		{ "language", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_FILENAME, &language, NULL,
		  NULL },
		{ "lang", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_FILENAME, &language, NULL, NULL },
		{ "help", 'h', 0, G_OPTION_ARG_NONE, &help, N_("Show this and end"), NULL },
		{ NULL, 0, 0, 0, NULL, NULL, NULL },
	};

	/*
	 * GLib's own --help ends the process inside the library, and speaks of "Application
	 * Options".
	 */
	g_option_context_set_help_enabled(context, FALSE);
	g_option_context_add_main_entries(context, entries, NULL);
	g_option_context_add_main_entries(context, help_entry, NULL);

	const char *name = (*argv)[0];
	if (!g_option_context_parse(context, argc, argv, &error)) {
		*ret_exit = cmd_usage(name, "%s", error->message);
		return false;
	}

	if (language != NULL && !words_has(language)) {
		*ret_exit = cmd_usage(
			name, "no catalogue of texts in '%s' is installed; en always is", language);
		return false;
	}
	if (language != NULL)
		words_choose(language);

	if (help) {
		g_autofree char *text = g_option_context_get_help(context, TRUE, NULL);
		const char *options = strstr(text, "  -");
		printf("usage: todoke %s %s\n\n%s%s", name, synopsis,
		       options != NULL ? options : "", about);
		*ret_exit = CMD_GOOD;
		return false;
	}

	/* "--" has done its work. */
	if (*argc > 1 && strcmp((*argv)[1], "--") == 0) {
		memmove(*argv + 1, *argv + 2, (size_t) (*argc - 1) * sizeof(char *));
		(*argc)--;
	}

	return true;
}

int
cmd_usage(const char *command, const char *text, ...)
{
	va_list args;

	va_start(args, text);
	g_autofree char *what = g_strdup_vprintf(text, args);
	va_end(args);
	fprintf(stderr, "todoke %s: %s (--help tells more)\n", command, what);

	return CMD_USAGE;
}

Conf *
cmd_conf(const char *path, char **overrides)
{
	g_autoptr(GPtrArray) problems = problem_list_new();
	g_auto(Status) st = STATUS_INIT;
	Conf *conf = conf_read(path, (const char *const *) overrides, problems, &st);

	for (guint i = 0; i < problems->len; i++) {
		g_autofree char *line = problem_print_short(problems->pdata[i]);
		fprintf(stderr, "%s\n", line);
	}

	return conf;
}

void
cmd_choose_engine(const char *name, char ***overrides)
{
	if (name == NULL)
		return;
	guint n = *overrides != NULL ? g_strv_length(*overrides) : 0;
	*overrides = g_renew(char *, *overrides, n + 3);
	(*overrides)[n] = g_strdup("sieve_engine_of=");
	(*overrides)[n + 1] = g_strconcat("sieve_engine=", name, NULL);
	(*overrides)[n + 2] = NULL;
}

void
cmd_print(FILE *out, const char *text, ...)
{
	va_list args;

	va_start(args, text);
	g_autofree char *said = g_strdup_vprintf(text, args);
	va_end(args);

	g_autofree char *valid = g_utf8_make_valid(said, -1);
	g_autoptr(GString) shown = g_string_sized_new(strlen(valid));
	for (const char *c = valid; *c != '\0'; c = g_utf8_next_char(c)) {
		gunichar letter = g_utf8_get_char(c);
		bool harmless = letter == '\n' || letter == '\t' || g_unichar_isprint(letter);
		g_string_append_unichar(shown, harmless ? letter : '?');
	}

	fputs(shown->str, out);
}

void
cmd_print_json(json_t *object)
{
	char *text = json_dumps(object, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	puts(text != NULL ? text : "{}");
	free(text);
	json_decref(object);
}

json_t *
cmd_json_text(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	return json_string(valid);
}

static json_t *
number_or_null(unsigned number)
{
	return number > 0 ? json_integer(number) : json_null();
}

static json_t *
problem_json(const Problem *problem)
{
	json_t *object = json_object();

	json_object_set_new(object, "file", cmd_json_text(problem->file));
	json_object_set_new(object, "line", number_or_null(problem->line));
	json_object_set_new(object, "column", number_or_null(problem->column));
	json_object_set_new(object, "end", number_or_null(problem->end_column));
	json_object_set_new(object, "severity",
	                    json_string(problem_severity_name(problem->severity)));
	json_object_set_new(object, "code",
	                    problem->code != NULL ? json_string(problem->code) : json_null());
	json_object_set_new(object, "text", cmd_json_text(problem->text));
	json_object_set_new(object, "hint",
	                    problem->hint != NULL ? cmd_json_text(problem->hint) : json_null());

	return object;
}

json_t *
cmd_problems_json(const GPtrArray *problems)
{
	json_t *list = json_array();
	for (guint i = 0; i < problems->len; i++)
		json_array_append_new(list, problem_json(problems->pdata[i]));
	return list;
}

void
cmd_print_problem(const Problem *problem, const char *source)
{
	g_autofree char *text = problem_print(problem, source);
	cmd_print(stdout, "%s", text);
}

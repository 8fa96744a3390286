/* SPDX-License-Identifier: MIT */
/* cmd-common: what the commands for people share. */
#include "agent/cmd/cmd-common.h"

#include "agent/base/problem.h"
#include "agent/base/words.h"

#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
cmd_options(const CmdOptions *options, int *argc, char **argv, void *into, int *ret_exit)
{
	const char *name = argv[0];
	g_auto(Status) st = STATUS_INIT;
	CmdOptionPeople people = { 0 };

	if (!cmd_option_read(options, &people, argc, argv, into, &st)) {
		*ret_exit = cmd_usage(name, "%s", st.detail);
		return false;
	}

	if (people.language != NULL && !words_has(people.language)) {
		*ret_exit = cmd_usage(name,
		                      "no catalogue of texts in '%s' is installed; en always is",
		                      people.language);
		return false;
	}
	if (people.language != NULL)
		words_choose(people.language);

	if (people.wants_help) {
		g_autofree char *help = cmd_option_help(options, name);
		fputs(help, stdout);
		*ret_exit = CMD_GOOD;
	}
	return !people.wants_help;
}

int
cmd_usage(const char *command, const char *text, ...)
{
	va_list args;

	va_start(args, text);
	g_autofree char *what = g_strdup_vprintf(text, args);
	va_end(args);
	cmd_print(stderr, _("todoke %s: %s (--help tells more)\n"), command, what);

	return CMD_USAGE;
}

Conf *
cmd_conf(const char *path, const GPtrArray *overrides)
{
	g_autoptr(GPtrArray) problems = problem_list_new();
	g_auto(Status) st = STATUS_INIT;
	Conf *conf = conf_read(path, cmd_option_words(overrides), problems, &st);

	for (guint i = 0; i < problems->len; i++) {
		const Problem *problem = problems->pdata[i];
		g_autofree char *line = problem_print_short(problem);
		fprintf(stderr, "%s\n", line);
		if (problem->hint != NULL)
			fprintf(stderr, "    hint: %s\n", problem->hint);
	}

	return conf;
}

void
cmd_choose_engine(int engine, GPtrArray **overrides)
{
	static const char *const settings[] = { "sieve_engine=native", "sieve_engine=libsieve" };

	if (engine < 0)
		return;
	cmd_option_add(overrides, "sieve_engine_of=");
	cmd_option_add(overrides, settings[engine]);
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

static void
put_escaped(FILE *out, gunichar letter)
{
	enum { PLANE = 0x10000, HIGH = 0xd800, LOW = 0xdc00, HALF_BITS = 10, HALF = 0x3ff };

	if (letter < PLANE) {
		fprintf(out, "\\u%04x", letter);
		return;
	}
	letter -= PLANE;
	fprintf(out, "\\u%04x\\u%04x", HIGH + (letter >> HALF_BITS), LOW + (letter & HALF));
}

static bool
is_plain(char c)
{
	return (c >= ' ' && c < 0x7f) || c == '\n' || c == '\t';
}

void
cmd_put_json(FILE *out, const char *text, size_t len)
{
	const gunichar replacement = 0xfffd;

	for (const char *at = text, *end = text + len; at < end;) {
		const char *run = at;
		while (run < end && is_plain(*run))
			run++;
		fwrite(at, 1, (size_t) (run - at), out);
		if (run == end)
			return;

		bool is_ascii = (*run & 0x80) == 0;
		gunichar letter = is_ascii ? (gunichar) *run
		                           : g_utf8_get_char_validated(run, end - run);
		bool is_valid = letter < (gunichar) -2;
		at = is_valid && !is_ascii ? g_utf8_next_char(run) : run + 1;
		if (is_valid && g_unichar_isprint(letter))
			fwrite(run, 1, (size_t) (at - run), out);
		else
			put_escaped(out, is_valid ? letter : replacement);
	}
}

static void
print_json(json_t *object, size_t form)
{
	char *text = json_dumps(object, form | JSON_PRESERVE_ORDER);
	const char *said = text != NULL ? text : "{}";

	cmd_put_json(stdout, said, strlen(said));
	putchar('\n');
	free(text);
	json_decref(object);
}

void
cmd_print_json(json_t *object)
{
	print_json(object, JSON_INDENT(2));
}

void
cmd_print_json_line(json_t *object)
{
	print_json(object, JSON_COMPACT);
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

static int
compare_names(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static bool
ends_in(const char *name, const char *const *endings)
{
	for (; *endings != NULL; endings++)
		if (g_str_has_suffix(name, *endings))
			return true;
	return false;
}

bool
cmd_find_files(char *path, const char *const *endings, GPtrArray *paths, char **ret_unread)
{
	char *roots[] = { path, NULL };
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, compare_names);
	g_autofree char *unread = walk == NULL ? g_strdup(path) : NULL;

	for (FTSENT *entry; walk != NULL && (entry = fts_read(walk)) != NULL;) {
		bool is_root = entry->fts_level == FTS_ROOTLEVEL;
		bool is_file = entry->fts_info == FTS_F ||
		               (is_root && entry->fts_info == FTS_DEFAULT);
		bool is_unread = entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR ||
		                 (is_root && entry->fts_info == FTS_NS);
		if (is_unread && unread == NULL)
			unread = g_strdup(entry->fts_path);
		else if (is_file && (is_root || ends_in(entry->fts_name, endings)))
			g_ptr_array_add(paths, g_strdup(entry->fts_path));
	}

	if (walk != NULL)
		fts_close(walk);
	if (unread == NULL)
		return true;

	*ret_unread = g_steal_pointer(&unread);
	return false;
}

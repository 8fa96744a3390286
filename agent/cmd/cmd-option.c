/* SPDX-License-Identifier: MIT */
/* cmd-option: getopt_long() reads, our tables say what there is. */
#define _GNU_SOURCE
#include "agent/cmd/cmd-option.h"

#include "agent/base/nearest.h"
#include "agent/base/words.h"

#include <getopt.h>
#include <string.h>

/*
 * The numbers that getopt_long() gives: letters are themselves, a word that is no option is WORD, a
 * name is FIRST_ROW and the number of its row, or FIRST_OF_PEOPLE and that.
 */
enum { WORD = 1, FIRST_ROW = 256, FIRST_OF_PEOPLE = 1024 };

/* --help is printed in two columns; the second begins at most here. */
enum { HELP_COLUMN_MAX = 28, HELP_WIDTH = 80 };

const CmdOption cmd_option_people[] = { { .name = "help",
	                                  .letters = "h",
	                                  CMD_INTO_FLAG(CmdOptionPeople, wants_help),
	                                  .help = N_("show this and end") },
	                                { .name = "language",
	                                  .also = "lang",
	                                  .argument = "LANG",
	                                  CMD_INTO_TEXT(CmdOptionPeople, language),
	                                  .help = N_("language of what is printed: en, ja") },
	                                CMD_OPTIONS_END };

/* Lists live as long as the words in them: as long as the process. */
static GPtrArray *lists;

void
cmd_option_add(GPtrArray **list, const char *word)
{
	if (*list == NULL) {
		*list = g_ptr_array_new();
		g_ptr_array_add(*list, NULL);
		if (lists == NULL)
			lists = g_ptr_array_new();
		g_ptr_array_add(lists, *list);
	}

	g_ptr_array_insert(*list, (gint) (*list)->len - 1, (gpointer) word);
}

const char *const *
cmd_option_words(const GPtrArray *list)
{
	return list != NULL ? (const char *const *) list->pdata : NULL;
}

static bool
set_number(const CmdOption *row, guint64 *ret_number, const char *value, Status *st)
{
	if (g_ascii_string_to_unsigned(value, 10, row->low, row->high, ret_number, NULL))
		return true;

	return status_fail_detail(st, STATUS_USAGE,
	                          "'%s' is not a number from %" G_GUINT64_FORMAT
	                          " to %" G_GUINT64_FORMAT,
	                          value, row->low, row->high);
}

/* "; did you mean 'x'?", or nothing where no word is near. Caller frees. */
static char *
guess(const char *best, const char *dashes)
{
	return best != NULL ? g_strdup_printf("; did you mean '%s%s'?", dashes, best)
	                    : g_strdup("");
}

static bool
set_choice(const CmdOption *row, int *ret_choice, const char *value, Status *st)
{
	g_auto(GStrv) words = g_strsplit(row->choices, " ", -1);

	for (int i = 0; words[i] != NULL; i++) {
		if (strcmp(words[i], value) != 0)
			continue;
		*ret_choice = i;
		return true;
	}

	g_autofree char *all = g_strjoinv(", ", words);
	g_autofree char *better = guess(nearest_of(value, (const char *const *) words), "");
	return status_fail_detail(st, STATUS_USAGE, "'%s' is none of %s%s", value, all, better);
}

static bool
set(const CmdOptions *options, const CmdOption *row, void *into, const char *value, Status *st)
{
	void *member = (char *) into + row->at;

	switch (row->kind) {
	case CMD_OPTION_TEXT:
		*(const char **) member = value;
		return true;
	case CMD_OPTION_FLAG:
		*(bool *) member = true;
		return true;
	case CMD_OPTION_LIST:
		cmd_option_add(member, value);
		return true;
	case CMD_OPTION_NUMBER:
		return set_number(row, member, value, st);
	case CMD_OPTION_CHOICE:
		return set_choice(row, member, value, st);
	case CMD_OPTION_OWN:
		return options->set(row, into, value, st);
	default:
		return true;
	}
}

/* What getopt_long() is told. */
typedef struct {
	GString *letters;
	struct option *names;
	size_t n_names; /* 0: the command has letters only */
} Syntax;

static void
syntax_clear(Syntax *syntax)
{
	g_string_free(syntax->letters, TRUE);
	g_free(syntax->names);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Syntax, syntax_clear)

static bool
takes_value(const CmdOption *row)
{
	return *row->argument != '\0';
}

static size_t
count_rows(const CmdOption *rows)
{
	size_t n = 0;
	while (*rows[n].help != '\0')
		n++;
	return n;
}

static void
syntax_add(Syntax *syntax, const CmdOption *row, int number)
{
	int takes = takes_value(row) ? required_argument : no_argument;
	const char *const names[] = { row->name, row->also };

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (*names[i] != '\0')
			syntax->names[syntax->n_names++] = (struct option){ names[i], takes, NULL,
				                                            number };
	for (const char *letter = row->letters; *letter != '\0'; letter++) {
		g_string_append_c(syntax->letters, *letter);
		if (takes == required_argument)
			g_string_append_c(syntax->letters, ':');
	}
}

static void
syntax_init(Syntax *syntax, const CmdOptions *options, bool for_people)
{
	size_t n = count_rows(options->rows), more = for_people ? count_rows(cmd_option_people) : 0;

	/* "-": words in their order, whatever POSIXLY_CORRECT says; ":": tell a missing value */
	*syntax = (Syntax){ .letters = g_string_new(options->words_end_options ? "+:" : "-:"),
		            .names = g_new0(struct option, 2 * (n + more) + 1) };
	for (size_t i = 0; i < n; i++)
		syntax_add(syntax, &options->rows[i], FIRST_ROW + (int) i);
	for (size_t i = 0; i < more; i++)
		syntax_add(syntax, &cmd_option_people[i], FIRST_OF_PEOPLE + (int) i);
}

static const CmdOption *
find_letter(const CmdOption *rows, int letter)
{
	for (const CmdOption *row = rows; *row->help != '\0'; row++)
		if (strchr(row->letters, letter) != NULL)
			return row;
	return NULL;
}

/* The row that a number of getopt_long() stands for; NULL: none. */
static const CmdOption *
find_row(const CmdOptions *options, int number)
{
	if (number >= FIRST_OF_PEOPLE)
		return &cmd_option_people[number - FIRST_OF_PEOPLE];
	if (number >= FIRST_ROW)
		return &options->rows[number - FIRST_ROW];

	const CmdOption *row = find_letter(options->rows, number);
	return row != NULL ? row : find_letter(cmd_option_people, number);
}

static bool
is_of_people(const CmdOption *row)
{
	return row >= cmd_option_people && row < cmd_option_people + count_rows(cmd_option_people);
}

/* How a person types it. Caller frees. */
static char *
shown_name(const CmdOption *row)
{
	return *row->name != '\0' ? g_strdup_printf("--%s", row->name)
	                          : g_strdup_printf("-%c", *row->letters);
}

/* "--wrod=value" is not known, or may mean several. */
static bool
fail_name(const Syntax *syntax, const char *word, Status *st)
{
	g_autofree char *name = g_strndup(word + 2, strcspn(word + 2, "="));
	g_autoptr(GString) meanings = g_string_new(NULL);
	Nearest nearest = nearest_begin(name);

	for (const struct option *known = syntax->names; known->name != NULL; known++) {
		nearest_add(&nearest, known->name);
		if (g_str_has_prefix(known->name, name))
			g_string_append_printf(meanings, "%s--%s", meanings->len > 0 ? ", " : "",
			                       known->name);
	}

	if (meanings->len > 0)
		return status_fail_detail(st, STATUS_USAGE, "'--%s' may mean %s", name,
		                          meanings->str);
	g_autofree char *better = guess(nearest.best, "--");
	return status_fail_detail(st, STATUS_USAGE, "option '--%s' is not known%s", name, better);
}

static bool
fail_letter(const CmdOptions *options, char letter, Status *st)
{
	const CmdOptionForeign *foreign = options->foreign;

	for (; foreign != NULL && foreign->letter != '\0'; foreign++)
		if (foreign->letter == letter)
			return status_fail_detail(st, STATUS_USAGE, "%s", foreign->why);
	return status_fail_detail(st, STATUS_USAGE, "option '-%c' is not known", letter);
}

/* What getopt_long() did not like of `word`. */
static bool
fail_option(const CmdOptions *options, const Syntax *syntax, int answer, const char *word,
            Status *st)
{
	const CmdOption *row = optopt != 0 ? find_row(options, optopt) : NULL;
	g_autofree char *name = row != NULL ? shown_name(row) : NULL;

	if (answer == ':')
		return status_fail_detail(st, STATUS_USAGE, "%s needs %s behind it", name,
		                          row->argument);
	if (optopt >= FIRST_ROW)
		return status_fail_detail(st, STATUS_USAGE, "%s takes no value", name);
	return optopt == 0 ? fail_name(syntax, word, st) : fail_letter(options, (char) optopt, st);
}

static bool
take(const CmdOptions *options, const CmdOption *row, void *into, Status *st)
{
	if (set(options, row, into, takes_value(row) ? optarg : NULL, st))
		return true;

	g_autofree char *name = shown_name(row);
	return status_prefix(st, "%s", name);
}

bool
cmd_option_read(const CmdOptions *options, CmdOptionPeople *people, int *argc, char **argv,
                void *into, Status *st)
{
	g_auto(Syntax) syntax;
	syntax_init(&syntax, options, people != NULL);

	int words = 1, answer;
	opterr = 0;
	optind = 0; /* begin anew, if this is not the first line that is read */
	while (true) {
		answer = syntax.n_names > 0
		                 ? getopt_long(*argc, argv, syntax.letters->str, syntax.names, NULL)
		                 : getopt(*argc, argv, syntax.letters->str);
		if (answer == -1)
			break;
		if (answer == WORD) {
			argv[words++] = optarg; /* no further than getopt_long() has read */
			continue;
		}

		const CmdOption *row = find_row(options, answer);
		bool is_wrong = answer == '?' || answer == ':';
		if (is_wrong && people != NULL && people->wants_help)
			return true;
		if (is_wrong && options->wrong != NULL &&
		    options->wrong(into, (char) optopt, answer == ':'))
			continue;

		if (is_wrong)
			return fail_option(options, &syntax, answer, argv[optind - 1], st);
		bool is_for_people = people != NULL && is_of_people(row);
		if (!take(options, row, is_for_people ? (void *) people : into, st))
			return false;
	}

	while (optind < *argc)
		argv[words++] = argv[optind++];
	argv[words] = NULL;
	*argc = words;

	return true;
}

/* "-d, --recipient ADDR". Caller frees. */
static char *
left_column(const CmdOption *row)
{
	GString *left = g_string_new(NULL);

	if (*row->letters != '\0')
		g_string_append_printf(left, "-%c", *row->letters);
	else
		g_string_append(left, "  ");
	if (*row->name != '\0')
		g_string_append_printf(left, "%s --%s", *row->letters != '\0' ? "," : " ",
		                       row->name);
	if (takes_value(row))
		g_string_append_printf(left, " %s", row->argument);

	return g_string_free(left, FALSE);
}

static void
append_help(GString *out, const char *help)
{
	static const char json[] = CMD_OPTION_JSON_HELP;
	if (g_str_has_prefix(help, json))
		g_string_append_printf(out, "%s%s", _("print for programs: "), help + strlen(json));
	else
		g_string_append(out, _(help));
}

/* Columns of a terminal that a word takes. */
static size_t
count_columns(const char *word)
{
	size_t n = 0;
	for (; *word != '\0'; word = g_utf8_next_char(word))
		n += g_unichar_iswide(g_utf8_get_char(word)) ? 2 : 1;
	return n;
}

/* The help, and by which words else the option goes. Caller frees. */
static char *
right_column(const CmdOption *row)
{
	GString *right = g_string_new(NULL);
	const char *before = _(" (also ");

	append_help(right, row->help);

	for (size_t i = 1; i < strlen(row->letters); i++) {
		g_string_append_printf(right, "%s-%c", before, row->letters[i]);
		before = ", ";
	}
	if (*row->also != '\0') {
		g_string_append_printf(right, "%s--%s", before, row->also);
		before = ", ";
	}
	if (*before == ',')
		g_string_append_c(right, ')');

	return g_string_free(right, FALSE);
}

/* Append the words of `text`, in lines from `column` to the right edge. */
static void
append_wrapped(GString *out, const char *text, size_t column)
{
	g_auto(GStrv) words = g_strsplit(text, " ", -1);
	size_t at = column;

	for (char **word = words; *word != NULL; word++) {
		size_t len = count_columns(*word);
		if (at > column && at + 1 + len > HELP_WIDTH) {
			g_string_append_printf(out, "\n%*s", (int) column, "");
			at = column;
		} else if (at > column) {
			g_string_append_c(out, ' ');
			at++;
		}
		g_string_append(out, *word);
		at += len;
	}

	g_string_append_c(out, '\n');
}

/* Where the second column begins: behind the longest of the first that is not too long. */
static size_t
help_column(const CmdOptions *options)
{
	size_t column = 0;
	for (const CmdOption *row = options->rows; *row->help != '\0'; row++) {
		g_autofree char *left = left_column(row);
		size_t wanted = strlen(left) + 4;
		if (!row->is_rare && wanted <= HELP_COLUMN_MAX)
			column = MAX(column, wanted);
	}
	return column;
}

static void
append_row(GString *out, const CmdOption *row, size_t column)
{
	g_autofree char *left = left_column(row), *right = right_column(row);
	bool is_long = strlen(left) + 4 > column;

	g_string_append_printf(out, "  %s", left);
	if (is_long)
		g_string_append_printf(out, "\n%*s", (int) column, "");
	else
		g_string_append_printf(out, "%*s", (int) (column - strlen(left) - 2), "");
	append_wrapped(out, right, column);
}

char *
cmd_option_help(const CmdOptions *options, const char *name)
{
	GString *out = g_string_new(NULL);
	g_auto(GStrv) forms = g_strsplit(options->synopsis, "\n", -1);

	for (char **form = forms; *form != NULL; form++)
		g_string_append_printf(out, "%s todoke %s%s%s\n",
		                       form == forms ? "usage:" : "      ", name,
		                       **form != '\0' ? " " : "", *form);

	size_t column = help_column(options);
	for (const CmdOption *row = options->rows; *row->help != '\0'; row++)
		if (!row->is_rare)
			append_row(out, row, column);
	g_string_append(out, *options->about != '\0' ? _(options->about) : "");

	return g_string_free(out, FALSE);
}

bool
cmd_option_wants_help(int argc, char **argv)
{
	if (argc < 2)
		return false;

	const char *slash = strrchr(argv[0], '/');
	bool is_procmail = strcmp(slash != NULL ? slash + 1 : argv[0], "procmail") == 0;
	bool differences = is_procmail && strcmp(argv[1], "--differences") == 0;

	/* procmail has its own letters for it. */
	static const char *const letters[] = { "-h", "-?", "-v", NULL };
	bool is_letter = argc == 2 && (is_procmail ? g_strv_contains(letters, argv[1])
	                                           : strcmp(argv[1], "-h") == 0);

	return is_letter || differences || strcmp(argv[1], "--help") == 0;
}

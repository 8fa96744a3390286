/* SPDX-License-Identifier: MIT */
/* cmd-option: what a command line comes to, what is said of a wrong one, what --help prints. */
#include "agent/cmd/cmd-option.h"

#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
	const char *recipient;
	const char *sender;
	GPtrArray *overrides;
	guint64 size;
	int door; /* -1: not said */
	bool json;
} Taken;

static const CmdOption rows[] = {
	CMD_OPTION_RECIPIENT(CMD_INTO_TEXT(Taken, recipient), "final recipient"),
	{ .name = "sender",
	  .also = "from",
	  .letters = "fr",
	  .argument = "ADDR",
	  CMD_INTO_TEXT(Taken, sender),
	  .help = "envelope sender" },
	CMD_OPTION_SETTING(CMD_INTO_LIST(Taken, overrides)),
	{ .name = "size",
	  .argument = "N",
	  CMD_INTO_NUMBER(Taken, size, 1, 1000),
	  .help = "octets of the message, which must not be more than a thousand, or be none "
	          "at all" },
	{ .name = "door",
	  .argument = "DOOR",
	  CMD_INTO_CHOICE(Taken, door, "pipe local lmtp"),
	  .help = "how" },
	CMD_OPTION_JSON(CMD_INTO_FLAG(Taken, json), "x/1"),
	{ .letters = "Y", .kind = CMD_OPTION_IGNORED, .help = "nothing", .is_rare = true },
	CMD_OPTIONS_END
};

static const CmdOptionForeign foreign[] = { { 'e', "-e is for others" }, { '\0', NULL } };

static const CmdOptions usual = { .synopsis = "[OPTION]... FILE\n--all",
	                          .rows = rows,
	                          .about = "\nAbout.\n",
	                          .foreign = foreign };

/* Letters only, words end them, and what is wrong is passed over: procmail's way. */
static char passed_over;

static bool
pass_over(void *into, char letter, bool lacks_value)
{
	(void) into;
	passed_over = lacks_value ? (char) g_ascii_toupper(letter) : letter;
	return true;
}

static const CmdOption letter_rows[] = {
	{ .letters = "f", .argument = "FROM", CMD_INTO_TEXT(Taken, sender), .help = "sender" },
	{ .letters = "m", CMD_INTO_FLAG(Taken, json), .help = "flag" },
	CMD_OPTIONS_END
};

static const CmdOptions letters_only = { .synopsis = "",
	                                 .rows = letter_rows,
	                                 .about = "",
	                                 .words_end_options = true,
	                                 .wrong = pass_over };

typedef struct {
	const char *name;
	const CmdOptions *options;
	const char *line; /* split at blanks; '_' stands for an empty word */
	/* "recipient sender overrides size door json | words", '-' not said; NULL: fault, help */
	const char *want;
	const char *fault; /* NULL: none */
} Row;

static const Row lines[] = {
	{ "nothing", &usual, "", "- - - 0 -1 0 |", NULL },
	{ "letters", &usual, "-d a@x -f s@x", "a@x s@x - 0 -1 0 |", NULL },
	{ "letter and value in one word", &usual, "-da@x -fs@x", "a@x s@x - 0 -1 0 |", NULL },
	{ "names", &usual, "--recipient a@x --sender s@x", "a@x s@x - 0 -1 0 |", NULL },
	{ "name and value in one word", &usual, "--recipient=a=b", "a=b - - 0 -1 0 |", NULL },
	{ "other names for the same", &usual, "--rcpt a@x --from s@x", "a@x s@x - 0 -1 0 |", NULL },
	{ "another letter for the same", &usual, "-r s@x", "- s@x - 0 -1 0 |", NULL },
	{ "an empty value is said", &usual, "-f _", "- () - 0 -1 0 |", NULL },
	{ "a value that looks like an option", &usual, "-d --json", "--json - - 0 -1 0 |", NULL },
	{ "the later one holds", &usual, "-d a --rcpt b", "b - - 0 -1 0 |", NULL },
	{ "a list keeps all", &usual, "-o a=1 --option b=2 -oc=3", "- - a=1,b=2,c=3 0 -1 0 |",
	  NULL },
	{ "number", &usual, "--size 1000", "- - - 1000 -1 0 |", NULL },
	{ "choice", &usual, "--door lmtp", "- - - 0 2 0 |", NULL },
	{ "flag", &usual, "--json", "- - - 0 -1 1 |", NULL },
	{ "a name cut short", &usual, "--js --recip a", "a - - 0 -1 1 |", NULL },
	{ "words between options", &usual, "one --json two -d a three",
	  "a - - 0 -1 1 | one two three", NULL },
	{ "words after --", &usual, "one -- --json -d", "- - - 0 -1 0 | one --json -d", NULL },
	{ "a lone - is a word", &usual, "--json -", "- - - 0 -1 1 | -", NULL },
	{ "an empty word", &usual, "_ --json", "- - - 0 -1 1 | ()", NULL },
	{ "without effect", &usual, "-Y", "- - - 0 -1 0 |", NULL },
	{ "help", &usual, "--json --help --nonsense", NULL, NULL },
	{ "help by letter", &usual, "-h", NULL, NULL },

	{ "unknown name, and a near one", &usual, "--recipent a", NULL,
	  "option '--recipent' is not known; did you mean '--recipient'?" },
	{ "unknown name with a value", &usual, "--dor=pipe", NULL,
	  "option '--dor' is not known; did you mean '--door'?" },
	{ "unknown name, none is near", &usual, "--quux", NULL, "option '--quux' is not known" },
	{ "name that may mean several", &usual, "--s", NULL, "'--s' may mean --sender, --size" },
	{ "unknown letter", &usual, "-q", NULL, "option '-q' is not known" },
	{ "unknown letter behind a known one", &usual, "-Yq", NULL, "option '-q' is not known" },
	{ "letter of another program", &usual, "-e", NULL, "-e is for others" },
	{ "no value behind a name", &usual, "--rcpt", NULL, "--recipient needs ADDR behind it" },
	{ "no value behind a letter", &usual, "-d", NULL, "--recipient needs ADDR behind it" },
	{ "a value that is not taken", &usual, "--json=1", NULL, "--json takes no value" },
	{ "a value for help", &usual, "--help=1", NULL, "--help takes no value" },
	{ "no number", &usual, "--size 1k", NULL, "--size: '1k' is not a number from 1 to 1000" },
	{ "number too small", &usual, "--size 0", NULL,
	  "--size: '0' is not a number from 1 to 1000" },
	{ "number too big", &usual, "--size 1001", NULL,
	  "--size: '1001' is not a number from 1 to 1000" },
	{ "number with a sign", &usual, "--size -5", NULL,
	  "--size: '-5' is not a number from 1 to 1000" },
	{ "no choice, and a near one", &usual, "--door locl", NULL,
	  "--door: 'locl' is none of pipe, local, lmtp; did you mean 'local'?" },
	{ "no choice", &usual, "--door window", NULL,
	  "--door: 'window' is none of pipe, local, lmtp" },

	{ "letters only: cluster", &letters_only, "-mfs", "- s - 0 -1 1 |", NULL },
	{ "letters only: a word ends options", &letters_only, "rc -m", "- - - 0 -1 0 | rc -m",
	  NULL },
	{ "letters only: unknown", &letters_only, "-q -m", "- - - 0 -1 1 q |", NULL },
	{ "letters only: no value", &letters_only, "-f", "- - - 0 -1 0 F |", NULL },
	{ "letters only: a name is letters", &letters_only, "--x", "- - - 0 -1 0 x |", NULL },
};

static void
append(GString *out, const char *text)
{
	g_string_append_printf(out, "%s ", text == NULL ? "-" : *text == '\0' ? "()" : text);
}

/* As the rows have it. Caller frees. */
static char *
show(const Taken *taken, int argc, char **argv)
{
	GString *out = g_string_new(NULL);
	g_autofree char *list = taken->overrides != NULL
	                                ? g_strjoinv(",", (char **) taken->overrides->pdata)
	                                : NULL;

	append(out, taken->recipient);
	append(out, taken->sender);
	append(out, list);
	g_string_append_printf(out, "%d %d %d ", (int) taken->size, taken->door, taken->json);
	if (passed_over != '\0')
		g_string_append_printf(out, "%c ", passed_over);
	g_string_append(out, "| ");
	for (int i = 1; i < argc; i++)
		append(out, argv[i]);
	assert_null(argv[argc]);

	return g_strchomp(g_string_free(out, FALSE));
}

static void
test_line(void **state)
{
	const Row *row = *state;
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *line = g_strconcat("name ", row->line, NULL);
	g_auto(GStrv) words = g_strsplit(g_strchomp(line), " ", -1);
	g_autofree char **argv = g_new0(char *, g_strv_length(words) + 1);
	int argc = 0;
	for (char **word = words; *word != NULL; word++)
		argv[argc++] = strcmp(*word, "_") == 0 ? (char *) "" : *word;

	Taken taken = { .door = -1 };
	passed_over = '\0';
	CmdOptionPeople people = { 0 };
	bool is_read = cmd_option_read(row->options, row->options == &usual ? &people : NULL, &argc,
	                               argv, &taken, &st);

	assert_int_equal(is_read, row->fault == NULL);
	assert_int_equal(people.wants_help, row->want == NULL && row->fault == NULL);
	assert_int_equal(st.id, row->fault != NULL ? STATUS_USAGE : STATUS_OK);
	if (row->fault != NULL)
		assert_string_equal(st.detail, row->fault);
	if (row->want == NULL)
		return;

	g_autofree char *got = show(&taken, argc, argv);
	assert_string_equal(got, row->want);
}

/* POSTFIX: what it calls must read its line the same whatever stands in the environment. */
static void
test_environment_changes_nothing(void **state)
{
	(void) state;
	char *argv[] = { (char *) "name", (char *) "word", (char *) "--json", NULL };
	int argc = 3;
	Taken taken = { .door = -1 };
	g_auto(Status) st = STATUS_INIT;

	(void) setenv("POSIXLY_CORRECT", "1", 1);
	assert_true(cmd_option_read(&usual, NULL, &argc, argv, &taken, &st));
	(void) unsetenv("POSIXLY_CORRECT");
	assert_true(taken.json);
	assert_int_equal(argc, 2);
	assert_string_equal(argv[1], "word");
}

/* Where nobody is asked for help (a delivery), --help is no option. */
static void
test_help_may_be_unknown(void **state)
{
	(void) state;
	char *argv[] = { (char *) "name", (char *) "--json", (char *) "--help", NULL };
	int argc = 3;
	Taken taken = { .door = -1 };
	g_auto(Status) st = STATUS_INIT;

	assert_false(cmd_option_read(&usual, NULL, &argc, argv, &taken, &st));
	assert_string_equal(st.detail, "option '--help' is not known");
}

static void
test_help_text(void **state)
{
	(void) state;
	g_autofree char *text = cmd_option_help(&usual, "name");

	assert_string_equal(
		text,
		"usage: todoke name [OPTION]... FILE\n"
		"       todoke name --all\n"
		"  -d, --recipient ADDR     final recipient (also --rcpt)\n"
		"  -f, --sender ADDR        envelope sender (also -r, --from)\n"
		"  -o, --option NAME=VALUE  a setting for this run\n"
		"      --size N             octets of the message, which must not be more than a\n"
		"                           thousand, or be none at all\n"
		"      --door DOOR          how\n"
		"      --json               print for programs: x/1\n"
		"\nAbout.\n");
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(lines) + 3];
	size_t n = 0;

	UNIT_ROWS(tests, n, lines, test_line);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_environment_changes_nothing);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_help_may_be_unknown);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_help_text);
	return _cmocka_run_group_tests("cmd-option", tests, n, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* cmd-code: `todoke code`: a code, a log line or a bounce in plain words. */
#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/base/words.h"
#include "agent/cmd/cmd.h"
#include "agent/cmd/cmd-wrap.h"
#include "agent/cmd/code-bounce.h"
#include "agent/cmd/cmd-common.h"
#include "agent/cmd/code-queue.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct {
	bool json, all;
} Options;

static const CmdOption rows[] = { { .name = "all",
	                            CMD_INTO_FLAG(Options, all),
	                            .help = N_("all that a code can mean, the rare too") },
	                          CMD_OPTION_JSON(CMD_INTO_FLAG(Options, json), "todoke.code/1"),
	                          CMD_OPTIONS_END };

static const char about[] =
	"\nA CODE is 5.4.6, the name of a fault (loop), a problem of `todoke check`\n"
	"(unknown-setting), a line of Postfix's log, the text of a bounce, or a FILE\n"
	"that holds one (-: standard input).\n\n"
	"  todoke code 5.4.6\n"
	"  grep 4ABC12 /var/log/mail.log | todoke code -\n"
	"  todoke code --language ja bounce.eml\n\n"
	"The language (en, ja) is that of --language, LC_ALL, LC_MESSAGES or LANG.\n"
	"Exit code: 0 explained, 1 nothing in it is known, 2 wrong usage.\n";

const CmdOptions cmd_code_options = { .synopsis = "[OPTION]... CODE...",
	                              .rows = rows,
	                              .about = about };

/* The whole of standard input, up to the bound. */
static GString *
read_stdin(void)
{
	GString *text = g_string_new(NULL);
	char chunk[4096];
	ssize_t n;

	while (text->len < LIMIT_CODE_FILE_BYTES &&
	       (n = read(STDIN_FILENO, chunk, sizeof chunk)) > 0)
		g_string_append_len(text, chunk, n);
	return text;
}

/*
 * The text that an argument means: a file's where there is one of that name. NULL: it cannot be
 * read, and stderr says why. Caller frees.
 */
static GString *
text_of(const char *argument)
{
	if (strcmp(argument, "-") == 0)
		return read_stdin();
	if (!g_file_test(argument, G_FILE_TEST_IS_REGULAR))
		return g_string_new(argument);

	g_auto(Status) st = STATUS_INIT;
	g_autofree char *text = NULL;
	size_t len = 0;
	if (!fs_read_file(AT_FDCWD, argument, LIMIT_CODE_FILE_BYTES, &text, &len, &st)) {
		cmd_print(stderr, "todoke code: %s\n", st.detail);
		return NULL;
	}

	return g_string_new_len(text, (gssize) len);
}

/* Text that is no mail: any bytes. */
static bool
find_in_text(GString *text, GPtrArray *meanings, GPtrArray *unknown)
{
	for (size_t i = 0; i < text->len; i++)
		if (text->str[i] == '\0')
			text->str[i] = ' ';
	g_autofree char *valid = g_utf8_make_valid(text->str, (gssize) text->len);
	g_strstrip(valid);

	return code_queue_is(valid) ? code_queue_find(valid, meanings, unknown)
	                            : code_text_find(valid, meanings);
}

static bool
find(GString *text, GPtrArray *meanings, GPtrArray *unknown)
{
	if (!code_bounce_is_mail(text->str, text->len))
		return find_in_text(text, meanings, unknown);

	g_auto(Status) st = STATUS_INIT;
	if (code_bounce_find(text->str, text->len, meanings, &st))
		return true;
	if (st.id != STATUS_OK)
		cmd_print(stderr, "todoke code: cannot read the mail: %s\n", status_why(&st));
	return false;
}

static void
print_wrapped(size_t indent, const char *text, size_t width)
{
	g_autofree char *lines = cmd_wrap(text, indent, width);
	cmd_print(stdout, "%s", lines);
}

static void
print_meaning(const CodeMeaning *meaning, size_t width)
{
	/* one of several is short: its name, given to this command, has the rest */
	bool is_ours = g_strcmp0(meaning->source, "todoke") == 0;
	bool is_short = meaning->tell != NULL && is_ours;
	g_autofree char *more = is_short ? g_strdup_printf("todoke code %s", meaning->name) : NULL;
	const char *const parts[][2] = {
		{ _("What happened"), meaning->what },
		{ _("How to know it"), meaning->tell },
		{ _("Who can help"), is_short ? NULL : meaning->who },
		{ _("What to do"), is_short ? NULL : meaning->todo },
		{ _("The words"), meaning->said },
		{ _("What to do"), more },
	};
	const char *class = code_text_class(meaning);
	g_autoptr(GString) head = g_string_new(NULL);

	if (meaning->recipient != NULL)
		g_string_append_printf(head, "<%s>: ", meaning->recipient);
	g_string_append_printf(head, "%s%s%s", meaning->code, *meaning->code != '\0' ? "  " : "",
	                       meaning->name);
	if (class != NULL)
		g_string_append_printf(head, "  (%s)", class);
	print_wrapped(0, head->str, width);

	for (unsigned i = 0; i < G_N_ELEMENTS(parts); i++) {
		if (parts[i][1] == NULL || *parts[i][1] == '\0')
			continue;
		printf("  %s:\n", parts[i][0]);
		print_wrapped(4, parts[i][1], width);
	}
}

/* The names of those that were not shown, one after the other. */
static void
print_rare(const GString *names, const char *code, size_t width)
{
	g_autofree char *head = g_strdup_printf(_("Less often %s is one of these: %s"), code,
	                                        names->str),
			*all = g_strdup_printf(
				_("`todoke code NAME` explains one of them, `todoke code --all %s` "
	                          "all. Which one it was, a whole line of the log or the bounce "
	                          "tells: todoke code 'LINE'"),
				code);
	puts("");
	print_wrapped(0, head, width);
	print_wrapped(0, all, width);
}

/* Those that are met, and of a code that many have the names of the rest. */
static void
print_meanings(const GPtrArray *meanings, bool all)
{
	size_t width = cmd_wrap_width();
	bool is_first = true;

	for (guint i = 0; i < meanings->len;) {
		const char *code = ((const CodeMeaning *) meanings->pdata[i])->code;
		g_autoptr(GString) rare = g_string_new(NULL);
		for (; i < meanings->len; i++) {
			const CodeMeaning *meaning = meanings->pdata[i];
			if (strcmp(meaning->code, code) != 0)
				break;
			if (meaning->is_rare && !all) {
				g_string_append_printf(rare, "%s%s", rare->len > 0 ? ", " : "",
				                       meaning->name);
				continue;
			}
			if (!is_first)
				puts("");
			is_first = false;
			print_meaning(meaning, width);
		}
		if (rare->len > 0)
			print_rare(rare, code, width);
	}
}

static json_t *
text_or_null(const char *text)
{
	return text != NULL && *text != '\0' ? cmd_json_text(text) : json_null();
}

/* Is the mail tried again? NULL where nobody says. */
static json_t *
temporary_json(const CodeMeaning *meaning)
{
	if (meaning->fate != CODE_FATE_UNKNOWN)
		return json_boolean(meaning->fate == CODE_FATE_KEPT);
	bool is_status = g_ascii_isdigit(*meaning->code);
	return is_status ? json_boolean(*meaning->code == '4') : json_null();
}

static json_t *
meaning_json(const CodeMeaning *meaning)
{
	json_t *object = json_object();

	json_object_set_new(object, "code", text_or_null(meaning->code));
	json_object_set_new(object, "name", json_string(meaning->name));
	json_object_set_new(object, "source", text_or_null(meaning->source));
	json_object_set_new(object, "temporary", temporary_json(meaning));
	json_object_set_new(object, "repair", json_string(meaning->repair));
	json_object_set_new(object, "recipient", text_or_null(meaning->recipient));
	json_object_set_new(object, "said", text_or_null(meaning->said));
	json_object_set_new(object, "tell", text_or_null(meaning->tell));
	json_object_set_new(object, "what", json_string(meaning->what));
	json_object_set_new(object, "who", json_string(meaning->who));
	json_object_set_new(object, "todo", json_string(meaning->todo));

	return object;
}

/* Reasons out of mailq(1) that nothing is known of. */
static void
print_unknown(const GPtrArray *unknown, bool is_first)
{
	enum { MOST_SHOWN = 10 };
	if (unknown->len == 0)
		return;

	if (!is_first)
		puts("");
	if (unknown->len == 1)
		puts(_("No explanation is known of 1 reason:"));
	else
		printf(_("No explanation is known of %u reasons:\n"), unknown->len);
	for (guint i = 0; i < unknown->len && i < MOST_SHOWN; i++)
		cmd_print(stdout, "  %s\n", (const char *) unknown->pdata[i]);
}

/* What was given is no code: why not? */
static void
tell_no_code(const char *argument, const GString *text)
{
	bool is_stdin = strcmp(argument, "-") == 0;
	const char *first = text->str + strspn(text->str, " \t\r\n");

	if (is_stdin && *first == '\0')
		cmd_print(stderr, "todoke code: %s\n",
		          _("nothing came on standard input: the command before the pipe found "
		            "nothing"));
	else if (*first == '\0' && *argument != '\0' && strcmp(argument, text->str) != 0)
		cmd_print(stderr, _("todoke code: '%s' is empty\n"), argument);
	else if (g_str_has_prefix(first, "Mail queue is empty"))
		cmd_print(stderr, "todoke code: %s\n", _("the mail queue is empty: no mail waits"));
	else if (!is_stdin && code_text_nearest(first) != NULL)
		cmd_print(stderr, _("todoke code: '%s' is not known; did you mean '%s'?\n"), first,
		          code_text_nearest(first));
	else
		cmd_print(stderr,
		          "todoke code: '%.80s' has no code that is known (a code looks "
		          "like 5.4.6)\n",
		          argument);
}

static void
print_json(const GPtrArray *meanings, const GPtrArray *unknown)
{
	json_t *list = json_array(), *unexplained = json_array();

	for (guint i = 0; i < meanings->len; i++)
		json_array_append_new(list, meaning_json(meanings->pdata[i]));
	for (guint i = 0; i < unknown->len; i++)
		json_array_append_new(unexplained, cmd_json_text(unknown->pdata[i]));
	json_t *object = json_object();
	json_object_set_new(object, "schema", json_string("todoke.code/1"));
	json_object_set_new(object, "language", json_string(words_language()));
	json_object_set_new(object, "meanings", list);
	json_object_set_new(object, "unexplained", unexplained);
	cmd_print_json(object);
}

int
cmd_code(int argc, char **argv)
{
	Options options = { 0 };
	int exit_code;

	if (!cmd_options(&cmd_code_options, &argc, argv, &options, &exit_code))
		return exit_code;
	if (argc < 2)
		return cmd_usage("code", _("no code given"));
	g_autoptr(GPtrArray)
		meanings = g_ptr_array_new_with_free_func((GDestroyNotify) code_meaning_free);
	g_autoptr(GPtrArray) unknown = g_ptr_array_new_with_free_func(g_free);
	exit_code = CMD_GOOD;

	for (int i = 1; i < argc; i++) {
		GString *text = text_of(argv[i]);
		guint before = unknown->len;
		bool is_read = text != NULL, is_known = is_read && find(text, meanings, unknown);
		if (is_read && !is_known && unknown->len == before)
			tell_no_code(argv[i], text);
		if (is_read)
			g_string_free(text, TRUE);
		if (!is_known)
			exit_code = CMD_FINDINGS;
	}

	if (options.json)
		print_json(meanings, unknown);
	if (!options.json)
		print_meanings(meanings, options.all);
	if (!options.json)
		print_unknown(unknown, meanings->len == 0);

	return exit_code;
}

/* SPDX-License-Identifier: MIT */
/*
 * cmd-procmail: the door that takes procmail's own command line, as `todoke procmail` or by a link
 * of the name procmail.
 *
 * The owner's recipes run and nothing beside them; the loop check and the header rules come first,
 * as at every door. What procmail does as root or setuid it does not do: root becomes the recipient
 * before anything is read.
 */
#define _GNU_SOURCE
#include "config.h"

#include "agent/base/answer.h"
#include "agent/cmd/cmd.h"
#include "agent/cmd/delivery-door.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
	DeliveryDoor *door;
	GPtrArray *files;       /* char *: rc files, owned */
	GPtrArray *arguments;   /* borrowed, as the next */
	GPtrArray *assignments; /* owned */
	bool as_filter;         /* -m */
	bool keeps_environment; /* -p */
	bool for_recipient;     /* -d */
	bool makes_from;        /* -f, -d */
	bool is_soft;           /* -t */
} Options;

static bool take_own(const CmdOption *option, void *into, const char *value, Status *st);
static bool take_wrong(void *into, char letter, bool lacks_value);

static const CmdOption rows[] = {
	{ .letters = "a",
	  .argument = "ARG",
	  CMD_INTO_OWN,
	  .repeats = true,
	  .help = N_("$1 of the recipes; again: $2 and on") },
	{ .letters = "d",
	  .argument = "USER",
	  CMD_INTO_OWN,
	  .help = N_("deliver to this user; as root: run as that user") },
	{ .letters = "fr",
	  .argument = "FROM",
	  CMD_INTO_OWN,
	  .help = N_("envelope sender; - or empty: not said") },
	{ .letters = "m",
	  CMD_INTO_FLAG(Options, as_filter),
	  .help = N_("RCFILE is a path as it stands, ARG are $1 and on") },
	{ .letters = "p",
	  CMD_INTO_FLAG(Options, keeps_environment),
	  .help = N_("recipes see the environment") },
	{ .letters = "t",
	  CMD_INTO_FLAG(Options, is_soft),
	  .help = N_("mail that cannot be stored is deferred, not refused (73)") },
	{ .letters = "oY",
	  .kind = CMD_OPTION_IGNORED,
	  .help = N_("without effect: From_ lines and Content-Length are never believed") },
	{ .letters = "z",
	  CMD_INTO_OWN,
	  .is_rare = true,
	  .help = N_("refused: LMTP is spoken by todoke lmtpd") },
	CMD_OPTIONS_END
};

static const char about[] =
	"  -v       what this is; --differences: where it is not procmail, on purpose\n"
	"Settings of todoke.conf hold, above all recipe_default: without it mail that no\n"
	"recipe files goes to the INBOX. Prints one line \"D.S.N text\" where it fails;\n"
	"exit codes 0, 65, 67, 69, 73, 75, 77. See todoke-procmail(8).\n";

/* As procmail has it: letters only, and what it does not know it says and passes over. */
const CmdOptions cmd_procmail_options = {
	.synopsis = "[-pY] [-a ARG]... [-f FROM] [NAME=VALUE | RCFILE]...\n"
		    "[-a ARG]... [-f FROM] -d USER\n"
		    "[-pY] -m [NAME=VALUE]... RCFILE [ARG]...",
	.rows = rows,
	.about = about,
	.words_end_options = true,
	.set = take_own,
	.wrong = take_wrong,
};

static const char version[] = "todoke " PACKAGE_VERSION
			      ", which runs the recipes of procmail 3.22\n";

static const char *const differences[] = {
#define DIFFERENCE(text) "- " text "\n",
#include "agent/cmd/procmail-differences.def"
#undef DIFFERENCE
};

/* As procmail does it: a person sees it, and the mail goes its way. */
static void warn(const char *format, ...) G_GNUC_PRINTF(1, 2);

static void
warn(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);

	g_autofree char *line = g_strdup_printf("procmail: %s\n", text);
	answer_warn(line);
}

static bool
refuse(Status *st, const char *why, const char *word)
{
	return status_fail_detail(st, STATUS_USAGE, "'%s': %s", word, why);
}

static bool
set_recipient(Options *options, const char *value, Status *st)
{
	DeliveryDoor *door = options->door;

	options->for_recipient = options->makes_from = true;
	if (door->recipient != NULL && strcmp(door->recipient, value) != 0)
		return refuse(st, "one recipient at a time", value);
	door->recipient = value;

	return true;
}

static bool
take_own(const CmdOption *option, void *into, const char *value, Status *st)
{
	Options *options = into;

	switch (*option->letters) {
	case 'a':
		g_ptr_array_add(options->arguments, (gpointer) value);
		return true;
	case 'd':
		return set_recipient(options, value, st);
	case 'z':
		return refuse(st, "LMTP is spoken by todoke lmtpd", "-z");
	default: /* f */
		options->makes_from = true;
		if (strcmp(value, "-") != 0 && *value != '\0')
			delivery_door_set_string(&options->door->envelope->sender, value);
		return true;
	}
}

static bool
take_wrong(void *into, char letter, bool lacks_value)
{
	(void) into;
	if (lacks_value)
		warn(letter == 'a' ? "Missing argument" : "Missing name");
	else
		warn("Unrecognised options: \"%c\"\nProcessing continued", letter);
	return true;
}

/* "--name" is no clump of letters: it is said and passed over. Returns how many words are left. */
static int
drop_names(int argc, char **argv)
{
	bool in_options = true, is_value = false;
	int kept = 1;

	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];
		if (in_options && !is_value && g_str_has_prefix(word, "--") && word[2] != '\0') {
			warn("Unrecognised options: \"%s\"\nProcessing continued", word + 2);
			continue;
		}

		argv[kept++] = argv[i];
		if (is_value) {
			is_value = false;
			continue;
		}
		in_options = in_options && word[0] == '-' && word[1] != '\0' &&
		             strcmp(word, "--") != 0;
		/* the first letter that takes a value is the last of the word: the next is it */
		is_value = in_options && word[1 + strcspn(word + 1, "adfr")] != '\0' &&
		           word[2 + strcspn(word + 1, "adfr")] == '\0';
	}

	argv[kept] = NULL;
	return kept;
}

static bool
is_assignment(const char *word)
{
	const char *sign = strchr(word, '=');
	if (sign == NULL || sign == word || g_ascii_isdigit(*word))
		return false;

	for (const char *c = word; c < sign; c++)
		if (!g_ascii_isalnum(*c) && *c != '_')
			return false;
	return true;
}

static bool
take_words(Options *options, int n, char **words, Status *st)
{
	for (int i = 0; i < n; i++) {
		if (options->for_recipient && !set_recipient(options, words[i], st))
			return false;
		if (options->for_recipient)
			continue;
		if (options->as_filter && options->files->len > 0)
			g_ptr_array_add(options->arguments, words[i]);
		else if (is_assignment(words[i]))
			g_ptr_array_add(options->assignments, g_strdup(words[i]));
		else if (strchr(words[i], '=') != NULL)
			warn("Skipped \"%s\"", words[i]);
		else
			g_ptr_array_add(options->files,
			                options->as_filter ? g_canonicalize_filename(words[i], NULL)
			                                   : g_strdup(words[i]));
	}
	return !options->as_filter || options->files->len > 0 ||
	       refuse(st, "it needs an rc file", "-m");
}

/*
 * Names that recipes find set, or that do something when they are: the environment does not decide
 * them.
 */
static bool
is_preset(const char *item)
{
	static const char *const names[] = {
		"DEFAULT",    "DELIVERED",
		"EXITCODE",   "HOME",
		"HOST",       "INCLUDERC",
		"LOCKEXT",    "LOCKFILE",
		"LOG",        "LOGFILE",
		"LOGNAME",    "MAILDIR",
		"MSGPREFIX",  "ORGMAIL",
		"PATH",       "PROCMAIL_VERSION",
		"SENDMAIL",   "SENDMAILFLAGS",
		"SHELL",      "SHELLFLAGS",
		"SHELLMETAS", "SHIFT",
		"SWITCHRC",   "TRAP",
		"UMASK",      NULL,
	};
	g_autofree char *name = g_strndup(item, strcspn(item, "="));

	return g_strv_contains(names, name);
}

/* NAME=value, so that the value is taken as it is. Caller frees. */
static char *
quote_value(const char *item)
{
	const char *value = strchr(item, '=') + 1;
	g_autofree char *quoted = g_shell_quote(value);
	return g_strdup_printf("%.*s%s", (int) (value - item), item, quoted);
}

static void
keep_environment(Options *options)
{
	guint at = 0;
	for (char **item = environ; *item != NULL; item++)
		if (is_assignment(*item) && !is_preset(*item))
			g_ptr_array_insert(options->assignments, (gint) at++, quote_value(*item));
}

static bool
read_options(Options *options, int argc, char **argv, Status *st)
{
	if (!cmd_option_read(&cmd_procmail_options, NULL, &argc, argv, options, st) ||
	    !take_words(options, argc - 1, argv + 1, st))
		return false;
	if (options->for_recipient && (options->keeps_environment || options->as_filter))
		warn("Conflicting options");
	if (options->keeps_environment)
		keep_environment(options);

	return true;
}

/* Postfix names the recipient: by -d (pipe(8)), or in the environment (local(8)). */
static bool
is_by_hand(const Options *options)
{
	return !options->for_recipient && getenv("RECIPIENT") == NULL;
}

/* The lists as a call has them: ended by NULL. */
static RecipeCall
make_call(Options *options)
{
	RecipeCall call = { .alone = true,
		            .makes_from = options->makes_from,
		            .is_soft = options->is_soft,
		            .by_hand = is_by_hand(options),
		            .is_filter = options->as_filter };

	call.without_site = options->keeps_environment || options->files->len > 0;
	if (options->files->len > 0 && !options->keeps_environment) /* procmailrc(5), COMSAT */
		g_ptr_array_insert(options->assignments, 0, g_strdup("COMSAT=no"));
	g_ptr_array_add(options->arguments, NULL);
	g_ptr_array_add(options->assignments, NULL);
	call.arguments = (const char *const *) options->arguments->pdata;
	call.assignments = (const char *const *) options->assignments->pdata;
	if (options->files->len == 0)
		return call;

	g_ptr_array_add(options->files, NULL);
	call.files = (const char *const *) options->files->pdata;
	return call;
}

static void
print_help(const char *asked)
{
	g_autofree char *help = cmd_option_help(&cmd_procmail_options, "procmail");

	for (size_t i = 0; strcmp(asked, "--differences") == 0 && i < G_N_ELEMENTS(differences);
	     i++)
		fputs(differences[i], stdout);
	if (strcmp(asked, "--differences") != 0)
		fputs(strcmp(asked, "-v") == 0 ? version : help, stdout);
}

int
cmd_procmail(int argc, char **argv)
{
	if (cmd_option_wants_help(argc, argv)) {
		print_help(argv[1]);
		return 0;
	}

	g_auto(Status) st = STATUS_INIT;
	g_auto(DeliveryDoor) door = { 0 };
	delivery_door_init(&door, DOOR_PIPE);
	door.is_quiet = true;

	g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free),
			     arguments = g_ptr_array_new();
	g_autoptr(GPtrArray) assignments = g_ptr_array_new_with_free_func(g_free);
	Options options = {
		.door = &door, .files = files, .arguments = arguments, .assignments = assignments
	};
	(void) read_options(&options, drop_names(argc, argv), argv, &st);

	const RecipeCall recipes = make_call(&options);
	door.recipes = &recipes;
	return delivery_door_run(&door, &st);
}

/* SPDX-License-Identifier: MIT */
/*
 * cmd-deliver: the door for pipe(8), local(8)'s mailbox_command, .forward, and the `mda` of
 * fetchmail and getmail.
 */
#define _GNU_SOURCE
#include "agent/cmd/cmd.h"
#include "agent/cmd/delivery-door.h"

#include <getopt.h>
#include <stdio.h>

/* --recipes: the file, as a call for it. */
typedef struct {
	char *path;
	const char *files[2];
	RecipeCall call;
} RecipeFile;

enum { OPTION_QUEUE_ID = 256, OPTION_SIZE, OPTION_CLIENT, OPTION_RECIPES };

static const struct option long_options[] = {
	{ "sender", required_argument, NULL, 'f' },
	{ "original", required_argument, NULL, 'a' },
	{ "recipient", required_argument, NULL, 'd' },
	{ "folder", required_argument, NULL, 'm' },
	{ "mailbox", required_argument, NULL, 'm' },
	{ "queue-id", required_argument, NULL, OPTION_QUEUE_ID },
	{ "size", required_argument, NULL, OPTION_SIZE },
	{ "client-address", required_argument, NULL, OPTION_CLIENT },
	{ "recipes", required_argument, NULL, OPTION_RECIPES },
	{ "config", required_argument, NULL, 'c' },
	{ "option", required_argument, NULL, 'o' },
	{ NULL, 0, NULL, 0 },
};

static const char help[] =
	"usage: todoke deliver [OPTION]... [--] [RECIPIENT] < MESSAGE\n"
	"  -f, --sender ADDR      envelope sender; empty for a bounce\n"
	"  -d, --recipient ADDR   final recipient (also -r); otherwise the environment of\n"
	"                         local(8) says it\n"
	"  -a, --original ADDR    the recipient before aliases\n"
	"  -m, --folder NAME      folder for mail that no rule files\n"
	"      --queue-id ID      Postfix's ${queue_id}, for log and answer\n"
	"      --size N           Postfix's ${size}: a shorter message is deferred (exit\n"
	"                         75), never stored\n"
	"      --client-address A Postfix's ${client_address}\n"
	"      --recipes FILE     recipes (procmail's language), not the owner's own\n"
	"  -c, --config FILE      instead of $TODOKE_CONF or the installed todoke.conf\n"
	"  -o, --option KEY=VALUE a setting for this run\n"
	"Prints one line \"D.S.N text\" where it fails; exit codes 0, 65, 67, 69, 75, 77.\n"
	"See todoke(8).\n";

/* What users of other agents pass and we do not take, with what to do instead. */
static const struct {
	char letter;
	const char *why;
} foreign_options[] = {
	{ 'e',
	  "-e of dovecot-lda is not taken: a refusal is always an answer to Postfix, never a mail "
	  "of our own" },
	{ 'k',
	  "-k of dovecot-lda is not taken: the environment is used only where no -d is given" },
	{ 'p',
	  "-p of dovecot-lda and procmail is not taken: the message is read from standard input" },
	{ 't', "-t of procmail is not needed: our own faults are always temporary" },
	{ 'Y', "-Y of procmail is not needed: Content-Length is not looked at" },
	{ 'A', "-A of maildrop is not taken: use header rules in todoke.conf" },
	{ 'V', "-V of maildrop is not taken: use `todoke try` to see what happens" },
};

static bool
refuse_option(char letter, const char *word, Status *st)
{
	for (size_t i = 0; i < G_N_ELEMENTS(foreign_options); i++)
		if (foreign_options[i].letter == letter)
			return status_fail_detail(st, STATUS_USAGE, "%s", foreign_options[i].why);
	return status_fail_detail(st, STATUS_USAGE,
	                          "option '%s' is not known, or its value is missing", word);
}

static void
set_recipes(DeliveryDoor *call, RecipeFile *recipes, const char *path)
{
	g_free(recipes->path);
	recipes->path = g_canonicalize_filename(path, NULL);
	recipes->files[0] = recipes->path;
	recipes->call = (RecipeCall){ .files = recipes->files };
	call->recipes = &recipes->call;
}

static bool
take_option(DeliveryDoor *call, RecipeFile *recipes, int option, const char *word, Status *st)
{
	switch (option) {
	case 'f':
		delivery_door_set_string(&call->envelope->sender, optarg);
		return true;
	case 'a':
		delivery_door_set_string(&call->envelope->original, optarg);
		return true;
	case 'd':
	case 'r':
		return delivery_door_set_recipient(call, optarg, st);
	case 'm':
		call->folder = optarg;
		return true;
	case 'c':
		call->conf_path = optarg;
		return true;
	case 'o':
		delivery_door_add_override(call, optarg);
		return true;
	case OPTION_RECIPES:
		set_recipes(call, recipes, optarg);
		return true;
	case OPTION_QUEUE_ID:
		delivery_door_set_string(&call->envelope->queue_id, optarg);
		return true;
	case OPTION_SIZE:
		if (!g_ascii_string_to_unsigned(optarg, 10, 0, G_MAXINT64,
		                                &call->envelope->queue_size, NULL))
			return status_fail_detail(st, STATUS_USAGE,
			                          "--size '%s' is not a number of octets", optarg);
		return true;
	case OPTION_CLIENT:
		delivery_door_set_string(&call->envelope->client_address, optarg);
		return true;
	default:
		return refuse_option((char) optopt, word, st);
	}
}

static bool
read_options(DeliveryDoor *call, RecipeFile *recipes, int argc, char **argv, Status *st)
{
	opterr = 0;
	int option;
	while ((option = getopt_long(argc, argv, ":f:a:d:r:m:c:o:", long_options, NULL)) != -1) {
		const char *word = argv[optind - 1];
		if (!take_option(call, recipes, option, word, st))
			return false;
	}

	for (; optind < argc; optind++)
		if (!delivery_door_set_recipient(call, argv[optind], st))
			return false;
	return true;
}

int
cmd_deliver(int argc, char **argv)
{
	if (cmd_wants_help(argc, argv)) {
		fputs(help, stdout);
		return 0;
	}

	g_auto(Status) st = STATUS_INIT;
	g_auto(DeliveryDoor) call = { 0 };
	RecipeFile recipes = { 0 };
	delivery_door_init(&call, DOOR_PIPE);
	(void) read_options(&call, &recipes, argc, argv, &st);

	int exit_code = delivery_door_run(&call, &st);
	g_free(recipes.path);
	return exit_code;
}

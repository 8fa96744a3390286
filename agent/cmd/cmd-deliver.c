/* SPDX-License-Identifier: MIT */
/*
 * cmd-deliver: the door for pipe(8), local(8)'s mailbox_command, .forward, and the `mda` of
 * fetchmail and getmail.
 */
#include "agent/cmd/cmd.h"
#include "agent/cmd/delivery-door.h"

#include <stdio.h>
#include <string.h>

typedef struct {
	const char *sender;
	const char *original;
	const char *recipient;
	const char *folder;
	const char *queue_id;
	const char *envid;
	const char *client_address;
	const char *recipes;
	const char *conf_path;
	GPtrArray *overrides;
	guint64 size;
	guint64 rest; /* 0: not said */
} Options;

static const CmdOption rows[] = {
	CMD_OPTION_SENDER(CMD_INTO_TEXT(Options, sender), "envelope sender; empty for a bounce"),
	{ .name = "recipient",
	  .also = "rcpt",
	  .letters = "dr",
	  .argument = "ADDR",
	  CMD_INTO_OWN,
	  .help = N_("final recipient; otherwise the environment of local(8) says it") },
	CMD_OPTION_ORIGINAL(CMD_INTO_TEXT(Options, original)),
	{ .name = "folder",
	  .also = "mailbox",
	  .letters = "m",
	  .argument = "NAME",
	  CMD_INTO_TEXT(Options, folder),
	  .help = N_("folder for mail that no rule files") },
	CMD_OPTION_QUEUE_ID(CMD_INTO_TEXT(Options, queue_id)),
	{ .name = "envid",
	  .argument = "ID",
	  CMD_INTO_TEXT(Options, envid),
	  .help = N_("Postfix's ${envid}, the sender's envelope id, for rules and redirects") },
	{ .name = "size",
	  .argument = "N",
	  CMD_INTO_NUMBER(Options, size, 0, G_MAXINT64),
	  .help = N_("Postfix's ${size}: a shorter message is deferred (exit 75), never stored") },
	{ .name = "client-address",
	  .argument = "A",
	  CMD_INTO_TEXT(Options, client_address),
	  .help = N_("Postfix's ${client_address}") },
	{ .name = "recipes",
	  .argument = "FILE",
	  CMD_INTO_TEXT(Options, recipes),
	  .help = N_("these recipes (procmail's language), not the owner's own") },
	{ .name = "rest",
	  .argument = "N",
	  CMD_INTO_NUMBER(Options, rest, 3, G_MAXINT),
	  .help = N_("a descriptor that has the rest of the message: todoke-deliver says it") },
	CMD_OPTION_CONFIG(CMD_INTO_TEXT(Options, conf_path)),
	CMD_OPTION_SETTING(CMD_INTO_LIST(Options, overrides)),
	CMD_OPTIONS_END
};

static const char about[] =
	"\nPrints one line \"D.S.N text\" where it fails; exit codes 0, 65, 67, 69, 75, 77.\n"
	"See todoke-deliver(8).\n";

static const CmdOptionForeign foreign[] = {
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
	{ '\0', NULL },
};

/* There is one recipient; the same may be said twice. */
static bool
set_recipient(const CmdOption *option, void *into, const char *value, Status *st)
{
	(void) option;
	Options *options = into;
	if (options->recipient != NULL && strcmp(options->recipient, value) != 0)
		return status_fail_detail(
			st, STATUS_USAGE,
			"more than one recipient: set NAME_destination_recipient_limit = 1 in "
			"main.cf");

	options->recipient = value;
	return true;
}

const CmdOptions cmd_deliver_options = { .synopsis = "[OPTION]... [--] [RECIPIENT] < MESSAGE",
	                                 .rows = rows,
	                                 .about = about,
	                                 .foreign = foreign,
	                                 .set = set_recipient };

static bool
read_options(Options *options, int argc, char **argv, Status *st)
{
	if (!cmd_option_read(&cmd_deliver_options, NULL, &argc, argv, options, st))
		return false;

	for (int i = 1; i < argc; i++)
		if (!set_recipient(NULL, options, argv[i], st))
			return false;
	return true;
}

int
cmd_deliver(int argc, char **argv)
{
	if (cmd_option_wants_help(argc, argv)) {
		g_autofree char *help = cmd_option_help(&cmd_deliver_options, "deliver");
		fputs(help, stdout);
		return 0;
	}

	g_auto(Status) st = STATUS_INIT;
	g_auto(DeliveryDoor) door = { 0 };
	delivery_door_init(&door, DOOR_PIPE);
	Options options = { 0 };
	(void) read_options(&options, argc, argv, &st);

	/* What was understood is said in the log even where the rest is wrong. */
	delivery_door_set_string(&door.envelope->sender, options.sender);
	delivery_door_set_string(&door.envelope->original, options.original);
	delivery_door_set_string(&door.envelope->queue_id, options.queue_id);
	delivery_door_set_string(&door.envelope->client_address, options.client_address);
	envelope_set_envid(door.envelope, options.envid);
	door.envelope->queue_size = options.size;
	door.rest = options.rest > 0 ? (int) options.rest : -1;
	door.recipient = options.recipient;
	door.folder = options.folder;
	door.conf_path = options.conf_path;
	door.overrides = cmd_option_words(options.overrides);

	g_autofree char *path = options.recipes != NULL
	                                ? g_canonicalize_filename(options.recipes, NULL)
	                                : NULL;
	const char *const files[] = { path, NULL };
	const RecipeCall recipes = { .files = files };
	if (path != NULL)
		door.recipes = &recipes;

	return delivery_door_run(&door, &st);
}

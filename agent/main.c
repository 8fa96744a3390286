/* SPDX-License-Identifier: MIT */
/* main: looks the subcommand up. */
#include "agent/base/answer.h"
#include "agent/base/words.h"
#include "agent/cmd/cmd.h"
#include "agent/cmd/cmd-common.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>

static int
run(const Cmd *command, int argc, char **argv)
{
	if (command->audience == CMD_FOR_POSTFIX && !cmd_option_wants_help(argc, argv))
		answer_take_over();
	else
		words_choose(NULL);
	return command->run(argc, argv);
}

/* `todoke --help` and its like, which every program has, are commands of ours. */
static const char *
command_of(const char *word)
{
	bool is_help = strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
	if (is_help)
		return "help";

	bool is_version = strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0;
	return is_version ? "version" : word;
}

/* To Postfix a line of master.cf without a command of ours is a fault of the site's, no bounce. */
static int
fail_for_postfix(const char *word)
{
	g_auto(Status) st = STATUS_INIT;

	answer_take_over();
	(void) status_fail(&st, STATUS_USAGE,
	                   "mail system calls its delivery agent incorrectly: "
	                   "todoke has no command '%s'",
	                   word);
	return answer_finish(&st, NULL, NULL);
}

static int
fail(const char *word)
{
	if (answer_is_for_postfix())
		return fail_for_postfix(word != NULL ? word : "");

	words_choose(NULL);
	const char *best = word != NULL ? cmd_nearest(word) : NULL;
	if (word == NULL)
		cmd_print(stderr, "todoke: %s\n", _("which command? `todoke help` lists them"));
	else if (best == NULL)
		cmd_print(stderr, _("todoke: unknown command '%s' (`todoke help` lists them)\n"),
		          word);
	else
		cmd_print(stderr,
		          _("todoke: unknown command '%s'; did you mean '%s'? (`todoke help` lists "
		            "them)\n"),
		          word, best);

	return CMD_USAGE;
}

int
main(int argc, char **argv)
{
	/* the name of the link is the command */
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	const char *program = slash != NULL ? slash + 1 : argc > 0 ? argv[0] : "";
	if (strcmp(program, "procmail") == 0)
		return run(cmd_find("procmail"), argc, argv);

	if (argc < 2)
		return fail(NULL);

	const Cmd *command = cmd_find(command_of(argv[1]));
	if (command == NULL)
		return fail(argv[1]);

	argv[1] = (char *) command->name;
	return run(command, argc - 1, argv + 1);
}

/* SPDX-License-Identifier: MIT */
/* whole-program: looks the subcommand up. */
#define _GNU_SOURCE
#include "agent/cmd/whole-program.h"

#include "agent/base/answer.h"
#include "agent/base/words.h"
#include "agent/cmd/cmd.h"
#include "agent/cmd/cmd-common.h"

#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * jansson's archive names stdin in a way that a shared object cannot have; the linker puts this in
 * its place (--wrap). Nobody reads from it: standard input is STDIN_FILENO everywhere.
 */
extern FILE *__wrap_stdin;
FILE *__wrap_stdin;

/*
 * A file gets the lowest free number: where a stream is closed, it would become the stream, and
 * output would go into it. What stands in for a closed stream can be neither read nor written.
 */
static void
occupy_closed_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0)
			(void) open("/", O_PATH);
	}
}

/* A list that a full disk has cut must not look whole to a script. */
static int
finish_output(const Cmd *command, int code)
{
	bool is_written = fflush(stdout) == 0 && ferror(stdout) == 0;
	if (is_written)
		return code;

	cmd_print(stderr, "todoke %s: %s\n", command->name, _("cannot write all of the output"));
	return code == CMD_GOOD ? CMD_FINDINGS : code;
}

static int
run_for_people(const Cmd *command, int argc, char **argv)
{
	occupy_closed_streams();
	words_choose(NULL);
	return finish_output(command, command->run(argc, argv));
}

static int
run(const Cmd *command, int argc, char **argv)
{
	bool is_for_postfix = command->audience == CMD_FOR_POSTFIX &&
	                      !cmd_option_wants_help(argc, argv);
	if (!is_for_postfix)
		return run_for_people(command, argc, argv);

	answer_take_over();
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

__attribute__((visibility("default"))) WholeProgramRun whole_program_run;

int
whole_program_run(int argc, char **argv)
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

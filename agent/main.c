/* SPDX-License-Identifier: MIT */
/* main: looks the subcommand up. */
#include "config.h"

#include "agent/base/answer.h"
#include "agent/base/words.h"
#include "agent/cmd/cmd.h"
#include "agent/cmd/cmd-common.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>

#ifdef HAVE_LIBSIEVE
#define LIBSIEVE_LINE "libsieve " LIBSIEVE_VERSION " (sieve_engine = libsieve)"
#else
#define LIBSIEVE_LINE "built without libsieve"
#endif

static const struct {
	const char *name;
	CmdRun *run;
	CmdAudience audience;
	const char *help;
} commands[] = {
#define CMD(name, symbol, audience, help) { name, cmd_##symbol, audience, help },
#include "agent/cmd/cmd-table.def"
#undef CMD
	{ NULL, NULL, CMD_FOR_PEOPLE, NULL }
};

/* By its own name, or called by a link of that name? */
static bool
is_called(const char *program, const char *name)
{
	const char *slash = strrchr(program, '/');
	return strcmp(slash != NULL ? slash + 1 : program, name) == 0;
}

bool
cmd_wants_help(int argc, char **argv)
{
	if (argc < 2)
		return false;
	/* procmail has its own letters for it. */
	static const char *const short_ones[] = { "-h", "-?", "-v", NULL };
	bool letters = argc == 2 && is_called(argv[0], "procmail") &&
	               g_strv_contains(short_ones, argv[1]);
	bool differences = is_called(argv[0], "procmail") && strcmp(argv[1], "--differences") == 0;

	return letters || differences || strcmp(argv[1], "--help") == 0;
}

static int
run(size_t command, int argc, char **argv)
{
	if (commands[command].audience == CMD_FOR_POSTFIX && !cmd_wants_help(argc, argv))
		answer_take_over();
	else
		words_choose(NULL);
	return commands[command].run(argc, argv);
}

static void
print_help(FILE *out)
{
	words_choose(NULL);
	fprintf(out, "%s\n\n", _("usage: todoke COMMAND [OPTION]..."));
	for (size_t i = 0; commands[i].name != NULL; i++)
		fprintf(out, "  %-9s %s\n", commands[i].name, _(commands[i].help));
	fprintf(out, "\n%s\n",
	        _("`todoke COMMAND --help` tells more; the manual is todoke(8) and "
	          "todoke.conf(5)."));
}

int
main(int argc, char **argv)
{
	/* the name of the link is the command */
	int skip = argc > 0 && is_called(argv[0], "procmail") ? 0 : 1;
	const char *name = skip == 0 ? "procmail" : argc > 1 ? argv[1] : "--help";

	for (size_t i = 0; commands[i].name != NULL; i++) {
		if (strcmp(commands[i].name, name) != 0)
			continue;
		return run(i, argc - skip, argv + skip);
	}

	if (strcmp(name, "--version") == 0) {
		puts("todoke " PACKAGE_VERSION "\n" LIBSIEVE_LINE);
		return 0;
	}

	bool asked = strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 ||
	             strcmp(name, "help") == 0;
	print_help(asked && argc > 1 ? stdout : stderr);
	if (!asked)
		fprintf(stderr, "\ntodoke: unknown command '%s'\n", name);

	return asked && argc > 1 ? 0 : CMD_USAGE;
}

/* SPDX-License-Identifier: MIT */
/* cmd-help: `todoke help`: which commands there are, and what one of them takes. */
#include "agent/base/nearest.h"
#include "agent/base/words.h"
#include "agent/cmd/cmd.h"
#include "agent/cmd/cmd-common.h"
#include "agent/cmd/completion.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
	bool options_json;
	int completion;
} Options;

static const CmdOption rows[] = {
	{ .name = "options-json",
	  CMD_INTO_FLAG(Options, options_json),
	  .help = N_("all commands and options, for programs: schema todoke.options/1") },
	{ .name = "completion",
	  .argument = "SHELL",
	  CMD_INTO_CHOICE(Options, completion, COMPLETION_SHELLS),
	  .help = N_("what a shell loads to complete the command line: bash, zsh, fish") },
	CMD_OPTIONS_END
};

static const char about[] =
	"\nLists the commands; with COMMAND it opens that command's manual page, or says\n"
	"what `todoke COMMAND --help` says where there is no terminal, or no page.\n"
	"SUBJECT is another page of the manual: quota for todoke-quota(7), conf for\n"
	"todoke.conf(5).\n\n"
	"Exit code: 0 good, 2 wrong usage.\n";

const CmdOptions cmd_help_options = { .synopsis = "[OPTION]... [COMMAND|SUBJECT]",
	                              .rows = rows,
	                              .about = about };

/* The pages that are about no command: of section 7, but for the first two. */
static const char *const subjects[] = { "todoke",   "conf",    "bounce", "cookbook",
	                                "limits",   "log",     "loop",   "migrate",
	                                "quota",    "recipes", "retry",  "sieve",
	                                "security", "sites",   "trust",  NULL };

static void
print_commands(void)
{
	printf("%s\n\n", _("usage: todoke COMMAND [OPTION]..."));
	for (size_t i = 0; cmd_get(i) != NULL; i++)
		printf("  %-9s %s\n", cmd_get(i)->name, _(cmd_get(i)->help));
	printf("\n%s\n", _("`todoke help COMMAND` opens its page; the manual begins with "
	                   "todoke(1)."));
}

static json_t *
text_or_null(const char *text)
{
	return *text != '\0' ? json_string(text) : json_null();
}

static json_t *
option_json(const CmdOption *row)
{
	json_t *names = json_array(), *letters = json_array(), *object = json_object();

	if (*row->name != '\0')
		json_array_append_new(names, json_string(row->name));
	if (*row->also != '\0')
		json_array_append_new(names, json_string(row->also));
	for (const char *letter = row->letters; *letter != '\0'; letter++)
		json_array_append_new(letters, json_stringn(letter, 1));

	json_t *choices = *row->choices != '\0' ? json_array() : json_null();
	g_auto(GStrv) words = g_strsplit(row->choices, " ", -1);
	for (char **word = words; *word != NULL; word++)
		json_array_append_new(choices, json_string(*word));

	json_object_set_new(object, "names", names);
	json_object_set_new(object, "letters", letters);
	json_object_set_new(object, "argument", text_or_null(row->argument));
	json_object_set_new(object, "choices", choices);
	json_object_set_new(object, "repeats", json_boolean(row->repeats));
	json_object_set_new(object, "help", json_string(row->help));

	return object;
}

static json_t *
options_json(const CmdOption *table)
{
	json_t *options = json_array();
	for (const CmdOption *row = table; *row->help != '\0'; row++)
		json_array_append_new(options, option_json(row));
	return options;
}

static json_t *
command_json(const Cmd *command)
{
	json_t *object = json_object();

	json_object_set_new(object, "name", json_string(command->name));
	json_object_set_new(object, "help", json_string(command->help));
	json_object_set_new(
		object, "audience",
		json_string(command->audience == CMD_FOR_POSTFIX ? "postfix" : "people"));
	json_object_set_new(object, "synopsis", json_string(command->options->synopsis));
	json_object_set_new(object, "options", options_json(command->options->rows));

	return object;
}

static void
print_json(void)
{
	json_t *object = json_object(), *commands = json_array();

	for (size_t i = 0; cmd_get(i) != NULL; i++)
		json_array_append_new(commands, command_json(cmd_get(i)));
	json_object_set_new(object, "schema", json_string("todoke.options/1"));
	json_object_set_new(object, "of_all_for_people", options_json(cmd_option_people));
	json_object_set_new(object, "commands", commands);
	cmd_print_json(object);
}

/* Is there a program man, and does it find the page? */
static bool
has_page(const char *page)
{
	const char *const argv[] = { "man", "-w", page, NULL };
	const GSpawnFlags flags = G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL |
	                          G_SPAWN_STDERR_TO_DEV_NULL;
	int wait_status;

	return g_spawn_sync(NULL, (char **) argv, NULL, flags, NULL, NULL, NULL, NULL, &wait_status,
	                    NULL) &&
	       g_spawn_check_wait_status(wait_status, NULL);
}

/* Becomes man where a person reads, and the page is there; returns where not. */
static void
open_page(const char *page)
{
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || !has_page(page))
		return;

	setenv("LANGUAGE", words_language(), 1); /* --language says more than the environment */
	execlp("man", "man", page, (char *) NULL);
}

static int
help_with_command(const Cmd *command)
{
	g_autofree char *page = g_strdup_printf("todoke-%s", command->name);
	open_page(page);

	g_autofree char *text = cmd_option_help(command->options, command->name);
	fputs(text, stdout);
	return CMD_GOOD;
}

static int
help_with_subject(const char *subject)
{
	bool is_conf = strcmp(subject, "conf") == 0, is_first = strcmp(subject, "todoke") == 0;
	int section = is_conf ? 5 : is_first ? 1 : 7;
	g_autofree char *page = is_conf    ? g_strdup("todoke.conf")
	                        : is_first ? g_strdup(subject)
	                                   : g_strdup_printf("todoke-%s", subject);
	open_page(page);

	cmd_print(stdout, _("its page is %s(%d): man %d %s\n"), page, section, section, page);
	return CMD_GOOD;
}

/* What a page is called by: todoke-quota and todoke.conf are also quota and conf. */
static const char *
word_of(const char *argument)
{
	bool is_page = g_str_has_prefix(argument, "todoke-") ||
	               strcmp(argument, "todoke.conf") == 0;
	return is_page ? argument + strlen("todoke-") : argument;
}

static int
help_with(const char *word)
{
	const Cmd *command = cmd_find(word);
	if (command != NULL)
		return help_with_command(command);
	if (g_strv_contains(subjects, word))
		return help_with_subject(word);

	const char *best = cmd_nearest(word);
	if (best == NULL)
		best = nearest_of(word, subjects);
	if (best == NULL)
		return cmd_usage("help", _("unknown command '%s'"), word);
	return cmd_usage("help", _("unknown command '%s'; did you mean '%s'?"), word, best);
}

int
cmd_help(int argc, char **argv)
{
	Options options = { .completion = -1 };
	int exit_code;

	if (!cmd_options(&cmd_help_options, &argc, argv, &options, &exit_code))
		return exit_code;
	if (argc > 2)
		return cmd_usage("help", _("name one command"));

	if (options.options_json) {
		print_json();
		return CMD_GOOD;
	}
	if (options.completion >= 0) {
		g_autofree char *text = completion_text((CompletionShell) options.completion);
		fputs(text, stdout);
		return CMD_GOOD;
	}
	if (argc < 2) {
		print_commands();
		return CMD_GOOD;
	}

	return help_with(word_of(argv[1]));
}

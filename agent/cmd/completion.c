/* SPDX-License-Identifier: MIT */
#include "agent/cmd/completion.h"

#include "agent/cmd/cmd.h"
#include "conf/conf.h"

#include <string.h>

/* What the argument of an option is, as far as a shell can help with it. */
typedef enum {
	ARGUMENT_NONE,
	ARGUMENT_OTHER, /* nothing to propose: an address, a number, a time */
	ARGUMENT_FILE,
	ARGUMENT_FOLDER,
	ARGUMENT_USER,
	ARGUMENT_SETTING, /* NAME=VALUE */
	ARGUMENT_CHOICE,
} ArgumentKind;

static ArgumentKind
kind_of(const CmdOption *option)
{
	static const struct {
		char argument[16];
		ArgumentKind kind;
	} kinds[] = {
		{ "FILE", ARGUMENT_FILE },          { "PATH", ARGUMENT_FILE },
		{ "NAME=FILE", ARGUMENT_FILE },     { "DIR", ARGUMENT_FOLDER },
		{ "MAILDIR", ARGUMENT_FOLDER },     { "USER", ARGUMENT_USER },
		{ "NAME=VALUE", ARGUMENT_SETTING },
	};

	if (*option->argument == '\0')
		return ARGUMENT_NONE;
	if (*option->choices != '\0')
		return ARGUMENT_CHOICE;

	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (strcmp(kinds[i].argument, option->argument) == 0)
			return kinds[i].kind;
	return ARGUMENT_OTHER;
}

/* What stands behind the options of a command, besides words that are typed as they are. */
typedef struct {
	bool files, users;
} Operands;

static void
add_word(GString *words, const char *word)
{
	if (words->len > 0)
		g_string_append_c(words, ' ');
	g_string_append(words, word);
}

/* Caller frees. */
static char *
command_names(void)
{
	GString *words = g_string_new(NULL);
	for (size_t i = 0; cmd_get(i) != NULL; i++)
		add_word(words, cmd_get(i)->name);
	return g_string_free(words, FALSE);
}

/* All settings, with `end` behind each. Caller frees. */
static char *
setting_names(const char *end)
{
	GString *words = g_string_new(NULL);
	for (size_t i = 0; conf_row(i) != NULL; i++) {
		add_word(words, conf_row(i)->name);
		g_string_append(words, end);
	}
	return g_string_free(words, FALSE);
}

static void
add_operand(Operands *operands, GString *words, const char *operand)
{
	static const char *const files[] = { "FILE", "RCFILE", "DIR", "MESSAGE", "MAIL", NULL };
	g_autofree char *names = strcmp(operand, "COMMAND") == 0 ? command_names()
	                         : strcmp(operand, "NAME") == 0  ? setting_names("")
	                                                         : NULL;

	if (g_strv_contains(files, operand))
		operands->files = true;
	else if (strcmp(operand, "USER") == 0)
		operands->users = true;
	else if (names != NULL || g_ascii_islower(*operand))
		add_word(words, names != NULL ? names : operand);
}

/* What the synopsis names; returns the words among it, split by blanks. Caller frees. */
static char *
operands_of(const CmdOptions *options, Operands *ret_operands)
{
	GString *words = g_string_new(NULL);
	*ret_operands = (Operands){ 0 };

	g_auto(GStrv) parts = g_strsplit_set(options->synopsis, " \n|[].<", -1);
	for (char **part = parts; *part != NULL; part++)
		add_operand(ret_operands, words, *part);
	return g_string_free(words, FALSE);
}

/* `text` within the single quotes of a shell: bash and zsh leave them for a quote, fish escapes. */
static void
put_quoted(GString *out, const char *text, CompletionShell shell)
{
	g_string_append_c(out, '\'');
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			g_string_append(out, shell == COMPLETION_FISH ? "\\'" : "'\\''");
		else if (*text == '\\' && shell == COMPLETION_FISH)
			g_string_append(out, "\\\\");
		else
			g_string_append_c(out, *text);
	}
	g_string_append_c(out, '\'');
}

typedef void EachOption(GString *out, const Cmd *command, const CmdOption *option);

/* The command's own options, and what every command for people takes. */
static void
each_option(GString *out, const Cmd *command, EachOption *put)
{
	for (const CmdOption *row = command->options->rows; *row->help != '\0'; row++)
		put(out, command, row);
	if (command->audience == CMD_FOR_PEOPLE)
		for (const CmdOption *row = cmd_option_people; *row->help != '\0'; row++)
			put(out, command, row);
}

static void
put_bash_names(GString *out, const Cmd *command, const CmdOption *option)
{
	(void) command;
	if (*option->name != '\0')
		g_string_append_printf(out, " --%s", option->name);
	else
		for (const char *letter = option->letters; *letter != '\0'; letter++)
			g_string_append_printf(out, " -%c", *letter);
}

static void
put_bash_pattern(GString *out, const Cmd *command, const char *dashes, const char *way)
{
	bool is_first = out->str[out->len - 1] == '\n';
	g_string_append_printf(out, "%s'%s %s%s'", is_first ? "\t" : " | ", command->name, dashes,
	                       way);
}

/* 'try --config' | 'try -c': the patterns of a case. */
static void
put_bash_patterns(GString *out, const Cmd *command, const CmdOption *option)
{
	if (*option->name != '\0')
		put_bash_pattern(out, command, "--", option->name);
	if (*option->also != '\0')
		put_bash_pattern(out, command, "--", option->also);
	for (const char *letter = option->letters; *letter != '\0'; letter++) {
		char way[] = { *letter, '\0' };
		put_bash_pattern(out, command, "-", way);
	}
	g_string_append(out, ")\n\t\t");
}

static void
put_bash_argument(GString *out, const Cmd *command, const CmdOption *option)
{
	ArgumentKind kind = kind_of(option);
	if (kind == ARGUMENT_NONE)
		return;

	put_bash_patterns(out, command, option);
	switch (kind) {
	case ARGUMENT_FILE:
		g_string_append(out, "_todoke_files");
		break;
	case ARGUMENT_FOLDER:
		g_string_append(out, "_todoke_folders");
		break;
	case ARGUMENT_USER:
		g_string_append(out, "_todoke_users");
		break;
	case ARGUMENT_SETTING:
		g_string_append(
			out, "_todoke_words \"$_todoke_settings\"; compopt -o nospace 2>/dev/null");
		break;
	case ARGUMENT_CHOICE:
		g_string_append_printf(out, "_todoke_words '%s'", option->choices);
		break;
	default:
		g_string_append(out, ":");
	}
	g_string_append(out, "; return ;;\n");
}

static const char bash_helpers[] =
	"_todoke_words() { mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$word\"); }\n"
	"_todoke_files() { compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- \"$word\"); }\n"
	"_todoke_folders() { compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- \"$word\"); }\n"
	"_todoke_users() { mapfile -t COMPREPLY < <(compgen -u -- \"$word\"); }\n\n";

static void
put_bash_command(GString *out, const Cmd *command)
{
	Operands operands;
	g_autofree char *words = operands_of(command->options, &operands);

	g_string_append_printf(out, "\t%s)\n\t\toptions='", command->name);
	each_option(out, command, put_bash_names);
	g_string_append_printf(out, "' words='%s' files='%s' users='%s' ;;\n", words,
	                       operands.files ? "yes" : "", operands.users ? "yes" : "");
}

static void
put_bash(GString *out)
{
	g_autofree char *commands = command_names(), *settings = setting_names("=");

	g_string_append(out, "# Made by `todoke help --completion bash`.\n");
	g_string_append(out, bash_helpers);
	g_string_append_printf(out, "_todoke_settings='%s'\n\n", settings);
	g_string_append(out, "_todoke() {\n"
	                     "\tlocal word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]}\n"
	                     "\tlocal options='' words='' files='' users=''\n"
	                     "\tCOMPREPLY=()\n");
	g_string_append_printf(
		out, "\tif [ \"$COMP_CWORD\" -eq 1 ]; then _todoke_words '%s'; return; fi\n",
		commands);

	g_string_append(out, "\tcase \"$command ${COMP_WORDS[COMP_CWORD-1]}\" in\n");
	for (size_t i = 0; cmd_get(i) != NULL; i++)
		each_option(out, cmd_get(i), put_bash_argument);
	g_string_append(out, "\tesac\n\tcase $command in\n");
	for (size_t i = 0; cmd_get(i) != NULL; i++)
		put_bash_command(out, cmd_get(i));
	g_string_append(
		out,
		"\tesac\n"
		"\tcase $word in -*) _todoke_words \"$options\"; return ;; esac\n"
		"\tif [ -n \"$words\" ]; then _todoke_words \"$words\"; fi\n"
		"\tif [ -n \"$users\" ] && [ ${#COMPREPLY[@]} -eq 0 ]; then _todoke_users; fi\n"
		"\tif [ -n \"$files\" ] && [ ${#COMPREPLY[@]} -eq 0 ]; then _todoke_files; fi\n"
		"}\n"
		"complete -F _todoke todoke\n");
}

/* What _arguments and _describe would read as syntax gets a backslash. */
static char *
zsh_escape(const char *text, const char *marks)
{
	GString *out = g_string_new(NULL);
	for (; *text != '\0'; text++) {
		if (strchr(marks, *text) != NULL)
			g_string_append_c(out, '\\');
		g_string_append_c(out, *text);
	}
	return g_string_free(out, FALSE);
}

/* ":FILE:_files", with which an option's spec or an operand's ends. Caller frees; "": none. */
static char *
zsh_argument(const CmdOption *option)
{
	static const char *const actions[] = {
		[ARGUMENT_OTHER] = " ",
		[ARGUMENT_FILE] = "_files",
		[ARGUMENT_FOLDER] = "_files -/",
		[ARGUMENT_USER] = "_users",
		[ARGUMENT_SETTING] = "{compadd -S \"\" -a settings}",
	};

	ArgumentKind kind = kind_of(option);
	if (kind == ARGUMENT_NONE)
		return g_strdup("");

	g_autofree char *message = zsh_escape(option->argument, "\\:[]");
	if (kind == ARGUMENT_CHOICE)
		return g_strdup_printf(":%s:(%s)", message, option->choices);
	return g_strdup_printf(":%s:%s", message, actions[kind]);
}

static void
put_zsh_spec(GString *out, const char *way, const CmdOption *option)
{
	g_autofree char *argument = zsh_argument(option);
	g_autofree char *help = zsh_escape(option->help, "\\[]");
	bool is_long = g_str_has_prefix(way, "--");
	g_autofree char *spec = g_strconcat(option->repeats ? "*" : "", way,
	                                    is_long && *argument != '\0' ? "=" : "", "[", help, "]",
	                                    argument, NULL);

	g_string_append(out, " \\\n\t\t\t");
	put_quoted(out, spec, COMPLETION_ZSH);
}

static void
put_zsh_option(GString *out, const Cmd *command, const CmdOption *option)
{
	(void) command;
	if (*option->name != '\0') {
		g_autofree char *way = g_strconcat("--", option->name, NULL);
		put_zsh_spec(out, way, option);
	}
	for (const char *letter = option->letters; *letter != '\0'; letter++) {
		char way[] = { '-', *letter, '\0' };
		put_zsh_spec(out, way, option);
	}
}

static void
put_zsh_operands(GString *out, const Cmd *command)
{
	Operands operands;
	g_autofree char *words = operands_of(command->options, &operands);

	GString *action = g_string_new(NULL);
	if (*words != '\0')
		g_string_append_printf(action, "compadd -- %s; ", words);
	if (operands.users)
		g_string_append(action, "_users; ");
	if (operands.files)
		g_string_append(action, "_files; ");
	if (action->len > 0)
		g_string_append_printf(out, " \\\n\t\t\t'*:operand:{%s}'", action->str);
	g_string_free(action, TRUE);
}

static void
put_zsh(GString *out)
{
	g_autofree char *settings = setting_names("=");

	g_string_append(
		out, "#compdef todoke\n# Made by `todoke help --completion zsh`.\n\n_todoke() {\n"
		     "\tlocal -a commands settings\n");
	g_string_append_printf(out, "\tsettings=(%s)\n\tcommands=(\n", settings);
	for (size_t i = 0; cmd_get(i) != NULL; i++) {
		g_autofree char *help = zsh_escape(cmd_get(i)->help, "\\:");
		g_autofree char *row = g_strdup_printf("%s:%s", cmd_get(i)->name, help);
		g_string_append(out, "\t\t");
		put_quoted(out, row, COMPLETION_ZSH);
		g_string_append(out, "\n");
	}
	g_string_append(out,
	                "\t)\n"
	                "\tif (( CURRENT == 2 )); then _describe command commands; return; fi\n"
	                "\tshift words\n\t(( CURRENT-- ))\n\tcase $words[1] in\n");

	for (size_t i = 0; cmd_get(i) != NULL; i++) {
		g_string_append_printf(out, "\t%s)\n\t\t_arguments :", cmd_get(i)->name);
		each_option(out, cmd_get(i), put_zsh_option);
		put_zsh_operands(out, cmd_get(i));
		g_string_append(out, " ;;\n");
	}
	g_string_append(out, "\tesac\n}\n\n"
	                     "if [ \"$funcstack[1]\" = _todoke ]; then _todoke \"$@\"; "
	                     "else compdef _todoke todoke; fi\n");
}

static void
put_fish_option(GString *out, const Cmd *command, const CmdOption *option)
{
	ArgumentKind kind = kind_of(option);

	g_string_append_printf(out, "complete -c todoke -n '__fish_seen_subcommand_from %s'",
	                       command->name);
	if (*option->name != '\0')
		g_string_append_printf(out, " -l %s", option->name);
	if (*option->also != '\0')
		g_string_append_printf(out, " -l %s", option->also);
	for (const char *letter = option->letters; *letter != '\0'; letter++)
		g_string_append_printf(out, " -s %c", *letter);

	if (kind == ARGUMENT_FILE)
		g_string_append(out, " -r -F");
	else if (kind == ARGUMENT_FOLDER)
		g_string_append(out, " -x -a '(__fish_complete_directories)'");
	else if (kind == ARGUMENT_USER)
		g_string_append(out, " -x -a '(__fish_complete_users)'");
	else if (kind == ARGUMENT_SETTING)
		g_string_append(out, " -x -a '$__todoke_settings'");
	else if (kind != ARGUMENT_NONE)
		g_string_append_printf(out, " -x -a '%s'", option->choices);

	g_string_append(out, " -d ");
	put_quoted(out, option->help, COMPLETION_FISH);
	g_string_append_c(out, '\n');
}

static void
put_fish_command(GString *out, const Cmd *command)
{
	Operands operands;
	g_autofree char *words = operands_of(command->options, &operands);

	g_string_append_printf(out, "complete -c todoke -f -n __fish_use_subcommand -a %s -d ",
	                       command->name);
	put_quoted(out, command->help, COMPLETION_FISH);
	g_string_append_printf(
		out, "\ncomplete -c todoke -n '__fish_seen_subcommand_from %s' %s -a '%s%s'\n",
		command->name, operands.files ? "-F" : "-f", words,
		operands.users ? " (__fish_complete_users)" : "");
	each_option(out, command, put_fish_option);
}

static void
put_fish(GString *out)
{
	g_autofree char *settings = setting_names("=");

	g_string_append_printf(out,
	                       "# Made by `todoke help --completion fish`.\n"
	                       "set -g __todoke_settings %s\n",
	                       settings);
	for (size_t i = 0; cmd_get(i) != NULL; i++)
		put_fish_command(out, cmd_get(i));
}

char *
completion_text(CompletionShell shell)
{
	GString *out = g_string_new(NULL);

	switch (shell) {
	case COMPLETION_BASH:
		put_bash(out);
		break;
	case COMPLETION_ZSH:
		put_zsh(out);
		break;
	case COMPLETION_FISH:
		put_fish(out);
		break;
	}

	return g_string_free(out, FALSE);
}

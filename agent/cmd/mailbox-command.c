/* SPDX-License-Identifier: MIT */
/* mailbox-command: see the header. */
#include "agent/cmd/mailbox-command.h"

#include "agent/base/nearest.h"

#include <string.h>
#include <unistd.h>

static const char *const programs[] = { "todoke", "todoke-deliver", NULL };

/* The commands that take a message from local(8). */
static const char *const words[] = { "deliver", "procmail", NULL };

char *
mailbox_command_program(const char *text, const char **ret_behind)
{
	const char *program = text;
	if (g_str_has_prefix(program, "exec") && strchr(" \t", program[strlen("exec")]) != NULL)
		program += strlen("exec") + strspn(program + strlen("exec"), " \t");

	char quote = *program;
	const char *end = quote == '"' || quote == '\'' ? strchr(program + 1, quote) : NULL;
	if (end != NULL) {
		*ret_behind = end + 1;
		return g_strndup(program + 1, (size_t) (end - program) - 1);
	}

	size_t len = strcspn(program, " \t");
	*ret_behind = program + len;
	return g_strndup(program, len);
}

/* The one of ours that is meant. A program that is there is what its name says. */
static const char *
find_program(const char *path)
{
	g_autofree char *base = g_path_get_basename(path);
	const char *best = nearest_of(base, programs);
	bool is_right = best != NULL && strcmp(base, best) == 0;

	return is_right || (best != NULL && *path == '/' && access(path, X_OK) != 0) ? best : NULL;
}

void
mailbox_command_read(const char *text, MailboxCommand *ret_command)
{
	const char *behind;
	char *program = mailbox_command_program(text, &behind);
	const char *word = behind + strspn(behind, " \t");
	size_t len = strcspn(word, " \t");

	*ret_command = (MailboxCommand){ .program = program,
		                         .word = g_strndup(word, len),
		                         .behind = word + len,
		                         .meant_program = find_program(program) };
	ret_command->meant_word = nearest_of(ret_command->word, words);
}

void
mailbox_command_clear(MailboxCommand *command)
{
	g_clear_pointer(&command->program, g_free);
	g_clear_pointer(&command->word, g_free);
}

bool
mailbox_command_has_wrong_program(const MailboxCommand *command)
{
	g_autofree char *base = g_path_get_basename(command->program);
	return command->meant_program != NULL && strcmp(base, command->meant_program) != 0;
}

bool
mailbox_command_has_wrong_word(const MailboxCommand *command)
{
	return command->meant_program != NULL && g_strcmp0(command->word, command->meant_word) != 0;
}

char *
mailbox_command_meant(const MailboxCommand *command, const char *program)
{
	if (command->meant_program == NULL || command->meant_word == NULL)
		return NULL;

	g_autofree char *folder = g_path_get_dirname(command->program);
	g_autofree char *beside = g_build_filename(folder, command->meant_program, NULL);
	const char *right = !mailbox_command_has_wrong_program(command) ? command->program
	                    : access(beside, X_OK) == 0                 ? beside
	                                                                : program;

	return g_strdup_printf("%s %s%s", right, command->meant_word, command->behind);
}

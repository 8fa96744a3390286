/* SPDX-License-Identifier: MIT */
/*
 * mailbox-command: what Postfix's mailbox_command runs: which program, which command of todoke, and
 * what was meant where a word of it is misspelt.
 */
#ifndef TODOKE_MAILBOX_COMMAND_H
#define TODOKE_MAILBOX_COMMAND_H

#include <glib.h>
#include <stdbool.h>

typedef struct {
	char *program;      /* as it is written, without "exec" and quotes */
	char *word;         /* the word behind it; "": none */
	const char *behind; /* what stands behind that word; borrowed from the text */
	/* "todoke" or "todoke-deliver"; NULL: another program, that is there or near neither */
	const char *meant_program;
	const char *meant_word; /* "deliver" or "procmail"; NULL: the word is near neither */
} MailboxCommand;

/* Clear with mailbox_command_clear. `text` must live as long. */
void mailbox_command_read(const char *text, MailboxCommand *ret_command);
void mailbox_command_clear(MailboxCommand *command);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MailboxCommand, mailbox_command_clear)

/* The program of a command; *ret_behind: what stands behind it. Caller frees. */
char *mailbox_command_program(const char *text, const char **ret_behind);

/* Is the program called otherwise than the one that is meant? */
bool mailbox_command_has_wrong_program(const MailboxCommand *command);

/* Is it todoke, with a word that is none of its commands for Postfix? */
bool mailbox_command_has_wrong_word(const MailboxCommand *command);

/*
 * The command as it was meant, with `program` where the program is wrong and none of the right name
 * lies beside it. NULL: it is not known what was meant. Caller frees.
 */
char *mailbox_command_meant(const MailboxCommand *command, const char *program);

#endif

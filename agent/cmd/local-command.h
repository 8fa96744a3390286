/* SPDX-License-Identifier: MIT */
/*
 * local-command: which command local(8) runs for the accounts of the system: mailbox_command_maps
 * has one for some of them, mailbox_command one for the others.
 */
#ifndef TODOKE_LOCAL_COMMAND_H
#define TODOKE_LOCAL_COMMAND_H

#include "agent/cmd/postfix-facts.h"

/* The parameters that decide it, for postconf(1); NULL ends. */
extern const char *const local_command_parameters[];

typedef struct {
	char *command;         /* "": local(8) runs none, as a transport goes before it */
	const char *parameter; /* the one that has the command */
	char *unasked;         /* why a table before it could not be asked; NULL: all were */
} LocalCommand;

/* What runs for this account. Clear with local_command_clear. */
void local_command_find(const PostfixFacts *facts, const char *user, LocalCommand *ret_command);
void local_command_clear(LocalCommand *command);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(LocalCommand, local_command_clear)

/*
 * Is there an account for which a command runs that `is_meant` says yes to? Tables that cannot be
 * listed are not looked at.
 */
bool local_command_any(const PostfixFacts *facts, bool (*is_meant)(const char *command));

#endif

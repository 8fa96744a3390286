/* SPDX-License-Identifier: MIT */
/*
 * setup-before: which delivery agent a Postfix calls now, so that setup can take its line over:
 * dovecot-lda, maildrop or procmail by mailbox_command or a pipe transport, or Dovecot's LMTP.
 */
#ifndef TODOKE_SETUP_BEFORE_H
#define TODOKE_SETUP_BEFORE_H

#include "agent/cmd/setup-plan.h"

typedef struct {
	const char *program; /* "maildrop"; NULL: none of those that are known */
	char *where;         /* "mailbox_command", "virtual_transport = dovecot of master.cf" */
	SetupDoor door;      /* that takes its place */
	char *user;          /* "user=" of its pipe service; NULL: it has none */
	const char *hint;    /* what else of it moves; NULL: nothing */
} SetupBefore;

/* Clear with setup_before_clear. `virtual_users` as in SetupWish. */
void setup_before_find(const PostfixFacts *facts, bool virtual_users, SetupBefore *ret_before);

void setup_before_clear(SetupBefore *before);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SetupBefore, setup_before_clear)

#endif

/* SPDX-License-Identifier: MIT */
/* source-words: where users come from, in the words of commands for people. */
#ifndef TODOKE_SOURCE_WORDS_H
#define TODOKE_SOURCE_WORDS_H

#include "agent/run/account.h"

#include <jansson.h>

/*
 * "users: dovecot (/run/dovecot/auth-userdb)", the source in force. NULL: users are those of the
 * system or of a virtual tree, of which there is nothing to say. Caller frees.
 */
char *source_words_site(const Conf *conf);

/*
 * "source of the account: dovecot; its settings: quota_bytes=1000", which override those of the
 * site. NULL: as above. Caller frees.
 */
char *source_words_account(const Account *account);

/* Add "source" and, where it has some for this user, "source_settings". */
void source_words_add_json(json_t *object, const Account *account);

#endif

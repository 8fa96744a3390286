/* SPDX-License-Identifier: MIT */
/* conf-state: how the setting `state` is written. */
#ifndef TODOKE_CONF_STATE_H
#define TODOKE_CONF_STATE_H

#include <stdbool.h>

/*
 * Is `setting` right: "sqlite", "postgresql:CONNECTION", "redis://HOST", "redis:/SOCKET",
 * "rediss://HOST"? False: *ret_why (static) says what is wrong.
 */
bool conf_state_check(const char *setting, const char **ret_why);

/* Does it name a server, and no file beside the mailbox? */
bool conf_state_is_shared(const char *setting);

/* Do we encrypt the connection to it? libpq sees to that itself. */
bool conf_state_is_encrypted(const char *setting);

/*
 * The file of the module for a right setting, static; *ret_where is what stands behind its name, a
 * part of `setting`. NULL: the setting is wrong.
 */
const char *conf_state_module(const char *setting, const char **ret_where);

#endif

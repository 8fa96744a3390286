/* SPDX-License-Identifier: MIT */
/*
 * owner-settings: the file in which an owner says settings that concern only the owner. It is
 * trusted as a script of the owner is, and read with the owner's rights.
 */
#ifndef TODOKE_OWNER_SETTINGS_H
#define TODOKE_OWNER_SETTINGS_H

#include "agent/run/account.h"

/*
 * The settings of account_conf, with those of the owner's file over them. NULL: `conf` holds as it
 * is. A file that cannot be used, and each line of it that cannot, is a note (char *) in `notes`
 * (NULL: nobody reads them); the mail is delivered. Call with the owner's rights. Caller frees.
 */
Conf *owner_settings_read(const Account *account, const Conf *conf, GPtrArray *notes);

#endif

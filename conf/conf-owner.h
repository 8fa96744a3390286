/* SPDX-License-Identifier: MIT */
/*
 * conf-owner: the settings that an owner may say in a file of their own (owner_settings). They
 * concern only that owner's mail; conf-owner.def lists them and says how far they go.
 */
#ifndef TODOKE_CONF_OWNER_H
#define TODOKE_CONF_OWNER_H

#include "conf/conf.h"

/*
 * Set in `own`, which is a copy, what the text of the owner's file `path` says; the text has `len`
 * octets and a NUL, and is changed. A statement that is wrong or not the owner's to say is left
 * out, and a problem is appended; the others count. `path` must live as long as `own`.
 */
void conf_owner_use(Conf *own, char *text, size_t len, const char *path, GPtrArray *problems);

#endif

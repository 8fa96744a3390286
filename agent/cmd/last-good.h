/* SPDX-License-Identifier: MIT */
/* last-good: the version of a script that worked last, which runs as long as the file is broken. */
#ifndef TODOKE_LAST_GOOD_H
#define TODOKE_LAST_GOOD_H

#include "agent/run/account.h"
#include "agent/run/script-compile-set.h"
#include "agent/run/site.h"

/*
 * What deliveries remember of the script at `path` of this account, whose rights we have; the state
 * stays as it is. NULL: nothing. Caller frees.
 */
ScriptSet *
last_good_find(const Site *site, const Account *account, const Conf *conf, const char *path);

/*
 * A command line for sh that puts that version in the place of the file, in one step, and keeps the
 * broken one beside it. NULL: the file has no real path. Caller frees.
 */
char *last_good_command(const Conf *conf, const char *path, const char *user);

#endif

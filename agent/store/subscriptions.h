/* SPDX-License-Identifier: MIT */
/* subscriptions: Dovecot's list of the folders that clients show. */
#ifndef TODOKE_SUBSCRIPTIONS_H
#define TODOKE_SUBSCRIPTIONS_H

#include "agent/base/status.h"

/*
 * Add the folder `name`, written as on the disk with `separator` between its levels, to the
 * subscriptions file in `dirfd`. Both forms of the file are understood, one name a line and "V\t2"
 * (levels separated by tabs); a new file is of the first. Nothing is written where it stands there
 * already.
 */
bool subscriptions_add(int dirfd, const char *name, char separator, Status *st);

#endif

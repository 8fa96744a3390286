/* SPDX-License-Identifier: MIT */
/* secret-file: a password in a file of its own. */
#ifndef TODOKE_SECRET_FILE_H
#define TODOKE_SECRET_FILE_H

#include "agent/base/status.h"

/*
 * The first line of the file `path`, which `setting` names. Only root, or who we are, may own it,
 * and others may neither read nor write it. *ret_secret is the caller's. Faults: those of
 * fs_read_judged.
 */
bool secret_file_read(const char *setting, const char *path, char **ret_secret, Status *st);

/* The same for a secret of several lines: all of the file. */
bool secret_file_read_all(const char *setting, const char *path, char **ret_secret, Status *st);

#endif

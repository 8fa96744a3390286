/* SPDX-License-Identifier: MIT */
/*
 * module: shared objects of ours that are opened when they are needed, because their libraries cost
 * more than all the rest of a delivery.
 */
#ifndef TODOKE_MODULE_H
#define TODOKE_MODULE_H

#include "agent/base/status.h"

/*
 * The table that `symbol`, a function without arguments, of the file `file` returns. The folder is
 * $TODOKE_MODULE_DIR (not in a process that gained privileges by exec), else the one of the
 * installation. It is never closed; callers keep the table, whose first member is an unsigned, its
 * version. NULL: STATUS_CONFIG (it cannot be opened, or has another version).
 */
const void *module_open(const char *file, const char *symbol, unsigned version, Status *st);

/*
 * The path of a program of ours that people don't call, such as todoke-libsieve. The folder is
 * $TODOKE_PROGRAM_DIR (not in a process that gained privileges by exec), else the one of the
 * installation. Caller frees.
 */
char *module_program_path(const char *name);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * state-copy: a copy of an owner's state for `try`, which must not open, lock or write the
 * original.
 */
#ifndef TODOKE_STATE_COPY_H
#define TODOKE_STATE_COPY_H

#include "agent/base/status.h"

/*
 * Copy the file `name` and its log from `folder` to the folder `to`, in the state between two
 * writes. A missing file is not copied. False: it cannot be read, or has more than LIMIT_STATE_COPY
 * octets; what is in `to` is then not usable.
 */
bool state_copy(const char *folder, const char *name, const char *to, Status *st);

#endif

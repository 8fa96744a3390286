/* SPDX-License-Identifier: MIT */
/* mime-load: the module for the other files of the parsed view. */
#ifndef TODOKE_MIME_LOAD_H
#define TODOKE_MIME_LOAD_H

#include "agent/message/mime-module.h"

/* The module's table, opened at the first call. NULL: STATUS_CONFIG. */
const MimeModule *mime_load(Status *st);

#endif

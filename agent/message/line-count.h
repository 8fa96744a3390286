/* SPDX-License-Identifier: MIT */
/* line-count: the line ends of a piece of a body, in one pass over it. */
#ifndef TODOKE_LINE_COUNT_H
#define TODOKE_LINE_COUNT_H

#include <glib.h>
#include <stdbool.h>

/* How many LF there are among these octets; *ret_has_cr says whether there is a CR. */
guint64 line_count(const char *data, size_t len, bool *ret_has_cr);

#endif

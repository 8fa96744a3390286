/* SPDX-License-Identifier: MIT */
/* when: a moment as people write it on a command line. */
#ifndef TODOKE_WHEN_H
#define TODOKE_WHEN_H

#include <glib.h>
#include <stdbool.h>

/*
 * Read "2026-11-30", "2026-11-30 09:15[:00]" (also with T, and Z for UTC; else local time), "09:15"
 * (of today), "today", "yesterday", "@SECONDS" (since 1970), or how long ago: "90s", "15m", "2h",
 * "7d", "4w". *ret_us: microseconds since 1970. False: the text is none of these, and *ret_us is
 * untouched.
 */
bool when_parse(const char *text, gint64 now_us, gint64 *ret_us);

#endif

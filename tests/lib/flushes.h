/* SPDX-License-Identifier: MIT */
/* flushes: stands in for fsync() of libc, says what was flushed, and lets some of it fail. */
#ifndef TODOKE_FLUSHES_H
#define TODOKE_FLUSHES_H

#include <glib.h>
#include <stdbool.h>

/*
 * Begin anew. What fits the pattern `broken` ("*" and "?"; NULL: nothing does) fails with EIO until
 * flushes_end. The pattern is borrowed.
 */
void flushes_begin(const char *broken);
void flushes_end(void);

/* Paths of what was flushed since then, in their order. Borrowed. */
const GPtrArray *flushes_all(void);

/* Was anything flushed that fits the pattern? */
bool flushes_have(const char *pattern);

#endif

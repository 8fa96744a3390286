/* SPDX-License-Identifier: MIT */
/*
 * sieve-pattern: patterns of :matches (RFC 5228 2.7.1), for the checker, which compares them, and
 * for the match.
 */
#ifndef TODOKE_SIEVE_PATTERN_H
#define TODOKE_SIEVE_PATTERN_H

#include "filters/sieve/lang/sieve-compare.h"

/* A pattern of :matches, in the comparator's normal form. */
typedef struct SievePattern SievePattern;
SievePattern *sieve_pattern_new(SieveArena *arena, SieveText pattern);

/*
 * Is the pattern no more than a text, or with stars around it a text anywhere? *ret_text is it,
 * empty for "*".
 */
bool sieve_pattern_is_plain(const SievePattern *pattern, SieveText *ret_text, bool *ret_anywhere);

/* Does each value that matches have this text in it, as far as a look at the pattern tells? */
bool sieve_pattern_has(const SievePattern *pattern, SieveText text);

/*
 * Does the whole of the value match? Time grows with value times pattern at worst; each step is
 * taken from *steps, at none the answer is no. `captures` (NULL: not wanted) has room for
 * LIMIT_SIEVE_CAPTURES texts: of the wildcards, each as short as possible from the left (RFC 5229
 * 3.2).
 */
bool sieve_pattern_match(const SievePattern *pattern, const SieveComparator *comparator,
                         SieveText value, SieveText *captures, size_t *ret_n, guint64 *steps);

#endif

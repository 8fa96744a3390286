/* SPDX-License-Identifier: MIT */
/*
 * sieve-grams: which rows of four octets a text has, so that many searches in it need not read it
 * again. Letters of US-ASCII count in lower case. A row may seem to be there that is not, but never
 * the other way round.
 */
#ifndef TODOKE_SIEVE_GRAMS_H
#define TODOKE_SIEVE_GRAMS_H

#include <glib.h>
#include <stdbool.h>

typedef struct SieveGrams SieveGrams;

/* Caller frees. */
SieveGrams *sieve_grams_new(const char *text, size_t len);
void sieve_grams_free(SieveGrams *grams);

/* Octets that it takes. */
size_t sieve_grams_size(const SieveGrams *grams);

/* Is the row certainly not in the text, whatever the case of its letters? */
bool sieve_grams_lack(const SieveGrams *grams, const char *row, size_t len);

#endif

/* SPDX-License-Identifier: MIT */
/* foreign-sieve: the rules of another program as a Sieve script. */
#ifndef TODOKE_FOREIGN_SIEVE_H
#define TODOKE_FOREIGN_SIEVE_H

#include "filters/foreign/foreign.h"
#include "filters/recipe/convert/recipe-convert-pattern.h"

/* Rules by how far the Sieve means the same. */
typedef struct {
	unsigned rules[VERDICT_BY_HAND + 1];
} ForeignSieveCounts;

/*
 * The script. Above each rule stands its line, and whether it means the same; what does not
 * convert stays as a comment, and is listed at the end with line, reason and what to do. It always
 * compiles. `file` is named at the top. Caller frees.
 */
char *foreign_sieve(const ForeignRules *rules, const ForeignPlaces *places, FilterEnv *env,
                    const char *file, ForeignSieveCounts *ret_counts);

#endif

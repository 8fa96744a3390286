/* SPDX-License-Identifier: MIT */
/* sieve-imply: what is known of one test from another, whatever the message: for warnings only. */
#ifndef TODOKE_SIEVE_IMPLY_H
#define TODOKE_SIEVE_IMPLY_H

#include "filters/sieve/lang/sieve-ext.h"

/* What such questions may still cost, in comparisons; at 0 the answer is no. */
typedef struct {
	guint64 left;
} SieveEffort;

/* Pay for comparisons; false: nothing is left. */
bool sieve_imply_pay(SieveEffort *effort, guint64 steps);

/* Are the two calls word for word the same? */
bool sieve_imply_same(const SieveCall *a, const SieveCall *b);

/*
 * Wherever `narrow` is true, is `wide` surely true? Both are bound, without variables. No means:
 * not as far as we see. Headers and keys are sets, :contains is wider than :is, anyof, allof and
 * not are looked into.
 */
bool sieve_imply_follows(const SieveCall *narrow, const SieveCall *wide, SieveEffort *effort);

/*
 * Is an allof never true (-1) or an anyof always (1), because a test and the `not` of a wider or
 * narrower one stand in it? 0: no.
 */
int sieve_imply_contradiction(const SieveCall *call, SieveEffort *effort);

#endif

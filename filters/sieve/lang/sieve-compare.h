/* SPDX-License-Identifier: MIT */
/*
 * sieve-compare: comparators (RFC 4790). A comparator brings values into a form in which equal
 * values are equal bytes, and may order them.
 */
#ifndef TODOKE_SIEVE_COMPARE_H
#define TODOKE_SIEVE_COMPARE_H

#include "filters/sieve/lang/sieve-ext.h"
#include "filters/sieve/lang/sieve-text.h"

struct SieveComparator {
	const char *name; /* "i;octet"; an extension's capability is "comparator-" and this */
	/* Octet for octet: fold[c]. NULL: see `normalize`. */
	const guchar *fold;
	/*
	 * The normal form, in `arena`; for comparators that don't work octet by octet. NULL where
	 * `fold` is there.
	 */
	SieveText (*normalize)(SieveArena *arena, SieveText text);
	/*
	 * The length of the character that begins the text (at least 1, at most text.len > 0): what
	 * "?" stands for.
	 */
	size_t (*char_length)(SieveText text);
	/* Below, equal, above. NULL: bytes of the normal form. */
	int (*order)(SieveText a, SieveText b);
	bool has_substrings; /* good for :contains and :matches */
};

extern const SieveComparator sieve_compare_octet;
extern const SieveComparator sieve_compare_ascii_casemap;

/* The normal form of the text, in `arena`, or the text itself where that is it. */
SieveText
sieve_compare_normalize(const SieveComparator *comparator, SieveArena *arena, SieveText text);

/* Compare two texts that are not in normal form. */
int
sieve_compare_order(const SieveComparator *comparator, SieveArena *arena, SieveText a, SieveText b);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * sieve-match-type: what a match type is (:is, :contains, :regex ...), and what the checker finds
 * out of the match of a call. How a test uses it stands in run/sieve-match.h.
 */
#ifndef TODOKE_SIEVE_MATCH_TYPE_H
#define TODOKE_SIEVE_MATCH_TYPE_H

#include "filters/sieve/lang/sieve-compare.h"

/* A match at work (run/sieve-match.h). */
typedef struct SieveMatch SieveMatch;

/* A key, made ready by the checker where it is constant, else for each test. */
typedef struct {
	SieveText text;   /* as written */
	SieveText normal; /* in the comparator's normal form; for :matches as written */
	void *data;       /* what the match type prepared: a pattern */
} SieveKey;

/* What the checker found out about the match of a call. */
struct SieveMatchSpec {
	const SieveMatchDef *def;
	const SieveComparator *comparator;
	const SieveArg *value;   /* of the match type: the relation */
	int relation;            /* what check_value made of it */
	const SieveArg *key_arg; /* NULL: the call has none (an optional argument) */
	const SieveKey *keys;    /* prepared; NULL: they have variables in them */
	size_t n_keys;
	bool splits_keys; /* SIEVE_SPLITS_KEYS */
};

typedef enum {
	SIEVE_NEEDS_EQUAL = 0,
	SIEVE_NEEDS_SUBSTRINGS = 1, /* the comparator must have has_substrings */
	SIEVE_NEEDS_ORDER = 2,
	/*
	 * the comparator plays no part: :regex takes i;octet and i;ascii-casemap only by its own
	 * check
	 */
	SIEVE_NEEDS_NOTHING = 3,
} SieveMatchNeeds;

struct SieveMatchDef {
	const char *name; /* "contains" */
	unsigned value;   /* SieveArgType of what follows the tag */
	SieveMatchNeeds needs;
	/*
	 * compares the number of values (RFC 5231 4.2): match sees it as the one value, in decimal
	 */
	bool counts;
	/*
	 * Look at the tag's value and the comparator; *ret_relation goes to spec->relation. NULL:
	 * nothing to look at.
	 */
	bool (*check_value)(SieveCheck *check, SieveCall *call, const SieveMatchSpec *spec,
	                    const SieveArg *value, int *ret_relation);
	/*
	 * Make a key ready in `arena` (the program's or the run's; sieve_arena_defer what is not in
	 * it). False: the key is wrong, *ret_error says why (the caller frees it); that is a
	 * compile error, or for a key with variables no match.
	 */
	bool (*prepare)(SieveArena *arena, const SieveMatchSpec *spec, SieveKey *key,
	                char **ret_error);
	/*
	 * Does the value match the key? `normal` is the value in the comparator's normal form. Sets
	 * match variables itself.
	 */
	bool (*match)(SieveMatch *match, SieveText value, SieveText normal, const SieveKey *key,
	              bool *ret_matched);
	/* In place of match: all keys at once, whatever they are (:list). */
	bool (*match_all)(SieveMatch *match, SieveText value, bool *ret_matched);
};

/*
 * For the checker: append the key (SieveKey) that the text is, or the keys that it holds, to
 * `keys`. False: *ret_error says what is wrong with it.
 */
bool sieve_match_type_prepare(SieveArena *arena, const SieveMatchSpec *spec, SieveText text,
                              GArray *keys, char **ret_error);

/* :is, :contains and :matches, in this order; of run/sieve-match.c. */
extern const SieveMatchDef *const sieve_match_type_core[];

#endif

/*
 * sieve-match: match types, and how a test compares its values with its keys.
 *
 * A test that takes match types (SIEVE_USES_MATCH) does:
 *
 *	SieveMatch match;
 *	if (!sieve_match_begin(&match, run, call))
 *		return false;
 *	for each value, until match.done:
 *		if (!sieve_match_add(&match, value))
 *			return false;
 *	return sieve_match_end(&match, ret_result);
 *
 * Values are decoded UTF-8 and live until sieve_match_end. Each value is held against each key; the
 * first pair that matches ends it (RFC 5228 2.7.1) and sets the match variables.
 */
#ifndef TODOKE_SIEVE_MATCH_H
#define TODOKE_SIEVE_MATCH_H

#include "filters/sieve/run/sieve-compare.h"

/* A key, made ready by the checker where it is constant, else for each test. */
typedef struct {
	SieveText text;      /* as written */
	SieveText normal;    /* in the comparator's normal form; for :matches as written */
	void *data;          /* what the match type prepared: a pattern */
} SieveKey;

/* What the checker found out about the match of a call. */
struct SieveMatchSpec {
	const SieveMatchDef *def;
	const SieveComparator *comparator;
	const SieveArg *value;      /* of the match type: the relation */
	int relation;               /* what check_value made of it */
	const SieveArg *key_arg;    /* NULL: the call has none (an optional argument) */
	const SieveKey *keys;       /* prepared; NULL: they have variables in them */
	size_t n_keys;
	bool splits_keys;           /* SIEVE_SPLITS_KEYS */
};

typedef struct {
	SieveRun *run;
	const SieveCall *call;
	const SieveMatchSpec *spec;
	const SieveKey *keys;
	size_t n_keys;
	guint64 count;       /* values seen */
	bool done;           /* nothing that follows can change the result */
	bool matched;
} SieveMatch;

typedef enum {
	SIEVE_NEEDS_EQUAL = 0,
	SIEVE_NEEDS_SUBSTRINGS = 1,   /* the comparator must have has_substrings */
	SIEVE_NEEDS_ORDER = 2,
	SIEVE_NEEDS_NOTHING = 3,      /* the comparator plays no part: :regex takes i;octet and i;ascii-casemap only by its own check */
} SieveMatchNeeds;

struct SieveMatchDef {
	const char *name;          /* "contains" */
	unsigned value;            /* SieveArgType of what follows the tag */
	SieveMatchNeeds needs;
	bool counts;               /* compares the number of values (RFC 5231 4.2): match sees it as the one value, in decimal */
	/*
	 * Look at the tag's value and the comparator; *ret_relation goes to spec->relation. NULL:
	 * nothing to look at.
	 */
	bool (*check_value)(SieveCheck *check, SieveCall *call, const SieveMatchSpec *spec, const SieveArg *value, int *ret_relation);
	/*
	 * Make a key ready in `arena` (the program's or the run's; sieve_arena_defer what is not in
	 * it). False: the key is wrong, *ret_error says why (the caller frees it); that is a
	 * compile error, or for a key with variables no match.
	 */
	bool (*prepare)(SieveArena *arena, const SieveMatchSpec *spec, SieveKey *key, char **ret_error);
	/*
	 * Does the value match the key? `normal` is the value in the comparator's normal form. Sets
	 * match variables itself.
	 */
	bool (*match)(SieveMatch *match, SieveText value, SieveText normal, const SieveKey *key, bool *ret_matched);
	/* In place of match: all keys at once, whatever they are (:list). */
	bool (*match_all)(SieveMatch *match, SieveText value, bool *ret_matched);
};

bool sieve_match_begin(SieveMatch *match, SieveRun *run, const SieveCall *call);
bool sieve_match_add(SieveMatch *match, SieveText value);
bool sieve_match_end(SieveMatch *match, bool *ret_result);

/*
 * In place of sieve_match_add: the part of the address that the call asks for; nothing where the
 * address has none.
 */
bool sieve_match_add_address(SieveMatch *match, const SieveAddress *address);

/*
 * For the checker: append the key (SieveKey) that the text is, or the keys that it holds, to
 * `keys`. False: *ret_error says what is wrong with it.
 */
bool sieve_match_prepare(SieveArena *arena, const SieveMatchSpec *spec, SieveText text, GArray *keys, char **ret_error);

/* :is, :contains and :matches. */
extern const SieveMatchDef *const sieve_match_core[];

/*
 * The captures of a match, for ${1} and following; ${0} is first. Copied. Does nothing unless the
 * script has variables.
 */
void sieve_match_set_captures(SieveRun *run, const SieveText *captures, size_t n);

/* Whether captures are wanted at all. */
bool sieve_match_wants_captures(const SieveRun *run);

/* A pattern of :matches, in the comparator's normal form. */
typedef struct SievePattern SievePattern;
SievePattern *sieve_match_pattern_new(SieveArena *arena, SieveText pattern);

/*
 * Is the pattern no more than a text, or with stars around it a text anywhere? *ret_text is it,
 * empty for "*".
 */
bool sieve_match_pattern_is_plain(const SievePattern *pattern, SieveText *ret_text, bool *ret_anywhere);

/* Does each value that matches have this text in it, as far as a look at the pattern tells? */
bool sieve_match_pattern_has(const SievePattern *pattern, SieveText text);

/*
 * Does the whole of the value match? Time grows with value times pattern at worst; each step is
 * taken from *steps, at none the answer is no. `captures` (NULL: not wanted) has room for
 * LIMIT_SIEVE_CAPTURES texts: of the wildcards, each as short as possible from the left (RFC 5229
 * 3.2).
 */
bool sieve_match_pattern(const SievePattern *pattern, const SieveComparator *comparator, SieveText value, SieveText *captures,
                         size_t *ret_n, guint64 *steps);

#endif

/* SPDX-License-Identifier: MIT */
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

#include "filters/sieve/lang/sieve-match-type.h"
#include "filters/sieve/run/sieve-grams.h"

struct SieveMatch {
	SieveRun *run;
	const SieveCall *call;
	const SieveMatchSpec *spec;
	const SieveKey *keys;
	size_t n_keys;
	SieveText field; /* where the values come from: "Subject"; empty: it has no name */
	guint64 count;   /* values seen */
	bool done;       /* nothing that follows can change the result */
	bool matched;
};

bool sieve_match_begin(SieveMatch *match, SieveRun *run, const SieveCall *call);
bool sieve_match_add(SieveMatch *match, SieveText value);
bool sieve_match_end(SieveMatch *match, bool *ret_result);

/*
 * Can a value with these grams not match? Then sieve_match_add need not be called for it. False
 * where only that can tell, or somebody wants to read what it compares.
 */
bool sieve_match_lacks(const SieveMatch *match, const SieveGrams *grams);

/*
 * In place of sieve_match_add: the part of the address that the call asks for; nothing where the
 * address has none.
 */
bool sieve_match_add_address(SieveMatch *match, const SieveAddress *address);

/*
 * The captures of a match, for ${1} and following; ${0} is first. Copied. Does nothing unless the
 * script has variables.
 */
void sieve_match_set_captures(SieveRun *run, const SieveText *captures, size_t n);

/* Whether captures are wanted at all. */
bool sieve_match_wants_captures(const SieveRun *run);

#endif

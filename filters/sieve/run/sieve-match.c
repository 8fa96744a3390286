/* SPDX-License-Identifier: MIT */
/* sieve-match: :is, :contains, :matches, and the frame that all match types work in. */
#define _GNU_SOURCE
#include "filters/sieve/run/sieve-match.h"

#include "agent/base/limits.h"
#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/lang/sieve-pattern.h"
#include "filters/sieve/lang/sieve-text.h"
#include "filters/sieve/run/sieve-run.h"

#include <string.h>

/*
 * One step is a comparison in a loop of ours; the C library's searches do many octets in that time.
 */
enum { OCTETS_A_STEP = 16, TRACE_OCTETS = 200 };

static bool
match_is(SieveMatch *match, SieveText value, SieveText normal, const SieveKey *key,
         bool *ret_matched)
{
	const SieveComparator *comparator = match->spec->comparator;
	bool by_order = comparator->fold == NULL && comparator->order != NULL;
	*ret_matched = by_order ? comparator->order(value, key->text) == 0
	                        : sieve_text_equal(normal, key->normal);
	return true;
}

static bool
match_contains(SieveMatch *match, SieveText value, SieveText normal, const SieveKey *key,
               bool *ret_matched)
{
	(void) value;
	*ret_matched = memmem(normal.data, normal.len, key->normal.data, key->normal.len) != NULL;
	return sieve_run_spend(match->run, normal.len / OCTETS_A_STEP + 1);
}

static bool
prepare_pattern(SieveArena *arena, const SieveMatchSpec *spec, SieveKey *key, char **ret_error)
{
	(void) spec;
	(void) ret_error;
	key->data = sieve_pattern_new(arena, key->normal);
	return true;
}

/*
 * Where the first `len` octets of the normal form come from: character by character, as normal
 * forms are made.
 */
static size_t
original_offset(const SieveComparator *comparator, SieveArena *arena, SieveText value, size_t len)
{
	size_t at = 0;
	for (size_t done = 0; done < len && at < value.len;) {
		SieveText rest = { value.data + at, value.len - at };
		size_t n = comparator->char_length(rest);
		done += comparator->normalize(arena, (SieveText){ rest.data, n }).len;
		at += n;
	}

	return at;
}

/* Captures are texts of the normal form; the script wants those of the value. */
static void
captures_to_value(const SieveMatch *match, SieveText value, SieveText normal, SieveText *captures,
                  size_t n)
{
	const SieveComparator *comparator = match->spec->comparator;
	for (size_t i = 0; i < n; i++) {
		size_t from = (size_t) (captures[i].data - normal.data),
		       to = from + captures[i].len;
		if (comparator->fold == NULL) {
			from = original_offset(comparator, match->run->scratch, value, from);
			to = original_offset(comparator, match->run->scratch, value, to);
		}
		captures[i] = (SieveText){ value.data + from, to - from };
	}
}

static bool
match_matches(SieveMatch *match, SieveText value, SieveText normal, const SieveKey *key,
              bool *ret_matched)
{
	SieveRun *run = match->run;
	SieveText captures[LIMIT_SIEVE_CAPTURES];
	size_t n = 0;
	bool wanted = sieve_match_wants_captures(run);

	*ret_matched = sieve_pattern_match(key->data, match->spec->comparator, normal,
	                                   wanted ? captures : NULL, &n, &run->steps_left);
	if (*ret_matched && wanted) {
		captures_to_value(match, value, normal, captures, n);
		sieve_match_set_captures(run, captures, n);
	}

	return sieve_run_spend(run, 1);
}

static const SieveMatchDef is = { .name = "is", .match = match_is };
static const SieveMatchDef contains = { .name = "contains",
	                                .needs = SIEVE_NEEDS_SUBSTRINGS,
	                                .match = match_contains };
static const SieveMatchDef matches = { .name = "matches",
	                               .needs = SIEVE_NEEDS_SUBSTRINGS,
	                               .prepare = prepare_pattern,
	                               .match = match_matches };

const SieveMatchDef *const sieve_match_type_core[] = { &is, &contains, &matches, NULL };

bool
sieve_match_wants_captures(const SieveRun *run)
{
	return run->program->has_variables;
}

void
sieve_match_set_captures(SieveRun *run, const SieveText *captures, size_t n)
{
	if (!sieve_match_wants_captures(run))
		return;
	size_t total = 0;
	for (size_t i = 0; i < n; i++)
		total += captures[i].len;

	SieveText *copies = g_malloc(n * sizeof(SieveText) + total);
	char *at = (char *) (copies + n);
	for (size_t i = 0; i < n; i++) {
		copies[i] = (SieveText){ memcpy(at, captures[i].data, captures[i].len),
			                 captures[i].len };
		at += captures[i].len;
	}

	g_free(run->captures);
	run->captures = copies;
	run->n_captures = n;
}

/*
 * Keys that have variables in them, for this test only. A key that became wrong by them matches
 * nothing.
 */
static void
prepare_keys(SieveMatch *match)
{
	SieveRun *run = match->run;
	const SieveArg *arg = match->spec->key_arg;
	g_autoptr(GArray) keys = g_array_sized_new(FALSE, FALSE, sizeof(SieveKey), (guint) arg->n);

	for (size_t i = 0; i < arg->n; i++) {
		g_autofree char *error = NULL;
		SieveText text = sieve_run_text(run, &arg->strings[i]);
		if (!sieve_match_type_prepare(run->scratch, match->spec, text, keys, &error))
			sieve_run_trace(run, TRACE_MATCHING, match->call,
			                "key \"%.*s\" matches nothing: %s",
			                sieve_text_shown(text, TRACE_OCTETS), text.data, error);
	}

	SieveKey *kept = SIEVE_NEW_ARRAY(run->scratch, SieveKey, keys->len);
	if (keys->len > 0)
		memcpy(kept, keys->data, keys->len * sizeof(SieveKey));
	match->keys = kept;
	match->n_keys = keys->len;
}

bool
sieve_match_begin(SieveMatch *match, SieveRun *run, const SieveCall *call)
{
	const SieveMatchSpec *spec = call->match;

	*match = (SieveMatch){
		.run = run, .call = call, .spec = spec, .keys = spec->keys, .n_keys = spec->n_keys
	};
	if (spec->key_arg != NULL && spec->keys == NULL && spec->def->match_all == NULL)
		prepare_keys(match);
	return true;
}

static void
trace_pair(const SieveMatch *match, SieveText value, const SieveKey *key, bool matched)
{
	sieve_run_trace(match->run, TRACE_MATCHING, match->call, "\"%.*s\" :%s \"%.*s\": %s",
	                sieve_text_shown(value, TRACE_OCTETS), value.data, match->spec->def->name,
	                sieve_text_shown(key->text, TRACE_OCTETS), key->text.data,
	                matched ? "yes" : "no");
}

/* The value against each key. */
static bool
hold_against_keys(SieveMatch *match, SieveText value)
{
	const SieveMatchDef *def = match->spec->def;
	SieveText normal = sieve_compare_normalize(match->spec->comparator, match->run->scratch,
	                                           value);
	if (!sieve_run_spend(match->run, value.len / OCTETS_A_STEP + 1))
		return false;

	for (size_t i = 0; i < match->n_keys && !match->matched; i++) {
		if (!def->match(match, value, normal, &match->keys[i], &match->matched))
			return false;
		if (match->run->env->trace_level >= TRACE_MATCHING)
			trace_pair(match, value, &match->keys[i], match->matched);
		if (match->matched)
			sieve_run_set_pair(match->run, match->call, match->field,
			                   match->keys[i].text, value);
	}

	return true;
}

bool
sieve_match_add(SieveMatch *match, SieveText value)
{
	const SieveMatchDef *def = match->spec->def;

	match->count++;
	if (def->counts || match->done)
		return true;

	SieveArenaMark mark = sieve_arena_mark(match->run->scratch);
	bool good = def->match_all != NULL ? def->match_all(match, value, &match->matched)
	                                   : hold_against_keys(match, value);
	sieve_arena_release(match->run->scratch, mark);
	match->done = match->matched;

	return good;
}

bool
sieve_match_lacks(const SieveMatch *match, const SieveGrams *grams)
{
	const SieveComparator *comparator = match->spec->comparator;
	if (match->spec->def != &contains || match->run->env->trace_level >= TRACE_MATCHING ||
	    (comparator != &sieve_compare_octet && comparator != &sieve_compare_ascii_casemap))
		return false;

	for (size_t i = 0; i < match->n_keys; i++)
		if (!sieve_grams_lack(grams, match->keys[i].text.data, match->keys[i].text.len))
			return false;
	return true;
}

/*
 * :count counts addresses, whatever part of them the test asks for (RFC 5231 4.2); what is no
 * address only as a whole.
 */
bool
sieve_match_add_address(SieveMatch *match, const SieveAddress *address)
{
	const SieveAddressPart *part = match->call->part;
	SieveText text = address->all;
	if (part == NULL || part->get(match->run, address, &text))
		return sieve_match_add(match, text);

	if (address->valid)
		match->count++;
	return true;
}

bool
sieve_match_end(SieveMatch *match, bool *ret_result)
{
	if (match->spec->def->counts) {
		char count[24];
		int len = g_snprintf(count, sizeof count, "%" G_GUINT64_FORMAT, match->count);
		match->field = SIEVE_TEXT(""); /* it is all of them */
		if (!hold_against_keys(match, (SieveText){ count, (size_t) len }))
			return false;
	}

	*ret_result = match->matched;
	return true;
}

/* SPDX-License-Identifier: MIT */
/* sieve-imply: see the header. */
#define _GNU_SOURCE
#include "filters/sieve/lang/sieve-imply.h"

#include "filters/sieve/lang/sieve-match-type.h"
#include "filters/sieve/lang/sieve-pattern.h"

#include <string.h>

enum { OCTETS_A_STEP = 16 };

static bool
same_arg(const SieveArg *a, const SieveArg *b)
{
	if (a->kind != b->kind || a->number != b->number || a->n != b->n ||
	    g_strcmp0(a->tag, b->tag) != 0)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!sieve_text_equal(a->strings[i].text, b->strings[i].text))
			return false;
	return true;
}

bool
sieve_imply_same(const SieveCall *a, const SieveCall *b)
{
	if (a->def != b->def || a->n_args != b->n_args || a->n_tests != b->n_tests)
		return false;
	for (size_t i = 0; i < a->n_args; i++)
		if (!same_arg(&a->args[i], &b->args[i]))
			return false;
	for (size_t i = 0; i < a->n_tests; i++)
		if (!sieve_imply_same(a->tests[i], b->tests[i]))
			return false;

	return true;
}

bool
sieve_imply_pay(SieveEffort *effort, guint64 steps)
{
	effort->left -= MIN(steps, effort->left);
	return effort->left > 0;
}

static bool
is_named(const SieveCall *call, const char *name)
{
	return strcmp(call->def->name, name) == 0;
}

/* Names (without case) of `few` all among those of `many`? */
static bool
names_within(const SieveArg *few, const SieveArg *many, SieveEffort *effort)
{
	for (size_t i = 0; i < few->n; i++) {
		bool found = false;
		for (size_t k = 0; k < many->n && !found; k++) {
			SieveText a = few->strings[i].text, b = many->strings[k].text;
			found = a.len == b.len && g_ascii_strncasecmp(a.data, b.data, a.len) == 0;
		}
		if (!found || !sieve_imply_pay(effort, many->n))
			return false;
	}
	return true;
}

/* What a key asks of a value. */
typedef struct {
	enum { IS, CONTAINS, PATTERN } form;
	SieveText text;              /* of IS and CONTAINS, in normal form */
	const SievePattern *pattern; /* of PATTERN */
} Demand;

static Demand
demand_of(const SieveMatchSpec *spec, const SieveKey *key)
{
	if (spec->def == sieve_match_type_core[0])
		return (Demand){ IS, key->normal, NULL };
	if (spec->def == sieve_match_type_core[1])
		return (Demand){ CONTAINS, key->normal, NULL };

	Demand demand = { PATTERN, key->normal, key->data };
	bool anywhere;
	if (sieve_pattern_is_plain(key->data, &demand.text, &anywhere))
		demand.form = anywhere ? CONTAINS : IS;

	return demand;
}

static bool
has_text(SieveText text, SieveText part)
{
	return memmem(text.data, text.len, part.data, part.len) != NULL;
}

/* Does each value that satisfies `narrow` satisfy `wide`? */
static bool
demand_follows(const Demand *narrow, const Demand *wide, const SieveMatchSpec *spec)
{
	guint64 steps = 100000;
	switch (wide->form) {
	case IS:
		return narrow->form == IS && sieve_text_equal(narrow->text, wide->text);
	case CONTAINS:
		return narrow->form == PATTERN ? sieve_pattern_has(narrow->pattern, wide->text)
		                               : has_text(narrow->text, wide->text);
	default:
		if (narrow->form == IS)
			return sieve_pattern_match(wide->pattern, spec->comparator, narrow->text,
			                           NULL, NULL, &steps);
		return narrow->form == PATTERN && sieve_text_equal(narrow->text, wide->text);
	}
}

/*
 * Of :is, :contains and :matches with a comparator that folds octets more is known than that equal
 * keys are equal.
 */
static bool
is_plain(const SieveMatchSpec *spec)
{
	bool core = spec->def == sieve_match_type_core[0] ||
	            spec->def == sieve_match_type_core[1] || spec->def == sieve_match_type_core[2];
	return core && spec->comparator->fold != NULL;
}

static bool
key_follows(const SieveMatchSpec *narrow, const SieveKey *key, const SieveMatchSpec *wide,
            SieveEffort *effort)
{
	bool plain = is_plain(narrow) && is_plain(wide);
	bool same_type = narrow->def == wide->def && narrow->relation == wide->relation;

	for (size_t i = 0; i < wide->n_keys && sieve_imply_pay(effort, 1); i++) {
		if (same_type && sieve_text_equal(key->text, wide->keys[i].text))
			return true;
		if (!plain)
			continue;
		(void) sieve_imply_pay(effort,
		                       (key->text.len + wide->keys[i].text.len) / OCTETS_A_STEP);
		Demand few = demand_of(narrow, key), many = demand_of(wide, &wide->keys[i]);
		if (demand_follows(&few, &many, wide))
			return true;
	}

	return false;
}

static bool
keys_follow(const SieveCall *narrow, const SieveCall *wide, SieveEffort *effort)
{
	const SieveMatchSpec *a = narrow->match, *b = wide->match;
	if (a->keys == NULL || b->keys == NULL || a->comparator != b->comparator ||
	    a->def->counts || b->def->counts)
		return false;

	for (size_t i = 0; i < a->n_keys; i++)
		if (!key_follows(a, &a->keys[i], b, effort))
			return false;
	return a->n_keys > 0;
}

static bool
same_tags(const SieveCall *a, const SieveCall *b)
{
	if (a->part != b->part || a->index != b->index ||
	    a->index_from_last != b->index_from_last || a->n_tags != b->n_tags)
		return false;
	for (size_t i = 0; i < a->n_tags; i++) {
		const SieveArg *x = a->tags[i].value, *y = b->tags[i].value;
		if (a->tags[i].def != b->tags[i].def || (x == NULL) != (y == NULL) ||
		    (x != NULL && !same_arg(x, y)))
			return false;
	}

	return true;
}

/*
 * The last argument are the keys; the first of header, address and envelope are names, any of which
 * will do.
 */
static bool
match_follows(const SieveCall *narrow, const SieveCall *wide, SieveEffort *effort)
{
	bool any_name = is_named(wide, "header") || is_named(wide, "address") ||
	                is_named(wide, "envelope");
	if (narrow->def != wide->def || !same_tags(narrow, wide))
		return false;

	for (size_t i = 0; i < SIEVE_POSITIONAL_MAX; i++) {
		const SieveArg *a = narrow->positional[i], *b = wide->positional[i];
		if ((a == NULL) != (b == NULL))
			return false;
		if (a == NULL || a == narrow->match->key_arg)
			continue;
		if (any_name && i == 0 ? !names_within(a, b, effort) : !same_arg(a, b))
			return false;
	}

	return keys_follow(narrow, wide, effort);
}

/* :over 20 is within :over 10, :under 10 within :under 20. */
static bool
size_follows(const SieveCall *narrow, const SieveCall *wide)
{
	if (!is_named(narrow, "size") || !same_tags(narrow, wide) || wide->n_tags != 1)
		return false;
	guint64 a = narrow->positional[0]->number, b = wide->positional[0]->number;
	return strcmp(wide->tags[0].def->name, "over") == 0 ? a >= b : a <= b;
}

/* A field that has a value exists. */
static bool
exists_follows(const SieveCall *narrow, const SieveCall *wide, SieveEffort *effort)
{
	bool looks_at_field = (is_named(narrow, "header") || is_named(narrow, "address")) &&
	                      narrow->positional[0]->n == 1;
	if (wide->n_tags > 0 || narrow->n_tags > 0)
		return false;
	if (is_named(narrow, "exists") || (looks_at_field && !narrow->match->def->counts))
		return names_within(wide->positional[0], narrow->positional[0], effort);

	return false;
}

static bool
leaf_follows(const SieveCall *narrow, const SieveCall *wide, SieveEffort *effort)
{
	if (sieve_imply_same(narrow, wide))
		return true;
	if (is_named(wide, "size"))
		return size_follows(narrow, wide);
	if (is_named(wide, "exists"))
		return exists_follows(narrow, wide, effort);

	return wide->match != NULL && narrow->match != NULL && match_follows(narrow, wide, effort);
}

/* Does it follow for all (or with `all` false: for any) of the tests of one side? */
static bool
tests_follow(const SieveCall *list, bool all, const SieveCall *narrow, const SieveCall *wide,
             SieveEffort *effort)
{
	for (size_t i = 0; i < list->n_tests; i++) {
		const SieveCall *test = list->tests[i];
		if (sieve_imply_follows(narrow != NULL ? narrow : test, wide != NULL ? wide : test,
		                        effort) != all)
			return !all;
	}
	return all;
}

bool
sieve_imply_follows(const SieveCall *narrow, const SieveCall *wide, SieveEffort *effort)
{
	if (!sieve_imply_pay(effort, 1))
		return false;
	if (is_named(narrow, "anyof"))
		return tests_follow(narrow, true, NULL, wide, effort);
	if (is_named(wide, "allof"))
		return tests_follow(wide, true, narrow, NULL, effort);
	if (is_named(wide, "anyof") && tests_follow(wide, false, narrow, NULL, effort))
		return true;
	if (is_named(narrow, "allof"))
		return tests_follow(narrow, false, NULL, wide, effort);
	if (is_named(narrow, "not") && is_named(wide, "not"))
		return sieve_imply_follows(wide->tests[0], narrow->tests[0], effort);

	return leaf_follows(narrow, wide, effort);
}

int
sieve_imply_contradiction(const SieveCall *call, SieveEffort *effort)
{
	bool never = is_named(call, "allof"), always = is_named(call, "anyof");
	for (size_t i = 0; i < call->n_tests && (never || always) && effort->left > 0; i++) {
		if (!is_named(call->tests[i], "not"))
			continue;
		const SieveCall *denied = call->tests[i]->tests[0];
		for (size_t k = 0; k < call->n_tests && sieve_imply_pay(effort, 1); k++) {
			const SieveCall *other = call->tests[k];
			if (k != i && (never ? sieve_imply_follows(other, denied, effort)
			                     : sieve_imply_follows(denied, other, effort)))
				return never ? -1 : 1;
		}
	}

	return 0;
}

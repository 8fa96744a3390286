/* SPDX-License-Identifier: MIT */
/* sieve-warn: looks at one block after the checker has bound it. */
#include "filters/sieve/lang/sieve-warn.h"

#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/lang/sieve-imply.h"
#include "filters/sieve/lang/sieve-match-type.h"

#include <string.h>

static bool
has_flag(const SieveCall *call, unsigned flag)
{
	return call->def != NULL && (call->def->flags & flag) != 0;
}

static bool
always_leaves(const SieveCall *call)
{
	return has_flag(call, SIEVE_ENDS_BLOCK);
}

/* Does running the block always leave it by stop and the like? */
static bool
block_leaves(const SieveCall *first)
{
	for (const SieveCall *call = first; call != NULL; call = call->next)
		if (always_leaves(call))
			return true;
	return false;
}

/*
 * A chain with an else whose branches all leave: behind it nothing is reached. `last` is its last
 * call.
 */
static bool
chain_leaves(const SieveCall *first, const SieveCall *last)
{
	if (!has_flag(last, SIEVE_ELSIF) || has_flag(last, SIEVE_TAKES_TEST))
		return false;
	for (const SieveCall *call = first;; call = call->next) {
		if (!block_leaves(call->block))
			return false;
		if (call == last)
			return true;
	}
}

static void
warn_unreachable(SieveCheck *check, const SieveCall *first)
{
	const SieveCall *chain = NULL;
	for (const SieveCall *call = first; call != NULL && call->next != NULL; call = call->next) {
		if (has_flag(call, SIEVE_IF))
			chain = call;
		bool ends_chain = chain != NULL && has_flag(call, SIEVE_IF | SIEVE_ELSIF) &&
		                  !has_flag(call->next, SIEVE_ELSIF);
		if (always_leaves(call) || (ends_chain && chain_leaves(chain, call))) {
			sieve_check_warning(check, call->next->span, "unreachable", NULL,
			                    "never reached: '%s' of line %u ends the %s",
			                    call->name, call->span.line,
			                    always_leaves(call) ? "block" : "block in every case");
			return;
		}
		if (ends_chain)
			chain = NULL;
	}
}

/* Are all words bound? A rule with errors was reported already. */
static bool
is_bound(const SieveCall *call)
{
	bool bound = call->def != NULL && !call->is_broken;
	for (size_t i = 0; bound && i < call->n_tests; i++)
		bound = is_bound(call->tests[i]);
	return bound;
}

/* Has the test, or one within, variables or what may answer otherwise when it is asked again? */
static bool
may_change(const SieveCall *call)
{
	if (has_flag(call, SIEVE_IS_VOLATILE))
		return true;
	for (size_t i = 0; i < call->n_args; i++)
		for (size_t n = 0; n < call->args[i].n; n++)
			if (call->args[i].strings[n].template != NULL)
				return true;

	for (size_t i = 0; i < call->n_tests; i++)
		if (may_change(call->tests[i]))
			return true;
	return false;
}

/* Only actions and rules: nothing in it changes what later tests see. */
static bool
changes_nothing(const SieveCall *first)
{
	for (const SieveCall *call = first; call != NULL; call = call->next)
		if (!has_flag(call, SIEVE_IS_ACTION | SIEVE_ENDS_BLOCK | SIEVE_IF | SIEVE_ELSIF) ||
		    !changes_nothing(call->block))
			return false;
	return true;
}

/* A rule that may be hidden, or hide later ones. */
typedef struct {
	const SieveCall *call;
	const SieveCall *chain; /* the if that begins its chain */
	size_t changes;         /* how many commands before it have changed what tests see */
	bool ends;              /* who comes here with its test true goes no further */
} Rule;

/* All rules of a block, for as long as they are steady. */
static GArray *
list_rules(const SieveCall *first)
{
	GArray *rules = g_array_new(FALSE, FALSE, sizeof(Rule));
	const SieveCall *chain = first;
	size_t changes = 0;
	bool others_end = true; /* the branches of this chain so far */

	for (const SieveCall *call = first; call != NULL; call = call->next) {
		bool is_rule = has_flag(call, SIEVE_IF | SIEVE_ELSIF),
		     ends = is_rule && block_leaves(call->block);
		if (has_flag(call, SIEVE_IF)) {
			chain = call;
			others_end = true;
		}
		others_end = others_end && ends;
		Rule rule = { call, chain, changes, others_end };
		if (is_rule && call->n_tests == 1 && is_bound(call->tests[0]) &&
		    !may_change(call->tests[0]))
			g_array_append_val(rules, rule);
		if (is_rule ? !ends && !changes_nothing(call->block)
		            : !has_flag(call, SIEVE_IS_ACTION))
			changes++;
	}

	return rules;
}

/* Does the earlier rule keep the later one from ever being true? */
static bool
hides(const Rule *earlier, const Rule *later, SieveEffort *effort)
{
	bool in_the_way = earlier->chain == later->chain ||
	                  (earlier->ends && earlier->changes == later->changes);
	return in_the_way &&
	       sieve_imply_follows(later->call->tests[0], earlier->call->tests[0], effort);
}

static void
report_shadowed(SieveCheck *check, const Rule *earlier, const Rule *later)
{
	bool same = sieve_imply_same(earlier->call->tests[0], later->call->tests[0]);
	sieve_check_warning(check, later->call->span, "shadowed", NULL,
	                    "never true: line %u has %s%s", earlier->call->span.line,
	                    same ? "the same test" : "a test that is as wide or wider",
	                    earlier->ends ? " and ends there" : "");
}

/*
 * A rule is never reached where an earlier one whose test is true whenever its own is either ends
 * the script or is in the same chain. Commands that change what tests see (addheader, setflag) may
 * come in between: then nothing is said.
 */
static void
warn_shadowed(SieveCheck *check, const SieveCall *first)
{
	g_autoptr(GArray) rules = list_rules(first);
	for (guint i = 1; i < rules->len; i++) {
		const Rule *later = &g_array_index(rules, Rule, i);
		for (guint k = 0; k < i && later->call->tests[0]->known >= 0 &&
		                  sieve_imply_pay(sieve_check_effort(check), 1);
		     k++) {
			const Rule *earlier = &g_array_index(rules, Rule, k);
			if (!hides(earlier, later, sieve_check_effort(check)))
				continue;
			report_shadowed(check, earlier, later);
			break;
		}
	}
}

/* A test that can't be otherwise, by what is known of it or by the tests in it. */
static void
warn_constant(SieveCheck *check, const SieveCall *test)
{
	int known = test->known_by_ihave ? 0 : test->known;
	if (known == 0 && is_bound(test) && !may_change(test))
		known = sieve_imply_contradiction(test, sieve_check_effort(check));
	if (known != 0)
		sieve_check_warning(check, test->span, known > 0 ? "always-true" : "always-false",
		                    NULL, "this test is always %s", known > 0 ? "true" : "false");
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Why no value can be or have the key; NULL: one can. */
static const char *
why_never(const SieveCall *test, SieveText key)
{
	bool is = test->match->def == sieve_match_type_core[0],
	     contains = test->match->def == sieve_match_type_core[1];
	if (key.len == 0 || (!is && !contains))
		return NULL;
	if (test->part != NULL && strcmp(test->part->name, "domain") == 0 &&
	    memchr(key.data, '@', key.len) != NULL)
		return "a domain has no '@'";
	if (is && strcmp(test->def->name, "header") == 0 && test->n_tags == 0 &&
	    (is_blank(key.data[0]) || is_blank(key.data[key.len - 1])))
		return "blanks at both ends of a value are gone when it is compared";

	return NULL;
}

/* Keys that no value has, in a test and those within. */
static void
warn_never(SieveCheck *check, const SieveCall *test)
{
	for (size_t i = 0; i < test->n_tests; i++)
		warn_never(check, test->tests[i]);
	if (test->def == NULL || test->is_broken || test->match == NULL ||
	    test->match->key_arg == NULL)
		return;

	const SieveArg *keys = test->match->key_arg;
	for (size_t i = 0; i < keys->n; i++) {
		const SieveString *key = &keys->strings[i];
		const char *why = key->template == NULL ? why_never(test, key->text) : NULL;
		if (why != NULL)
			sieve_check_warning(check, key->span, "never-matches", NULL,
			                    "this never matches: %s", why);
	}
}

/* A NUL, which no string of UTF-8 has either, is another matter. */
static bool
is_foreign(SieveText text)
{
	return memchr(text.data, '\0', text.len) == NULL && !sieve_text_is_utf8(text);
}

static void
warn_argument(SieveCheck *check, const SieveArg *arg)
{
	for (size_t i = 0; i < arg->n; i++)
		if (is_foreign(arg->strings[i].text))
			sieve_check_warning(check, arg->strings[i].span, "foreign-charset",
			                    "save the file as UTF-8",
			                    "this string is no UTF-8: it fits no text of a mail");
}

/* Strings that are no UTF-8, which RFC 5228 2.1 permits, in a command or test and those within. */
static void
warn_not_utf8(SieveCheck *check, const SieveCall *call)
{
	for (size_t i = 0; i < call->n_args; i++)
		warn_argument(check, &call->args[i]);
	for (size_t i = 0; i < call->n_tests; i++)
		warn_not_utf8(check, call->tests[i]);
}

void
sieve_warn_block(SieveCheck *check, const SieveCall *first)
{
	warn_unreachable(check, first);
	warn_shadowed(check, first);
	for (const SieveCall *call = first; call != NULL; call = call->next) {
		warn_not_utf8(check, call);
		if (!has_flag(call, SIEVE_IF | SIEVE_ELSIF) || call->n_tests != 1)
			continue;
		warn_constant(check, call->tests[0]);
		warn_never(check, call->tests[0]);
	}
}

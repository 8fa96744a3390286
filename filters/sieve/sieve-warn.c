/* sieve-warn: looks at one block after the checker has bound it. */
#include "filters/sieve/sieve-warn.h"

#include "filters/sieve/sieve-check.h"
#include "filters/sieve/sieve-compare.h"

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

/* A chain with an else whose branches all leave: behind it nothing is reached. `last` is its last call. */
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
		bool ends_chain = chain != NULL && has_flag(call, SIEVE_IF | SIEVE_ELSIF) && !has_flag(call->next, SIEVE_ELSIF);
		if (always_leaves(call) || (ends_chain && chain_leaves(chain, call))) {
			sieve_check_warning(check, call->next->span, "unreachable", NULL, "never reached: '%s' of line %u ends the %s",
			                    call->name, call->span.line, always_leaves(call) ? "block" : "block in every case");
			return;
		}
		if (ends_chain)
			chain = NULL;
	}
}

static void
warn_constant(SieveCheck *check, const SieveCall *call)
{
	if (call->n_tests != 1 || call->tests[0]->known == 0 || call->tests[0]->known_by_ihave)
		return;
	const SieveCall *test = call->tests[0];
	sieve_check_warning(check, test->span, test->known > 0 ? "always-true" : "always-false", NULL, "this test is always %s",
	                    test->known > 0 ? "true" : "false");
}

/* Two rules are the same if their words and values are: places don't count. */
static guint64
mix(guint64 hash, const void *data, size_t len)
{
	guint64 word;
	const char *at = data;
	hash ^= len;
	for (size_t left = len; left > 0; left -= MIN(left, sizeof word), at += sizeof word) {
		word = 0;
		memcpy(&word, at, MIN(left, sizeof word));
		hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 29;
	}
	return hash * 0x9e3779b97f4a7c15u;
}

static guint64
mix_arg(guint64 hash, const SieveArg *arg)
{
	hash = mix(hash, &arg->kind, sizeof arg->kind);
	if (arg->kind == SIEVE_ARG_TAG)
		return mix(hash, arg->tag, strlen(arg->tag));
	if (arg->kind == SIEVE_ARG_NUMBER)
		return mix(hash, &arg->number, sizeof arg->number);
	for (size_t i = 0; i < arg->n; i++)
		hash = mix(hash, arg->strings[i].text.data, arg->strings[i].text.len);
	return hash;
}

static guint64
mix_call(guint64 hash, const SieveCall *call)
{
	hash = mix(hash, &call->def, sizeof call->def);
	for (size_t i = 0; i < call->n_args; i++)
		hash = mix_arg(hash, &call->args[i]);
	for (size_t i = 0; i < call->n_tests; i++)
		hash = mix_call(hash, call->tests[i]);
	return mix(hash, &call->n_tests, sizeof call->n_tests);
}

static bool
same_arg(const SieveArg *a, const SieveArg *b)
{
	if (a->kind != b->kind || a->number != b->number || a->n != b->n || g_strcmp0(a->tag, b->tag) != 0)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!sieve_text_equal(a->strings[i].text, b->strings[i].text))
			return false;
	return true;
}

static bool
same_call(const SieveCall *a, const SieveCall *b)
{
	if (a->def != b->def || a->n_args != b->n_args || a->n_tests != b->n_tests)
		return false;
	for (size_t i = 0; i < a->n_args; i++)
		if (!same_arg(&a->args[i], &b->args[i]))
			return false;
	for (size_t i = 0; i < a->n_tests; i++)
		if (!same_call(a->tests[i], b->tests[i]))
			return false;
	return true;
}

/* Are all words bound? A rule with errors was reported already. */
static bool
is_bound(const SieveCall *call)
{
	bool bound = call->def != NULL;
	for (size_t i = 0; bound && i < call->n_tests; i++)
		bound = is_bound(call->tests[i]);
	return bound;
}

/* A test whose result changes between two rules: variables and flags are set in between. */
static bool
has_variables(const SieveCall *call)
{
	for (size_t i = 0; i < call->n_args; i++)
		for (size_t n = 0; n < call->args[i].n; n++)
			if (call->args[i].strings[n].template != NULL)
				return true;
	for (size_t i = 0; i < call->n_tests; i++)
		if (has_variables(call->tests[i]))
			return true;
	return false;
}

/* Only actions and rules: nothing in it changes what later tests see. */
static bool
changes_nothing(const SieveCall *first)
{
	for (const SieveCall *call = first; call != NULL; call = call->next)
		if (!has_flag(call, SIEVE_IS_ACTION | SIEVE_ENDS_BLOCK | SIEVE_IF | SIEVE_ELSIF) || !changes_nothing(call->block))
			return false;
	return true;
}

/* A rule that may hide later ones. */
typedef struct {
	guint64 hash;
	const SieveCall *call;  /* NULL: an empty place */
} Rule;

/* The rules seen so far, by hash; open addressing, never more than half full. */
typedef struct {
	Rule *rules;
	size_t mask;
} Seen;

/* The place of the rule's test: that of an equal one, or an empty one. */
static Rule *
find_rule(const Seen *seen, guint64 hash, const SieveCall *test)
{
	size_t at = hash & seen->mask;
	while (seen->rules[at].call != NULL &&
	       (seen->rules[at].hash != hash || !same_call(seen->rules[at].call->tests[0], test)))
		at = (at + 1) & seen->mask;
	return &seen->rules[at];
}

static size_t
count_rules(const SieveCall *first)
{
	size_t n = 0;
	for (const SieveCall *call = first; call != NULL; call = call->next)
		n += has_flag(call, SIEVE_IF | SIEVE_ELSIF);
	return n;
}

/* Does the earlier rule keep the later one from ever being true? */
static bool
hides(const SieveCall *earlier, const SieveCall *changed_at, const SieveCall *chain)
{
	bool in_chain = earlier->span.line > chain->span.line ||
	                (earlier->span.line == chain->span.line && earlier->span.column >= chain->span.column);
	if (in_chain)
		return true;
	bool still_true = changed_at == NULL || earlier->span.line > changed_at->span.line;
	return block_leaves(earlier->block) && still_true;
}

/* Is the rule hidden? Else later ones may be hidden by it. */
static void
note_rule(SieveCheck *check, Seen *seen, const SieveCall *call, const SieveCall *changed_at, const SieveCall *chain)
{
	guint64 hash = mix_call(14695981039346656037u, call->tests[0]);
	Rule *rule = find_rule(seen, hash, call->tests[0]);
	if (rule->call == NULL || !hides(rule->call, changed_at, chain)) {
		*rule = (Rule){ hash, call };
		return;
	}
	sieve_check_warning(check, call->span, "shadowed", NULL, "never true: line %u has the same test%s",
	                    rule->call->span.line, block_leaves(rule->call->block) ? " and ends there" : "");
}

/*
 * A rule is never reached where an earlier one with the same test either ends the script or is in the same chain. Commands
 * that change what tests see (addheader, setflag) may come in between: then nothing is said.
 */
static void
warn_shadowed(SieveCheck *check, const SieveCall *first)
{
	size_t n = count_rules(first), size = 4;
	const SieveCall *chain = first, *changed_at = NULL;
	if (n < 2)
		return;
	while (size < 2 * n)
		size *= 2;
	g_autofree Rule *rules = g_new0(Rule, size);
	Seen seen = { .rules = rules, .mask = size - 1 };
	for (const SieveCall *call = first; call != NULL; call = call->next) {
		bool is_rule = has_flag(call, SIEVE_IF | SIEVE_ELSIF);
		if (has_flag(call, SIEVE_IF))
			chain = call;
		if (is_rule && call->n_tests == 1 && is_bound(call->tests[0]) && !has_variables(call->tests[0]))
			note_rule(check, &seen, call, changed_at, chain);
		if (is_rule ? !block_leaves(call->block) && !changes_nothing(call->block) : !has_flag(call, SIEVE_IS_ACTION))
			changed_at = call;
	}
}

void
sieve_warn_block(SieveCheck *check, const SieveCall *first)
{
	warn_unreachable(check, first);
	warn_shadowed(check, first);
	for (const SieveCall *call = first; call != NULL; call = call->next)
		if (has_flag(call, SIEVE_IF | SIEVE_ELSIF))
			warn_constant(check, call);
}

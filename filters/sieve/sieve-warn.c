/* sieve-warn: looks at one block after the checker has bound it. */
#include "filters/sieve/sieve-warn.h"

#include "filters/sieve/sieve-check.h"

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

/* Two rules are the same if this is the same: words and values, not places. */
static void
print_text(GString *out, const char *text, size_t len)
{
	g_string_append_printf(out, "%zu:", len);
	g_string_append_len(out, text, (gssize) len);
}

static void
print_call(GString *out, const SieveCall *call)
{
	g_string_append(out, call->def->name);
	for (size_t i = 0; i < call->n_args; i++) {
		const SieveArg *arg = &call->args[i];
		g_string_append_printf(out, " %d", arg->kind);
		if (arg->kind == SIEVE_ARG_TAG)
			print_text(out, arg->tag, strlen(arg->tag));
		else if (arg->kind == SIEVE_ARG_NUMBER)
			g_string_append_printf(out, "%" G_GUINT64_FORMAT, arg->number);
		for (size_t n = 0; n < arg->n; n++)
			print_text(out, arg->strings[n].text.data, arg->strings[n].text.len);
	}
	for (size_t i = 0; i < call->n_tests; i++) {
		g_string_append_c(out, '(');
		print_call(out, call->tests[i]);
		g_string_append_c(out, ')');
	}
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

/*
 * A rule is never reached where an earlier one with the same test either ends the script or is in the same chain. Commands
 * that change what tests see (addheader, setflag) may come in between: then nothing is said.
 */
static void
warn_shadowed(SieveCheck *check, const SieveCall *first)
{
	g_autoptr(GHashTable) seen = NULL; /* text of a test -> the rule that hides it */
	g_autoptr(GHashTable) in_chain = NULL;
	for (const SieveCall *call = first; call != NULL; call = call->next) {
		if (!has_flag(call, SIEVE_IF | SIEVE_ELSIF)) {
			if (!has_flag(call, SIEVE_IS_ACTION))
				g_clear_pointer(&seen, g_hash_table_unref);
			continue;
		}
		if (has_flag(call, SIEVE_IF))
			g_clear_pointer(&in_chain, g_hash_table_unref);
		if (call->n_tests != 1 || !is_bound(call->tests[0]) || has_variables(call->tests[0]))
			continue;
		GString *text = g_string_new(NULL);
		print_call(text, call->tests[0]);
		char *key = g_string_free(text, FALSE);
		const SieveCall *earlier = in_chain != NULL ? g_hash_table_lookup(in_chain, key) : NULL;
		if (earlier == NULL && seen != NULL)
			earlier = g_hash_table_lookup(seen, key);
		if (earlier != NULL)
			sieve_check_warning(check, call->span, "shadowed", NULL, "never true: line %u has the same test%s",
			                    earlier->span.line, block_leaves(earlier->block) ? " and ends there" : "");
		GHashTable **table = block_leaves(call->block) && has_flag(call, SIEVE_IF) ? &seen : &in_chain;
		if (*table == NULL)
			*table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
		g_hash_table_insert(*table, key, (gpointer) call);
		if (!block_leaves(call->block) && !changes_nothing(call->block))
			g_clear_pointer(&seen, g_hash_table_unref);
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

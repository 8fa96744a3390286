/* SPDX-License-Identifier: MIT */
/* sieve-scope: a value is found by the number that the compile gave its name. */
#define _GNU_SOURCE
#include "filters/sieve/run/sieve-scope.h"

#include "agent/base/limits.h"
#include "filters/sieve/run/sieve-run.h"

#include <string.h>

struct SieveScope {
	size_t n;
	GString *values[];
};

SieveScope *
sieve_scope_new(size_t n)
{
	SieveScope *scope = g_malloc0(sizeof(SieveScope) + n * sizeof(GString *));
	scope->n = n;
	return scope;
}

void
sieve_scope_free(SieveScope *scope)
{
	if (scope == NULL)
		return;
	for (size_t i = 0; i < scope->n; i++)
		if (scope->values[i] != NULL)
			g_string_free(scope->values[i], TRUE);
	g_free(scope);
}

static guint64
value_held(const GString *value)
{
	return value != NULL ? value->allocated_len : 0;
}

guint64
sieve_scope_held(const SieveScope *scope)
{
	guint64 held = 0;
	for (size_t i = 0; i < scope->n; i++)
		held += value_held(scope->values[i]);
	return held;
}

bool
sieve_scope_get(SieveRun *run, const SieveVariable *variable, SieveText *ret_value)
{
	switch (variable->kind) {
	case SIEVE_VARIABLE_MATCH:
		*ret_value = variable->slot < run->n_captures ? run->captures[variable->slot]
		                                              : SIEVE_TEXT("");
		return true;
	case SIEVE_VARIABLE_NAMESPACE:
		return variable->space->get(run, variable->name, ret_value);
	default: {
		const GString *value = run->scope->values[variable->slot];
		*ret_value = value != NULL ? (SieveText){ value->str, value->len } : SIEVE_TEXT("");
		return true;
	}
	}
}

SieveText
sieve_scope_quote(SieveRun *run, SieveText value, const char *special)
{
	size_t limit = run->variable_limit, n = 0;
	char *quoted = sieve_arena_alloc(run->scratch, 2 * value.len + 1);

	for (size_t i = 0, len; i < value.len; i += len) {
		len = sieve_variable_character((SieveText){ value.data + i, value.len - i });
		bool is_special = value.data[i] != '\0' && strchr(special, value.data[i]) != NULL;
		if (n + is_special + len > limit)
			break;
		if (is_special)
			quoted[n++] = '\\';
		memcpy(quoted + n, value.data + i, len);
		n += len;
	}

	return (SieveText){ quoted, n };
}

bool
sieve_scope_set(SieveRun *run, const SieveVariable *variable, SieveText value)
{
	SieveText kept = sieve_variable_cut(value, run->variable_limit);
	if (variable->kind == SIEVE_VARIABLE_NAMESPACE)
		return variable->space->set(run, variable->name, kept);

	GString *copy = g_string_new_len(kept.data, (gssize) kept.len);
	GString **at = &run->scope->values[variable->slot];
	guint64 before = value_held(*at);
	if (*at != NULL)
		g_string_free(*at, TRUE);
	*at = copy;

	return sieve_run_hold(run, before, value_held(copy));
}

SieveText
sieve_scope_expand(SieveRun *run, const SieveTemplate *template)
{
	g_autofree SieveText *texts = g_new(SieveText, template->n);
	size_t total = 0;

	for (size_t i = 0; i < template->n; i++) {
		const SieveTemplatePart *part = &template->parts[i];
		texts[i] = part->text;
		if (part->is_variable && !sieve_scope_get(run, &part->variable, &texts[i]))
			texts[i] = SIEVE_TEXT("");
		texts[i] = sieve_variable_cut(texts[i], LIMIT_SIEVE_STRING_BYTES - total);
		total += texts[i].len;
	}

	char *joined = sieve_arena_alloc(run->scratch, total + 1), *at = joined;
	for (size_t i = 0; i < template->n; i++)
		at = mempcpy(at, texts[i].data, texts[i].len);
	return (SieveText){ joined, total };
}

SieveText
sieve_scope_modify(SieveRun *run, const SieveCall *call, SieveText value)
{
	/* Few modifiers: the highest precedence that is left, again and again (RFC 5229 4.1). */
	for (unsigned below = G_MAXUINT; below > 0;) {
		const SieveModifier *next = NULL;
		for (size_t i = 0; i < call->n_tags; i++) {
			const SieveModifier *modifier = call->tags[i].def ==
			                                                &sieve_variable_modifier_tag
			                                        ? call->tags[i].data
			                                        : NULL;
			if (modifier != NULL && modifier->precedence < below &&
			    (next == NULL || modifier->precedence > next->precedence))
				next = modifier;
		}
		if (next == NULL)
			return value;
		value = next->apply(run, value);
		below = next->precedence;
	}
	return value;
}

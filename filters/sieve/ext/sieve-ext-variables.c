/* SPDX-License-Identifier: MIT */
/*
 * variables: RFC 5229, complete: set with its modifiers, string; ${...} and match variables are in
 * sieve-variable.c.
 */
#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/lang/sieve-text.h"
#include "filters/sieve/run/sieve-match.h"
#include "filters/sieve/run/sieve-run.h"
#include "filters/sieve/lang/sieve-variable.h"

#include <string.h>

static SieveText
map_octets(SieveRun *run, SieveText value, size_t len, char (*map)(char))
{
	char *copy = sieve_arena_copy(run->scratch, value.data, value.len);
	for (size_t i = 0; i < len && i < value.len; i++)
		copy[i] = map(copy[i]);
	return (SieveText){ copy, value.len };
}

/* Only US-ASCII letters have a case here (RFC 5229 4.1.1). */
static char
lower_octet(char c)
{
	return g_ascii_tolower(c);
}

static char
upper_octet(char c)
{
	return g_ascii_toupper(c);
}

static SieveText
modify_lower(SieveRun *run, SieveText value)
{
	return map_octets(run, value, value.len, lower_octet);
}

static SieveText
modify_upper(SieveRun *run, SieveText value)
{
	return map_octets(run, value, value.len, upper_octet);
}

static SieveText
modify_lowerfirst(SieveRun *run, SieveText value)
{
	return map_octets(run, value, 1, lower_octet);
}

static SieveText
modify_upperfirst(SieveRun *run, SieveText value)
{
	return map_octets(run, value, 1, upper_octet);
}

/* A backslash before what :matches takes for a wildcard, and before a backslash. */
static SieveText
modify_quotewildcard(SieveRun *run, SieveText value)
{
	return sieve_scope_quote(run, value, "*?\\");
}

/* Characters, not octets (RFC 5229 4.1.5); octets that are no UTF-8 count one each. */
static size_t
count_characters(SieveText value)
{
	size_t n = 0;
	for (size_t i = 0; i < value.len; i++)
		n += ((guchar) value.data[i] & 0xc0) != 0x80;
	return n;
}

static SieveText
modify_length(SieveRun *run, SieveText value)
{
	char *text = sieve_arena_alloc(run->scratch, 24);
	int len = g_snprintf(text, 24, "%zu", count_characters(value));
	return (SieveText){ text, (size_t) len };
}

static const SieveModifier modifiers[] = { { "lower", 40, modify_lower },
	                                   { "upper", 40, modify_upper },
	                                   { "lowerfirst", 30, modify_lowerfirst },
	                                   { "upperfirst", 30, modify_upperfirst },
	                                   { "quotewildcard", 20, modify_quotewildcard },
	                                   { "length", 10, modify_length },
	                                   { NULL, 0, NULL } };

static bool
check_set(SieveCheck *check, SieveCall *call)
{
	SieveVariable *variable = SIEVE_NEW(sieve_check_arena(check), SieveVariable);
	if (!sieve_variable_resolve(check, &call->positional[0]->strings[0], true, variable))
		return false;
	call->data = variable;
	return true;
}

static bool
run_set(SieveRun *run, const SieveCall *call)
{
	SieveText value = sieve_run_text(run, &call->positional[1]->strings[0]);
	value = sieve_scope_modify(run, call, value);
	sieve_run_trace(run, TRACE_COMMANDS, call, "set \"%.*s\"", sieve_text_shown(value, 200),
	                value.data);
	return sieve_scope_set(run, call->data, value);
}

/* RFC 5229 5: an empty string does not count for :count. */
static bool
test_string(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	SieveMatch match;
	const SieveArg *sources = call->positional[0];
	if (!sieve_match_begin(&match, run, call))
		return false;

	for (size_t i = 0; i < sources->n && !match.done; i++) {
		SieveText value = sieve_run_text(run, &sources->strings[i]);
		if (value.len == 0 && call->match->def->counts)
			continue;
		match.field = sources->strings[i].text;
		if (!sieve_match_add(&match, value))
			return false;
	}

	return sieve_match_end(&match, ret_result);
}

static const SieveCallDef commands[] = { { .name = "set",
	                                   .positional = { SIEVE_STRING | SIEVE_CONSTANT,
	                                                   SIEVE_STRING },
	                                   .flags = SIEVE_TAKES_MODIFIERS,
	                                   .check = check_set,
	                                   .run = run_set },
	                                 { .name = NULL } };

static const SieveCallDef tests[] = { { .name = "string",
	                                .positional = { SIEVE_STRINGS, SIEVE_STRINGS },
	                                .flags = SIEVE_USES_MATCH,
	                                .test = test_string },
	                              { .name = NULL } };

const SieveExt sieve_ext_variables = {
	.capability = "variables",
	.rfc = "RFC 5229",
	.commands = commands,
	.tests = tests,
	.modifiers = modifiers,
};

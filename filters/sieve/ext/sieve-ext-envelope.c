/* SPDX-License-Identifier: MIT */
/*
 * envelope: RFC 5228 5.4, complete; and "auth", the login name of the sender, as Pigeonhole has it.
 * The null reverse-path is the empty string for every address part, and no address for :count (RFC
 * 5231 4.2). Other extensions add parts (SieveExt.envelope_parts).
 */
#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/run/sieve-match.h"
#include "filters/sieve/run/sieve-run.h"
#include "filters/sieve/run/sieve-value.h"

#include <string.h>

static void
append(GArray *values, const char *text)
{
	SieveText value = { text, text != NULL ? strlen(text) : 0 };
	if (text != NULL)
		g_array_append_val(values, value);
}

static bool
get_from(SieveRun *run, GArray *values)
{
	append(values, run->input->envelope->sender);
	return true;
}

/* What the sender wrote, before aliases of this site. */
static bool
get_to(SieveRun *run, GArray *values)
{
	const Envelope *envelope = run->input->envelope;
	append(values, envelope->original != NULL ? envelope->original : envelope->recipient);
	return true;
}

/* No value where the sender did not log in. */
static bool
get_auth(SieveRun *run, GArray *values)
{
	append(values, run->input->envelope->auth);
	return true;
}

static const SieveEnvelopePart parts[] = { { "from", true, get_from },
	                                   { "to", true, get_to },
	                                   { "auth", false, get_auth },
	                                   { NULL, false, NULL } };

/* Only of extensions in `active`. */
static const SieveEnvelopePart *
find_part(guint64 active, SieveText name)
{
	for (size_t i = 0; i < sieve_ext_count(); i++) {
		const SieveEnvelopePart *part = (active >> i & 1) != 0
		                                        ? sieve_ext_nth(i)->envelope_parts
		                                        : NULL;
		for (; part != NULL && part->name != NULL; part++)
			if (sieve_text_is(name, part->name))
				return part;
	}
	return NULL;
}

static guint64
active_in(SieveCheck *check)
{
	guint64 active = 0;
	for (size_t i = 0; i < sieve_ext_count(); i++)
		active |= sieve_check_has(check, sieve_ext_nth(i)) ? (guint64) 1 << i : 0;
	return active;
}

static bool
check_part(SieveCheck *check, const SieveCall *call, const SieveString *name)
{
	if (name->template != NULL)
		return true;
	const SieveEnvelopePart *part = find_part(active_in(check), name->text);
	if (part == NULL) {
		const SieveEnvelopePart *elsewhere = find_part(~(guint64) 0, name->text);
		return sieve_check_error(
			check, name->span, "unknown-envelope-part",
			elsewhere != NULL ? "add its extension to require"
					  : "\"from\", \"to\" and \"auth\" are known",
			"unknown envelope part \"%.*s\"", (int) name->text.len, name->text.data);
	}

	if (!part->is_address && call->part != NULL)
		return sieve_check_error(
			check, name->span, "no-address", NULL,
			"envelope part \"%s\" is not an address: ':%s' has no meaning", part->name,
			call->part->name);

	return true;
}

static bool
check_envelope(SieveCheck *check, SieveCall *call)
{
	bool good = true;
	for (size_t i = 0; i < call->positional[0]->n; i++)
		good = check_part(check, call, &call->positional[0]->strings[i]) && good;
	return good;
}

static bool
match_value(SieveMatch *match, const SieveEnvelopePart *part, SieveText value)
{
	if (!part->is_address)
		return sieve_match_add(match, value);
	if (value.len == 0 && match->spec->def->counts)
		return true;

	const char *copy = sieve_arena_copy(match->run->scratch, value.data, value.len);
	SieveAddress address = sieve_value_envelope_address(match->run->scratch, copy);
	return sieve_match_add_address(match, &address);
}

static bool
match_part(SieveMatch *match, const SieveString *name)
{
	SieveRun *run = match->run;
	const SieveEnvelopePart *part = find_part(run->program->active, sieve_run_text(run, name));
	if (part == NULL)
		return true;

	match->field = (SieveText){ part->name, strlen(part->name) };
	g_autoptr(GArray) values = g_array_new(FALSE, FALSE, sizeof(SieveText));
	if (!part->get(run, values))
		return false;

	for (guint i = 0; i < values->len && !match->done; i++)
		if (!match_value(match, part, g_array_index(values, SieveText, i)))
			return false;
	return true;
}

static bool
test_envelope(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	SieveMatch match;
	const SieveArg *names = call->positional[0];
	if (!sieve_match_begin(&match, run, call))
		return false;

	for (size_t i = 0; i < names->n && !match.done; i++)
		if (!match_part(&match, &names->strings[i]))
			return false;
	return sieve_match_end(&match, ret_result);
}

static const SieveCallDef tests[] = { { .name = "envelope",
	                                .positional = { SIEVE_STRINGS, SIEVE_STRINGS },
	                                .flags = SIEVE_USES_MATCH | SIEVE_USES_ADDRESS_PART,
	                                .check = check_envelope,
	                                .test = test_envelope },
	                              { .name = NULL } };

const SieveExt sieve_ext_envelope = {
	.capability = "envelope",
	.rfc = "RFC 5228",
	.tests = tests,
	.envelope_parts = parts,
};

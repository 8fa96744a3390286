/* SPDX-License-Identifier: MIT */
/*
 * environment: RFC 5183, complete. What the agent says about an item counts; where it says nothing:
 * name, location and phase of this engine, the client from the envelope. An unknown item never
 * matches (RFC 5183 4).
 */
#include "config.h"

#include "filters/sieve/ext/sieve-ext-table.h"
#include "filters/sieve/run/sieve-environment.h"
#include "filters/sieve/run/sieve-match.h"

#include <string.h>

/* What we know without asking. */
static const char *
own_item(const SieveRun *run, const char *name)
{
	const Envelope *envelope = run->input->envelope;
	if (strcmp(name, "name") == 0)
		return "todoke";
	if (strcmp(name, "version") == 0)
		return PACKAGE_VERSION;
	if (strcmp(name, "location") == 0)
		return "MDA";
	if (strcmp(name, "phase") == 0)
		return "during";
	if (strcmp(name, "remote-ip") == 0)
		return envelope->client_address != NULL ? envelope->client_address : "";
	if (strcmp(name, "remote-host") == 0)
		return envelope->client_name != NULL ? envelope->client_name : "";

	return NULL;
}

const char *
sieve_environment_item(SieveRun *run, const char *name)
{
	const FilterServices *services = run->env->services;
	g_autofree char *lower = g_ascii_strdown(name, -1);
	const char *value = services->environment != NULL ? services->environment(run->env, lower)
	                                                  : NULL;

	if (value == NULL)
		value = own_item(run, lower);
	if (value == NULL && sieve_program_has(run->program, &sieve_ext_dovecot_environment))
		value = sieve_environment_dovecot_item(run, lower);
	return value;
}

static bool
test_environment(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	SieveMatch match;
	const char *value = sieve_environment_item(run,
	                                           sieve_run_string(run, call->positional[0], 0));
	if (!sieve_match_begin(&match, run, call))
		return false;

	if (value == NULL) {
		*ret_result = false;
		return true;
	}

	return sieve_match_add(&match, (SieveText){ value, strlen(value) }) &&
	       sieve_match_end(&match, ret_result);
}

static const SieveCallDef tests[] = { { .name = "environment",
	                                .positional = { SIEVE_STRING, SIEVE_STRINGS },
	                                .flags = SIEVE_USES_MATCH,
	                                .test = test_environment },
	                              { .name = NULL } };

const SieveExt sieve_ext_environment = { .capability = "environment",
	                                 .rfc = "RFC 5183",
	                                 .tests = tests };

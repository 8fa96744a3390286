/* SPDX-License-Identifier: MIT */
/*
 * vnd.todoke.authresults: what the site's mail server found out about the sender (RFC 8601), as a
 * test.
 *
 *	authresults [MATCH-TYPE] [COMPARATOR] [:property NAME] METHOD KEYS
 *
 * It compares the results of the method ("pass", "fail", "none" ...); with :property the values of
 * that property ("header.d") of those of its results that are "pass". Only fields of the site count
 * (agent/message/auth-results.h), so that a rule may refuse mail of senders that are verified, and
 * discard what comes in their names.
 */
#include "agent/message/auth-results.h"
#include "filters/sieve/ext/sieve-ext-table.h"
#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/run/sieve-match.h"
#include "filters/sieve/run/sieve-run.h"

#include <string.h>

typedef struct {
	GArray *results;        /* AuthResult; NULL: nobody has asked yet */
	const Headers *headers; /* of which they are: a test suite changes its message */
} AuthresultsState;

static void
clear(void *data)
{
	AuthresultsState *state = data;
	if (state->results != NULL)
		g_array_unref(state->results);
}

static char **
words_of(const char *setting, const char *more)
{
	g_autofree char *text = g_strconcat(setting, " ", more != NULL ? more : "", NULL);
	g_auto(GStrv) words = g_strsplit_set(text, " ,\t", -1);
	GPtrArray *kept = g_ptr_array_new();

	for (size_t i = 0; words[i] != NULL; i++)
		if (words[i][0] != '\0')
			g_ptr_array_add(kept, g_strdup(words[i]));
	g_ptr_array_add(kept, NULL);
	return (char **) g_ptr_array_free(kept, FALSE);
}

static const GArray *
results_of(SieveRun *run)
{
	AuthresultsState *state = sieve_run_state(run, &sieve_ext_authresults);
	const FilterServices *services = run->env->services;
	const Conf *conf = run->env->conf;
	if (state->results != NULL && state->headers == run->input->headers)
		return state->results;

	clear(state);
	const char *host = services->environment != NULL ? services->environment(run->env, "host")
	                                                 : NULL;
	g_auto(GStrv) ids = words_of(conf->auth_results_ids, NULL),
		      hosts = words_of(conf->auth_results_hosts, host);
	const AuthTrust trust = {
		.ids = (const char *const *) ids,
		.hosts = (const char *const *) hosts,
		.takes_below = conf->auth_results_below,
	};
	state->headers = run->input->headers;
	state->results = auth_results_trusted(run->input->headers, &trust);

	return state->results;
}

static bool
check(SieveCheck *check, SieveCall *call)
{
	if (*sieve_check_env(check)->conf->auth_results_ids == '\0')
		sieve_check_warning(check, call->span, "no-authserv-id",
		                    "auth_results_ids names them",
		                    "this is never true: no authserv-id of this site is known");
	return true;
}

/* The values of a property, "header.d", that is verified. */
static bool
match_properties(SieveMatch *match, const AuthResult *result, SieveText name)
{
	if (strcmp(result->result, "pass") != 0)
		return true;
	for (guint i = 0; i < result->properties->len && !match->done; i++) {
		const char *property = result->properties->pdata[i],
			   *value = strchr(property, '=') + 1;
		bool is_named = (size_t) (value - 1 - property) == name.len &&
		                g_ascii_strncasecmp(property, name.data, name.len) == 0;
		if (is_named && !sieve_match_add(match, (SieveText){ value, strlen(value) }))
			return false;
	}

	return true;
}

static bool
test_authresults(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	SieveMatch match;
	const SieveTag *property = sieve_call_tag(call, "property");
	SieveText method = sieve_run_text(run, &call->positional[0]->strings[0]);
	SieveText name = property != NULL ? sieve_run_text(run, &property->value->strings[0])
	                                  : SIEVE_TEXT("");
	const GArray *results = results_of(run);

	if (!sieve_match_begin(&match, run, call))
		return false;
	for (guint i = 0; i < results->len && !match.done; i++) {
		const AuthResult *result = &g_array_index(results, AuthResult, i);
		SieveText text = { result->result, strlen(result->result) };
		if (!sieve_text_is(method, result->method))
			continue;
		if (!(property != NULL ? match_properties(&match, result, name)
		                       : sieve_match_add(&match, text)))
			return false;
	}

	return sieve_match_end(&match, ret_result);
}

static const SieveTagDef tags[] = { { .name = "property", .value = SIEVE_STRING },
	                            { .name = NULL } };

static const SieveCallDef tests[] = { { .name = "authresults",
	                                .positional = { SIEVE_STRING, SIEVE_STRINGS },
	                                .flags = SIEVE_USES_MATCH,
	                                .tags = tags,
	                                .check = check,
	                                .test = test_authresults },
	                              { .name = NULL } };

const SieveExt sieve_ext_authresults = {
	.capability = "vnd.todoke.authresults",
	.rfc = "RFC 8601",
	.tests = tests,
	.run_state = sizeof(AuthresultsState),
	.clear_run_state = clear,
};

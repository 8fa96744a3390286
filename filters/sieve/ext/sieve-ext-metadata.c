/* SPDX-License-Identifier: MIT */
/*
 * mboxmetadata and servermetadata: RFC 5490 3.3 to 4.2, complete: tests for the annotations of a
 * mailbox and of the server (RFC 5464). A mailbox that does not exist, and an annotation that does
 * not, match nothing.
 */
#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/run/sieve-match.h"
#include "filters/sieve/run/sieve-run.h"

#include <string.h>

/* RFC 5464 4.1: levels behind slashes, no wildcards; NULL: it is one. */
static const char *
fault_of(SieveText name)
{
	bool is_private = name.len > 9 && g_ascii_strncasecmp(name.data, "/private/", 9) == 0;
	bool is_shared = name.len > 8 && g_ascii_strncasecmp(name.data, "/shared/", 8) == 0;
	if (!is_private && !is_shared)
		return "it begins with neither /private/ nor /shared/";

	for (size_t i = 0; i < name.len; i++) {
		bool ends = i + 1 == name.len || name.data[i + 1] == '/';
		if (name.data[i] == '*' || name.data[i] == '%')
			return "it has a wildcard in it";
		if ((guchar) name.data[i] < 0x20 || (guchar) name.data[i] >= 0x7f)
			return "it has a sign in it that is not printable ASCII";
		if (name.data[i] == '/' && ends)
			return "it has an empty level";
	}

	return NULL;
}

/* The annotations stand at `arg`. Only a warning: such a name is never there. */
static void
warn_of_names(SieveCheck *check, const SieveArg *arg)
{
	for (size_t i = 0; i < arg->n; i++) {
		const SieveString *name = &arg->strings[i];
		const char *fault = name->template == NULL ? fault_of(name->text) : NULL;
		if (fault != NULL)
			sieve_check_warning(check, name->span, "bad-annotation",
			                    "write \"/private/comment\"",
			                    "there is no annotation \"%.*s\": %s",
			                    (int) name->text.len, name->text.data, fault);
	}
}

static bool
check_of_mailbox(SieveCheck *check, SieveCall *call)
{
	warn_of_names(check, call->positional[1]);
	return true;
}

static bool
check_of_server(SieveCheck *check, SieveCall *call)
{
	warn_of_names(check, call->positional[0]);
	return true;
}

/* The value of annotation `n` of `names`; NULL: there is none. Caller frees. */
static char *
value_of(SieveRun *run, const SieveCall *call, const char *mailbox, const SieveArg *names, size_t n)
{
	const FilterServices *services = run->env->services;
	const char *name = sieve_run_string(run, names, n);
	bool is_name = fault_of((SieveText){ name, strlen(name) }) == NULL;
	char *value = is_name && services->metadata != NULL
	                      ? services->metadata(run->env, mailbox, name)
	                      : NULL;

	sieve_run_trace(run, TRACE_MATCHING, call, "annotation \"%s\" of %s%s%s", name,
	                mailbox != NULL ? "mailbox " : "the server", mailbox != NULL ? mailbox : "",
	                value != NULL ? "" : " does not exist");
	return value;
}

static bool
match_value(SieveRun *run, const SieveCall *call, const char *mailbox, const SieveArg *names,
            bool *ret_result)
{
	SieveMatch match;
	g_autofree char *value = value_of(run, call, mailbox, names, 0);

	*ret_result = false;
	if (value == NULL)
		return true;

	return sieve_match_begin(&match, run, call) &&
	       sieve_match_add(&match, (SieveText){ value, strlen(value) }) &&
	       sieve_match_end(&match, ret_result);
}

static bool
have_all(SieveRun *run, const SieveCall *call, const char *mailbox, const SieveArg *names,
         bool *ret_result)
{
	*ret_result = true;
	for (size_t i = 0; i < names->n && *ret_result; i++) {
		g_autofree char *value = value_of(run, call, mailbox, names, i);
		*ret_result = value != NULL;
	}

	return true;
}

static bool
test_metadata(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	return match_value(run, call, sieve_run_string(run, call->positional[0], 0),
	                   call->positional[1], ret_result);
}

static bool
test_metadataexists(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	return have_all(run, call, sieve_run_string(run, call->positional[0], 0),
	                call->positional[1], ret_result);
}

static bool
test_servermetadata(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	return match_value(run, call, NULL, call->positional[0], ret_result);
}

static bool
test_servermetadataexists(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	return have_all(run, call, NULL, call->positional[0], ret_result);
}

static const SieveCallDef mailbox_tests[] = { { .name = "metadata",
	                                        .positional = { SIEVE_STRING, SIEVE_STRING,
	                                                        SIEVE_STRINGS },
	                                        .flags = SIEVE_USES_MATCH,
	                                        .check = check_of_mailbox,
	                                        .test = test_metadata },
	                                      { .name = "metadataexists",
	                                        .positional = { SIEVE_STRING, SIEVE_STRINGS },
	                                        .check = check_of_mailbox,
	                                        .test = test_metadataexists },
	                                      { .name = NULL } };

static const SieveCallDef server_tests[] = { { .name = "servermetadata",
	                                       .positional = { SIEVE_STRING, SIEVE_STRINGS },
	                                       .flags = SIEVE_USES_MATCH,
	                                       .check = check_of_server,
	                                       .test = test_servermetadata },
	                                     { .name = "servermetadataexists",
	                                       .positional = { SIEVE_STRINGS },
	                                       .check = check_of_server,
	                                       .test = test_servermetadataexists },
	                                     { .name = NULL } };

const SieveExt sieve_ext_mboxmetadata = { .capability = "mboxmetadata",
	                                  .rfc = "RFC 5490",
	                                  .tests = mailbox_tests };
const SieveExt sieve_ext_servermetadata = { .capability = "servermetadata",
	                                    .rfc = "RFC 5490",
	                                    .tests = server_tests };

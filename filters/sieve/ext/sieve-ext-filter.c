/* SPDX-License-Identifier: MIT */
/*
 * vnd.dovecot.filter: spec-bosch-sieve-extprograms 6 and 8, complete, as a command and as a test. A
 * program that ends with another code than 0, or says nothing, leaves the message as it is, and
 * does not stop the script.
 */
#include "filters/sieve/ext/sieve-external.h"
#include "filters/sieve/run/sieve-mime.h"

/* The output becomes the message. */
static bool
take_message(SieveRun *run, const SieveCall *call, GBytes *output)
{
	gsize len;
	const void *data = g_bytes_get_data(output, &len);
	g_auto(Status) fault = STATUS_INIT;
	Message *message = message_from_bytes(data, len, &fault);

	if (message == NULL)
		return sieve_mime_fail(run, &fault);
	return sieve_mime_set_message(run, call, headers_ref(message_headers(message)), message);
}

static bool
test_filter(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	FilterProgramCall how = {
		.input = run->message,
		.input_headers = run->headers,
		.output_limit = (size_t) run->env->conf->program_output,
	};
	g_autoptr(GBytes) output = NULL;
	if (!sieve_external_run(run, call, PLAN_FILTER, &how, &output))
		return false;

	*ret_result = output != NULL && g_bytes_get_size(output) > 0;
	return !*ret_result || take_message(run, call, output);
}

static bool
run_filter(SieveRun *run, const SieveCall *call)
{
	bool result;
	return test_filter(run, call, &result);
}

static const SieveCallDef commands[] = { { .name = "filter",
	                                   .positional = SIEVE_EXTERNAL_ARGUMENTS,
	                                   .check = sieve_external_check,
	                                   .run = run_filter },
	                                 { .name = NULL } };

static const SieveCallDef tests[] = { { .name = "filter",
	                                .positional = SIEVE_EXTERNAL_ARGUMENTS,
	                                .check = sieve_external_check,
	                                .test = test_filter },
	                              { .name = NULL } };

const SieveExt sieve_ext_filter = {
	.capability = "vnd.dovecot.filter",
	.rfc = "spec-bosch-sieve-extprograms",
	.commands = commands,
	.tests = tests,
};

/* SPDX-License-Identifier: MIT */
/*
 * vnd.dovecot.execute: spec-bosch-sieve-extprograms 7 and 8, complete, as a command and as a test.
 * A program that ends with another code than 0 is the answer no, and does not stop the script.
 */
#include "filters/sieve/ext/sieve-ext-table.h"
#include "filters/sieve/ext/sieve-external.h"
#include "filters/sieve/lang/sieve-variable.h"

#include <string.h>

/* Octets of output, where it may be more than a variable holds: it is cut. */
enum { OUTPUT_OCTETS = 1024 * 1024 };

static bool
check_output(SieveCheck *check, SieveCall *call, SieveTag *tag)
{
	(void) call;
	if (!sieve_check_has(check, &sieve_ext_variables))
		return sieve_check_error(check, tag->tag->span, "missing-require",
		                         "add \"variables\" to require",
		                         "':output' needs \"variables\"");

	SieveVariable *variable = SIEVE_NEW(sieve_check_arena(check), SieveVariable);
	tag->data = variable;
	return sieve_variable_resolve(check, &tag->value->strings[0], true, variable);
}

static bool
store_output(SieveRun *run, const SieveVariable *variable, GBytes *output)
{
	gsize len;
	const char *data = g_bytes_get_data(output, &len);
	g_autofree char *text = g_utf8_make_valid(data != NULL ? data : "",
	                                          (gssize) MIN(len, run->variable_limit));
	return sieve_scope_set(run, variable, (SieveText){ text, strlen(text) });
}

static bool
test_execute(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	const SieveTag *input = sieve_call_tag(call, "input"),
		       *output = sieve_call_tag(call, "output");
	FilterProgramCall how = { .output_limit = OUTPUT_OCTETS };

	if (input != NULL) {
		how.input_text = sieve_run_string(run, input->value, 0);
	} else if (sieve_call_tag(call, "pipe") != NULL) {
		how.input = run->message;
		how.input_headers = run->headers;
	}

	g_autoptr(GBytes) bytes = NULL;
	if (!sieve_external_run(run, call, PLAN_EXECUTE, &how, &bytes))
		return false;

	*ret_result = bytes != NULL;
	return bytes == NULL || output == NULL || store_output(run, output->data, bytes);
}

static bool
run_execute(SieveRun *run, const SieveCall *call)
{
	bool result;
	return test_execute(run, call, &result);
}

static const SieveTagDef execute_tags[] = {
	{ .name = "input", .value = SIEVE_STRING, .group = "input" },
	{ .name = "pipe", .group = "input" },
	{ .name = "output", .value = SIEVE_STRING | SIEVE_CONSTANT, .check = check_output },
	{ .name = NULL }
};

static const SieveCallDef commands[] = { { .name = "execute",
	                                   .positional = SIEVE_EXTERNAL_ARGUMENTS,
	                                   .tags = execute_tags,
	                                   .check = sieve_external_check,
	                                   .run = run_execute },
	                                 { .name = NULL } };

static const SieveCallDef tests[] = { { .name = "execute",
	                                .positional = SIEVE_EXTERNAL_ARGUMENTS,
	                                .tags = execute_tags,
	                                .flags = SIEVE_IS_VOLATILE,
	                                .check = sieve_external_check,
	                                .test = test_execute },
	                              { .name = NULL } };

const SieveExt sieve_ext_execute = {
	.capability = "vnd.dovecot.execute",
	.rfc = "spec-bosch-sieve-extprograms",
	.commands = commands,
	.tests = tests,
};

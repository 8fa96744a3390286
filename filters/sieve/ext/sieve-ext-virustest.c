/* SPDX-License-Identifier: MIT */
/*
 * virustest: RFC 5235 3.3, complete. What the scanner said is found by the settings
 * sieve_virustest_*.
 */
#include "filters/sieve/run/sieve-scanner.h"

static const SieveScanner scanner = {
	.status_header = "sieve_virustest_status_header",
	.status_type = "sieve_virustest_status_type",
	.max_header = "sieve_virustest_max_header",
	.max_value = "sieve_virustest_max_value",
	.text_values = "sieve_virustest_text_values",
	.top = 5,
};

static bool
test_virustest(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	return sieve_scanner_test(run, call, &scanner, scanner.top, ret_result);
}

static const SieveCallDef tests[] = { { .name = "virustest",
	                                .positional = { SIEVE_STRING },
	                                .flags = SIEVE_USES_MATCH,
	                                .test = test_virustest },
	                              { .name = NULL } };

const SieveExt sieve_ext_virustest = { .capability = "virustest",
	                               .rfc = "RFC 5235",
	                               .tests = tests };

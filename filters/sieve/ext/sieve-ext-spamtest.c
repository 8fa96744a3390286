/* SPDX-License-Identifier: MIT */
/*
 * spamtest and spamtestplus: RFC 5235 3.2, complete. What the scanner said is found by the settings
 * sieve_spamtest_*.
 */
#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/run/sieve-scanner.h"

static const SieveScanner scanner = {
	.status_header = "sieve_spamtest_status_header",
	.status_type = "sieve_spamtest_status_type",
	.max_header = "sieve_spamtest_max_header",
	.max_value = "sieve_spamtest_max_value",
	.text_values = "sieve_spamtest_text_values",
	.top = 10,
};

static bool
test_spamtest(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	return sieve_scanner_test(run, call, &scanner,
	                          sieve_call_tag(call, "percent") != NULL ? 100 : scanner.top,
	                          ret_result);
}

static const SieveCallDef tests[] = { { .name = "spamtest",
	                                .positional = { SIEVE_STRING },
	                                .flags = SIEVE_USES_MATCH,
	                                .test = test_spamtest },
	                              { .name = NULL } };

/* 3.2: only with spamtestplus. */
static const SieveTagDef tags[] = { { .name = "percent", .on = "spamtest" }, { .name = NULL } };

const SieveExt sieve_ext_spamtest = { .capability = "spamtest", .rfc = "RFC 5235", .tests = tests };
const SieveExt sieve_ext_spamtestplus = {
	.capability = "spamtestplus", .rfc = "RFC 5235", .implies = "spamtest", .tags = tags
};

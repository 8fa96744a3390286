/* SPDX-License-Identifier: MIT */
/*
 * spamtest and spamtestplus: RFC 5235 3.2, complete. What the scanner said is found by the settings
 * sieve_spamtest_*.
 */
#include "filters/sieve/lang/sieve-check.h"
#include "conf/conf-choices.h"
#include "filters/sieve/run/sieve-scanner.h"

#include <assert.h>

static_assert((int) SIEVE_SCANNER_STRLEN == (int) CONF_SIEVE_SPAMTEST_STATUS_TYPE_STRLEN &&
                      (int) SIEVE_SCANNER_TEXT == (int) CONF_SIEVE_SPAMTEST_STATUS_TYPE_TEXT,
              "the types of results are the choices of the setting");

static bool
test_spamtest(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	const Conf *conf = run->env->conf;
	const SieveScanner scanner = {
		.status_header = conf->sieve_spamtest_status_header,
		.type = (SieveScannerType) conf->sieve_spamtest_status_type,
		.max_header = conf->sieve_spamtest_max_header,
		.max_value = conf->sieve_spamtest_max_value,
		.text_values = conf->sieve_spamtest_text_values,
		.top = 10,
	};

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

/* SPDX-License-Identifier: MIT */
/*
 * virustest: RFC 5235 3.3, complete. What the scanner said is found by the settings
 * sieve_virustest_*.
 */
#include "conf/conf-choices.h"
#include "filters/sieve/run/sieve-scanner.h"

#include <assert.h>

static_assert((int) SIEVE_SCANNER_STRLEN == (int) CONF_SIEVE_VIRUSTEST_STATUS_TYPE_STRLEN &&
                      (int) SIEVE_SCANNER_TEXT == (int) CONF_SIEVE_VIRUSTEST_STATUS_TYPE_TEXT,
              "the types of results are the choices of the setting");

static bool
test_virustest(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	const Conf *conf = run->env->conf;
	const SieveScanner scanner = {
		.status_header = conf->sieve_virustest_status_header,
		.type = (SieveScannerType) conf->sieve_virustest_status_type,
		.max_header = conf->sieve_virustest_max_header,
		.max_value = conf->sieve_virustest_max_value,
		.text_values = conf->sieve_virustest_text_values,
		.top = 5,
	};

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

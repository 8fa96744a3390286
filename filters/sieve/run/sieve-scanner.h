/* SPDX-License-Identifier: MIT */
/*
 * sieve-scanner: what a scanner of spam or viruses wrote into the header, as RFC 5235 wants it: for
 * spamtest and virustest.
 */
#ifndef TODOKE_SIEVE_SCANNER_H
#define TODOKE_SIEVE_SCANNER_H

#include "filters/sieve/run/sieve-run.h"

/* The kind of the result: a number, a row of signs to be counted, or one of `text_values`. */
typedef enum { SIEVE_SCANNER_SCORE, SIEVE_SCANNER_STRLEN, SIEVE_SCANNER_TEXT } SieveScannerType;

/* What the settings of the scanner say, and the value that stands for certain: 10 or 5. */
typedef struct {
	const char *status_header;
	SieveScannerType type;
	const char *max_header;
	const char *max_value;
	char *const *text_values;
	unsigned top;
} SieveScanner;

/* Hold the result, as a number up to `top` (100 for percents), against the keys of the call. */
bool sieve_scanner_test(SieveRun *run, const SieveCall *call, const SieveScanner *scanner,
                        unsigned top, bool *ret_result);

#endif

/* SPDX-License-Identifier: MIT */
/* sieve-scanner: the first field of the name counts: scanners write theirs on top. */
#include "filters/sieve/run/sieve-scanner.h"

#include "agent/base/blank.h"
#include "agent/base/regex.h"
#include "filters/sieve/run/sieve-match.h"
#include "filters/sieve/run/sieve-value.h"

#include <string.h>

/* What the pattern (empty: everything) finds in the value: its first group. */
static char *
find_group(SieveRun *run, const char *pattern, SieveText value)
{
	if (*pattern == '\0')
		return g_strndup(value.data, value.len);
	RegexError error;
	RegexSpan spans[2] = { { -1, -1 }, { -1, -1 } };
	g_autoptr(Regex) regex = regex_compile(pattern, strlen(pattern), REGEX_PLAIN, &error);
	if (regex == NULL) {
		sieve_run_trace(run, TRACE_ACTIONS, run->at, "the pattern '%s' is wrong: %s",
		                pattern, error.text);
		return NULL;
	}

	if (regex_match(regex, value.data, value.len, 0, spans, 2) != REGEX_MATCH ||
	    spans[1].start < 0)
		return NULL;
	return g_strndup(value.data + spans[1].start, (gsize) (spans[1].end - spans[1].start));
}

/* "Name" or "Name: pattern" applied to the header. NULL: nothing is there. Caller frees. */
static char *
read_header(SieveRun *run, const char *setting)
{
	const char *colon = strchr(setting, ':');
	g_autofree char *name = g_strstrip(
		colon != NULL ? g_strndup(setting, (gsize) (colon - setting)) : g_strdup(setting));
	const char *pattern = colon != NULL ? colon + 1 : "";

	pattern = blank_skip(pattern);
	size_t pos = 0;
	const HeaderField *field = *name != '\0' ? headers_next(run->headers, name, &pos) : NULL;
	if (field == NULL)
		return NULL;

	const char *guess;
	return find_group(run, pattern,
	                  sieve_value_of_field(run->scratch, field, run->headers, &guess));
}

/* [-+]digits[.digits] or .digits, blanks around it; no words, no exponents. */
static bool
read_number(const char *text, double *ret_number)
{
	text = blank_skip(text);
	const char *digits = text + (*text == '-' || *text == '+');
	size_t whole = strspn(digits, "0123456789"), rest = 0;
	if (digits[whole] == '.')
		rest = 1 + strspn(digits + whole + 1, "0123456789");

	const char *end = digits + whole + rest;
	end = blank_skip(end);
	bool has_digits = whole > 0 || rest > 1;
	if (!has_digits || *end != '\0')
		return false;

	*ret_number = g_ascii_strtod(text, NULL);
	return true;
}

/* What stands for certain in the scanner's own measure. */
static bool
read_max(SieveRun *run, const SieveScanner *scanner, double *ret_max)
{
	g_autofree char *found = *scanner->max_header != '\0'
	                                 ? read_header(run, scanner->max_header)
	                                 : NULL;
	const char *text = found != NULL ? found : scanner->max_value;
	return read_number(text, ret_max) && *ret_max > 0;
}

/* The place of a word among 1 to top, as a share. 0 stands for "not tested". */
static bool
share_of_word(const SieveScanner *scanner, const char *word, double *ret_share)
{
	for (unsigned i = 1; i <= scanner->top; i++) {
		char number[12];
		g_snprintf(number, sizeof number, "%u", i);
		const char *value = conf_find_item(scanner->text_values, number);
		if (value == NULL || strcmp(value, word) != 0)
			continue;
		*ret_share = (double) (i - 1) / (scanner->top - 1);
		return true;
	}

	return false;
}

/* The result between 0 (clean) and 1 (certain); false: nobody tested the message. */
static bool
read_share(SieveRun *run, const SieveScanner *scanner, double *ret_share)
{
	g_autofree char *found = read_header(run, scanner->status_header);
	double number = found != NULL ? (double) strlen(found) : 0, max;

	if (found == NULL)
		return false;
	if (scanner->type == SIEVE_SCANNER_TEXT)
		return share_of_word(scanner, found, ret_share);
	if (scanner->type == SIEVE_SCANNER_SCORE && !read_number(found, &number))
		return false;
	if (!read_max(run, scanner, &max))
		return false;

	*ret_share = CLAMP(number / max, 0.0, 1.0);
	return true;
}

bool
sieve_scanner_test(SieveRun *run, const SieveCall *call, const SieveScanner *scanner, unsigned top,
                   bool *ret_result)
{
	double share = 0;
	SieveMatch match;
	bool tested = read_share(run, scanner, &share);

	if (!sieve_match_begin(&match, run, call))
		return false;
	/*
	 * 0 says "not tested", but of 100 percent it is also the least. A little more than nothing,
	 * against rounding.
	 */
	unsigned least = top == 100 ? 0 : 1;
	unsigned value = tested ? least + (unsigned) (share * (top - least) + 0.001) : 0;
	char text[12];
	int len = g_snprintf(text, sizeof text, "%u", value);
	sieve_run_trace(run, TRACE_MATCHING, call, "%s is %s of %u%s", call->def->name, text, top,
	                tested ? "" : ": not tested");

	/* RFC 5235 3.1: the count of what was not tested is 0. */
	bool counts = tested || !match.spec->def->counts;
	if (counts && !sieve_match_add(&match, (SieveText){ text, (size_t) len }))
		return false;

	return sieve_match_end(&match, ret_result);
}

/* SPDX-License-Identifier: MIT */
/*
 * regex: PCRE2 behind limits. No JIT: a process serves one message, and compiling would cost more
 * than it saves.
 */
#include "agent/base/regex.h"

#include "agent/base/limits.h"

#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

struct Regex {
	pcre2_code *code;
	pcre2_match_data *match;
	pcre2_match_context *limits;
};

void
regex_free(Regex *regex)
{
	if (regex == NULL)
		return;
	pcre2_match_context_free(regex->limits);
	pcre2_match_data_free(regex->match);
	pcre2_code_free(regex->code);
	g_free(regex);
}

static guint32
pcre_options(RegexFlags flags)
{
	/* \C would cut characters of UTF-8 in two. */
	guint32 options = PCRE2_NEVER_BACKSLASH_C;

	if (flags & REGEX_UTF)
		options |= PCRE2_UTF | PCRE2_MATCH_INVALID_UTF;
	if (flags & REGEX_CASELESS)
		options |= PCRE2_CASELESS;
	if (flags & REGEX_MULTILINE)
		options |= PCRE2_MULTILINE;
	if (flags & REGEX_DOTALL)
		options |= PCRE2_DOTALL;

	return options;
}

static void
set_error(RegexError *ret_error, int code, size_t offset)
{
	if (ret_error == NULL)
		return;
	ret_error->offset = offset;
	pcre2_get_error_message(code, (PCRE2_UCHAR *) ret_error->text, sizeof ret_error->text);
}

Regex *
regex_compile(const char *pattern, size_t len, RegexFlags flags, RegexError *ret_error)
{
	if (len > LIMIT_REGEX_PATTERN_BYTES) {
		if (ret_error != NULL) {
			ret_error->offset = LIMIT_REGEX_PATTERN_BYTES;
			g_snprintf(ret_error->text, sizeof ret_error->text,
			           "pattern is longer than %u bytes", LIMIT_REGEX_PATTERN_BYTES);
		}
		return NULL;
	}

	int code;
	size_t offset;
	g_autoptr(Regex) regex = g_new0(Regex, 1);
	regex->code = pcre2_compile((PCRE2_SPTR) pattern, len, pcre_options(flags), &code, &offset,
	                            NULL);

	if (regex->code == NULL) {
		set_error(ret_error, code, offset);
		return NULL;
	}

	regex->match = pcre2_match_data_create(LIMIT_REGEX_GROUPS, NULL);
	regex->limits = pcre2_match_context_create(NULL);
	pcre2_set_match_limit(regex->limits, LIMIT_REGEX_STEPS);
	pcre2_set_heap_limit(regex->limits, LIMIT_REGEX_HEAP_KB);

	return g_steal_pointer(&regex);
}

unsigned
regex_groups(const Regex *regex)
{
	guint32 groups = 0;
	pcre2_pattern_info(regex->code, PCRE2_INFO_CAPTURECOUNT, &groups);
	return groups;
}

/* Groups that took no part, or that the pattern does not have, are -1. */
static void
copy_spans(const Regex *regex, RegexSpan *spans, size_t n_spans)
{
	const size_t *offsets = pcre2_get_ovector_pointer(regex->match);
	size_t n = MIN(pcre2_get_ovector_count(regex->match), regex_groups(regex) + 1);

	for (size_t i = 0; i < n_spans; i++) {
		bool set = i < n && offsets[2 * i] != PCRE2_UNSET;
		spans[i] = (RegexSpan){ set ? (gssize) offsets[2 * i] : -1,
			                set ? (gssize) offsets[2 * i + 1] : -1 };
	}
}

RegexResult
regex_match(const Regex *regex, const char *subject, size_t len, size_t start, RegexSpan *spans,
            size_t n_spans)
{
	int rc = pcre2_match(regex->code, (PCRE2_SPTR) subject, len, start, 0, regex->match,
	                     regex->limits);
	if (rc >= 0) {
		copy_spans(regex, spans, n_spans);
		return REGEX_MATCH;
	}

	return rc == PCRE2_ERROR_NOMATCH ? REGEX_NO_MATCH : REGEX_LIMIT;
}

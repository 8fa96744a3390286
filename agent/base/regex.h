/* SPDX-License-Identifier: MIT */
/*
 * regex: PCRE2 with limits. A user's pattern over a stranger's value must not hold up the delivery:
 * steps, depth and memory of a match are bounded (limits.h), and so is the pattern.
 */
#ifndef TODOKE_REGEX_H
#define TODOKE_REGEX_H

#include <glib.h>
#include <stdbool.h>

typedef enum {
	REGEX_PLAIN = 0,
	/* pattern and subject are UTF-8; invalid octets of the subject match nothing */
	REGEX_UTF = 1 << 0,
	REGEX_CASELESS = 1 << 1,
	REGEX_MULTILINE = 1 << 2, /* ^ and $ match at line ends inside too */
	REGEX_DOTALL = 1 << 3     /* . matches a line end too */
} RegexFlags;

typedef struct Regex Regex;

/* What is wrong with a pattern, and the octet where it was seen. */
typedef struct {
	size_t offset;
	char text[128];
} RegexError;

/*
 * NULL: the pattern is wrong, or over LIMIT_REGEX_PATTERN_BYTES; *ret_error (may be NULL) says why.
 * Caller frees.
 */
Regex *regex_compile(const char *pattern, size_t len, RegexFlags flags, RegexError *ret_error);
void regex_free(Regex *regex);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Regex, regex_free)

/* Capturing groups in the pattern, the whole match not counted. */
unsigned regex_groups(const Regex *regex);

typedef enum {
	REGEX_MATCH,
	REGEX_NO_MATCH,
	REGEX_LIMIT /* a limit was reached: it may match or not */
} RegexResult;

/* Where a group matched, in octets of the subject; -1: it did not take part. */
typedef struct {
	gssize start;
	gssize end;
} RegexSpan;

/*
 * Match from octet `start` on (look-behind sees what is before it). On REGEX_MATCH the first
 * `n_spans` of `spans` are set, 0 is the whole match; `spans` may be NULL if n_spans is 0.
 */
RegexResult regex_match(const Regex *regex, const char *subject, size_t len, size_t start,
                        RegexSpan *spans, size_t n_spans);

#endif

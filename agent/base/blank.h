/* SPDX-License-Identifier: MIT */
/* blank: over the blanks before a word. What counts as one is written down here, and only here. */
#ifndef TODOKE_BLANK_H
#define TODOKE_BLANK_H

#include <string.h>

/* Behind the blanks and tabs at `at`; the text ends with a NUL. */
static inline const char *
blank_skip(const char *at)
{
	return at + strspn(at, " \t");
}

/* The same with line ends (CR, LF): the white space of a header field (RFC 5322 2.2.3). */
static inline const char *
blank_skip_lines(const char *at)
{
	return at + strspn(at, " \t\r\n");
}

/* As blank_skip_lines, in a text that ends at `end` and may have NULs. */
static inline const char *
blank_skip_lines_to(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n'))
		at++;
	return at;
}

#endif

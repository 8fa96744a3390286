/* SPDX-License-Identifier: MIT */
/*
 * sieve-parser: tokens -> tree (RFC 5228 8.2). Knows no command by meaning; goes on after an error
 * at the next ";" or "}".
 */
#ifndef TODOKE_SIEVE_PARSER_H
#define TODOKE_SIEVE_PARSER_H

#include "filters/sieve/lang/sieve-lexer.h"

/* What the parser must know of words to say what is missing where they stand. */
typedef struct {
	/* the name of a command and of no test: before it, a ";" is missing */
	bool (*is_command)(const char *word);
	bool (*takes_test)(const char *word); /* ... unless a test has to follow */
} SieveParserWords;

/*
 * Parse all of it. The first command, or NULL for an empty script; what was reported says whether
 * it is whole.
 */
SieveCall *sieve_parser_parse(const char *text, size_t len, SieveArena *arena,
                              const SieveParserWords *words, SieveLexerReport *report, void *user);

#endif

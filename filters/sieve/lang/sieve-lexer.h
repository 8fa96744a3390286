/* SPDX-License-Identifier: MIT */
/* sieve-lexer: bytes of a script -> tokens with their places (RFC 5228 8.1). */
#ifndef TODOKE_SIEVE_LEXER_H
#define TODOKE_SIEVE_LEXER_H

#include "filters/sieve/lang/sieve-ast.h"

typedef enum {
	SIEVE_TOKEN_END,
	SIEVE_TOKEN_WORD,
	SIEVE_TOKEN_TAG,
	SIEVE_TOKEN_NUMBER,
	SIEVE_TOKEN_STRING,
	SIEVE_TOKEN_SIGN, /* one of ; , ( ) [ ] { } */
	SIEVE_TOKEN_BAD,  /* no token: was reported */
} SieveTokenKind;

typedef struct {
	SieveTokenKind kind;
	SieveSpan span;
	char sign;
	guint64 number;
	/* WORD, TAG (without colon): as written; STRING: without escapes. In the arena */
	SieveText text;
	unsigned end_line; /* line and column behind the token */
	unsigned end_column;
} SieveToken;

/* Told about each fault: a stable code, text, hint (may be NULL). */
typedef void
SieveLexerReport(void *user, SieveSpan span, const char *code, const char *hint, const char *text);

typedef struct {
	const char *text;
	size_t len;
	size_t at;
	unsigned line;
	size_t line_start; /* offset of the first octet of the line */
	SieveArena *arena;
	SieveLexerReport *report;
	void *user;
} SieveLexer;

void sieve_lexer_init(SieveLexer *lexer, const char *text, size_t len, SieveArena *arena,
                      SieveLexerReport *report, void *user);

/*
 * The next token; SIEVE_TOKEN_END for ever at the end. Members that its kind does not have are left
 * as they are.
 */
void sieve_lexer_next(SieveLexer *lexer, SieveToken *token);

#endif

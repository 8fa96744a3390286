/* SPDX-License-Identifier: MIT */
/*
 * conf-lexer: the words and signs of todoke.conf.
 *
 * Comments begin with '#' or, between words, with "//", or stand between slash-star and star-slash.
 * A string ends on its line. Double quotes know \" and \\; in single quotes every character is
 * itself but for \' and \\. A plain word ends at a blank, at one of = { } , " ' # and at "+=".
 */
#ifndef TODOKE_CONF_LEXER_H
#define TODOKE_CONF_LEXER_H

#include "agent/base/problem.h"

#include <glib.h>
#include <stdbool.h>

typedef enum {
	CONF_TOKEN_WORD,  /* a plain word or a string: `text` */
	CONF_TOKEN_EQUAL, /* = */
	CONF_TOKEN_ADD,   /* += */
	CONF_TOKEN_OPEN,  /* { */
	CONF_TOKEN_CLOSE, /* } */
	CONF_TOKEN_COMMA, /* , */
	CONF_TOKEN_END,   /* of the file */
} ConfTokenKind;

typedef struct {
	ConfTokenKind kind;
	/*
	 * of a WORD, without quotes and escapes: `len` octets, not terminated; borrowed from the
	 * lexer
	 */
	const char *text;
	size_t len;
	unsigned line;       /* from 1 */
	unsigned column;     /* from 1, in octets */
	unsigned end_column; /* the first behind it */
	bool is_first;       /* on its line */
	bool is_wrong;       /* a problem was reported in it: what it says is not to be used */
} ConfToken;

typedef struct {
	char *next;
	char *end;
	char *line_start;
	unsigned line;
	bool line_has_token;
	const char *file;    /* as problems name it; borrowed */
	GPtrArray *problems; /* Problem; borrowed */
} ConfLexer;

/*
 * Begin with `text`, which has `len` octets and a NUL; strings are unescaped in place. All
 * arguments are borrowed.
 */
void
conf_lexer_begin(ConfLexer *lexer, char *text, size_t len, const char *file, GPtrArray *problems);

/* The next token. What cannot be one is reported and skipped. */
ConfToken conf_lexer_next(ConfLexer *lexer);

#endif

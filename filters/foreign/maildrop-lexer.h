/* SPDX-License-Identifier: MIT */
/* maildrop-lexer: the words of a .mailfilter (maildropfilter(7), Lexical structure). */
#ifndef TODOKE_MAILDROP_LEXER_H
#define TODOKE_MAILDROP_LEXER_H

#include <glib.h>
#include <stdbool.h>

/* In the text of a word: VARIABLE_OPEN name VARIABLE_CLOSE stands for the value of a variable. */
enum { MAILDROP_VARIABLE_OPEN = '\002', MAILDROP_VARIABLE_CLOSE = '\003' };

typedef enum {
	MAILDROP_END,
	MAILDROP_LINE, /* end of a line, or a semicolon */
	MAILDROP_TEXT,
	MAILDROP_PATTERN,
	MAILDROP_PROGRAM, /* in back-ticks */
	MAILDROP_SIGN,    /* an operator, a brace: in `text` */
	MAILDROP_WRONG    /* `text` says what */
} MaildropTokenKind;

typedef struct {
	MaildropTokenKind kind;
	unsigned line, column;
	size_t start, end;
	bool bare;     /* a text without quotes: it may be a keyword */
	char *text;    /* owned by the lexer, until the next token is read */
	char *options; /* of a pattern; likewise */
} MaildropToken;

typedef struct {
	const char *text;
	size_t len, at;
	unsigned line;
	size_t line_start;
	size_t last_end; /* of the token before this one */
	GString *word, *options;
	MaildropToken token;
} MaildropLexer;

void maildrop_lexer_init(MaildropLexer *lexer, const char *text, size_t len);
void maildrop_lexer_clear(MaildropLexer *lexer);

/* Read the next token into lexer->token. `value`: a slash begins a text, no pattern. */
void maildrop_lexer_next(MaildropLexer *lexer, bool value);

#endif

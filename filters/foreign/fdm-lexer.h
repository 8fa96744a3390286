/* SPDX-License-Identifier: MIT */
/* fdm-lexer: the words of a .fdm.conf (fdm.conf(5)). */
#ifndef TODOKE_FDM_LEXER_H
#define TODOKE_FDM_LEXER_H

#include <glib.h>
#include <stdbool.h>

typedef enum {
	FDM_END,
	FDM_WORD,    /* a keyword */
	FDM_STRING,  /* in quotes, macros filled in */
	FDM_NUMBER,  /* with a unit behind it, as 10K */
	FDM_MACRO,   /* $name or %name */
	FDM_PROGRAM, /* $(command) or %(command) */
	FDM_SIGN,    /* { } ( ) , = < > == != + */
	FDM_WRONG    /* `text` says what */
} FdmTokenKind;

typedef struct {
	FdmTokenKind kind;
	unsigned line, column;
	size_t start, end;
	bool unknown; /* of a string: a macro in it is not known */
	char *text;   /* owned by the lexer, until the next token is read */
} FdmToken;

typedef struct {
	const char *text;
	size_t len, at;
	unsigned line;
	size_t line_start;
	size_t last_end;    /* of the token before this one */
	GHashTable *macros; /* "$name" -> text, NULL where a program says it; borrowed */
	GString *word;
	FdmToken token;
} FdmLexer;

void fdm_lexer_init(FdmLexer *lexer, const char *text, size_t len, GHashTable *macros);
void fdm_lexer_clear(FdmLexer *lexer);

/* Read the next token into lexer->token. */
void fdm_lexer_next(FdmLexer *lexer);

#endif

/* SPDX-License-Identifier: MIT */
/* maildrop-expression: expressions of a .mailfilter: texts that are known, and tests. */
#ifndef TODOKE_MAILDROP_EXPRESSION_H
#define TODOKE_MAILDROP_EXPRESSION_H

#include "filters/foreign/foreign.h"
#include "filters/foreign/maildrop-lexer.h"

/* The value of a variable or an expression: a text or a test, or neither, and why. */
typedef struct {
	char *text; /* with FOREIGN_MARK where a message tells */
	ForeignTest *test;
	const char *why;
} MaildropValue;

void maildrop_value_clear(MaildropValue *value);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MaildropValue, maildrop_value_clear)

typedef struct {
	MaildropLexer lexer;
	ForeignRules *rules;
	const FilterSource *source;
	GPtrArray *problems;
	GHashTable *variables; /* name -> text (char *) */
	unsigned depth;
	bool failed;
} MaildropParser;

/* The marks of SIZE and FROM, which only a message has. */
#define MAILDROP_SIZE "\001*1"
#define MAILDROP_SENDER "\001*2"

/* The token that is read now. */
static inline const MaildropToken *
maildrop_token(const MaildropParser *parser)
{
	return &parser->lexer.token;
}

void maildrop_next(MaildropParser *parser);
bool maildrop_is_sign(const MaildropParser *parser, const char *sign);

/* Say what is wrong at the present token, once. Returns false. */
bool maildrop_error(MaildropParser *parser, const char *text);

/* Read an expression. False: it has an error, which was said. */
bool maildrop_expression(MaildropParser *parser, MaildropValue *ret_value);

/* The truth of a value as a test. Takes the value's content. */
ForeignTest *maildrop_truth(MaildropValue *taken_value);

/* The text of words in a row, from the present token on. `*ret_why` where it is not known. */
char *maildrop_words(MaildropParser *parser, const char **ret_why);

#endif

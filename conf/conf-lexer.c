/* SPDX-License-Identifier: MIT */
/* conf-lexer: see the header. */
#include "conf/conf-lexer.h"

#include "conf/conf-problem.h"

#include <string.h>

void
conf_lexer_begin(ConfLexer *lexer, char *text, size_t len, const char *file, GPtrArray *problems)
{
	*lexer = (ConfLexer){
		.next = text,
		.end = text + len,
		.line_start = text,
		.line = 1,
		.file = file,
		.problems = problems,
	};
}

static unsigned
column_of(const ConfLexer *lexer, const char *at)
{
	return (unsigned) (at - lexer->line_start) + 1;
}

static void
report(ConfLexer *lexer, const char *at, const char *end, const char *hint, const char *text)
{
	ConfPlace place = { lexer->file, lexer->line, column_of(lexer, at), column_of(lexer, end) };

	conf_problem_add(lexer->problems, &place, "syntax", hint, "%s", text);
}

static void
begin_line(ConfLexer *lexer)
{
	lexer->line++;
	lexer->line_start = lexer->next;
	lexer->line_has_token = false;
}

static char *
find_line_end(const ConfLexer *lexer, char *from)
{
	char *end = memchr(from, '\n', (size_t) (lexer->end - from));
	return end != NULL ? end : lexer->end;
}

static void
skip_block_comment(ConfLexer *lexer)
{
	char *close = g_strstr_len(lexer->next + 2, lexer->end - lexer->next - 2, "*/");
	char *end = close != NULL ? close + 2 : lexer->end;

	if (close == NULL)
		report(lexer, lexer->next, lexer->next + 2, NULL,
		       "the comment is not closed: '*/' is missing");

	while (lexer->next < end)
		if (*lexer->next++ == '\n')
			begin_line(lexer);
}

/* Blanks, line ends and comments before the next token. */
static void
skip_space(ConfLexer *lexer)
{
	while (lexer->next < lexer->end) {
		char c = *lexer->next, after = lexer->next[1];

		if (c == '#' || (c == '/' && after == '/')) {
			lexer->next = find_line_end(lexer, lexer->next);
		} else if (c == '/' && after == '*') {
			skip_block_comment(lexer);
		} else if (c == '\n') {
			lexer->next++;
			begin_line(lexer);
		} else if (c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f') {
			lexer->next++;
		} else {
			return;
		}
	}
}

/* The environment is whatever the caller of a delivery agent happened to have. */
static bool
refuse_variable(ConfLexer *lexer, const char *at)
{
	if (at[0] != '$' || at[1] != '{')
		return false;

	report(lexer, at, at + 2,
	       "settings know %u, %n, %d and %h; in single quotes it is plain text",
	       "'${' is not allowed here");
	return true;
}

/*
 * Is the backslash at `at` an escape in this kind of quotes? In double quotes, one that is none is
 * wrong.
 */
static bool
is_escape(ConfLexer *lexer, const char *at, char quote, bool *wrong)
{
	if (at[1] == '\\' || at[1] == quote || (quote == '"' && at[1] == '\''))
		return true;
	if (quote == '\'')
		return false;

	g_autofree char *text = g_strdup_printf("'\\%c' has no meaning in double quotes", at[1]);
	g_autofree char *hint = g_strdup_printf("write '\\\\%c', or put the value in single quotes",
	                                        at[1]);
	report(lexer, at, at + 2, hint, text);
	*wrong = true;

	return true;
}

static void
read_string(ConfLexer *lexer, ConfToken *token)
{
	char quote = *lexer->next, *start = lexer->next, *end = find_line_end(lexer, start);
	char *from = start + 1, *to = from;

	for (; from < end && *from != quote; from++) {
		if (quote == '"' && refuse_variable(lexer, from))
			token->is_wrong = true;
		if (*from == '\\' && from + 1 < end &&
		    is_escape(lexer, from, quote, &token->is_wrong))
			from++;
		*to++ = *from;
	}

	if (from >= end) {
		g_autofree char *text = g_strdup_printf(
			"the string is not closed: %c is missing on this line", quote);
		report(lexer, start, end, NULL, text);
		token->is_wrong = true;
	}

	token->text = start + 1;
	token->len = (size_t) (to - token->text);
	lexer->next = MIN(from + 1, end);
}

static bool
ends_word(const char *c)
{
	switch (*c) {
	case ' ':
	case '\t':
	case '\r':
	case '\n':
	case '\v':
	case '\f':
	case '=':
	case '{':
	case '}':
	case ',':
	case '"':
	case '\'':
	case '#':
		return true;
	case '+':
		return c[1] == '=';
	default:
		return false;
	}
}

static void
read_word(ConfLexer *lexer, ConfToken *token)
{
	char *start = lexer->next, *c = start;

	for (; c < lexer->end && !ends_word(c); c++) {
		if (refuse_variable(lexer, c)) {
			token->is_wrong = true;
			char *close = memchr(c, '}', (size_t) (find_line_end(lexer, c) - c));
			c = close != NULL ? close : c + 1;
		}
	}

	token->text = start;
	token->len = (size_t) (c - start);
	lexer->next = c;
}

static bool
is_sign(const char *c, ConfTokenKind *ret_kind, size_t *ret_len)
{
	*ret_len = 1;
	switch (*c) {
	case '=':
		*ret_kind = CONF_TOKEN_EQUAL;
		return true;
	case '{':
		*ret_kind = CONF_TOKEN_OPEN;
		return true;
	case '}':
		*ret_kind = CONF_TOKEN_CLOSE;
		return true;
	case ',':
		*ret_kind = CONF_TOKEN_COMMA;
		return true;
	case '+':
		*ret_kind = CONF_TOKEN_ADD;
		*ret_len = 2;
		return c[1] == '=';
	default:
		return false;
	}
}

/* A NUL would end what C reads; nobody means it. */
static void
skip_nul(ConfLexer *lexer)
{
	if (lexer->next < lexer->end && *lexer->next == '\0') {
		report(lexer, lexer->next, lexer->next + 1, "a text file is wanted",
		       "there is a NUL byte; what follows was not read");
		lexer->end = lexer->next;
	}
}

ConfToken
conf_lexer_next(ConfLexer *lexer)
{
	skip_space(lexer);
	skip_nul(lexer);

	ConfToken token = {
		.kind = CONF_TOKEN_END,
		.line = lexer->line,
		.column = column_of(lexer, lexer->next),
		.is_first = !lexer->line_has_token,
	};
	size_t len;
	if (lexer->next >= lexer->end)
		return token;

	lexer->line_has_token = true;
	if (is_sign(lexer->next, &token.kind, &len)) {
		lexer->next += len;
	} else {
		token.kind = CONF_TOKEN_WORD;
		if (*lexer->next == '"' || *lexer->next == '\'')
			read_string(lexer, &token);
		else
			read_word(lexer, &token);
	}

	token.end_column = column_of(lexer, lexer->next);
	return token;
}

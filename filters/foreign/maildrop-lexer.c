/* SPDX-License-Identifier: MIT */
/* maildrop-lexer: the end of a line is a token; a backslash before it joins two lines. */
#include "filters/foreign/maildrop-lexer.h"

#include <string.h>

void
maildrop_lexer_init(MaildropLexer *lexer, const char *text, size_t len)
{
	*lexer = (MaildropLexer){ .text = text,
		                  .len = len,
		                  .line = 1,
		                  .word = g_string_new(NULL),
		                  .options = g_string_new(NULL) };
}

void
maildrop_lexer_clear(MaildropLexer *lexer)
{
	g_string_free(lexer->word, TRUE);
	g_string_free(lexer->options, TRUE);
}

static char
peek(const MaildropLexer *lexer, size_t ahead)
{
	return lexer->at + ahead < lexer->len ? lexer->text[lexer->at + ahead] : '\0';
}

static char
take(MaildropLexer *lexer)
{
	char c = lexer->text[lexer->at++];
	if (c == '\n') {
		lexer->line++;
		lexer->line_start = lexer->at;
	}
	return c;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\f';
}

/* Octets of a backslash and the line end behind it; 0: it is none. */
static size_t
joined_line(const MaildropLexer *lexer)
{
	if (peek(lexer, 0) != '\\')
		return 0;
	if (peek(lexer, 1) == '\n')
		return 2;
	return peek(lexer, 1) == '\r' && peek(lexer, 2) == '\n' ? 3 : 0;
}

static void
skip_blanks(MaildropLexer *lexer)
{
	while (lexer->at < lexer->len) {
		size_t joined = joined_line(lexer);
		if (is_blank(peek(lexer, 0)))
			lexer->at++;
		else if (peek(lexer, 0) == '#')
			while (lexer->at < lexer->len && peek(lexer, 0) != '\n')
				lexer->at++;
		else if (joined > 0)
			for (; joined > 0; joined--)
				take(lexer);
		else
			break;
	}
}

static void
wrong(MaildropLexer *lexer, const char *what)
{
	lexer->token.kind = MAILDROP_WRONG;
	g_string_assign(lexer->word, what);
	lexer->at = lexer->len;
}

static bool
is_name(char c)
{
	return g_ascii_isalnum(c) || c == '_';
}

/* $NAME, ${NAME}; a dollar before anything else is itself. */
static void
read_variable(MaildropLexer *lexer)
{
	lexer->at++;
	bool braced = peek(lexer, 0) == '{';
	if (!braced && !is_name(peek(lexer, 0))) {
		g_string_append_c(lexer->word, '$');
		return;
	}

	lexer->at += braced;
	g_string_append_c(lexer->word, MAILDROP_VARIABLE_OPEN);
	while (lexer->at < lexer->len && peek(lexer, 0) != '\n' &&
	       (braced ? peek(lexer, 0) != '}' : is_name(peek(lexer, 0))))
		g_string_append_c(lexer->word, take(lexer));
	g_string_append_c(lexer->word, MAILDROP_VARIABLE_CLOSE);

	if (braced && peek(lexer, 0) != '}')
		wrong(lexer, "'${' without a '}'");
	else
		lexer->at += braced;
}

static void
read_quoted(MaildropLexer *lexer)
{
	char quote = take(lexer);
	while (lexer->at < lexer->len && peek(lexer, 0) != quote) {
		size_t joined = joined_line(lexer);
		char next = peek(lexer, 1);
		if (peek(lexer, 0) == '\n')
			break;
		if (joined > 0) {
			for (; joined > 0; joined--)
				take(lexer);
			while (is_blank(peek(lexer, 0)))
				lexer->at++;
		} else if (peek(lexer, 0) == '\\' &&
		           (next == '\\' || next == quote || (quote == '"' && next == '$'))) {
			lexer->at++;
			g_string_append_c(lexer->word, take(lexer));
		} else if (quote == '"' && peek(lexer, 0) == '$') {
			read_variable(lexer);
		} else {
			g_string_append_c(lexer->word, take(lexer));
		}
	}

	if (lexer->token.kind == MAILDROP_WRONG)
		return;
	if (peek(lexer, 0) != quote)
		wrong(lexer, "a text without its closing quote");
	else
		lexer->at++;
}

static bool
is_bare(char c)
{
	return g_ascii_isalnum(c) || (c != '\0' && strchr("_-.:/$@", c) != NULL) || (c & 0x80);
}

static void
read_bare(MaildropLexer *lexer)
{
	lexer->token.bare = true;
	while (lexer->token.kind != MAILDROP_WRONG && is_bare(peek(lexer, 0))) {
		if (peek(lexer, 0) == '$') {
			lexer->token.bare = false;
			read_variable(lexer);
		} else {
			g_string_append_c(lexer->word, take(lexer));
		}
	}
}

static void
read_program(MaildropLexer *lexer)
{
	lexer->token.kind = MAILDROP_PROGRAM;
	lexer->at++;
	while (lexer->at < lexer->len && peek(lexer, 0) != '`' && peek(lexer, 0) != '\n') {
		if (peek(lexer, 0) == '\\' && peek(lexer, 1) != '\0' && peek(lexer, 1) != '\n')
			lexer->at++;
		take(lexer);
	}

	if (peek(lexer, 0) != '`')
		wrong(lexer, "a command without its closing back-tick");
	else
		lexer->at++;
}

static void
read_pattern(MaildropLexer *lexer)
{
	lexer->token.kind = MAILDROP_PATTERN;
	lexer->at++;
	while (lexer->at < lexer->len && peek(lexer, 0) != '/' && peek(lexer, 0) != '\n') {
		if (peek(lexer, 0) == '\\' && peek(lexer, 1) != '\0' && peek(lexer, 1) != '\n')
			g_string_append_c(lexer->word, take(lexer));
		g_string_append_c(lexer->word, take(lexer));
	}
	if (peek(lexer, 0) != '/') {
		wrong(lexer, "a pattern without its closing slash");
		return;
	}

	lexer->at++;
	if (peek(lexer, 0) != ':')
		return;
	lexer->at++;
	while (g_ascii_isalnum(peek(lexer, 0)) ||
	       (peek(lexer, 0) != '\0' && strchr(",.-+", peek(lexer, 0)) != NULL))
		g_string_append_c(lexer->options, take(lexer));
}

static void
read_sign(MaildropLexer *lexer)
{
	static const char *const signs[] = { "||", "&&", "<=", ">=", "==", "!=", "=~" };
	lexer->token.kind = MAILDROP_SIGN;

	for (size_t i = 0; i < G_N_ELEMENTS(signs); i++)
		if (peek(lexer, 0) == signs[i][0] && peek(lexer, 1) == signs[i][1]) {
			g_string_assign(lexer->word, signs[i]);
			lexer->at += 2;
			return;
		}
	if (strchr("{}(),=!<>|&+-*/~", peek(lexer, 0)) == NULL)
		wrong(lexer, "a character that begins nothing here: is a quote missing?");
	else
		g_string_append_c(lexer->word, take(lexer));
}

static bool
begins_pattern(const MaildropLexer *lexer)
{
	return peek(lexer, 0) == '/' && !is_blank(peek(lexer, 1)) && peek(lexer, 1) != '\n' &&
	       peek(lexer, 1) != '\0';
}

static void
read_token(MaildropLexer *lexer, bool value)
{
	char c = peek(lexer, 0);
	lexer->token.kind = MAILDROP_TEXT;

	if (c == '"' || c == '\'')
		read_quoted(lexer);
	else if (c == '`')
		read_program(lexer);
	else if (begins_pattern(lexer) && !value)
		read_pattern(lexer);
	else if (is_bare(c) && c != '/' && !(c == '-' && is_blank(peek(lexer, 1))))
		read_bare(lexer);
	else if (c == '/' && value && begins_pattern(lexer))
		read_bare(lexer);
	else
		read_sign(lexer);
}

void
maildrop_lexer_next(MaildropLexer *lexer, bool value)
{
	lexer->last_end = lexer->token.end;
	skip_blanks(lexer);
	g_string_truncate(lexer->word, 0);
	g_string_truncate(lexer->options, 0);
	lexer->token = (MaildropToken){ .line = lexer->line,
		                        .column = (unsigned) (lexer->at - lexer->line_start) + 1,
		                        .start = lexer->at };

	if (lexer->at >= lexer->len)
		lexer->token.kind = MAILDROP_END;
	else if (peek(lexer, 0) == '\n' || peek(lexer, 0) == ';') {
		take(lexer);
		lexer->token.kind = MAILDROP_LINE;
	} else {
		read_token(lexer, value);
	}

	lexer->token.end = lexer->at;
	lexer->token.text = lexer->word->str;
	lexer->token.options = lexer->options->str;
}

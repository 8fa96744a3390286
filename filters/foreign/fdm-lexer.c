/* SPDX-License-Identifier: MIT */
/* fdm-lexer: line ends count for nothing; macros are put into strings while they are read. */
#include "filters/foreign/fdm-lexer.h"

#include "agent/base/limits.h"

#include <string.h>

void
fdm_lexer_init(FdmLexer *lexer, const char *text, size_t len, GHashTable *macros)
{
	*lexer = (FdmLexer){
		.text = text, .len = len, .line = 1, .macros = macros, .word = g_string_new(NULL)
	};
}

void
fdm_lexer_clear(FdmLexer *lexer)
{
	g_string_free(lexer->word, TRUE);
}

static char
peek(const FdmLexer *lexer, size_t ahead)
{
	return lexer->at + ahead < lexer->len ? lexer->text[lexer->at + ahead] : '\0';
}

static char
take(FdmLexer *lexer)
{
	char c = lexer->text[lexer->at++];
	if (c == '\n') {
		lexer->line++;
		lexer->line_start = lexer->at;
	}
	return c;
}

static void
skip_blanks(FdmLexer *lexer)
{
	while (lexer->at < lexer->len) {
		if (strchr(" \t\r\n\f", peek(lexer, 0)) != NULL)
			take(lexer);
		else if (peek(lexer, 0) == '\\' && peek(lexer, 1) == '\n')
			lexer->at++;
		else if (peek(lexer, 0) == '#')
			while (lexer->at < lexer->len && peek(lexer, 0) != '\n')
				lexer->at++;
		else
			break;
	}
}

static void
wrong(FdmLexer *lexer, const char *what)
{
	lexer->token.kind = FDM_WRONG;
	g_string_assign(lexer->word, what);
	lexer->at = lexer->len;
}

static bool
is_name(char c)
{
	return g_ascii_isalnum(c) || c == '_' || c == '-';
}

/* ${name} or %{name} in a string. */
static void
read_macro_inside(FdmLexer *lexer)
{
	g_autoptr(GString) name = g_string_new(NULL);
	gpointer value;
	g_string_append_c(name, take(lexer));
	lexer->at++;
	while (is_name(peek(lexer, 0)))
		g_string_append_c(name, take(lexer));
	if (peek(lexer, 0) != '}') {
		wrong(lexer, "a macro in a string without its '}'");
		return;
	}

	lexer->at++;
	if (!g_hash_table_lookup_extended(lexer->macros, name->str, NULL, &value) || value == NULL)
		lexer->token.unknown = true;
	else if (lexer->word->len + strlen(value) > LIMIT_FOREIGN_TEXT)
		wrong(lexer, "a string becomes too long when its macros are filled in");
	else
		g_string_append(lexer->word, value);
}

static char
unescape(char c)
{
	switch (c) {
	case 't':
		return '\t';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	default:
		return c;
	}
}

static void
read_string(FdmLexer *lexer)
{
	char quote = take(lexer);
	lexer->token.kind = FDM_STRING;
	while (lexer->at < lexer->len && peek(lexer, 0) != quote) {
		bool plain = quote == '\'';
		if (!plain && peek(lexer, 0) == '\\' && peek(lexer, 1) != '\0') {
			lexer->at++;
			g_string_append_c(lexer->word, unescape(take(lexer)));
		} else if (!plain && strchr("$%", peek(lexer, 0)) != NULL &&
		           peek(lexer, 1) == '{') {
			read_macro_inside(lexer);
			if (lexer->token.kind == FDM_WRONG)
				return;
		} else {
			g_string_append_c(lexer->word, take(lexer));
		}
	}

	if (peek(lexer, 0) != quote)
		wrong(lexer, "a string without its closing quote");
	else
		lexer->at++;
}

/* $(command): up to the parenthesis, which quotes hide. */
static void
read_program(FdmLexer *lexer)
{
	lexer->token.kind = FDM_PROGRAM;
	lexer->at += 2;
	char quote = '\0';
	while (lexer->at < lexer->len && (quote != '\0' || peek(lexer, 0) != ')')) {
		char c = take(lexer);
		if (quote == '\0' && (c == '"' || c == '\''))
			quote = c;
		else if (c == quote)
			quote = '\0';
	}

	if (peek(lexer, 0) != ')')
		wrong(lexer, "a command without its ')'");
	else
		lexer->at++;
}

/* $name, ${name} */
static void
read_macro(FdmLexer *lexer)
{
	lexer->token.kind = FDM_MACRO;
	g_string_append_c(lexer->word, take(lexer));
	bool braced = peek(lexer, 0) == '{';
	lexer->at += braced;
	while (is_name(peek(lexer, 0)))
		g_string_append_c(lexer->word, take(lexer));

	if (braced && peek(lexer, 0) != '}')
		wrong(lexer, "a macro without its '}'");
	else
		lexer->at += braced;
}

static void
read_sign(FdmLexer *lexer)
{
	char c = peek(lexer, 0);
	lexer->token.kind = FDM_SIGN;
	if ((c == '=' || c == '!') && peek(lexer, 1) == '=') {
		g_string_append_c(lexer->word, take(lexer));
		g_string_append_c(lexer->word, take(lexer));
	} else if (strchr("{}(),=<>+*", c) != NULL) {
		g_string_append_c(lexer->word, take(lexer));
	} else {
		wrong(lexer, "a character that begins nothing here: is a quote missing?");
	}
}

void
fdm_lexer_next(FdmLexer *lexer)
{
	lexer->last_end = lexer->token.end;
	skip_blanks(lexer);
	g_string_truncate(lexer->word, 0);
	lexer->token = (FdmToken){ .line = lexer->line,
		                   .column = (unsigned) (lexer->at - lexer->line_start) + 1,
		                   .start = lexer->at };
	char c = peek(lexer, 0);

	if (lexer->at >= lexer->len) {
		lexer->token.kind = FDM_END;
	} else if (c == '"' || c == '\'') {
		read_string(lexer);
	} else if ((c == '$' || c == '%') && peek(lexer, 1) == '(') {
		read_program(lexer);
	} else if ((c == '$' || c == '%') && (is_name(peek(lexer, 1)) || peek(lexer, 1) == '{')) {
		read_macro(lexer);
	} else if (g_ascii_isalnum(c)) {
		lexer->token.kind = g_ascii_isdigit(c) ? FDM_NUMBER : FDM_WORD;
		while (is_name(peek(lexer, 0)))
			g_string_append_c(lexer->word, take(lexer));
	} else {
		read_sign(lexer);
	}

	lexer->token.end = lexer->at;
	lexer->token.text = lexer->word->str;
}

/* SPDX-License-Identifier: MIT */
/*
 * recipe-literal: goes over an expression item by item, as recipe-tree does, and gives up wherever
 * it would have to understand more than that.
 */
#define _GNU_SOURCE
#include "filters/recipe/pattern/recipe-literal.h"

#include "agent/base/limits.h"

#include <string.h>

typedef struct {
	const char *at;
	RecipeLiteral row; /* that goes on at `at` */
	RecipeLiteral longest;
	unsigned groups;
} Reader;

static void
end_row(Reader *reader)
{
	if (reader->row.len > reader->longest.len)
		reader->longest = reader->row;
	reader->row.len = 0;
}

/* Of a row that is too long the parts count, each by itself. */
static void
add_octet(Reader *reader, char c)
{
	if (reader->row.len == sizeof reader->row.octets)
		end_row(reader);
	reader->row.octets[reader->row.len++] = g_ascii_tolower(c);
}

/* Macros are written out before anything else is read, even in a class. */
static size_t
macro_len(const char *at)
{
	static const char *const names[] = { "^TO_", "^TO", "^FROM_DAEMON", "^FROM_MAILER" };
	if (at[0] != '^' || (at[1] != 'T' && at[1] != 'F'))
		return 0;
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (g_str_has_prefix(at, names[i]))
			return strlen(names[i]);
	return 0;
}

/* Behind "[": the place behind the class. NULL: a macro stands in it. */
static const char *
skip_class(const char *at)
{
	const char *begin = at;

	at += *at == '^';
	at += *at == ']';
	at += strcspn(at, "]");
	at += *at == ']';
	for (; begin < at; begin++)
		if (macro_len(begin) > 0)
			return NULL;

	return at;
}

/* Behind "(": the place behind the bracket that closes it. NULL: there is none, or it is deep. */
static const char *
skip_group(Reader *reader, const char *at)
{
	for (unsigned open = 1; open > 0;) {
		char c = *at++;
		if (c == '\0')
			return NULL;
		if (c == '\\' && *at != '\0')
			at++;
		else if (c == '[' && (at = skip_class(at)) == NULL)
			return NULL;
		else if (c == '(')
			open++;
		else if (c == ')')
			open--;
		if (c == '(' && ++reader->groups >= LIMIT_RECIPE_PATTERN_DEPTH)
			return NULL;
	}

	return at;
}

/* The item at `at`. *ret_octet is what it is, -1: another one each time. False: give up. */
static bool
read_atom(Reader *reader, bool escaped, int *ret_octet)
{
	const char *at = reader->at;
	size_t macro = escaped ? 0 : macro_len(at);
	char c = *at++;

	*ret_octet = -1;
	if (macro > 0) {
		at += macro - 1;
	} else if (c == '(') {
		reader->groups++;
		at = skip_group(reader, at);
	} else if (c == '[') {
		at = skip_class(at);
	} else if (c == '^' || c == '$') {
		if (c == '^' && *at == '^' && macro_len(at) == 0)
			at++;
		else
			*ret_octet = '\n';
	} else if (c == '\\' && *at != '\0') {
		c = *at++;
		if (c != '<' && c != '>')
			*ret_octet = (guchar) c;
	} else if (c != '.') {
		*ret_octet = (guchar) c;
	}

	reader->at = at;
	return at != NULL;
}

/* An item and its mark. */
static bool
read_item(Reader *reader, const char *expression)
{
	const char *begin = reader->at;
	bool escaped = begin > expression && begin[-1] == '\\';
	int octet;

	if (begin[0] == '\\' && begin[1] == '/') { /* takes no octet, and no mark */
		reader->at += 2;
		return true;
	}
	if (!read_atom(reader, escaped, &octet))
		return false;

	char mark = *reader->at;
	bool marked = mark == '*' || mark == '+' || mark == '?';
	if (octet >= 0 && (!marked || mark == '+'))
		add_octet(reader, (char) octet);
	if (octet < 0 || marked)
		end_row(reader);
	if (marked)
		reader->at++;

	return true;
}

bool
recipe_literal_find(const char *expression, RecipeLiteral *ret_literal)
{
	Reader reader = { .at = expression };

	if (strlen(expression) > LIMIT_RECIPE_PATTERN_BYTES)
		return false;
	while (*reader.at != '\0')
		if (*reader.at == '|' || *reader.at == ')' || !read_item(&reader, expression))
			return false;

	end_row(&reader);
	*ret_literal = reader.longest;
	return reader.longest.len > 0;
}

GString *
recipe_literal_prepare(const char *text, size_t len)
{
	GString *prepared = g_string_sized_new(len + 2);
	char *out = prepared->str;

	out[0] = '\n';
	for (size_t i = 0; i < len; i++) {
		guchar c = (guchar) text[i];
		out[i + 1] = (char) (c + ((guchar) (c - 'A') < 26 ? 'a' - 'A' : 0));
	}
	memcpy(out + len + 1, "\n", 2);
	prepared->len = len + 2;

	return prepared;
}

bool
recipe_literal_is_in(const RecipeLiteral *literal, const GString *prepared)
{
	return memmem(prepared->str, prepared->len, literal->octets, literal->len) != NULL;
}

/* SPDX-License-Identifier: MIT */
/* address-print: one way to quote, and the signs that each place puts around it. */
#include "agent/message/address-print.h"

#include <string.h>

/* atext of RFC 5322 3.2.3 and RFC 6532 3.2. */
static bool
is_atom_sign(char c)
{
	return g_ascii_isalnum(c) || (guchar) c >= 0x80 ||
	       (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* Atoms with one dot between two of them. */
static bool
is_dot_atom(const char *local)
{
	char last = '.';
	for (const char *c = local; *c != '\0'; last = *c++)
		if (!is_atom_sign(*c) && (*c != '.' || last == '.'))
			return false;
	return last != '.';
}

static void
append_quoted(GString *out, const char *text)
{
	g_string_append_c(out, '"');
	for (const char *c = text; *c != '\0'; c++) {
		if (*c == '"' || *c == '\\')
			g_string_append_c(out, '\\');
		g_string_append_c(out, *c);
	}

	g_string_append_c(out, '"');
}

/* Atoms with dots anywhere, which every reader of addresses here takes (address-list.h). */
static bool
is_dots_and_atoms(const char *local)
{
	for (const char *c = local; *c != '\0'; c++)
		if (!is_atom_sign(*c) && *c != '.')
			return false;
	return *local != '\0';
}

static void
append_address(GString *out, const char *text, bool (*is_bare)(const char *local))
{
	g_auto(Address) address = { 0 };

	address_parse(text, &address);
	if (address_is_null(&address))
		return;

	if (is_bare(address.local))
		g_string_append(out, address.local);
	else
		append_quoted(out, address.local);

	if (address.domain != NULL)
		g_string_append_printf(out, "@%s", address.domain);
}

char *
address_print_path(const char *address)
{
	GString *out = g_string_new("<");
	append_address(out, address, is_dot_atom);
	g_string_append_c(out, '>');
	return g_string_free(out, FALSE);
}

/* Words of atoms need no quotes in front of an address (RFC 5322 3.2.5). */
static bool
is_phrase(const char *name)
{
	for (const char *c = name; *c != '\0'; c++)
		if (!is_atom_sign(*c) && *c != ' ')
			return false;
	return true;
}

char *
address_print_header(const char *name, const char *address)
{
	GString *out = g_string_new(NULL);
	bool named = name != NULL && *name != '\0';

	if (named && is_phrase(name))
		g_string_append(out, name);
	else if (named)
		append_quoted(out, name);

	g_autofree char *path = address_print_path(address);
	g_string_append_printf(out, "%s%s", named ? " " : "", path);
	return g_string_free(out, FALSE);
}

char *
address_print_argument(const char *address)
{
	GString *out = g_string_new(NULL);
	append_address(out, address, is_dot_atom);
	return g_string_free(out, FALSE);
}

char *
address_print_text(const char *address)
{
	GString *out = g_string_new(NULL);
	append_address(out, address, is_dots_and_atoms);
	return g_string_free(out, FALSE);
}

/* SPDX-License-Identifier: MIT */
/* sieve-value: the one place where the engine asks what bytes of a message mean. */
#define _GNU_SOURCE
#include "filters/sieve/run/sieve-value.h"

#include "agent/message/address-list.h"
#include "agent/message/address-print.h"
#include "agent/message/mime.h"

#include <string.h>

/* Drop line ends and NULs, trim blanks: RFC 5322 2.2.3, RFC 5228 2.4.2.2. */
SieveText
sieve_value_raw(SieveArena *arena, const HeaderField *field)
{
	const char *from = field->bytes + field->value_at, *end = field->bytes + field->len;

	while (from < end && g_ascii_isspace(*from))
		from++;
	while (end > from && g_ascii_isspace(end[-1]))
		end--;
	size_t len = (size_t) (end - from);
	if (memchr(from, '\n', len) == NULL && memchr(from, '\0', len) == NULL)
		return (SieveText){ from, len };

	char *value = sieve_arena_alloc(arena, len + 1);
	size_t n = 0;
	for (const char *c = from; c < end; c++) {
		bool line_end = *c == '\n' || (*c == '\r' && c + 1 < end && c[1] == '\n');
		if (!line_end && *c != '\0')
			value[n++] = *c;
	}

	return (SieveText){ value, n };
}

/*
 * Nothing in it that means something else: no 8-bit octet, no encoded word, no shift of ISO-2022.
 */
static bool
is_plain(SieveText text)
{
	bool plain = true;
	for (size_t i = 0; i < text.len; i++)
		plain = plain && (guchar) text.data[i] < 128 && text.data[i] != '\033';
	return plain && g_strstr_len(text.data, (gssize) text.len, "=?") == NULL;
}

static SieveText
keep_text(SieveArena *arena, const char *text)
{
	size_t len = strlen(text);
	return (SieveText){ sieve_arena_copy(arena, text, len), len };
}

SieveText
sieve_value_decode(SieveArena *arena, SieveText raw, const Headers *beside, const char **ret_guess)
{
	*ret_guess = NULL;
	if (is_plain(raw))
		return raw;

	g_auto(Status) st = STATUS_INIT;
	g_autofree char *text = NULL, *guess = NULL;
	g_autofree char *hint = mime_charset_hint(beside, raw.data, raw.len);
	if (!mime_decode_text(raw.data, raw.len, hint, &text, &guess, &st)) {
		*ret_guess = "nothing: the module that decodes is missing";
		return raw;
	}

	if (guess != NULL)
		*ret_guess = keep_text(arena, guess).data;
	return keep_text(arena, text);
}

SieveText
sieve_value_of_field(SieveArena *arena, const HeaderField *field, const Headers *beside,
                     const char **ret_guess)
{
	return sieve_value_decode(arena, sieve_value_raw(arena, field), beside, ret_guess);
}

static bool
is_atom_sign(char c)
{
	return g_ascii_isalnum(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* atom *("." atom) (RFC 5322 3.2.3); octets above 127 count as atom (RFC 6532). */
static bool
is_dot_atom(SieveText text)
{
	bool after_atom = false;
	for (size_t i = 0; i < text.len; i++) {
		bool atom = is_atom_sign(text.data[i]) || (guchar) text.data[i] >= 128;
		if (!atom && (text.data[i] != '.' || !after_atom))
			return false;
		after_atom = atom;
	}

	return after_atom;
}

/* local@domain of dot-atoms: the plain case. False: it is something else. */
static bool
split_plain(SieveText text, SieveAddress *ret_address)
{
	const char *at = text.len > 0 ? memrchr(text.data, '@', text.len) : NULL;
	if (at == NULL)
		return false;

	size_t local_len = (size_t) (at - text.data);
	SieveAddress address = {
		.all = text,
		.local = { text.data, local_len },
		.domain = { at + 1, text.len - local_len - 1 },
		.valid = true,
	};
	if (!is_dot_atom(address.local) || !is_dot_atom(address.domain))
		return false;

	*ret_address = address;
	return true;
}

SieveAddress
sieve_value_envelope_address(SieveArena *arena, const char *text)
{
	size_t len = strlen(text);
	const char *at = strrchr(text, '@');

	/* What is no address is compared as it stands. */
	bool is_whole = at != NULL && at > text && at[1] != '\0';
	g_autofree char *whole = is_whole ? address_print_text(text) : g_strdup(text);
	SieveAddress address = { .all = keep_text(arena, whole), .valid = true };

	if (at == NULL) {
		/* "" and such as MAILER-DAEMON: a local part and no domain */
		address.local = (SieveText){ text, len };
		address.domain = SIEVE_TEXT("");
		return address;
	}

	address.local = (SieveText){ text, (size_t) (at - text) };
	address.domain = (SieveText){ at + 1, len - address.local.len - 1 };
	return address;
}

/* "Name <a@b>" and "<a@b>" where the name is words only; the text within the brackets. */
static bool
strip_plain_name(SieveText text, SieveText *ret_inner)
{
	const char *open = memchr(text.data, '<', text.len);
	if (open == NULL || text.data[text.len - 1] != '>')
		return false;

	for (const char *c = text.data; c < open; c++)
		if (!is_atom_sign(*c) && *c != ' ' && *c != '.')
			return false;
	*ret_inner = (SieveText){ open + 1, text.len - (size_t) (open - text.data) - 2 };
	return true;
}

/* The values that need no parser: one address, with or without a name of plain words. */
static bool
parse_plain(SieveText text, SieveAddress *ret_address)
{
	SieveText inner = text;
	if (text.len == 0 || !is_plain(text))
		return false;
	if (text.data[text.len - 1] == '>' && !strip_plain_name(text, &inner))
		return false;

	return split_plain(inner, ret_address);
}

static void
append_item(SieveArena *arena, const AddressItem *item, GArray *addresses)
{
	if (item->is_group)
		return;
	g_autofree char *whole = item->valid ? address_print_text(item->address)
	                                     : g_strdup(item->address);
	SieveAddress address = {
		.all = keep_text(arena, whole),
		.local = keep_text(arena, item->local),
		.domain = keep_text(arena, item->domain != NULL ? item->domain : ""),
		.valid = item->valid,
	};
	g_array_append_val(addresses, address);
}

void
sieve_value_addresses(SieveArena *arena, SieveText raw, GArray *addresses)
{
	SieveAddress address;

	if (parse_plain(raw, &address)) {
		g_array_append_val(addresses, address);
		return;
	}

	g_auto(AddressList) list = { 0 };
	address_list_parse(raw.data, raw.len, ADDRESS_NAMES_RAW, &list);
	for (size_t i = 0; i < list.count; i++)
		append_item(arena, &list.items[i], addresses);
}

/* SPDX-License-Identifier: MIT */
/* sieve-text: see the header. */
#include "filters/sieve/lang/sieve-text.h"

#include "agent/base/limits.h"
#include "agent/message/address-list.h"
#include "agent/message/address.h"

#include <string.h>

bool
sieve_text_is(SieveText text, const char *word)
{
	/* most differ at once; a text may have a NUL, behind which there is no word any more */
	for (size_t i = 0; i < text.len; i++)
		if (word[i] == '\0' || g_ascii_tolower(text.data[i]) != g_ascii_tolower(word[i]))
			return false;
	return word[text.len] == '\0';
}

int
sieve_text_shown(SieveText text, size_t limit)
{
	size_t len = MIN(text.len, limit);

	while (len < text.len && len > 0 && ((guchar) text.data[len] & 0xc0) == 0x80)
		len--;
	/* not UTF-8: no character begins there */
	return (int) (len > 0 ? len : MIN(text.len, limit));
}

char *
sieve_text_one_line(SieveText text)
{
	g_autoptr(GString) line = g_string_sized_new(text.len);
	bool after_end = false;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];
		bool ends = c == '\r' || c == '\n';
		if (c != '\0' && !ends)
			g_string_append_c(line, c);
		else if (ends && !after_end)
			g_string_append_c(line, ' ');
		after_end = ends;
	}

	return g_strdup(g_strstrip(line->str));
}

bool
sieve_text_is_utf8(SieveText text)
{
	return g_utf8_validate_len(text.data, text.len, NULL);
}

/* Line ends and other control octets have no place in an address; white space around it has. */
static SieveText
trim_address(SieveText text)
{
	while (text.len > 0 && g_ascii_isspace(text.data[0])) {
		text.data++;
		text.len--;
	}

	while (text.len > 0 && g_ascii_isspace(text.data[text.len - 1]))
		text.len--;
	return text;
}

static bool
has_control(SieveText text)
{
	for (size_t i = 0; i < text.len; i++)
		if (g_ascii_iscntrl(text.data[i]) && text.data[i] != '\t')
			return true;
	return false;
}

char *
sieve_text_mailbox(SieveText text)
{
	SieveText trimmed = trim_address(text);
	if (trimmed.len == 0 || trimmed.len > LIMIT_ADDRESS_NAME || has_control(trimmed))
		return NULL;

	g_auto(AddressList) list = { 0 };
	address_list_parse(trimmed.data, trimmed.len, ADDRESS_NAMES_RAW, &list);
	const AddressItem *item = list.items;
	bool is_one = list.count == 1 && item->valid && !item->is_group && item->group == NULL;

	return is_one && address_text_is_sendable(item->address) ? g_strdup(item->address) : NULL;
}

bool
sieve_text_is_mailable(SieveText text)
{
	g_autofree char *address = sieve_text_mailbox(text);
	return address != NULL;
}

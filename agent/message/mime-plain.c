/* SPDX-License-Identifier: MIT */
/* mime-plain: gives up at the first octet that could mean something else. */
#include "agent/message/mime-plain.h"

#include "agent/message/mime-words.h"

#include <string.h>

enum { HIGH_BIT = 0x80, ESCAPE = 033, FIRST_LATIN1 = 0xa0 };

/* Is it base64 without a foreign octet, padded as RFC 4648 has it? */
static bool
is_whole_base64(const char *payload, size_t len)
{
	size_t padding = 0;
	while (padding < 2 && padding < len && payload[len - padding - 1] == '=')
		padding++;
	if (len % 4 != 0)
		return false;

	for (size_t i = 0; i < len - padding; i++)
		if (!g_ascii_isalnum(payload[i]) && payload[i] != '+' && payload[i] != '/')
			return false;

	return true;
}

static bool
append_base64(GString *octets, const char *payload, size_t len)
{
	if (!is_whole_base64(payload, len))
		return false;

	size_t at = octets->len;
	int state = 0;
	guint save = 0;
	g_string_set_size(octets, at + len / 4 * 3 + 3);
	size_t n = g_base64_decode_step(payload, len, (guchar *) octets->str + at, &state, &save);
	g_string_set_size(octets, at + n);

	return true;
}

/* How the octets of a plain charset become UTF-8. */
typedef enum { NOT_PLAIN, PLAIN_ASCII, PLAIN_UTF8, PLAIN_LATIN1 } PlainCharset;

static PlainCharset
charset_of(const char *label)
{
	static const struct {
		const char *label;
		PlainCharset charset;
	} charsets[] = {
		{ "utf-8", PLAIN_UTF8 },       { "utf8", PLAIN_UTF8 },
		{ "us-ascii", PLAIN_ASCII },   { "iso-8859-1", PLAIN_LATIN1 },
		{ "iso8859-1", PLAIN_LATIN1 }, { "windows-1252", PLAIN_LATIN1 },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(charsets); i++)
		if (g_ascii_strcasecmp(charsets[i].label, label) == 0)
			return charsets[i].charset;
	return NOT_PLAIN;
}

/* Escape sequences of ISO-2022 are believed whatever the label says, and NULs are taken out. */
static bool
has_escape_or_nul(const char *octets, size_t len)
{
	return memchr(octets, ESCAPE, len) != NULL || memchr(octets, '\0', len) != NULL;
}

static bool
is_ascii(const char *octets, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((guchar) octets[i] >= HIGH_BIT)
			return false;
	return true;
}

/* Windows has characters where ISO-8859-1 has controls; senders write them under either name. */
static bool
append_latin1(GString *out, const GString *octets)
{
	for (size_t i = 0; i < octets->len; i++) {
		guchar c = (guchar) octets->str[i];
		if (c >= HIGH_BIT && c < FIRST_LATIN1)
			return false;
		g_string_append_unichar(out, c);
	}

	return true;
}

static bool
append_converted(GString *out, const GString *octets, const char *label, char **ret_guess)
{
	PlainCharset charset = charset_of(label);
	*ret_guess = NULL;
	if (charset == NOT_PLAIN || has_escape_or_nul(octets->str, octets->len))
		return false;
	if (charset == PLAIN_LATIN1)
		return append_latin1(out, octets);

	bool fits = charset == PLAIN_ASCII ? is_ascii(octets->str, octets->len)
	                                   : g_utf8_validate_len(octets->str, octets->len, NULL);
	if (fits)
		g_string_append_len(out, octets->str, (gssize) octets->len);
	return fits;
}

bool
mime_plain_decode(const char *value, size_t len, char **ret_text, char **ret_guess)
{
	static const MimeWordsMeaning meaning = { append_base64, append_converted };
	bool ascii = is_ascii(value, len);
	if (has_escape_or_nul(value, len) || (!ascii && !g_utf8_validate_len(value, len, NULL)))
		return false;

	g_autofree char *guess = ascii ? NULL : g_strdup("utf-8 for no charset");
	GString *text = mime_words_decode(value, len, &meaning, &guess);
	if (text == NULL)
		return false;

	*ret_text = g_string_free(text, FALSE);
	*ret_guess = g_steal_pointer(&guess);
	return true;
}

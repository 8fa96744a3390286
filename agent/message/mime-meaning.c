/* SPDX-License-Identifier: MIT */
/* mime-meaning: base64 by GMime, charsets by iconv and by guess. */
#include "agent/message/mime-meaning.h"

#include "agent/message/gmime-extra.h"
#include "agent/message/mime-charset.h"

static bool
append_base64(GString *octets, const char *payload, size_t len)
{
	static const guchar padding[] =
		"==="; /* senders leave it out; too much of it does no harm */
	size_t at = octets->len;
	int state = 0;
	guint32 save = 0;

	g_string_set_size(octets, at + len + 6);
	guchar *to = (guchar *) octets->str + at;
	size_t n = g_mime_encoding_base64_decode_step((const guchar *) payload, len, to, &state,
	                                              &save);
	n += g_mime_encoding_base64_decode_step(padding, sizeof padding - 1, to + n, &state, &save);
	g_string_set_size(octets, at + n);

	return true;
}

static bool
append_converted(GString *out, const GString *octets, const char *label, char **ret_guess)
{
	size_t len = 0;
	g_autofree char *converted = mime_charset_to_utf8(octets->str, octets->len, label, &len,
	                                                  ret_guess);
	g_string_append_len(out, converted, (gssize) len);
	return true;
}

GString *
mime_meaning_decode(const char *text, size_t len, char **guess)
{
	static const MimeWordsMeaning meaning = { append_base64, append_converted };
	return mime_words_decode(text, len, &meaning, guess);
}

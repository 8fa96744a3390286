/* SPDX-License-Identifier: MIT */
/*
 * encoded-character: RFC 5228 2.4.2.4, complete: ${hex: 40 24} and ${unicode: 263A} in strings of
 * the script.
 */
#include "filters/sieve/lang/sieve-check.h"

#include "agent/base/blank.h"

#include <string.h>

/* Where reading of a reference stands. */
typedef struct {
	const char *at;
	const char *end;
} Cursor;

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* One to `most` hexadecimal digits. A value over 0x10ffff is no character, however far over. */
static bool
take_hex(Cursor *cursor, size_t most, guint64 *ret_value)
{
	size_t n = 0;
	guint64 value = 0;

	for (; cursor->at < cursor->end && g_ascii_isxdigit(*cursor->at) && n < most;
	     n++, cursor->at++)
		value = MIN(value * 16 + (guint64) g_ascii_xdigit_value(*cursor->at), G_MAXUINT32);
	*ret_value = value;
	return n > 0 && (cursor->at == cursor->end || !g_ascii_isxdigit(*cursor->at));
}

static bool
append_unicode(GString *out, guint64 value)
{
	if (value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff) || value == 0)
		return false;
	g_string_append_unichar(out, (gunichar) value);
	return true;
}

/* Blanks, then numbers between blanks, then "}". False: not in that form. */
static bool
take_values(Cursor *cursor, bool is_hex, GString *out, bool *ret_bad)
{
	size_t n = 0;

	cursor->at = blank_skip_lines_to(cursor->at, cursor->end);
	while (cursor->at < cursor->end && *cursor->at != '}') {
		guint64 value;
		if (!take_hex(cursor, is_hex ? 2 : G_MAXSIZE, &value))
			return false;
		if (cursor->at < cursor->end && *cursor->at != '}' && !is_blank(*cursor->at))
			return false;
		if (is_hex)
			g_string_append_c(out, (char) value);
		else if (!append_unicode(out, value))
			*ret_bad = true;
		cursor->at = blank_skip_lines_to(cursor->at, cursor->end);
		n++;
	}

	return n > 0 && cursor->at < cursor->end;
}

/* The octets that the reference takes; 0: there is none. */
static size_t
decode_reference(SieveText text, GString *out, bool *ret_bad)
{
	Cursor cursor = { text.data, text.data + text.len };
	size_t known = out->len;
	bool is_hex = text.len > 6 && g_ascii_strncasecmp(text.data, "${hex:", 6) == 0;
	bool is_unicode = text.len > 10 && g_ascii_strncasecmp(text.data, "${unicode:", 10) == 0;

	if (!is_hex && !is_unicode)
		return 0;
	cursor.at += is_hex ? 6 : 10;
	if (!take_values(&cursor, is_hex, out, ret_bad)) {
		g_string_truncate(out, known);
		*ret_bad = false;
		return 0;
	}

	return (size_t) (cursor.at - text.data) + 1;
}

static bool
decode(SieveCheck *check, SieveString *string)
{
	SieveText text = string->text;
	g_autoptr(GString) out = g_string_sized_new(text.len);
	bool bad = false;

	for (size_t i = 0; i < text.len;) {
		size_t taken = 0;
		if (text.data[i] == '$')
			taken = decode_reference((SieveText){ text.data + i, text.len - i }, out,
			                         &bad);
		if (bad)
			return sieve_check_error(check, string->span, "bad-character",
			                         "0 to D7FF, E000 to 10FFFF",
			                         "'${unicode:' names no character");
		if (taken == 0)
			g_string_append_c(out, text.data[i]);
		i += MAX(taken, 1);
	}

	string->text = (SieveText){ sieve_arena_copy(sieve_check_arena(check), out->str, out->len),
		                    out->len };
	return true;
}

const SieveExt sieve_ext_encoded_character = {
	.capability = "encoded-character",
	.rfc = "RFC 5228",
	.string = decode,
};

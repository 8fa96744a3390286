/* SPDX-License-Identifier: MIT */
/* utf7: runs of what is not printable ASCII become &...-, base64 of UTF-16 with ',' for '/'. */
#include "agent/store/utf7.h"

#include <stdbool.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/* Bits on their way into base64; fewer than six wait between calls. */
typedef struct {
	GString *out;
	guint32 bits;
	unsigned count;
	bool open; /* an '&' has been written */
} Encoder;

static void
put_unit(Encoder *encoder, guint32 unit)
{
	if (!encoder->open)
		g_string_append_c(encoder->out, '&');
	encoder->open = true;
	encoder->bits = encoder->bits << 16 | unit;
	encoder->count += 16;

	while (encoder->count >= 6) {
		encoder->count -= 6;
		g_string_append_c(encoder->out, digits[encoder->bits >> encoder->count & 63]);
	}
}

static void
close_run(Encoder *encoder)
{
	if (!encoder->open)
		return;
	if (encoder->count > 0)
		g_string_append_c(encoder->out, digits[encoder->bits << (6 - encoder->count) & 63]);
	g_string_append_c(encoder->out, '-');
	encoder->open = false;
	encoder->count = 0;
	encoder->bits = 0;
}

static void
put_encoded(Encoder *encoder, gunichar c)
{
	if (c < 0x10000) {
		put_unit(encoder, c);
		return;
	}

	put_unit(encoder, 0xd800 + ((c - 0x10000) >> 10));
	put_unit(encoder, 0xdc00 + ((c - 0x10000) & 0x3ff));
}

char *
utf7_encode(const char *name)
{
	Encoder encoder = { .out = g_string_new(NULL) };

	for (const char *at = name; *at != '\0'; at = g_utf8_next_char(at)) {
		gunichar c = g_utf8_get_char(at);
		if (c < 0x20 || c > 0x7e) {
			put_encoded(&encoder, c);
			continue;
		}
		close_run(&encoder);
		g_string_append_c(encoder.out, (char) c);
		if (c == '&')
			g_string_append_c(encoder.out, '-');
	}

	close_run(&encoder);
	return g_string_free(encoder.out, FALSE);
}

/* The UTF-16 units of a run, which ends at `end`, as UTF-8. NULL: it is none. */
static char *
decode_run(const char *at, const char *end)
{
	g_autoptr(GArray) units = g_array_new(FALSE, FALSE, sizeof(gunichar2));
	guint32 bits = 0;
	unsigned count = 0;

	for (; at < end; at++) {
		const char *digit = strchr(digits, *at);
		if (digit == NULL)
			return NULL;
		bits = bits << 6 | (guint32) (digit - digits);
		count += 6;
		if (count < 16)
			continue;
		count -= 16;
		gunichar2 unit = (gunichar2) (bits >> count);
		g_array_append_val(units, unit);
	}

	return g_utf16_to_utf8((const gunichar2 *) (const void *) units->data, units->len, NULL,
	                       NULL, NULL);
}

char *
utf7_decode(const char *encoded)
{
	g_autoptr(GString) out = g_string_new(NULL);

	for (const char *at = encoded; *at != '\0'; at++) {
		if (*at != '&') {
			g_string_append_c(out, *at);
			continue;
		}
		const char *end = strchr(at, '-');
		if (end == NULL)
			return NULL;
		bool is_sign = end == at + 1; /* "&-" */
		g_autofree char *run = is_sign ? g_strdup("&") : decode_run(at + 1, end);
		if (run == NULL)
			return NULL;
		g_string_append(out, run);
		at = end;
	}

	/* There is one way to write a name; what is written in another way is some other folder. */
	g_autofree char *again = g_utf8_validate(out->str, -1, NULL) ? utf7_encode(out->str) : NULL;
	return g_strcmp0(again, encoded) == 0 ? g_string_free(g_steal_pointer(&out), FALSE) : NULL;
}

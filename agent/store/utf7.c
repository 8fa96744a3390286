/* utf7: runs of what is not printable ASCII become &...-, base64 of UTF-16 with ',' for '/'. */
#include "agent/store/utf7.h"

#include <stdbool.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/* Bits on their way into base64; fewer than six wait between calls. */
typedef struct {
	GString *out;
	guint32 bits;
	unsigned count;
	bool open;     /* an '&' has been written */
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

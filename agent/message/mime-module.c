/* SPDX-License-Identifier: MIT */
/*
 * mime-module: todoke-mime.so, all that is linked with GMime.
 *
 * Transfer encodings, base64, iconv and its names, and composing are GMime's; encoded words and
 * parameters are ours, see mime-words.h and mime-params.h.
 */
#include "agent/message/mime-module.h"

#include "agent/message/gmime-extra.h"
#include "agent/message/mime-charset.h"
#include "agent/message/mime-compose.h"
#include "agent/message/mime-meaning.h"
#include "agent/message/mime-params.h"

#include <string.h>

static char *
module_decode_text(const char *value, size_t len, const char *hint, char **ret_guess)
{
	char *guess = NULL;
	size_t utf8_len = 0;
	g_autofree char *utf8 = mime_charset_field_to_utf8(value, len, hint, &utf8_len, &guess);

	GString *text = mime_meaning_decode(utf8, utf8_len, &guess);
	*ret_guess = guess;
	return g_string_free(text, FALSE);
}

static char *
module_to_utf8(const char *bytes, size_t len, const char *charset, size_t *ret_len,
               char **ret_guess)
{
	return mime_charset_to_utf8(bytes, len, charset, ret_len, ret_guess);
}

static void
module_parse_type(const char *value, const char *hint, MimeValue *ret_value)
{
	size_t len = 0;
	g_autofree char *utf8 = mime_charset_field_to_utf8(value, strlen(value), hint, &len, NULL);
	mime_params_read_type(utf8, value, ret_value);
}

static void
module_parse_disposition(const char *value, const char *hint, MimeValue *ret_value)
{
	size_t len = 0;
	g_autofree char *utf8 = mime_charset_field_to_utf8(value, strlen(value), hint, &len, NULL);
	mime_params_read_disposition(utf8, ret_value);
}

struct MimeDecoder {
	GMimeFilter *filter;
	MimeEncoding encoding;
};

static MimeDecoder *
module_decoder_new(MimeEncoding encoding)
{
	static const GMimeContentEncoding encodings[] = {
		[MIME_PLAIN] = GMIME_CONTENT_ENCODING_BINARY,
		[MIME_BASE64] = GMIME_CONTENT_ENCODING_BASE64,
		[MIME_QUOTED] = GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE,
		[MIME_UUENCODED] = GMIME_CONTENT_ENCODING_UUENCODE,
	};
	MimeDecoder *decoder = g_new0(MimeDecoder, 1);

	decoder->filter = g_mime_filter_basic_new(encodings[encoding], FALSE);
	decoder->encoding = encoding;
	return decoder;
}

static void
filter_to(MimeDecoder *decoder, const char *in, size_t len, GString *out)
{
	char *piece = NULL;
	size_t piece_len = 0, room = 0;
	g_mime_filter_filter(decoder->filter, (char *) in, len, 0, &piece, &piece_len, &room);
	g_string_append_len(out, piece, (gssize) piece_len);
}

static void
module_decoder_step(MimeDecoder *decoder, const char *in, size_t len, bool last, GString *out)
{
	static const char padding[] = "===";
	char *piece = NULL;
	size_t piece_len = 0, room = 0;

	filter_to(decoder, in, len, out);
	if (!last)
		return;

	/*
	 * Text that was cut within four signs of base64: the filter would drop the octets that are
	 * there.
	 */
	if (decoder->encoding == MIME_BASE64)
		filter_to(decoder, padding, sizeof padding - 1, out);

	/* Not both at once: the end of the filter does not look for the "begin" of uuencode. */
	g_mime_filter_complete(decoder->filter, (char *) in, 0, 0, &piece, &piece_len, &room);
	g_string_append_len(out, piece, (gssize) piece_len);
}

static void
module_decoder_free(MimeDecoder *decoder)
{
	g_object_unref(decoder->filter);
	g_free(decoder);
}

__attribute__((visibility("default"))) const void *mime_module(void);

const void *
mime_module(void)
{
	static const MimeModule module = {
		.version = MIME_MODULE_VERSION,
		.decode_text = module_decode_text,
		.to_utf8 = module_to_utf8,
		.parse_type = module_parse_type,
		.parse_disposition = module_parse_disposition,
		.decoder_new = module_decoder_new,
		.decoder_step = module_decoder_step,
		.decoder_free = module_decoder_free,
		.compose = mime_compose_draft,
	};
	/*
	 * GMime counts its users and is never shut down: the module stays until the process ends.
	 */
	g_mime_init();
	return &module;
}

/*
 * mime-module: todoke-mime.so, all that is linked with GMime.
 *
 * Structured values, transfer encodings, base64, iconv and its names, and composing are GMime's. The encoded words of
 * RFC 2047 are found here, because g_mime_utils_header_decode_text cuts text at a NUL, guesses charsets without saying
 * so, and is quadratic in each "=?" that begins no word: 7 s for 100 kB of them.
 */
#include "agent/message/mime-module.h"

#include "agent/message/gmime-extra.h"
#include "agent/message/mime-charset.h"
#include "agent/message/mime-compose.h"

#include <string.h>

/* Encoded words in the parameters of one value: a file name of 2 kB has some 60. */
enum { WORDS_OF_A_VALUE = 100 };

/* An encoded word of RFC 2047 in the text around it. */
typedef struct {
	const char *start, *end;  /* "=?" ... behind "?=" */
	const char *charset, *payload;
	size_t charset_len, payload_len;
	char encoding;            /* 'b' or 'q' */
} Word;

static bool
is_charset_octet(char c)
{
	return c > ' ' && c < 127 && strchr("()<>@,;:\"/[]?=", c) == NULL;
}

/* Where "?=" ends the payload. NULL: a "=?" comes first, or nothing. Stray '?' are common enough to let them pass. */
static const char *
find_word_end(const char *payload, const char *end)
{
	for (const char *c = payload; c + 1 < end; c++) {
		if (c[0] == '?' && c[1] == '=')
			return c;
		if (c[0] == '=' && c[1] == '?' && !(c + 2 < end && c[2] == '='))
			return NULL;
	}
	return NULL;
}

/*
 * Read the word that begins at `start`, which stands at a "=?". Looks no further than the next "=?": linear over a
 * value.
 */
static bool
read_word(const char *start, const char *end, Word *ret_word)
{
	const char *charset = start + 2, *c = charset;
	while (c < end && is_charset_octet(*c))
		c++;
	if (c == charset || end - c < 4 || c[0] != '?' || c[2] != '?')
		return false;
	char encoding = g_ascii_tolower(c[1]);
	const char *payload = c + 3, *stop = find_word_end(payload, end);
	if ((encoding != 'b' && encoding != 'q') || stop == NULL)
		return false;
	const char *language = memchr(charset, '*', (size_t) (c - charset)); /* RFC 2231 5 */
	*ret_word = (Word){
		.start = start,
		.end = stop + 2,
		.charset = charset,
		.payload = payload,
		.charset_len = (size_t) ((language != NULL ? language : c) - charset),
		.payload_len = (size_t) (stop - payload),
		.encoding = encoding,
	};
	return true;
}

static const char *
skip_blanks(const char *c, const char *end)
{
	while (c < end && g_ascii_isspace(*c))
		c++;
	return c;
}

static void
append_quoted(GString *out, const Word *word)
{
	for (const char *c = word->payload, *end = c + word->payload_len; c < end; c++) {
		if (*c == '=' && c + 2 < end && g_ascii_isxdigit(c[1]) && g_ascii_isxdigit(c[2])) {
			g_string_append_c(out, (char) (g_ascii_xdigit_value(c[1]) * 16 + g_ascii_xdigit_value(c[2])));
			c += 2;
		} else {
			g_string_append_c(out, *c == '_' ? ' ' : *c);
		}
	}
}

static void
append_base64(GString *out, const Word *word)
{
	static const guchar padding[] = "==="; /* senders leave it out; too much of it does no harm */
	size_t at = out->len;
	int state = 0;
	guint32 save = 0;
	g_string_set_size(out, at + word->payload_len + 6);
	guchar *to = (guchar *) out->str + at;
	size_t n = g_mime_encoding_base64_decode_step((const guchar *) word->payload, word->payload_len, to, &state, &save);
	n += g_mime_encoding_base64_decode_step(padding, sizeof padding - 1, to + n, &state, &save);
	g_string_set_size(out, at + n);
}

static bool
read_word_at(const char *c, const char *end, Word *ret_word)
{
	return end - c >= 2 && c[0] == '=' && c[1] == '?' && read_word(c, end, ret_word);
}

/* Words that belong together: senders cut text between the octets of one character, against RFC 2047 5. */
static const char *
read_group(const Word *first, const char *end, GString *octets)
{
	const char *stop = first->end;
	Word word = *first;
	for (;;) {
		if (word.encoding == 'b')
			append_base64(octets, &word);
		else
			append_quoted(octets, &word);
		stop = word.end;
		const char *next = skip_blanks(stop, end);
		if (!read_word_at(next, end, &word) || word.charset_len != first->charset_len ||
		    g_ascii_strncasecmp(word.charset, first->charset, first->charset_len) != 0)
			return stop;
	}
}

static void
keep_first_guess(char **guess, char *another)
{
	if (*guess == NULL)
		*guess = another;
	else
		g_free(another);
}

/* Convert the octets of a group. */
static void
append_converted(GString *out, const Word *word, const GString *octets, char **guess)
{
	g_autofree char *label = g_strndup(word->charset, word->charset_len);
	char *guessed = NULL;
	size_t len = 0;
	g_autofree char *converted = mime_charset_to_utf8(octets->str, octets->len, label, &len, &guessed);
	keep_first_guess(guess, guessed);
	/* Hidden in an encoded word, a line end would make a second field of this one when it is written again. */
	for (char *c = converted; *c != '\0'; c++)
		if (*c == '\r' || *c == '\n')
			*c = ' ';
	g_string_append_len(out, converted, (gssize) len);
}

/* Decode all words from `word` on that only blanks divide. Returns where they end. */
static const char *
decode_run(GString *out, Word word, const char *end, char **guess)
{
	const char *stop;
	do {
		g_autoptr(GString) octets = g_string_new(NULL);
		stop = read_group(&word, end, octets);
		append_converted(out, &word, octets, guess);
	} while (read_word_at(skip_blanks(stop, end), end, &word));
	return stop;
}

/* Decode the words; text between them stays. */
static GString *
decode_words(const char *value, size_t len, char **guess)
{
	GString *out = g_string_sized_new(len + 32);
	const char *end = value + len, *copied = value;
	for (const char *c = value; (c = memchr(c, '=', (size_t) (end - c))) != NULL;) {
		Word word;
		if (!read_word_at(c, end, &word)) {
			c++;
			continue;
		}
		g_string_append_len(out, copied, c - copied);
		c = copied = decode_run(out, word, end, guess);
	}
	g_string_append_len(out, copied, end - copied);
	return out;
}

/* Options of GMime: as lenient as it can be. Made once, when the module is opened. */
static GMimeParserOptions *lenient;

static void
make_lenient(void)
{
	const char *charsets[] = { "utf-8", "windows-1252", NULL };
	lenient = g_mime_parser_options_new();
	g_mime_parser_options_set_rfc2047_compliance_mode(lenient, GMIME_RFC_COMPLIANCE_LOOSE);
	g_mime_parser_options_set_parameter_compliance_mode(lenient, GMIME_RFC_COMPLIANCE_LOOSE);
	g_mime_parser_options_set_fallback_charsets(lenient, charsets);
}

static char *
module_decode_text(const char *value, size_t len, char **ret_guess)
{
	char *guess = NULL;
	size_t utf8_len = 0;
	g_autofree char *utf8 = mime_charset_to_utf8(value, len, NULL, &utf8_len, &guess);
	GString *text = decode_words(utf8, utf8_len, &guess);
	*ret_guess = guess;
	return g_string_free(text, FALSE);
}

static char *
module_to_utf8(const char *bytes, size_t len, const char *charset, size_t *ret_len, char **ret_guess)
{
	return mime_charset_to_utf8(bytes, len, charset, ret_len, ret_guess);
}

/* GMime's list to plain structs. */
static void
copy_params(GMimeParamList *list, MimeValue *value)
{
	int n = list != NULL ? g_mime_param_list_length(list) : 0;
	value->params = g_new0(MimeParam, (gsize) n + 1);
	value->n_params = (size_t) n;
	for (int i = 0; i < n; i++) {
		GMimeParam *param = g_mime_param_list_get_parameter_at(list, i);
		const char *name = g_mime_param_get_name(param), *text = g_mime_param_get_value(param);
		g_autofree char *valid_name = g_utf8_make_valid(name != NULL ? name : "", -1);
		value->params[i].name = g_ascii_strdown(valid_name, -1);
		value->params[i].value = g_utf8_make_valid(text != NULL ? text : "", -1);
	}
}

static char *
lower_valid(const char *word)
{
	g_autofree char *valid = g_utf8_make_valid(word != NULL ? word : "", -1);
	return g_ascii_strdown(valid, -1);
}

/* Does it begin with "type/subtype"? */
static bool
names_a_type(const char *value)
{
	static const char ends[] = " \t()<>@,;:\\\"/[]?=";
	size_t type = strcspn(value, ends);
	return type > 0 && value[type] == '/' && strcspn(value + type + 1, ends) > 0;
}

/* Cut a value of more encoded words than anybody writes: GMime's time is quadratic in those that are none. */
static void
bound_words(char *value)
{
	unsigned n = 0;
	for (char *c = strstr(value, "=?"); c != NULL; c = strstr(c + 2, "=?"))
		if (++n > WORDS_OF_A_VALUE) {
			*c = '\0';
			return;
		}
}

/*
 * GMime makes application/octet-stream of what has no type; RFC 2045 5.2 says text/plain. The parameters still count.
 */
static char *
mend_type(const char *value)
{
	const char *params = strchr(value, ';');
	return names_a_type(value) ? g_strdup(value) : g_strconcat("text/plain", params, NULL);
}

static void
module_parse_type(const char *value, MimeValue *ret_value)
{
	size_t len = 0;
	g_autofree char *utf8 = mime_charset_to_utf8(value, strlen(value), NULL, &len, NULL);
	bound_words(utf8);
	g_autofree char *mended = mend_type(utf8);
	g_autoptr(GMimeContentType) type = g_mime_content_type_parse(lenient, mended);
	ret_value->type = lower_valid(g_mime_content_type_get_media_type(type));
	ret_value->subtype = lower_valid(g_mime_content_type_get_media_subtype(type));
	copy_params(g_mime_content_type_get_parameters(type), ret_value);
}

static void
module_parse_disposition(const char *value, MimeValue *ret_value)
{
	size_t len = 0;
	g_autofree char *utf8 = mime_charset_to_utf8(value, strlen(value), NULL, &len, NULL);
	bound_words(utf8);
	g_autoptr(GMimeContentDisposition) disposition = g_mime_content_disposition_parse(lenient, utf8);
	const char *word = g_mime_content_disposition_get_disposition(disposition);
	ret_value->type = lower_valid(word != NULL && *word != '\0' ? word : "attachment");
	ret_value->subtype = NULL;
	copy_params(g_mime_content_disposition_get_parameters(disposition), ret_value);
}

struct MimeDecoder {
	GMimeFilter *filter;
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
	return decoder;
}

static void
module_decoder_step(MimeDecoder *decoder, const char *in, size_t len, bool last, GString *out)
{
	char *piece = NULL;
	size_t piece_len = 0, room = 0;
	g_mime_filter_filter(decoder->filter, (char *) in, len, 0, &piece, &piece_len, &room);
	g_string_append_len(out, piece, (gssize) piece_len);
	if (!last)
		return;
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

__attribute__((visibility("default"))) const MimeModule *mime_module(void);

const MimeModule *
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
	/* GMime counts its users and is never shut down: the module stays until the process ends. */
	g_mime_init();
	if (lenient == NULL)
		make_lenient();
	return &module;
}

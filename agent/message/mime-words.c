/* SPDX-License-Identifier: MIT */
/*
 * mime-words: encoded words are found in one pass, and those that belong together are decoded
 * together.
 */
#include "agent/message/mime-words.h"

#include "agent/base/blank.h"

#include <string.h>

/* An encoded word of RFC 2047 in the text around it. */
typedef struct {
	const char *start, *end; /* "=?" ... behind "?=" */
	const char *charset, *payload;
	size_t charset_len, payload_len;
	char encoding; /* 'b' or 'q' */
} Word;

static bool
is_charset_octet(char c)
{
	return c > ' ' && c < 127 && strchr("()<>@,;:\"/[]?=", c) == NULL;
}

/*
 * Where "?=" ends the payload. NULL: a "=?" comes first, or nothing. Stray '?' are common enough to
 * let them pass.
 */
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
 * Read the word that begins at `start`, which stands at a "=?". Looks no further than the next
 * "=?": linear over a value.
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

static void
append_quoted(GString *out, const Word *word)
{
	for (const char *c = word->payload, *end = c + word->payload_len; c < end; c++) {
		if (*c == '=' && c + 2 < end && g_ascii_isxdigit(c[1]) && g_ascii_isxdigit(c[2])) {
			g_string_append_c(out, (char) (g_ascii_xdigit_value(c[1]) * 16 +
			                               g_ascii_xdigit_value(c[2])));
			c += 2;
		} else {
			g_string_append_c(out, *c == '_' ? ' ' : *c);
		}
	}
}

static bool
read_word_at(const char *c, const char *end, Word *ret_word)
{
	return end - c >= 2 && c[0] == '=' && c[1] == '?' && read_word(c, end, ret_word);
}

static bool
append_payload(GString *octets, const Word *word, const MimeWordsMeaning *meaning)
{
	if (word->encoding == 'b')
		return meaning->append_base64(octets, word->payload, word->payload_len);
	append_quoted(octets, word);
	return true;
}

/*
 * Words that belong together: senders cut text between the octets of one character, against RFC
 * 2047 5. Returns where they end; NULL: `meaning` gave up.
 */
static const char *
read_group(const Word *first, const char *end, const MimeWordsMeaning *meaning, GString *octets)
{
	Word word = *first;

	while (append_payload(octets, &word, meaning)) {
		const char *stop = word.end, *next = blank_skip_lines_to(stop, end);
		if (!read_word_at(next, end, &word) || word.charset_len != first->charset_len ||
		    g_ascii_strncasecmp(word.charset, first->charset, first->charset_len) != 0)
			return stop;
	}

	return NULL;
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
static bool
append_group(GString *out, const Word *word, const GString *octets, const MimeWordsMeaning *meaning,
             char **guess)
{
	g_autofree char *label = g_strndup(word->charset, word->charset_len);
	char *guessed = NULL;
	size_t at = out->len;
	if (!meaning->append_converted(out, octets, label, &guessed))
		return false;

	keep_first_guess(guess, guessed);
	/*
	 * Hidden in an encoded word, a line end would make a second field of this one when it is
	 * written again.
	 */
	for (char *c = out->str + at; *c != '\0'; c++)
		if (*c == '\r' || *c == '\n')
			*c = ' ';

	return true;
}

/*
 * Decode all words from `word` on that only blanks divide. Returns where they end; NULL: `meaning`
 * gave up.
 */
static const char *
decode_run(GString *out, Word word, const char *end, const MimeWordsMeaning *meaning, char **guess)
{
	const char *stop;
	do {
		g_autoptr(GString) octets = g_string_new(NULL);
		stop = read_group(&word, end, meaning, octets);
		if (stop == NULL || !append_group(out, &word, octets, meaning, guess))
			return NULL;
	} while (read_word_at(blank_skip_lines_to(stop, end), end, &word));
	return stop;
}

GString *
mime_words_decode(const char *value, size_t len, const MimeWordsMeaning *meaning, char **guess)
{
	g_autoptr(GString) out = g_string_sized_new(len + 32);
	const char *end = value + len, *copied = value;

	for (const char *c = value; (c = memchr(c, '=', (size_t) (end - c))) != NULL;) {
		Word word;
		if (!read_word_at(c, end, &word)) {
			c++;
			continue;
		}
		g_string_append_len(out, copied, c - copied);
		c = copied = decode_run(out, word, end, meaning, guess);
		if (c == NULL)
			return NULL;
	}

	g_string_append_len(out, copied, end - copied);
	return g_steal_pointer(&out);
}

size_t
mime_words_length(const char *at, const char *end)
{
	Word word;
	return read_word_at(at, end, &word) ? (size_t) (word.end - at) : 0;
}

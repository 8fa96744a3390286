/* SPDX-License-Identifier: MIT */
/*
 * mime-words: the encoded words of RFC 2047 in a text, the usual damage included.
 *
 * Not by g_mime_utils_header_decode_text, which cuts text at a NUL, guesses charsets without saying
 * so, and is quadratic in each "=?" that begins no word: 7 s for 100 kB of them.
 *
 * Where the words stand is one question, what their octets mean is another, which the caller
 * answers: the module by GMime and iconv (mime-module.c), whatever they are; the program itself
 * (mime-plain.h) where they are plain.
 */
#ifndef TODOKE_MIME_WORDS_H
#define TODOKE_MIME_WORDS_H

#include <glib.h>
#include <stdbool.h>

/* What the octets of words mean. Each function may say false: then mime_words_decode gives up. */
typedef struct {
	/* Append the octets that a payload of base64 has; `octets` may hold some already. */
	bool (*append_base64)(GString *octets, const char *payload, size_t len);

	/*
	 * Append octets in the charset `label` as valid UTF-8 without NULs. *ret_guess becomes what
	 * had to be guessed (caller frees), or NULL.
	 */
	bool (*append_converted)(GString *out, const GString *octets, const char *label,
	                         char **ret_guess);
} MimeWordsMeaning;

/*
 * `text` (UTF-8) with its words decoded; what stands between words and other text stays, line ends
 * that words hide become blanks. The first charset that had to be guessed goes to *guess (may hold
 * one already; caller frees). Caller frees. NULL: `meaning` gave up.
 */
GString *
mime_words_decode(const char *text, size_t len, const MimeWordsMeaning *meaning, char **guess);

/* Octets of the encoded word that begins at `at`; 0: none does. */
size_t mime_words_length(const char *at, const char *end);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * mime-words: the encoded words of RFC 2047 in a text, the usual damage included.
 *
 * Not by g_mime_utils_header_decode_text, which cuts text at a NUL, guesses charsets without saying
 * so, and is quadratic in each "=?" that begins no word: 7 s for 100 kB of them.
 */
#ifndef TODOKE_MIME_WORDS_H
#define TODOKE_MIME_WORDS_H

#include <glib.h>

/*
 * `text` (UTF-8) with its words decoded; what stands between words and other text stays, line ends
 * that words hide become blanks. The first charset that had to be guessed goes to *guess (may hold
 * one already; caller frees). Caller frees.
 */
GString *mime_words_decode(const char *text, size_t len, char **guess);

/* Octets of the encoded word that begins at `at`; 0: none does. */
size_t mime_words_length(const char *at, const char *end);

#endif

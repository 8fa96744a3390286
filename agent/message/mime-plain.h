/* SPDX-License-Identifier: MIT */
/*
 * mime-plain: header text that is plain enough to be read without GMime, which costs a delivery
 * four times as much as everything else together.
 *
 * Plain are: encoded words (RFC 2047, with a language of RFC 2231 or without) of quoted text or
 * whole base64, in US-ASCII, UTF-8, ISO-8859-1 or windows-1252, whose octets fit the label; and
 * octets outside of words that are valid UTF-8. Everything else (other charsets, damage, escape
 * sequences, NULs, the controls of ISO-8859-1) is left to the module, which is the reader of
 * record: where both have an answer it is the same one, which tests/diff/plain-diff proves.
 */
#ifndef TODOKE_MIME_PLAIN_H
#define TODOKE_MIME_PLAIN_H

#include <glib.h>
#include <stdbool.h>

/*
 * What the module's decode_text (mime-module.h) makes of unfolded text without NULs. Caller frees
 * both. False: the text is not plain; nothing is set.
 */
bool mime_plain_decode(const char *value, size_t len, char **ret_text, char **ret_guess);

#endif

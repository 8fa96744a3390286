/* SPDX-License-Identifier: MIT */
/*
 * mime-charset: bytes in whatever charset to UTF-8, with a guess where the label is missing or
 * wrong. Part of the module.
 */
#ifndef TODOKE_MIME_CHARSET_H
#define TODOKE_MIME_CHARSET_H

#include <glib.h>
#include <stdbool.h>

/*
 * Text in UTF-8, valid and without NULs; the order of guesses stands in mime.h. *ret_guess (may be
 * NULL) says what was guessed, or becomes NULL. Linear in `len`. Caller frees both.
 */
char *mime_charset_to_utf8(const char *bytes, size_t len, const char *label, size_t *ret_len,
                           char **ret_guess);

/*
 * The same for the value of a field, or a piece of it, that no label stands at. `hint`: the charset
 * of the Content-Type beside it, NULL where there is none.
 */
char *mime_charset_field_to_utf8(const char *bytes, size_t len, const char *hint, size_t *ret_len,
                                 char **ret_guess);

/* Are there escape sequences of ISO-2022? */
bool mime_charset_has_escapes(const char *bytes, size_t len);

#endif

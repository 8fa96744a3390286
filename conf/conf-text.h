/*
 * conf-text: looks over the text of todoke.conf before libConfuse does.
 *
 * libConfuse's lexer drops what it does not understand ('+' and '*' outside quotes, the backslash of "\d"), puts
 * variables of the environment in, lets a forgotten quote swallow the next lines, and stays inside a string or a
 * comment for the next file. All that is found here, with the line; what libConfuse gets has no comments, and each
 * string ends on its line.
 */
#ifndef TODOKE_CONF_TEXT_H
#define TODOKE_CONF_TEXT_H

#include <glib.h>

/* Clean `text` (NUL-terminated after `len` bytes) in place; lines stay where they are. Problems are appended. */
void conf_text_clean(char *text, size_t len, const char *file, GPtrArray *problems);

#endif

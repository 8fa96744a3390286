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
#include <stdbool.h>

/* Clean `text` (NUL-terminated after `len` bytes) in place; lines stay where they are. Problems are appended. */
void conf_text_clean(char *text, size_t len, const char *file, GPtrArray *problems);

/*
 * Take out of a clean text what cannot be understood: `line`, and with it the block that begins there. A '}' that ends
 * more than it began stays where it ends a rule (`inside_rule`). False: there was nothing to take out.
 */
bool conf_text_drop(char *text, unsigned line, bool inside_rule);

#endif

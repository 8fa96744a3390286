/* SPDX-License-Identifier: MIT */
/* cmd-wrap: text for people, broken at the width of the terminal. */
#ifndef TODOKE_CMD_WRAP_H
#define TODOKE_CMD_WRAP_H

#include <stddef.h>

/*
 * Columns of the terminal on standard output: at least 40; 0: it is no terminal, and lines are not
 * broken.
 */
size_t cmd_wrap_width(void);

/*
 * `text` (UTF-8) in lines of at most `width` columns, each with `indent` blanks before it and a
 * line end. Broken at blanks and between wide letters, as Japanese is, never before a mark that
 * ends something. `width` 0: one line. A word that is longer than a line stays whole. Caller frees.
 */
char *cmd_wrap(const char *text, size_t indent, size_t width);

#endif

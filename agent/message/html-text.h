/* SPDX-License-Identifier: MIT */
/* html-text: the words of an HTML page, for rules that search text. */
#ifndef TODOKE_HTML_TEXT_H
#define TODOKE_HTML_TEXT_H

#include <glib.h>

/*
 * Text of HTML (UTF-8): tags, comments, scripts and styles dropped, block tags become line ends,
 * white space runs one blank, character references resolved. Broken HTML gives text too; one pass,
 * linear, no recursion. Caller frees the string.
 */
GString *html_text(const char *html, size_t len);

#endif

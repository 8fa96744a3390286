/* SPDX-License-Identifier: MIT */
/* check-kind: what a file is that somebody wants checked, by what stands in it. */
#ifndef TODOKE_CHECK_KIND_H
#define TODOKE_CHECK_KIND_H

#include <stddef.h>

typedef enum { CHECK_CONF, CHECK_SIEVE, CHECK_RECIPES, CHECK_NO_TEXT, CHECK_UNKNOWN } CheckKind;

/*
 * By its lines. CHECK_NO_TEXT: it has octets that no text has; CHECK_UNKNOWN: its lines fit
 * nothing, or there are none.
 */
CheckKind check_kind_of_text(const char *text, size_t len);

/* By the file's name, for a file whose text shows nothing. */
CheckKind check_kind_of_name(const char *path);

#endif

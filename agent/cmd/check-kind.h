/* SPDX-License-Identifier: MIT */
/* check-kind: what a file is that somebody wants checked, by what stands in it. */
#ifndef TODOKE_CHECK_KIND_H
#define TODOKE_CHECK_KIND_H

#include <stddef.h>

typedef enum { CHECK_CONF, CHECK_SIEVE, CHECK_RECIPES, CHECK_UNKNOWN } CheckKind;

/* By its lines; CHECK_UNKNOWN: they fit nothing, or there are none. */
CheckKind check_kind_of_text(const char *text);

/* By the file's name, for a file whose text shows nothing. */
CheckKind check_kind_of_name(const char *path);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * subset-regex: expressions that mean the same to libsieve (glibc's POSIX engine of 2003, octets)
 * and to us (PCRE2).
 */
#ifndef TODOKE_SUBSET_REGEX_H
#define TODOKE_SUBSET_REGEX_H

#include "filters/sieve/lang/sieve-ast.h"

/* Why the library must not get it; NULL: it may. The expression is one that PCRE2 has taken. */
const char *subset_regex_fault(SieveText text);

#endif

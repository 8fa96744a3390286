/* SPDX-License-Identifier: MIT */
/* sieve-site: which extensions the site lets its scripts and its users have. */
#ifndef TODOKE_SIEVE_SITE_H
#define TODOKE_SIEVE_SITE_H

#include "filters/sieve/lang/sieve-program.h"

/*
 * The set (by sieve_ext_number) that a script of this trust may require. Setting sieve_extensions:
 * names are the whole set, "+name" and "-name" change the usual one. sieve_site_extensions: further
 * names that only the site's own scripts may have.
 */
guint64 sieve_site_allowed(FilterEnv *env, ScriptTrust trust);

/*
 * The words of such a setting that name no extension; `hint` (NULL: none) is what may be meant. For
 * `todoke check`.
 */
void sieve_site_unknown(const char *setting,
                        void (*report)(void *user, const char *word, const char *hint), void *user);

#endif

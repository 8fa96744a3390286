/* SPDX-License-Identifier: MIT */
/*
 * sieve-scope: the values of variables while a script runs, and strings with values put in (RFC
 * 5229).
 */
#ifndef TODOKE_SIEVE_SCOPE_H
#define TODOKE_SIEVE_SCOPE_H

#include "filters/sieve/lang/sieve-variable.h"

/* The values of one script while it runs. */
typedef struct SieveScope SieveScope;

/* The value, empty where it was never set; lives until it is set again. */
bool sieve_scope_get(SieveRun *run, const SieveVariable *variable, SieveText *ret_value);

/* Set; values over the site's limit are cut at a character (RFC 5229 6). */
bool sieve_scope_set(SieveRun *run, const SieveVariable *variable, SieveText value);

/*
 * For modifiers: a backslash before each of the `special` signs. What is over the site's limit
 * goes, by characters with their backslash.
 */
SieveText sieve_scope_quote(SieveRun *run, SieveText value, const char *special);

/* The string with its variables put in, in run->scratch. */
SieveText sieve_scope_expand(SieveRun *run, const SieveTemplate *template);

/*
 * The modifiers among the tags of a call that takes them (SIEVE_TAKES_MODIFIERS), applied to the
 * value by precedence.
 */
SieveText sieve_scope_modify(SieveRun *run, const SieveCall *call, SieveText value);

/* Room for `n` variables, none set yet. */
SieveScope *sieve_scope_new(size_t n);
void sieve_scope_free(SieveScope *scope);

/* Octets that the values take, as sieve_scope_set told sieve_run_hold. */
guint64 sieve_scope_held(const SieveScope *scope);

#endif

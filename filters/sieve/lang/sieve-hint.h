/* SPDX-License-Identifier: MIT */
/* sieve-hint: "did you mean": the known word that is nearest to an unknown one. */
#ifndef TODOKE_SIEVE_HINT_H
#define TODOKE_SIEVE_HINT_H

#include "filters/sieve/lang/sieve-ext.h"

/* A hint, or NULL where nothing is near. Caller frees. */
char *sieve_hint_for_call(const char *name, bool is_test);
char *sieve_hint_for_tag(const SieveCallDef *def, const char *name);
char *sieve_hint_for_capability(const char *name);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * sieve-field: what a run has found out about the fields of the header; each thing is worked out
 * once.
 */
#ifndef TODOKE_SIEVE_FIELD_H
#define TODOKE_SIEVE_FIELD_H

#include "filters/sieve/run/sieve-run.h"

SieveFieldCache *sieve_field_cache_new(void);
void sieve_field_cache_free(SieveFieldCache *cache);

/* The header was edited: forget all. */
void sieve_field_cache_clear(SieveFieldCache *cache);

#endif

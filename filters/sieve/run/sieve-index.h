/* SPDX-License-Identifier: MIT */
/*
 * sieve-index: checks of the tags :index and :last, which deleteheader has (RFC 5293 5) and tests
 * get by "index" (RFC 5260 6).
 */
#ifndef TODOKE_SIEVE_INDEX_H
#define TODOKE_SIEVE_INDEX_H

#include "filters/sieve/lang/sieve-check.h"

/* Fields count from 1; the number goes to call->index. */
bool sieve_index_check(SieveCheck *check, SieveCall *call, SieveTag *tag);

/* :last goes with :index; sets call->index_from_last. */
bool sieve_index_check_last(SieveCheck *check, SieveCall *call, SieveTag *tag);

#endif

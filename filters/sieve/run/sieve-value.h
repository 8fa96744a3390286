/* SPDX-License-Identifier: MIT */
/*
 * sieve-value: what fields and addresses of the message mean. Plain values are taken as they are,
 * without GMime; the rest is decoded by agent/message/mime.h, which is loaded only then.
 */
#ifndef TODOKE_SIEVE_VALUE_H
#define TODOKE_SIEVE_VALUE_H

#include "filters/sieve/lang/sieve-ext.h"
#include "filters/sieve/lang/sieve-text.h"

/*
 * The value of a field unfolded, trimmed, with encoded words decoded (RFC 5228 2.7.2): UTF-8, in
 * `arena`. *ret_guess: what was taken for what, for the trace (NULL: nothing was guessed). Without
 * the module that decodes, the bytes as they are.
 */
SieveText sieve_value_of_field(SieveArena *arena, const HeaderField *field, const Headers *beside,
                               const char **ret_guess);

/* Decode text that is no field (the fields of a part). */
SieveText
sieve_value_decode(SieveArena *arena, SieveText raw, const Headers *beside, const char **ret_guess);

/*
 * Append the addresses (SieveAddress) of an address header's raw value to `addresses`; groups are
 * opened.
 */
void sieve_value_addresses(SieveArena *arena, SieveText raw, GArray *addresses);

/* The raw value of a field: unfolded and trimmed only. */
SieveText sieve_value_raw(SieveArena *arena, const HeaderField *field);

/* One envelope address, without angle brackets; the null sender is valid and empty. */
SieveAddress sieve_value_envelope_address(SieveArena *arena, const char *address);

#endif

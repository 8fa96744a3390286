/* SPDX-License-Identifier: MIT */
/*
 * sieve-ext-table: all extensions by name, for those that ask for one another's state or presence.
 */
#ifndef TODOKE_SIEVE_EXT_TABLE_H
#define TODOKE_SIEVE_EXT_TABLE_H

#include "filters/sieve/lang/sieve-ext.h"

#define EXT(name) extern const SieveExt sieve_ext_##name;
#include "filters/sieve/ext/sieve-ext-table.def"
#undef EXT

#endif

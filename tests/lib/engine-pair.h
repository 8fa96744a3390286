/* SPDX-License-Identifier: MIT */
/*
 * engine-pair: a script and a message made from any octets, for both engines of Sieve. What comes
 * out is nearly always within the subset that libsieve gets; strings, values and addresses are
 * those at which it was seen to fail, and random ones.
 */
#ifndef TODOKE_ENGINE_PAIR_H
#define TODOKE_ENGINE_PAIR_H

#include <glib.h>

typedef struct {
	GString *script;
	GString *message;
	GString *envelope; /* lines for sieve_world_new */
} EnginePair;

/* The same octets make the same pair. */
void engine_pair_make(const guchar *data, size_t size, EnginePair *ret_pair);

void engine_pair_clear(EnginePair *pair);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(EnginePair, engine_pair_clear)

#endif

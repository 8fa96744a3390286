/* SPDX-License-Identifier: MIT */
/* sieve-arena: chunks in a list; the newest is filled from the front. */
#include "filters/sieve/lang/sieve-arena.h"

#include <string.h>

enum { CHUNK_BYTES = 16 * 1024, ROUND_UP = 15 };

typedef SieveArenaChunk Chunk;

typedef struct SieveArenaDeferred {
	struct SieveArenaDeferred *older;
	GDestroyNotify destroy;
	gpointer data;
} Deferred;

SieveArena *
sieve_arena_new(void)
{
	return g_new0(SieveArena, 1);
}

static void
drop_chunks(SieveArena *arena, const Chunk *until)
{
	while (arena->newest != until) {
		Chunk *chunk = arena->newest;
		arena->newest = chunk->older;
		g_free(chunk);
	}
}

void
sieve_arena_free(SieveArena *arena)
{
	if (arena == NULL)
		return;
	while (arena->deferred != NULL) {
		Deferred *deferred = arena->deferred;
		arena->deferred = deferred->older;
		deferred->destroy(deferred->data);
		g_free(deferred);
	}

	drop_chunks(arena, NULL);
	g_free(arena);
}

void *
sieve_arena_take_new(SieveArena *arena, size_t size)
{
	g_assert(size <= G_MAXSIZE - sizeof(Chunk) - ROUND_UP);
	size_t bytes = MAX(size + ROUND_UP, CHUNK_BYTES);
	Chunk *chunk = g_malloc(sizeof(Chunk) + bytes);
	chunk->older = arena->newest;
	chunk->size = bytes;
	chunk->used = 0;
	arena->newest = chunk;

	return sieve_arena_take(arena, size);
}

char *
sieve_arena_copy(SieveArena *arena, const char *text, size_t len)
{
	char *copy = sieve_arena_take(arena, len + 1);
	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

void
sieve_arena_defer(SieveArena *arena, GDestroyNotify destroy, gpointer data)
{
	Deferred *deferred = g_new(Deferred, 1);
	*deferred = (Deferred){ arena->deferred, destroy, data };
	arena->deferred = deferred;
}

SieveArenaMark
sieve_arena_mark(const SieveArena *arena)
{
	return (SieveArenaMark){ arena->newest, arena->newest != NULL ? arena->newest->used : 0 };
}

void
sieve_arena_release(SieveArena *arena, SieveArenaMark mark)
{
	drop_chunks(arena, mark.chunk);
	if (arena->newest != NULL)
		arena->newest->used = mark.used;
}

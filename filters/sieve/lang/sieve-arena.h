/* SPDX-License-Identifier: MIT */
/*
 * sieve-arena: memory that is freed at once. A program lives in one, and so does what a run needs
 * until it ends.
 */
#ifndef TODOKE_SIEVE_ARENA_H
#define TODOKE_SIEVE_ARENA_H

#include <glib.h>

#include <string.h>

typedef struct SieveArena SieveArena;

/* The newest piece of memory; filled from the front. */
typedef struct SieveArenaChunk {
	struct SieveArenaChunk *older;
	size_t size;
	size_t used;
	char bytes[] __attribute__((aligned(16)));
} SieveArenaChunk;

/*
 * To be used through the functions only; it is here because a compile allocates fifteen times a
 * rule.
 */
struct SieveArena {
	SieveArenaChunk *newest;
	struct SieveArenaDeferred *deferred;
};

/* Where an arena stood; sieve_arena_release goes back to it. */
typedef struct {
	gpointer chunk;
	size_t used;
} SieveArenaMark;

SieveArena *sieve_arena_new(void);
void sieve_arena_free(SieveArena *arena);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SieveArena, sieve_arena_free)

/* `size` octets, aligned for anything, of a new chunk. */
void *sieve_arena_take_new(SieveArena *arena, size_t size);

/* `size` octets, aligned for anything. */
static inline void *
sieve_arena_take(SieveArena *arena, size_t size)
{
	enum { ALIGN = 16 };
	SieveArenaChunk *chunk = arena->newest;
	size_t rounded = (size + ALIGN - 1) & ~(size_t) (ALIGN - 1);
	if (G_UNLIKELY(chunk == NULL || rounded < size || chunk->size - chunk->used < rounded))
		return sieve_arena_take_new(arena, size);

	void *bytes = chunk->bytes + chunk->used;
	chunk->used += rounded;
	return bytes;
}

/* The same, of zeroes. */
static inline void *
sieve_arena_alloc(SieveArena *arena, size_t size)
{
	return memset(sieve_arena_take(arena, size), 0, size);
}

/* A copy with a NUL behind it; `text` may hold NULs. */
char *sieve_arena_copy(SieveArena *arena, const char *text, size_t len);

/*
 * Call destroy(data) when the arena is freed: for objects of libraries, such as a compiled pattern.
 */
void sieve_arena_defer(SieveArena *arena, GDestroyNotify destroy, gpointer data);

/* What was allocated after the mark is given back; deferred calls stay. */
SieveArenaMark sieve_arena_mark(const SieveArena *arena);
void sieve_arena_release(SieveArena *arena, SieveArenaMark mark);

#define SIEVE_NEW(arena, type) ((type *) sieve_arena_alloc((arena), sizeof(type)))
#define SIEVE_NEW_ARRAY(arena, type, n) ((type *) sieve_arena_alloc((arena), sizeof(type) * (n)))

#endif

/* sieve-arena: chunks in a list; the newest is filled from the front. */
#include "filters/sieve/sieve-arena.h"

#include <string.h>

enum { CHUNK_BYTES = 16 * 1024, ALIGN = 16 };

typedef struct Chunk {
	struct Chunk *older;
	size_t size;
	size_t used;
	char bytes[] __attribute__((aligned(16)));
} Chunk;

typedef struct Deferred {
	struct Deferred *older;
	GDestroyNotify destroy;
	gpointer data;
} Deferred;

struct SieveArena {
	Chunk *newest;
	Deferred *deferred;
};

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

static void
add_chunk(SieveArena *arena, size_t size)
{
	size_t bytes = MAX(size, CHUNK_BYTES);
	Chunk *chunk = g_malloc(sizeof(Chunk) + bytes);
	chunk->older = arena->newest;
	chunk->size = bytes;
	chunk->used = 0;
	arena->newest = chunk;
}

static inline void *
take(SieveArena *arena, size_t size)
{
	size_t rounded = (size + ALIGN - 1) & ~(size_t) (ALIGN - 1);
	g_assert(rounded >= size);
	if (arena->newest == NULL || arena->newest->size - arena->newest->used < rounded)
		add_chunk(arena, rounded);
	void *bytes = arena->newest->bytes + arena->newest->used;
	arena->newest->used += rounded;
	return bytes;
}

void *
sieve_arena_alloc(SieveArena *arena, size_t size)
{
	return memset(take(arena, size), 0, size);
}

char *
sieve_arena_copy(SieveArena *arena, const char *text, size_t len)
{
	char *copy = take(arena, len + 1);
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

/* sieve-arena: memory that is freed at once. A program lives in one, and so does what a run needs until it ends. */
#ifndef TODOKE_SIEVE_ARENA_H
#define TODOKE_SIEVE_ARENA_H

#include <glib.h>

typedef struct SieveArena SieveArena;

/* Where an arena stood; sieve_arena_release goes back to it. */
typedef struct {
	gpointer chunk;
	size_t used;
} SieveArenaMark;

SieveArena *sieve_arena_new(void);
void sieve_arena_free(SieveArena *arena);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SieveArena, sieve_arena_free)

/* `size` octets of zeroes, aligned for anything. */
void *sieve_arena_alloc(SieveArena *arena, size_t size);

/* A copy with a NUL behind it; `text` may hold NULs. */
char *sieve_arena_copy(SieveArena *arena, const char *text, size_t len);

/* Call destroy(data) when the arena is freed: for objects of libraries, such as a compiled pattern. */
void sieve_arena_defer(SieveArena *arena, GDestroyNotify destroy, gpointer data);

/* What was allocated after the mark is given back; deferred calls stay. */
SieveArenaMark sieve_arena_mark(const SieveArena *arena);
void sieve_arena_release(SieveArena *arena, SieveArenaMark mark);

#define SIEVE_NEW(arena, type) ((type *) sieve_arena_alloc((arena), sizeof(type)))
#define SIEVE_NEW_ARRAY(arena, type, n) ((type *) sieve_arena_alloc((arena), sizeof(type) * (n)))

#endif

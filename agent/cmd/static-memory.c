/* SPDX-License-Identifier: MIT */
/*
 * static-memory: malloc() of todoke-deliver.
 *
 * A delivery takes a few hundred small blocks and ends. They come from a fixed area, where a block
 * that was freed waits for the next one of its size: a dozen instructions, and no system call,
 * where the C library's malloc() needs five to begin. What is large, and all that the area has no
 * room for, is the C library's. The linker puts these functions in place of its own
 * (-Wl,--wrap=malloc). The program has one thread.
 *
 * GLib's slices are such blocks, too, as they are in all programs from GLib 2.76 on.
 */
#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void __wrap_free(void *block);
int __wrap_mallopt(int what, int value);

gpointer __wrap_g_slice_alloc(gsize size);
gpointer __wrap_g_slice_alloc0(gsize size);
gpointer __wrap_g_slice_copy(gsize size, gconstpointer block);
void __wrap_g_slice_free1(gsize size, gpointer block);
void __wrap_g_slice_free_chain_with_offset(gsize size, gpointer chain, gsize next_offset);

enum {
	AREA_BYTES = 512 * 1024,
	UNIT = 16,
	SMALL_UNITS = 65, /* up to 1 kB: a size for each 16 octets */
	/* and then the powers of two to 32 kB */
	LARGEST = 32 * 1024 - UNIT / 2,
	KINDS = SMALL_UNITS + 5,
};

/*
 * What stands before a block: its size, and whether it is somebody's. Both words are such that no
 * text or small number looks like them.
 */
enum { TAKEN = 0x7ab1e000, FREED = 0x5afe0000 };

typedef struct {
	uint32_t kind;
	uint32_t state;
} Head;

typedef struct Freed {
	struct Freed *next;
} Freed;

static _Alignas(UNIT) unsigned char area[AREA_BYTES];
/* Blocks begin behind their heads, so that they lie on multiples of 16. */
static size_t used = UNIT - sizeof(Head);
static Freed *freed[KINDS];

static bool
is_ours(const void *block)
{
	return (uintptr_t) block - (uintptr_t) area < AREA_BYTES;
}

static Head *
head_of(void *block)
{
	return (Head *) block - 1;
}

/* Of the head and what stands behind it. */
static size_t
bytes_of(uint32_t kind)
{
	return kind < SMALL_UNITS ? (size_t) kind * UNIT : (size_t) 2048 << (kind - SMALL_UNITS);
}

static uint32_t
kind_for(size_t size)
{
	size_t units = (size + sizeof(Head) + UNIT - 1) / UNIT;
	if (G_LIKELY(units < SMALL_UNITS))
		return (uint32_t) MAX(units, 2);

	uint32_t kind = SMALL_UNITS;
	while (bytes_of(kind) < size + sizeof(Head))
		kind++;
	return kind;
}

/* Memory that somebody has written to without a right to it: nothing more is done with it. */
static void
check(const void *block, const Head *head, uint32_t state)
{
	if (!is_ours(block) || head->state != state || head->kind >= KINDS)
		abort();
}

void *
__wrap_malloc(size_t size)
{
	if (size > LARGEST)
		return __real_malloc(size);

	uint32_t kind = kind_for(size);
	Freed *block = freed[kind];
	if (block != NULL) {
		Head *head = head_of(block);
		check(block, head, FREED);
		freed[kind] = block->next;
		head->state = TAKEN;
		return block;
	}

	size_t bytes = bytes_of(kind);
	if (AREA_BYTES - used < bytes)
		return __real_malloc(size);
	Head *head = (Head *) (void *) (area + used);
	used += bytes;
	*head = (Head){ kind, TAKEN };
	return head + 1;
}

void
__wrap_free(void *block)
{
	if (block == NULL)
		return;
	if (!is_ours(block)) {
		__real_free(block);
		return;
	}

	Head *head = head_of(block);
	check(block, head, TAKEN);
	head->state = FREED;
	Freed *first = block;
	first->next = freed[head->kind];
	freed[head->kind] = first;
}

void *
__wrap_calloc(size_t count, size_t size)
{
	size_t bytes;
	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	if (bytes > LARGEST)
		return __real_calloc(count, size);

	/* where nobody has been there are zeroes */
	size_t used_before = used;
	void *block = __wrap_malloc(bytes);
	bool is_fresh = used > used_before;
	return block != NULL && !is_fresh ? memset(block, 0, bytes) : block;
}

/* The last block of the area grows where it stands. */
static bool
grow(Head *head, size_t old_bytes, size_t size)
{
	uint32_t kind = kind_for(size);
	size_t bytes = bytes_of(kind);
	if ((unsigned char *) head + old_bytes != area + used ||
	    AREA_BYTES - used < bytes - old_bytes)
		return false;

	used += bytes - old_bytes;
	head->kind = kind;
	return true;
}

void *
__wrap_realloc(void *block, size_t size)
{
	if (block == NULL)
		return __wrap_malloc(size);
	if (!is_ours(block))
		return __real_realloc(block, size);

	Head *head = head_of(block);
	check(block, head, TAKEN);
	size_t bytes = bytes_of(head->kind);
	if (size <= bytes - sizeof(Head) || (size <= LARGEST && grow(head, bytes, size)))
		return block;

	void *fresh = __wrap_malloc(size);
	if (fresh == NULL)
		return NULL;
	memcpy(fresh, block, bytes - sizeof(Head));
	__wrap_free(block);
	return fresh;
}

/* The C library would begin to make its own area. */
int
__wrap_mallopt(int what, int value)
{
	(void) what;
	(void) value;
	return 1;
}

gpointer
__wrap_g_slice_alloc(gsize size)
{
	return g_malloc(size);
}

gpointer
__wrap_g_slice_alloc0(gsize size)
{
	return g_malloc0(size);
}

gpointer
__wrap_g_slice_copy(gsize size, gconstpointer block)
{
	gpointer copy = g_malloc(size);
	return memcpy(copy, block, size);
}

void
__wrap_g_slice_free1(gsize size, gpointer block)
{
	(void) size;
	g_free(block);
}

void
__wrap_g_slice_free_chain_with_offset(gsize size, gpointer chain, gsize next_offset)
{
	(void) size;
	while (chain != NULL) {
		gpointer block = chain;
		chain = *(gpointer *) (void *) ((char *) chain + next_offset);
		g_free(block);
	}
}

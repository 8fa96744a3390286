/* SPDX-License-Identifier: MIT */
/*
 * malloc() of todoke-deliver. This program is linked with it as that one is, so the test and all
 * that it calls live on it.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BLOCKS = 400, STEPS = 200000, LARGE = 200 * 1024 };

typedef struct {
	unsigned char *octets;
	size_t size;
	unsigned char fill;
} Block;

static void
check_block(const Block *block)
{
	assert_int_equal((uintptr_t) block->octets % 16, 0);
	for (size_t i = 0; i < block->size; i++)
		assert_int_equal(block->octets[i], block->fill);
}

static size_t
some_size(GRand *rand)
{
	static const gint32 most[] = { 16, 64, 1100, 40000, LARGE };
	return (size_t) g_rand_int_range(rand, 0, most[g_rand_int_range(rand, 0, 5)]);
}

/* Any order of taking, growing and giving back; nobody writes into another's block. */
static void
test_any_order(void **state)
{
	static Block blocks[BLOCKS];
	GRand *rand = g_rand_new_with_seed(7);
	(void) state;

	for (int step = 0; step < STEPS; step++) {
		Block *block = &blocks[g_rand_int_range(rand, 0, BLOCKS)];
		size_t size = some_size(rand), kept = MIN(size, block->size);
		if (step % 64 == 0)
			check_block(block);
		if (block->octets != NULL && g_rand_boolean(rand)) {
			free(block->octets);
			*block = (Block){ NULL, 0, 0 };
			continue;
		}

		bool is_zero = block->octets == NULL && g_rand_boolean(rand);
		unsigned char *octets = is_zero ? calloc(1, size + 1)
		                                : realloc(block->octets, size + 1);
		assert_non_null(octets);
		for (size_t i = 0; i < (is_zero ? size : kept); i++)
			assert_int_equal(octets[i], is_zero ? 0 : block->fill);
		*block = (Block){ octets, size, (unsigned char) step };
		memset(octets, block->fill, size);
	}

	for (size_t i = 0; i < BLOCKS; i++) {
		check_block(&blocks[i]);
		free(blocks[i].octets);
	}
	g_rand_free(rand);
}

static void
test_too_much(void **state)
{
	volatile size_t half = SIZE_MAX / 2;
	(void) state;

	errno = 0;
	assert_null(calloc(half, 3));
	assert_int_equal(errno, ENOMEM);
	assert_null(malloc(half + half));
	free(NULL);
}

static void
test_same_size_comes_again(void **state)
{
	(void) state;
	void *one = malloc(100);
	void *volatile first = one;
	free(one);
	void *other = malloc(90);
	assert_ptr_equal(other, first);
	free(other);
}

static void
free_twice(unsigned char *block)
{
	unsigned char *volatile same = block;
	free(block);
	free(same);
}

/* What stands before a block is overwritten. */
static void
overrun(unsigned char *block)
{
	unsigned char *volatile before = block - 8;
	memset(before, 'A', 8);
	free(block);
}

/* It ends where it is noticed, and no memory is given away twice. */
static void
test_misuse_ends(void **state)
{
	static void (*const misuses[])(unsigned char *) = { free_twice, overrun };
	(void) state;

	for (size_t i = 0; i < G_N_ELEMENTS(misuses); i++) {
		int wait_status = 0;
		pid_t pid = fork();
		if (pid == 0) {
			misuses[i](malloc(64));
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &wait_status, 0), pid);
		assert_true(WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGABRT);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_order),
		cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_same_size_comes_again),
		cmocka_unit_test(test_misuse_ends),
	};

	return cmocka_run_group_tests_name("static-memory", tests, NULL, NULL);
}

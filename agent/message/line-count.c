/* SPDX-License-Identifier: MIT */
/*
 * line-count: many octets at once, whatever the length of lines. memchr, which goes from line end
 * to line end, takes three times as long over mail.
 */
#include "agent/message/line-count.h"

#include <string.h>

/* Octets that are compared at once, those of a round, rounds before a count leaves its octet. */
enum { WIDTH = 32, ROUND = 4 * WIDTH, ROUNDS = 255 };

typedef guint8 Vector __attribute__((vector_size(WIDTH)));

/*
 * Where the processor has registers of that width they are used. The C library knows since the
 * start of the process; target_clones and __builtin_cpu_supports would ask the processor again in
 * each delivery, and in a virtual machine each question leaves it: 2 % of a small delivery.
 */
#if defined(__x86_64__) && defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
#include <sys/platform/x86.h>
#define HAS_WIDE CPU_FEATURE_ACTIVE(AVX2)
#define WIDE __attribute__((target("avx2")))
#else
#define HAS_WIDE 0
#define WIDE
#endif

/* Add the octets of a vector. */
static inline __attribute__((always_inline)) guint64
sum(const Vector *vector)
{
	guint64 n = 0;
	for (size_t i = 0; i < WIDTH; i++)
		n += (*vector)[i];
	return n;
}

/* Count those of the next WIDTH octets. */
static inline __attribute__((always_inline)) void
look_at(const char *data, Vector *count, Vector *returns)
{
	Vector octets;
	memcpy(&octets, data, WIDTH);
	*count -= (Vector) (octets == '\n'); /* true is all ones: -1 */
	*returns |= (Vector) (octets == '\r');
}

/* `rounds` times ROUND octets, ROUNDS at most. Each vector has a count, which is a register. */
static inline __attribute__((always_inline)) guint64
count_rounds(const char *data, size_t rounds, bool *has_cr)
{
	Vector a = { 0 }, b = { 0 }, c = { 0 }, d = { 0 }, returns = { 0 };

	for (size_t i = 0; i < rounds; i++, data += ROUND) {
		look_at(data, &a, &returns);
		look_at(data + WIDTH, &b, &returns);
		look_at(data + 2 * WIDTH, &c, &returns);
		look_at(data + 3 * WIDTH, &d, &returns);
	}

	*has_cr = *has_cr || sum(&returns) > 0;
	return sum(&a) + sum(&b) + sum(&c) + sum(&d);
}

WIDE static guint64
count_wide(const char *data, size_t rounds, bool *has_cr)
{
	return count_rounds(data, rounds, has_cr);
}

static guint64
count_anywhere(const char *data, size_t rounds, bool *has_cr)
{
	return count_rounds(data, rounds, has_cr);
}

guint64
line_count(const char *data, size_t len, bool *ret_has_cr)
{
	guint64 n = 0;
	bool has_cr = false;

	for (size_t rounds; (rounds = MIN(len / ROUND, ROUNDS)) > 0;
	     data += rounds * ROUND, len -= rounds * ROUND)
		n += HAS_WIDE ? count_wide(data, rounds, &has_cr)
		              : count_anywhere(data, rounds, &has_cr);
	for (size_t i = 0; i < len; i++) {
		n += data[i] == '\n';
		has_cr = has_cr || data[i] == '\r';
	}

	*ret_has_cr = has_cr;
	return n;
}

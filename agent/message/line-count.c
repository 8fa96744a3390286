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
 * Where the processor has registers of that width they are used. Not under the sanitizers, which
 * are not ready when the dynamic linker chooses.
 */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
	!defined(__SANITIZE_ADDRESS__)
#define WIDE __attribute__((target_clones("avx2", "default")))
#else
#define WIDE
#endif

/* Add the octets of a vector. */
static guint64
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
WIDE static guint64
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

guint64
line_count(const char *data, size_t len, bool *ret_has_cr)
{
	guint64 n = 0;
	bool has_cr = false;

	for (size_t rounds; (rounds = MIN(len / ROUND, ROUNDS)) > 0;
	     data += rounds * ROUND, len -= rounds * ROUND)
		n += count_rounds(data, rounds, &has_cr);
	for (size_t i = 0; i < len; i++) {
		n += data[i] == '\n';
		has_cr = has_cr || data[i] == '\r';
	}

	*ret_has_cr = has_cr;
	return n;
}

/* SPDX-License-Identifier: MIT */
/*
 * line-count: many octets at once, whatever the length of lines. memchr, which goes from line end
 * to line end, takes three times as long over mail.
 */
#include "agent/message/line-count.h"

#include "agent/base/wide.h"

#include <glib.h>
#include <string.h>
#if HAS_WIDE_CODE
#include <immintrin.h>
#endif

/* Octets that are compared at once, those of a round, rounds before a count leaves its octet. */
enum { WIDTH = 32, ROUND = 4 * WIDTH, ROUNDS = 255 };

typedef guint8 Vector __attribute__((vector_size(WIDTH)));

/* For what is left behind the last round. */
typedef guint8 Word __attribute__((vector_size(8)));

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
count_rounds_wide(const char *data, size_t rounds, bool *has_cr)
{
	return count_rounds(data, rounds, has_cr);
}

static guint64
count_rounds_anywhere(const char *data, size_t rounds, bool *has_cr)
{
	return count_rounds(data, rounds, has_cr);
}

static guint64
count_some(const char *data, size_t rounds, bool is_wide, bool *has_cr)
{
	return is_wide ? count_rounds_wide(data, rounds, has_cr)
	               : count_rounds_anywhere(data, rounds, has_cr);
}

/* Octets of a block, and blocks before a count may reach 128. */
enum { BLOCK = 1024, BLOCKS = 15 };

#if HAS_WIDE_CODE

/*
 * What a look at 32 octets adds to their counts, in three instructions: 1 for a line end, 128 for a
 * carriage return, and nothing for others. Sums do not overflow; they stay at the highest, so a
 * count of 128 and more says that there was a carriage return.
 */
static inline __attribute__((always_inline, target("avx2"))) __m256i
add_signs(__m256i count, const char *data, __m256i lift, __m256i signs)
{
	__m256i octets = _mm256_loadu_si256((const __m256i *) (const void *) data);
	/* all but the first 16 get their highest bit, for which the table is not asked */
	__m256i lifted = _mm256_adds_epu8(octets, lift);
	return _mm256_adds_epu8(count, _mm256_shuffle_epi8(signs, lifted));
}

WIDE static guint64
count_blocks(const char *data, size_t blocks, bool *has_cr)
{
	const __m256i lift = _mm256_set1_epi8(0x70);
	const __m256i signs = _mm256_broadcastsi128_si256(
		_mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, (char) 0x80, 0, 0));
	const char *end = data + blocks * BLOCK;
	__m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;

	for (const char *at = data; at < end; at += BLOCK) {
#pragma GCC unroll 8
		for (size_t i = 0; i < BLOCK; i += ROUND) {
			a = add_signs(a, at + i, lift, signs);
			b = add_signs(b, at + i + WIDTH, lift, signs);
			c = add_signs(c, at + i + 2 * WIDTH, lift, signs);
			d = add_signs(d, at + i + 3 * WIDTH, lift, signs);
		}
	}

	__m256i any = _mm256_or_si256(_mm256_or_si256(a, b), _mm256_or_si256(c, d));
	if (_mm256_movemask_epi8(any) != 0)
		return count_some(data, blocks * BLOCK / ROUND, HAS_WIDE_CODE, has_cr);
	/* none is over 127: two together fit their octet */
	const __m256i zero = _mm256_setzero_si256();
	__m256i sums = _mm256_add_epi64(_mm256_sad_epu8(_mm256_add_epi8(a, b), zero),
	                                _mm256_sad_epu8(_mm256_add_epi8(c, d), zero));
	__m128i halves = _mm_add_epi64(_mm256_castsi256_si128(sums),
	                               _mm256_extracti128_si256(sums, 1));
	return (guint64) _mm_cvtsi128_si64(halves) + (guint64) _mm_extract_epi64(halves, 1);
}

#else

static guint64
count_blocks(const char *data, size_t blocks, bool *has_cr)
{
	return count_some(data, blocks * BLOCK / ROUND, HAS_WIDE_CODE, has_cr);
}

#endif

guint64
line_count(const char *data, size_t len, bool *ret_has_cr)
{
	guint64 n = 0;
	bool has_cr = false, is_wide = HAS_WIDE;

	for (size_t blocks; is_wide && (blocks = MIN(len / BLOCK, BLOCKS)) > 0;
	     data += blocks * BLOCK, len -= blocks * BLOCK)
		n += count_blocks(data, blocks, &has_cr);
	for (size_t rounds; (rounds = MIN(len / ROUND, ROUNDS)) > 0;
	     data += rounds * ROUND, len -= rounds * ROUND)
		n += count_some(data, rounds, is_wide, &has_cr);
	for (; len >= sizeof(Word); data += sizeof(Word), len -= sizeof(Word)) {
		Word octets;
		memcpy(&octets, data, sizeof octets);
		n += (guint64) __builtin_popcountll((guint64) (octets == '\n')) / 8;
		has_cr = has_cr || (guint64) (octets == '\r') != 0;
	}
	for (size_t i = 0; i < len; i++) {
		n += data[i] == '\n';
		has_cr = has_cr || data[i] == '\r';
	}

	*ret_has_cr = has_cr;
	return n;
}

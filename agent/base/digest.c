/* SPDX-License-Identifier: MIT */
/* digest: the rounds are written out, so that what changes places has its place at compile time. */
#include "agent/base/digest.h"

#include "agent/base/wide.h"

#include <string.h>

static inline guint32
rotate_left(guint32 word, unsigned bits)
{
	return word << bits | word >> (32 - bits);
}

static inline guint32
rotate_right(guint32 word, unsigned bits)
{
	return word >> bits | word << (32 - bits);
}

/* The functions F, G, H and I of RFC 1321; F and G with one operation less. */
#define F(x, y, z) ((z) ^ ((x) & ((y) ^ (z))))
#define G(x, y, z) ((y) ^ ((z) & ((x) ^ (y))))
#define H(x, y, z) ((x) ^ (y) ^ (z))
#define I(x, y, z) ~((y) ^ (~(x) & (z)))

#define STEP(f, a, b, c, d, word, shift, number) \
	a = rotate_left(a + f(b, c, d) + read_word(data, word) + number, shift) + b

/* Four steps: the names come round. */
#define FOUR(f, w1, w2, w3, w4, s1, s2, s3, s4, n1, n2, n3, n4) \
	STEP(f, a, b, c, d, w1, s1, n1); \
	STEP(f, d, a, b, c, w2, s2, n2); \
	STEP(f, c, d, a, b, w3, s3, n3); \
	STEP(f, b, c, d, a, w4, s4, n4)

/* The compiler reads it where it is added. */
static inline guint32
read_word(const guchar *data, size_t i)
{
	guint32 word;
	memcpy(&word, data + i * sizeof word, sizeof word);
	return GUINT32_FROM_LE(word);
}

static inline __attribute__((always_inline)) void
md5_rounds(guint32 state[4], const guchar *data, size_t blocks)
{
	guint32 a = state[0], b = state[1], c = state[2], d = state[3];

	for (; blocks > 0; blocks--, data += DIGEST_BLOCK) {
		guint32 a0 = a, b0 = b, c0 = c, d0 = d;

		FOUR(F, 0, 1, 2, 3, 7, 12, 17, 22, 0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee);
		FOUR(F, 4, 5, 6, 7, 7, 12, 17, 22, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501);
		FOUR(F, 8, 9, 10, 11, 7, 12, 17, 22, 0x698098d8, 0x8b44f7af, 0xffff5bb1,
		     0x895cd7be);
		FOUR(F, 12, 13, 14, 15, 7, 12, 17, 22, 0x6b901122, 0xfd987193, 0xa679438e,
		     0x49b40821);

		FOUR(G, 1, 6, 11, 0, 5, 9, 14, 20, 0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa);
		FOUR(G, 5, 10, 15, 4, 5, 9, 14, 20, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8);
		FOUR(G, 9, 14, 3, 8, 5, 9, 14, 20, 0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed);
		FOUR(G, 13, 2, 7, 12, 5, 9, 14, 20, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a);

		FOUR(H, 5, 8, 11, 14, 4, 11, 16, 23, 0xfffa3942, 0x8771f681, 0x6d9d6122,
		     0xfde5380c);
		FOUR(H, 1, 4, 7, 10, 4, 11, 16, 23, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70);
		FOUR(H, 13, 0, 3, 6, 4, 11, 16, 23, 0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05);
		FOUR(H, 9, 12, 15, 2, 4, 11, 16, 23, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8,
		     0xc4ac5665);

		FOUR(I, 0, 7, 14, 5, 6, 10, 15, 21, 0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039);
		FOUR(I, 12, 3, 10, 1, 6, 10, 15, 21, 0x655b59c3, 0x8f0ccc92, 0xffeff47d,
		     0x85845dd1);
		FOUR(I, 8, 15, 6, 13, 6, 10, 15, 21, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314,
		     0x4e0811a1);
		FOUR(I, 4, 11, 2, 9, 6, 10, 15, 21, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391);

		a += a0;
		b += b0;
		c += c0;
		d += d0;
	}

	state[0] = a;
	state[1] = b;
	state[2] = c;
	state[3] = d;
}

WIDE static void
md5_blocks_wide(guint32 *state, const guchar *data, size_t blocks)
{
	md5_rounds(state, data, blocks);
}

static void
md5_blocks_anywhere(guint32 *state, const guchar *data, size_t blocks)
{
	md5_rounds(state, data, blocks);
}

static void
md5_blocks(guint32 *state, const guchar *data, size_t blocks)
{
	if (HAS_WIDE)
		md5_blocks_wide(state, data, blocks);
	else
		md5_blocks_anywhere(state, data, blocks);
}

static const guint32 sha256_numbers[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2
};

/* A round of SHA-256. `d` and `h` change; those behind them are called by their next names. */
#define ROUND(a, b, c, d, e, f, g, h, i) \
	do { \
		guint32 one = h + F(e, f, g) + sha256_numbers[i] + words[i] + \
		              (rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25)); \
		d += one; \
		h = one + ((((a) ^ (b)) & ((b) ^ (c))) ^ (b)) + \
		    (rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22)); \
	} while (0)

static inline __attribute__((always_inline)) void
sha256_block(guint32 state[8], const guchar *data)
{
	guint32 words[64];
	guint32 a = state[0], b = state[1], c = state[2], d = state[3];
	guint32 e = state[4], f = state[5], g = state[6], h = state[7];

	memcpy(words, data, DIGEST_BLOCK);
	for (size_t i = 0; i < 16; i++)
		words[i] = GUINT32_FROM_BE(words[i]);
	for (size_t i = 16; i < 64; i++) {
		guint32 two = words[i - 2], far = words[i - 15];
		words[i] = words[i - 16] + words[i - 7] +
		           (rotate_right(two, 17) ^ rotate_right(two, 19) ^ two >> 10) +
		           (rotate_right(far, 7) ^ rotate_right(far, 18) ^ far >> 3);
	}

	for (size_t i = 0; i < 64; i += 8) {
		ROUND(a, b, c, d, e, f, g, h, i);
		ROUND(h, a, b, c, d, e, f, g, i + 1);
		ROUND(g, h, a, b, c, d, e, f, i + 2);
		ROUND(f, g, h, a, b, c, d, e, i + 3);
		ROUND(e, f, g, h, a, b, c, d, i + 4);
		ROUND(d, e, f, g, h, a, b, c, i + 5);
		ROUND(c, d, e, f, g, h, a, b, i + 6);
		ROUND(b, c, d, e, f, g, h, a, i + 7);
	}

	const guint32 all[] = { a, b, c, d, e, f, g, h };
	for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
		state[i] += all[i];
}

/* With an instruction that rotates into another register. */
WIDE static void
sha256_blocks_wide(guint32 *state, const guchar *data, size_t blocks)
{
	for (; blocks > 0; blocks--, data += DIGEST_BLOCK)
		sha256_block(state, data);
}

static void
sha256_blocks_anywhere(guint32 *state, const guchar *data, size_t blocks)
{
	for (; blocks > 0; blocks--, data += DIGEST_BLOCK)
		sha256_block(state, data);
}

static void
sha256_blocks(guint32 *state, const guchar *data, size_t blocks)
{
	if (HAS_WIDE)
		sha256_blocks_wide(state, data, blocks);
	else
		sha256_blocks_anywhere(state, data, blocks);
}

typedef void Blocks(guint32 *state, const guchar *data, size_t blocks);

/* Whole blocks are read where they stand; what is left waits in `rest`. */
static inline void
add(guint32 *state, guint64 *all_len, guchar *rest, Blocks *blocks, const void *data, size_t len)
{
	const guchar *next = data;
	size_t held = *all_len % DIGEST_BLOCK;
	*all_len += len;

	if (held > 0) {
		size_t n = MIN(len, DIGEST_BLOCK - held);
		memcpy(rest + held, next, n);
		if (held + n < DIGEST_BLOCK)
			return;
		blocks(state, rest, 1);
		next += n;
		len -= n;
	}

	if (len >= DIGEST_BLOCK)
		blocks(state, next, len / DIGEST_BLOCK);
	if (len % DIGEST_BLOCK > 0)
		memcpy(rest, next + len - len % DIGEST_BLOCK, len % DIGEST_BLOCK);
}

/* A bit, and the length in bits at the end of the last block. */
static inline void
end(guint32 *state, guint64 len, guchar *rest, Blocks *blocks, guint64 bits_as_stored)
{
	size_t held = len % DIGEST_BLOCK;

	rest[held++] = 0x80;
	if (held > DIGEST_BLOCK - sizeof bits_as_stored) {
		memset(rest + held, 0, DIGEST_BLOCK - held);
		blocks(state, rest, 1);
		held = 0;
	}

	memset(rest + held, 0, DIGEST_BLOCK - sizeof bits_as_stored - held);
	memcpy(rest + DIGEST_BLOCK - sizeof bits_as_stored, &bits_as_stored, sizeof bits_as_stored);
	blocks(state, rest, 1);
}

void
digest_md5_init(DigestMd5 *sum)
{
	static const guint32 begin[] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 };
	sum->len = 0;
	memcpy(sum->state, begin, sizeof begin);
}

void
digest_md5_add(DigestMd5 *sum, const void *data, size_t len)
{
	add(sum->state, &sum->len, sum->rest, md5_blocks, data, len);
}

void
digest_md5_end(DigestMd5 *sum, guchar ret_sum[DIGEST_MD5_BYTES])
{
	end(sum->state, sum->len, sum->rest, md5_blocks, GUINT64_TO_LE(sum->len * 8));
	for (size_t i = 0; i < G_N_ELEMENTS(sum->state); i++)
		sum->state[i] = GUINT32_TO_LE(sum->state[i]);
	memcpy(ret_sum, sum->state, DIGEST_MD5_BYTES);
}

void
digest_sha256_init(DigestSha256 *sum)
{
	static const guint32 begin[] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
	sum->len = 0;
	memcpy(sum->state, begin, sizeof begin);
}

void
digest_sha256_add(DigestSha256 *sum, const void *data, size_t len)
{
	add(sum->state, &sum->len, sum->rest, sha256_blocks, data, len);
}

void
digest_sha256_end(DigestSha256 *sum, guchar ret_sum[DIGEST_SHA256_BYTES])
{
	end(sum->state, sum->len, sum->rest, sha256_blocks, GUINT64_TO_BE(sum->len * 8));
	for (size_t i = 0; i < G_N_ELEMENTS(sum->state); i++)
		sum->state[i] = GUINT32_TO_BE(sum->state[i]);
	memcpy(ret_sum, sum->state, DIGEST_SHA256_BYTES);
}

/* One of the two hashes of RFC 2104, begun with its pad. */
static void
begin_padded(DigestSha256 *sum, const guchar key[DIGEST_BLOCK], guchar pad)
{
	guchar block[DIGEST_BLOCK];
	for (size_t i = 0; i < DIGEST_BLOCK; i++)
		block[i] = key[i] ^ pad;
	digest_sha256_init(sum);
	digest_sha256_add(sum, block, sizeof block);
}

void
digest_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                   guchar ret_sum[DIGEST_SHA256_BYTES])
{
	guchar block[DIGEST_BLOCK] = { 0 };
	DigestSha256 sum;

	if (key_len <= DIGEST_BLOCK) {
		memcpy(block, key, key_len);
	} else {
		digest_sha256_init(&sum);
		digest_sha256_add(&sum, key, key_len);
		digest_sha256_end(&sum, block);
	}

	begin_padded(&sum, block, 0x36);
	digest_sha256_add(&sum, data, len);
	digest_sha256_end(&sum, ret_sum);

	begin_padded(&sum, block, 0x5c);
	digest_sha256_add(&sum, ret_sum, DIGEST_SHA256_BYTES);
	digest_sha256_end(&sum, ret_sum);
}

void
digest_print(const guchar *octets, size_t len, char *ret_hex)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < len; i++) {
		ret_hex[2 * i] = digits[octets[i] >> 4];
		ret_hex[2 * i + 1] = digits[octets[i] & 0xf];
	}
	ret_hex[2 * len] = '\0';
}

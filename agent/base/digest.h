/* SPDX-License-Identifier: MIT */
/*
 * digest: MD5 (RFC 1321), SHA-256 (FIPS 180-4) and HMAC-SHA-256 (RFC 2104), for what each delivery
 * pays for. GChecksum takes memory and copies each block; these read where the octets stand. What
 * is asked for seldom uses GChecksum.
 */
#ifndef TODOKE_DIGEST_H
#define TODOKE_DIGEST_H

#include <glib.h>
#include <stddef.h>

enum { DIGEST_BLOCK = 64, DIGEST_MD5_BYTES = 16, DIGEST_SHA256_BYTES = 32 };

/* A sum in the making. Nothing has to be freed. */
typedef struct {
	guint32 state[4];
	guint64 len; /* octets so far */
	guchar rest[DIGEST_BLOCK];
} DigestMd5;

typedef struct {
	guint32 state[8];
	guint64 len;
	guchar rest[DIGEST_BLOCK];
} DigestSha256;

void digest_md5_init(DigestMd5 *sum);
void digest_md5_add(DigestMd5 *sum, const void *data, size_t len);
void digest_md5_end(DigestMd5 *sum, guchar ret_sum[DIGEST_MD5_BYTES]);

void digest_sha256_init(DigestSha256 *sum);
void digest_sha256_add(DigestSha256 *sum, const void *data, size_t len);
void digest_sha256_end(DigestSha256 *sum, guchar ret_sum[DIGEST_SHA256_BYTES]);

void digest_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                        guchar ret_sum[DIGEST_SHA256_BYTES]);

/* Lower-case digits of `len` octets, and a NUL: `ret_hex` has room for 2 * len + 1. */
void digest_print(const guchar *octets, size_t len, char *ret_hex);

#endif

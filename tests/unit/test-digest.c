/* SPDX-License-Identifier: MIT */
/* Sums: the examples of the RFCs, and GLib's own of every length, in pieces. */
#include "agent/base/digest.h"

#include "tests/unit/unit.h"

#include <string.h>

typedef struct {
	const char *name;
	const char *text;
	const char *md5;
	const char *sha256;
} Row;

/* RFC 1321 A.5, FIPS 180-2 B. */
static const Row rows[] = {
	{ "nothing", "", "d41d8cd98f00b204e9800998ecf8427e",
	  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "three letters", "abc", "900150983cd24fb0d6963f7d28e17f72",
	  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "two blocks", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "8215ef0796a20bcaaae116d3876c664a",
	  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
};

static void
sum_md5(const char *data, size_t len, size_t piece, char *hex)
{
	DigestMd5 sum;
	guchar octets[DIGEST_MD5_BYTES];
	digest_md5_init(&sum);
	for (size_t at = 0; at < len; at += piece)
		digest_md5_add(&sum, data + at, MIN(piece, len - at));
	digest_md5_end(&sum, octets);
	digest_print(octets, sizeof octets, hex);
}

static void
sum_sha256(const char *data, size_t len, size_t piece, char *hex)
{
	DigestSha256 sum;
	guchar octets[DIGEST_SHA256_BYTES];
	digest_sha256_init(&sum);
	for (size_t at = 0; at < len; at += piece)
		digest_sha256_add(&sum, data + at, MIN(piece, len - at));
	digest_sha256_end(&sum, octets);
	digest_print(octets, sizeof octets, hex);
}

static void
test_example(void **state)
{
	const Row *row = *state;
	char hex[2 * DIGEST_SHA256_BYTES + 1];
	size_t len = strlen(row->text);

	sum_md5(row->text, len, 7, hex);
	assert_string_equal(hex, row->md5);
	sum_sha256(row->text, len, 7, hex);
	assert_string_equal(hex, row->sha256);
}

/* RFC 4231 4.3 and 4.7: a short key, and one that is longer than a block. */
static void
test_hmac(void **state)
{
	static const char text[] = "what do ya want for nothing?";
	static const char other[] = "Test Using Larger Than Block-Size Key - Hash Key First";
	guchar octets[DIGEST_SHA256_BYTES], key[131];
	char hex[2 * sizeof octets + 1];
	(void) state;

	digest_hmac_sha256("Jefe", 4, text, strlen(text), octets);
	digest_print(octets, sizeof octets, hex);
	assert_string_equal(hex,
	                    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");

	memset(key, 0xaa, sizeof key);
	digest_hmac_sha256(key, sizeof key, other, strlen(other), octets);
	digest_print(octets, sizeof octets, hex);
	assert_string_equal(hex,
	                    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void
test_every_length(void **state)
{
	enum { MOST = 300 };
	char data[MOST], hex[2 * DIGEST_SHA256_BYTES + 1];
	(void) state;

	for (size_t i = 0; i < MOST; i++)
		data[i] = (char) (i * 37 + i / 7);
	for (size_t len = 0; len <= MOST; len++) {
		g_autofree char *md5 = g_compute_checksum_for_data(G_CHECKSUM_MD5, (guchar *) data,
		                                                   len);
		g_autofree char *sha256 = g_compute_checksum_for_data(G_CHECKSUM_SHA256,
		                                                      (guchar *) data, len);
		for (size_t piece = 1; piece < 2 * MOST; piece = piece * 2 + 1) {
			sum_md5(data, len, piece, hex);
			assert_string_equal(hex, md5);
			sum_sha256(data, len, piece, hex);
			assert_string_equal(hex, sha256);
		}
	}
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + 2];
	size_t n = 0;

	UNIT_ROWS(tests, n, rows, test_example);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_hmac);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_every_length);

	return _cmocka_run_group_tests("digest", tests, n, NULL, NULL);
}

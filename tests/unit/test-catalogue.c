/* SPDX-License-Identifier: MIT */
/* A file of msgfmt, of both byte orders, whole and damaged. */
#include "agent/base/catalogue.h"

#include "tests/lib/scratch.h"
#include "tests/unit/unit.h"

#include <stdbool.h>
#include <string.h>

/* In the order of strcmp(), as msgfmt sorts them. */
static const char *const pairs[][2] = {
	{ "", "Language: ja\n" }, { "a mail", "メール" }, { "the sender", "送信者" },
	{ "this has none", "" },  { "\xc3\xa9", "e" },
};

enum { PAIRS = G_N_ELEMENTS(pairs), HEAD = 28, TABLE = PAIRS * 8 };

static void
put(GByteArray *out, guint32 number, bool swapped)
{
	number = swapped ? GUINT32_SWAP_LE_BE(number) : number;
	g_byte_array_append(out, (const guint8 *) &number, sizeof number);
}

/* A table of the pairs' left or right sides, whose strings begin at `at`; where they end. */
static guint32
put_table(GByteArray *out, size_t side, guint32 at, bool swapped)
{
	for (size_t i = 0; i < PAIRS; i++) {
		put(out, (guint32) strlen(pairs[i][side]), swapped);
		put(out, at, swapped);
		at += (guint32) strlen(pairs[i][side]) + 1;
	}
	return at;
}

static GByteArray *
make(bool swapped)
{
	GByteArray *out = g_byte_array_new();
	const guint32 head[] = { 0x950412de, 0, PAIRS, HEAD, HEAD + TABLE, 0, 0 };

	for (size_t i = 0; i < G_N_ELEMENTS(head); i++)
		put(out, head[i], swapped);
	guint32 end = put_table(out, 0, HEAD + 2 * TABLE, swapped);
	(void) put_table(out, 1, end, swapped);
	for (size_t side = 0; side < 2; side++)
		for (size_t i = 0; i < PAIRS; i++)
			g_byte_array_append(out, (const guint8 *) pairs[i][side],
			                    (guint) strlen(pairs[i][side]) + 1);
	return out;
}

static Catalogue *
open_bytes(const char *path, const guint8 *data, gsize len)
{
	assert_true(g_file_set_contents(path, (const char *) data, (gssize) len, NULL));
	return catalogue_open(path);
}

static void
test_whole(void **state)
{
	const bool *swapped = *state;
	char *folder = scratch_new();
	g_autofree char *path = g_build_filename(folder, "x.mo", NULL);
	g_autoptr(GByteArray) bytes = make(*swapped);
	g_autoptr(Catalogue) catalogue = open_bytes(path, bytes->data, bytes->len);

	assert_non_null(catalogue);
	for (size_t i = 0; i < PAIRS; i++)
		assert_string_equal(catalogue_find(catalogue, pairs[i][0]), pairs[i][1]);
	assert_null(catalogue_find(catalogue, "a mai"));
	assert_null(catalogue_find(catalogue, "a mail "));
	assert_null(catalogue_find(catalogue, "zzz"));
	scratch_remove(folder);
}

/* Whatever octet is wrong, and wherever the file ends: an answer within the file, or none. */
static void
test_damaged(void **state)
{
	(void) state;
	char *folder = scratch_new();
	g_autofree char *path = g_build_filename(folder, "x.mo", NULL);
	g_autoptr(GByteArray) bytes = make(false);
	static const guint8 wrong[] = { 0, 0x7f, 0xff };

	for (gsize len = 0; len < bytes->len; len++) {
		g_autoptr(Catalogue) catalogue = open_bytes(path, bytes->data, len);
		for (size_t i = 0; catalogue != NULL && i < PAIRS; i++) {
			const char *found = catalogue_find(catalogue, pairs[i][0]);
			if (found != NULL)
				assert_string_equal(found, pairs[i][1]);
		}
	}

	for (gsize at = 0; at < HEAD + 2 * TABLE; at++)
		for (size_t w = 0; w < G_N_ELEMENTS(wrong); w++) {
			guint8 before = bytes->data[at];
			bytes->data[at] = wrong[w];
			g_autoptr(Catalogue) catalogue = open_bytes(path, bytes->data, bytes->len);
			for (size_t i = 0; catalogue != NULL && i < PAIRS; i++) {
				const char *found = catalogue_find(catalogue, pairs[i][0]);
				assert_true(found == NULL || strlen(found) < bytes->len);
			}
			bytes->data[at] = before;
		}
	scratch_remove(folder);
}

static void
test_none(void **state)
{
	(void) state;
	char *folder = scratch_new();
	g_autofree char *path = g_build_filename(folder, "x.mo", NULL);
	assert_null(catalogue_open(path));
	assert_null(catalogue_open(folder));
	g_autoptr(GByteArray) bytes = make(false);
	bytes->data[6] = 2; /* a major revision that we do not know */
	assert_null(open_bytes(path, bytes->data, bytes->len));
	scratch_remove(folder);
}

int
main(void)
{
	static bool as_here = false, swapped = true;
	const struct CMUnitTest tests[] = {
		{ "of this byte order", test_whole, NULL, NULL, &as_here },
		{ "of the other byte order", test_whole, NULL, NULL, &swapped },
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_none),
	};
	return _cmocka_run_group_tests("catalogue", tests, G_N_ELEMENTS(tests), NULL, NULL);
}

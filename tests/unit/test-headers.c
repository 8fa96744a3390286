/* SPDX-License-Identifier: MIT */
/* What is a field and what is not, and that edits leave the rest alone. */
#include "agent/message/headers.h"

#include "tests/unit/unit.h"

#include <string.h>

typedef struct {
	const char *name;
	const char *in;
	const char *want; /* "name@line=value;" for each field */
	size_t want_len;  /* octets that are header */
} Row;

static const Row rows[] = {
	{ "two fields", "A: 1\nB: 2\n\nbody", "A@1=1;B@2=2;", 10 },
	{ "a fold belongs to its field", "A: 1\n\t2\nB: 3\n\n", "A@1=1\t2;B@3=3;", 13 },
	{ "CRLF", "A: 1\r\nB: 2\r\n\r\nbody", "A@1=1;B@2=2;", 12 },
	{ "no empty line", "A: 1\n", "A@1=1;", 5 },
	{ "no line end at the end", "A: 1", "A@1=1;", 4 },
	{ "lines that are no field above the empty line", "A: 1\nhello world\nhi\n\nB: 2\n",
	  "A@1=1;@2=;", 20 },
	{ "only lines that are no field", "hello world\nhi\n\nB: 2\n", "", 0 },
	{ "lines that are no field, to the end", "A: 1\nhello world\nhi", "A@1=1;", 5 },
	{ "a line that is not a field, and one follows", "A: 1\nhello world\nB: 2\n\nC: 3\n",
	  "A@1=1;@2=;B@3=2;", 22 },
	{ "lines that are no field are one stray", "A: 1\nx y\n z\nv w\nB: 2\n\n",
	  "A@1=1;@2=;B@5=2;", 21 },
	{ "strays twice", "A: 1\nx\nB: 2\ny\nC: 3\nz\n\n", "A@1=1;@2=;B@3=2;@4=;C@5=3;@6=;", 21 },
	{ "a folded field below a stray", "A: 1\nx\nB: 2\n 3\n\n", "A@1=1;@2=;B@3=2 3;", 15 },
	{ "From on top", "From a@b Mon\nA: 1\n\n", "@1=;A@2=1;", 18 },
	{ ">From on top", ">From a@b Mon\nA: 1\n\n", "@1=;A@2=1;", 19 },
	{ "a fold, then a stray, then text", " x\nfoo\nbar\n\n", "@1=;@2=;", 11 },
	{ "below a stray: a URL is not a field", "A: 1\nsee\nhttp://x/\n\n", "A@1=1;@2=;", 19 },
	{ "below a stray: a time is not a field", "A: 1\nsee\n12:30 at\n\n", "A@1=1;@2=;", 18 },
	{ "below a stray: a blank before the colon is not a field", "A: 1\nsee\nB : 2\n\n",
	  "A@1=1;@2=;", 15 },
	{ "without strays a URL is a field", "A: 1\nhttp://x/\n\n", "A@1=1;http@2=//x/;", 15 },
	{ "stray with CRLF", "A: 1\r\nx\r\nB: 2\r\n\r\n", "A@1=1;@2=;B@3=2;", 15 },
	{ "blank before the colon", "A : 1\n\n", "A@1=1;", 6 },
	{ "a fold before the first field is kept aside", " x\nA: 1\n\n", "@1=;A@2=1;", 8 },
	{ "empty value", "A:\n\n", "A@1=;", 3 },
	{ "empty message", "", "", 0 },
	{ "body at once", "\nbody\n", "", 0 },
	{ "8-bit name is not a field", "\xe3\x81\x82: 1\n", "", 0 },
};

static void
test_index(void **state)
{
	const Row *row = *state;
	size_t len = strlen(row->in);

	/* Octet by octet and at once must see the same. */
	const size_t steps[] = { 1, len + 1 };

	for (size_t s = 0; s < G_N_ELEMENTS(steps); s++) {
		g_autoptr(Headers) headers = headers_new(NULL, "\n");
		bool ended = false;
		size_t done = 0;
		for (size_t have = 0; !ended; have = MIN(have + steps[s], len))
			done = headers_index(headers, row->in, have, done, have == len, &ended);
		assert_int_equal(done, row->want_len);
		g_autoptr(GString) got = g_string_new(NULL);
		for (size_t i = 0; i < headers_count(headers); i++) {
			const HeaderField *field = headers_get(headers, i);
			g_autofree char *name = header_field_name(field);
			g_autofree char *value = field->name_len > 0 ? header_field_value(field)
			                                             : g_strdup("");
			g_string_append_printf(got, "%s@%u=%s;", name, field->line, value);
		}
		assert_string_equal(got->str, row->want);
	}
}

/* Behind what a fold on top has no field for. */
static void
test_top(void **state)
{
	(void) state;
	static const struct {
		const char *in;
		size_t want;
	} tops[] = {
		{ "A: 1\n\n", 0 },   { " x\nA: 1\n\n", 1 },
		{ " x\n y\n\n", 1 }, { "From a Mon\nA: 1\n\n", 0 },
		{ "", 0 },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(tops); i++) {
		g_autoptr(Headers) headers = headers_new(NULL, "\n");
		bool ended;
		(void) headers_index(headers, tops[i].in, strlen(tops[i].in), 0, true, &ended);
		assert_int_equal(headers_top(headers), tops[i].want);
	}
}

static void
test_rename_keeps_the_rest(void **state)
{
	(void) state;
	g_autoptr(Headers) headers = headers_new(NULL, "\n");
	bool ended;
	static const char block[] = "Delivered-To:  a@b\n\tc\n\n";
	headers_index(headers, block, strlen(block), 0, true, &ended);

	g_autoptr(Headers) edited = headers_new(headers, "\n");
	headers_append_text(edited, "X-New", "1\n2");
	headers_append_renamed(edited, headers_get(headers, 0), "Old-Delivered-To");

	const HeaderField *added = headers_get(edited, 0), *renamed = headers_get(edited, 1);
	assert_memory_equal(added->bytes, "X-New: 1\n\t2\n", added->len);
	assert_int_equal(added->line, 0);
	assert_memory_equal(renamed->bytes, "Old-Delivered-To:  a@b\n\tc\n", renamed->len);
	assert_int_equal(renamed->line, 1);

	size_t pos = 0;
	assert_ptr_equal(headers_next(edited, "old-delivered-TO", &pos), renamed);
	assert_null(headers_next(edited, "old-delivered-to", &pos));
}

/* Lists of runs and lists of copies must be the same list, whatever is put in and taken out. */
static void
test_edits_share(void **state)
{
	(void) state;
	g_autoptr(GString) block = g_string_new(NULL);
	for (unsigned i = 0; i < 1000; i++)
		g_string_append_printf(block, "F%u: %u\n", i % 50, i);

	g_autoptr(Headers) headers = headers_new(NULL, "\n");
	bool ended;
	headers_index(headers, block->str, block->len, 0, true, &ended);

	g_autoptr(GPtrArray) want = g_ptr_array_new_with_free_func(g_free);
	for (size_t i = 0; i < headers_count(headers); i++)
		g_ptr_array_add(want, header_field_value(headers_get(headers, i)));

	g_autoptr(GRand) random = g_rand_new_with_seed(5);
	size_t held = 0;
	for (unsigned edit = 0; edit < 500; edit++) {
		size_t at = (size_t) g_rand_int_range(random, 0, (gint32) want->len);
		bool adds = g_rand_int_range(random, 0, 3) > 0;
		Headers *edited = headers_new(headers, "\n");
		headers_append_range(edited, headers, 0, at);
		if (adds)
			headers_append_text(edited, "F1", "new");
		headers_append_from(edited, headers, adds ? at : at + 1);
		if (adds)
			g_ptr_array_insert(want, (gint) at, g_strdup("new"));
		else
			g_ptr_array_remove_index(want, (guint) at);
		held += headers_held(edited);
		headers_unref(headers);
		headers = edited;
	}

	assert_int_equal(headers_count(headers), want->len);
	size_t pos = 0, named = 0;
	for (size_t i = 0; i < want->len; i++) {
		const HeaderField *field = headers_get(headers, i);
		g_autofree char *value = header_field_value(field);
		assert_string_equal(value, want->pdata[i]);
		if (header_field_is(field, "f1")) {
			assert_ptr_equal(headers_next(headers, "F1", &pos), field);
			assert_int_equal(pos, i + 1);
			named++;
		}
	}

	assert_null(headers_next(headers, "F1", &pos));
	assert_true(named > 100);

	/* What is left alone is not copied: 500 copies of 1,000 fields would be 20 MB. */
	assert_true(held < 200000);
	assert_true(headers_order_bytes(headers) < 50000);
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + 3];
	size_t n = 0;

	UNIT_ROWS(tests, n, rows, test_index);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_rename_keeps_the_rest);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_top);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_edits_share);

	return _cmocka_run_group_tests("headers", tests, n, NULL, NULL);
}

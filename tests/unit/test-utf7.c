/* SPDX-License-Identifier: MIT */
/* Names in modified UTF-7: the RFC's own, and what Python's UTF-16 and base64 make of the rest. */
#include "agent/store/utf7.h"

#include "tests/unit/unit.h"

typedef struct {
	const char *name;
	const char *in;
	const char *want;
} Row;

static const Row rows[] = {
	{ "ASCII is itself", "Work/New mail!", "Work/New mail!" },
	{ "RFC 3501 5.1.3", "~peter/mail/\u53f0\u5317/\u65e5\u672c\u8a9e",
	  "~peter/mail/&U,BTFw-/&ZeVnLIqe-" },
	{ "an ampersand", "A&B", "A&-B" },
	{ "an ampersand behind a run", "\u00fc&", "&APw-&-" },
	{ "one letter", "Entw\u00fcrfe", "Entw&APw-rfe" },
	{ "two letters", "\u00fc\u00f6", "&APwA9g-" },
	{ "three letters", "\u00fc\u00f6\u00e4", "&APwA9gDk-" },
	{ "a minus behind a run", "\u263a-", "&Jjo--" },
	{ "a surrogate pair", "\U0001f600", "&2D3eAA-" },
	{ "DEL", "a\x7f", "a&AH8-" },
	{ "nothing", "", "" },
};

static void
test_encode(void **state)
{
	const Row *row = *state;
	g_autofree char *got = utf7_encode(row->in);
	assert_string_equal(got, row->want);
	g_autofree char *back = utf7_decode(got);
	assert_string_equal(back, row->in);
}

static void
test_no_name(void **state)
{
	(void) state;
	static const char *const none[] = { "&",     "a&b",   "&AP",        "&A-",  "&AP8",
		                            "&AGE-", "&2D0-", "&APw-&APY-", "&+/-", "\u00fc" };
	for (size_t i = 0; i < G_N_ELEMENTS(none); i++) {
		g_autofree char *got = utf7_decode(none[i]);
		assert_null(got);
	}
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + 1];
	size_t n = 0;
	UNIT_ROWS(tests, n, rows, test_encode);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_no_name);
	return _cmocka_run_group_tests("utf7", tests, n, NULL, NULL);
}

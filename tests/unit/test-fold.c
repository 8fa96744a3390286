/* SPDX-License-Identifier: MIT */
/* Texts without case, of which some end within a letter. */
#include "agent/base/fold.h"

#include "tests/unit/unit.h"

#include <glib.h>

static void
test_fold(void **state)
{
	(void) state;
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "", "" },
		{ "Ann@X.test", "ann@x.test" },
		{ "\xc3\x84nne", "\xc3\xa4nne" },
		/* what stands behind the end of the text is none of it */
		{ "a\xc3\0BCD", "a\xef\xbf\xbd" },
		{ "a\xe2\0BCD", "a\xef\xbf\xbd" },
		{ "a\xf0\x9f\0BCD", "a\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xe4"
		  "B",
		  "\xef\xbf\xbd"
		  "b" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *got = fold_text(rows[i].text);
		assert_string_equal(got, rows[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fold),
	};
	return cmocka_run_group_tests_name("fold", tests, NULL, NULL);
}

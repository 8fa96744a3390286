/* SPDX-License-Identifier: MIT */
/*
 * Variables of paths. Wanted values are what Dovecot 2.3.19 prints for the same template
 * (tests/cmd/test-users.py asks it), and for the long forms what its documentation says.
 */
#include "agent/base/path-template.h"

#include "tests/unit/unit.h"

#include <string.h>

typedef struct {
	const char *name; /* the variable, behind its '%' */
	const char *want; /* NULL: there is no such variable */
} Row;

static const Row rows[] = {
	{ "u", "ann@example.jp" },
	{ "n", "ann" },
	{ "d", "example.jp" },
	{ "h", "/home/ann" },
	{ "%", "%" },
	{ "1n", "a" },
	{ "9n", "ann" },
	{ "1.1n", "n" },
	{ "9.1n", "" },
	{ "-2.1n", "n" },
	{ "-9.1n", "a" },
	{ "05n", "00ann" },
	{ "Un", "ANN" },
	{ "Ld", "example.jp" },
	{ "Rn", "nna" },
	{ "Mu", "abef48dc15c96a659eee61c2bef39956" },
	{ "Hu", "154ce10" },
	{ "2.256Hu", "10" },
	{ "2.16Nu", "05" },
	{ "Nu", "15c96a65" },
	{ "{user}", "ann@example.jp" },
	{ "{username}", "ann" },
	{ "{domain}", "example.jp" },
	{ "{home}", "/home/ann" },
	{ "U{user}", "ANN@EXAMPLE.JP" },
	{ "{user|upper}", "ANN@EXAMPLE.JP" },
	{ "{ user | domain | upper }", "EXAMPLE.JP" },
	{ "{user | username | substr(0, 1)}", "a" },
	{ "{user | substr(-2)}", "jp" },
	{ "{user | reverse | substr(0,2)}", "pj" },
	{ "{user | md5 | hexlify | substr(0, 2)}", "ab" },
	{ "x", NULL },
	{ "", NULL },
	{ "1", NULL },
	{ "LURMn", NULL },
	{ "{user", NULL },
	{ "{pid}", NULL },
	{ "{}", NULL },
	{ "{user | nonsense}", NULL },
	{ "{user | hexlify}", NULL },
	{ "{user | substr(0, 0)}", NULL },
	{ "{user | substr()}", NULL },
	{ "{user | substr(1,2,3)}", NULL },
	{ "{user | }", NULL },
};

static const PathTemplateValues values = { "ann@example.jp", "ann", "example.jp", "/home/ann" };

static void
test_value(void **state)
{
	const Row *row = *state;
	const char *at = row->name, *raw = NULL;
	char letter = 0;
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *value = path_template_value(&values, &at, &raw, &letter, &st);

	if (row->want == NULL) {
		assert_null(value);
		assert_int_equal(st.id, STATUS_CONFIG);
		return;
	}
	assert_non_null(value);
	assert_string_equal(value, row->want);
	assert_int_equal(*at, '\0');
}

static void
test_names(void **state)
{
	(void) state;
	assert_true(path_template_names("/v/%d/%1n", 'n'));
	assert_true(path_template_names("/v/%{home}", 'h'));
	assert_false(path_template_names("/v/%%h/%x", 'h'));
	assert_false(path_template_names("/v/%", 'h'));
}

static void
test_no_value(void **state)
{
	(void) state;
	const PathTemplateValues none = { "ann", "ann", NULL, NULL };
	const char *domain = "d", *home = "h", *raw;
	char letter;
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *empty = path_template_value(&none, &domain, &raw, &letter, &st);

	assert_string_equal(empty, "");
	assert_null(path_template_value(&none, &home, &raw, &letter, &st));
	assert_int_equal(st.id, STATUS_CONFIG);
}

/* Widths that nobody means take no memory. */
static void
test_huge_numbers(void **state)
{
	(void) state;
	static const char *const texts[] = { "099999999999999999999n", "99999999999.0999999999n",
		                             "999999999.16Hn" };
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		const char *at = texts[i], *raw;
		char letter;
		g_auto(Status) st = STATUS_INIT;
		g_autofree char *value = path_template_value(&values, &at, &raw, &letter, &st);
		assert_non_null(value);
		assert_true(strlen(value) < 1000);
	}
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + 3];
	size_t n = 0;

	UNIT_ROWS(tests, n, rows, test_value);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_names);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_no_value);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_huge_numbers);

	return _cmocka_run_group_tests("path-template", tests, n, NULL, NULL);
}

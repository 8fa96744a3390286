/* SPDX-License-Identifier: MIT */
/* Without the module: a fault with a name, and all that plain ASCII can answer still answered. */
#include "agent/message/address-list.h"
#include "agent/message/mime.h"

#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

static void
test_plain_needs_no_module(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *text = NULL, *body = NULL;
	size_t len = 0;
	assert_true(mime_decode_text(" a\r\n b ", 7, NULL, &text, NULL, &st));
	assert_string_equal(text, "a b");
	assert_true(mime_to_utf8("\xc3\xb6", 2, "UTF-8", &body, &len, NULL, &st));
	assert_string_equal(body, "\xc3\xb6");
}

static void
test_fault(void **state)
{
	(void) state;
	for (int again = 0; again < 2; again++) {
		g_auto(Status) st = STATUS_INIT;
		char *text = (char *) "untouched";
		assert_false(mime_decode_text("=?utf-8?q?a?=", 13, NULL, &text, NULL, &st));
		assert_string_equal(text, "untouched");
		assert_int_equal(st.id, STATUS_CONFIG);
		assert_non_null(strstr(st.detail, "todoke-mime.so"));
	}
}

static void
test_names_stay_raw(void **state)
{
	(void) state;
	g_auto(AddressList) list = { 0 };
	static const char in[] = "=?utf-8?q?a?= <a@b>";
	address_list_parse(in, strlen(in), ADDRESS_NAMES_DECODED, &list);
	assert_int_equal(list.count, 1);
	assert_string_equal(list.items[0].name, "=?utf-8?q?a?=");
}

int
main(void)
{
	setenv("TODOKE_MODULE_DIR", "/nonexistent", 1);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_needs_no_module),
		cmocka_unit_test(test_fault),
		cmocka_unit_test(test_names_stay_raw),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

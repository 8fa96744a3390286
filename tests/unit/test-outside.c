/* SPDX-License-Identifier: MIT */
/* Who else caused a fault: what is kept of its words, and how it travels in a Status. */
#include "agent/base/status.h"

#include "tests/unit/unit.h"

#include <string.h>

static void
test_print(void **state)
{
	(void) state;
	g_autoptr(Outside) full = outside_new(OUTSIDE_SMTP, "127.0.0.1:25", "RCPT TO:<a@b>",
	                                      "452 4.2.2 mailbox full\r\n");
	g_autofree char *text = outside_print(full, "taro");
	assert_string_equal(text, "user=taro, protocol=smtp, peer=127.0.0.1:25, "
	                          "command='RCPT TO:<a@b>', reply='452 4.2.2 mailbox full'");

	g_autoptr(Outside) bare = outside_new(OUTSIDE_SQLITE, "/x/state.db", NULL, NULL);
	bare->account = g_strdup("root");
	g_autofree char *other = outside_print(bare, "taro");
	assert_string_equal(other, "user=root, protocol=sqlite, peer=/x/state.db");
}

/* One line that is UTF-8, of at most LIMIT_OUTSIDE_TEXT octets. */
static void
test_clean(void **state)
{
	(void) state;
	g_autofree char *long_text = g_strnfill(1001, 'x');
	g_autoptr(Outside) outside = outside_new(OUTSIDE_SMTP, "a\nb", "\xff\x1b[m", long_text);

	assert_string_equal(outside->peer, "a b");
	assert_string_equal(outside->command, "\xef\xbf\xbd [m");
	assert_int_equal(strlen(outside->reply), 1000);
}

/* It goes where the fault goes; each failure is seen once, LIMIT_OUTSIDE_FAILURES of them at most. */
static void
test_in_status(void **state)
{
	(void) state;
	outside_forget();
	g_auto(Status) from = STATUS_INIT, to = STATUS_INIT;
	status_set_outside(&from, outside_new(OUTSIDE_SMTP, "no fault", NULL, NULL));
	assert_null(from.outside);
	assert_int_equal(outside_seen()->len, 0);

	status_fail(&from, STATUS_SUBMIT, NULL);
	status_set_outside(&from, outside_new(OUTSIDE_SMTP, "first", NULL, NULL));
	status_set_outside(&from, outside_new(OUTSIDE_SMTP, "second", NULL, NULL));
	assert_string_equal(from.outside->peer, "first");
	status_move(&to, &from);
	assert_null(from.outside);
	assert_string_equal(to.outside->peer, "first");
	status_clear(&to);
	assert_null(to.outside);
	assert_int_equal(outside_seen()->len, 1);

	for (unsigned i = 0; i < 12; i++) {
		g_autofree char *peer = g_strdup_printf("peer %u", i / 2);
		g_autoptr(Outside) outside = outside_new(OUTSIDE_SMTP, peer, NULL, NULL);
		outside_see(outside);
	}
	assert_int_equal(outside_seen()->len, 5);
	outside_forget();
	assert_int_equal(outside_seen()->len, 0);
}

static void
test_protocol(void **state)
{
	(void) state;
	assert_string_equal(outside_protocol("sqlite"), OUTSIDE_SQLITE);
	assert_null(outside_protocol("http"));
	assert_null(outside_protocol(NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_in_status),
		cmocka_unit_test(test_protocol),
	};
	return cmocka_run_group_tests_name("outside", tests, NULL, NULL);
}

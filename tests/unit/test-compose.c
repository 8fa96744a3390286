/* SPDX-License-Identifier: MIT */
/* What a message of ours is made of: addresses, dates, cut texts, the printed header. */
#include "agent/send/compose.h"

#include "tests/unit/unit.h"

#include <string.h>

static void
check(char *got, const char *want)
{
	if (want == NULL)
		assert_null(got);
	else {
		assert_non_null(got);
		assert_string_equal(got, want);
	}
	g_free(got);
}

static void
test_addresses(void **state)
{
	(void) state;
	static const struct {
		const char *value, *first, *all;
	} rows[] = {
		{ "a@x.test", "a@x.test", "<a@x.test>" },
		{ "Ann <a@x.test>, b@y.test", "a@x.test", "Ann <a@x.test>, <b@y.test>" },
		{ "@, b@y.test", "b@y.test", "<b@y.test>" },
		{ "team:;, b@y.test", "b@y.test", "<b@y.test>" },
		{ "team: a@x.test, b@y.test;", "a@x.test", "<a@x.test>, <b@y.test>" },
		{ "nobody", NULL, NULL },
		{ "", NULL, NULL },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		check(compose_first_address(rows[i].value), rows[i].first);
		check(compose_print_addresses(rows[i].value), rows[i].all);
	}
}

static void
test_cut(void **state)
{
	(void) state;
	check(compose_cut(g_strdup("abc"), 3), "abc");
	check(compose_cut(g_strdup("abcd"), 3), "abc");
	check(compose_cut(g_strdup("\xc3\xa4\xc3\xb6\xc3\xbc"), 3), "\xc3\xa4\xc3\xb6\xc3\xbc");
	check(compose_cut(g_strdup("\xc3\xa4\xc3\xb6\xc3\xbc"), 2), "\xc3\xa4\xc3\xb6");
	check(compose_cut(g_strdup("a"), 0), "");
}

static void
test_date(void **state)
{
	(void) state;
	check(compose_date(0), "Thu, 01 Jan 1970 00:00:00 +0000");
	check(compose_date(1796121845), "Tue, 01 Dec 2026 10:44:05 +0000");
	check(compose_date(1709251199), "Thu, 29 Feb 2024 23:59:59 +0000");
	check(compose_date(G_MAXINT64), "Thu, 01 Jan 1970 00:00:00 +0000"); /* no such year */
}

static Message *
message(const char *text)
{
	g_auto(Status) st = STATUS_INIT;
	Message *made = message_from_bytes(text, strlen(text), &st);
	assert_non_null(made);
	return made;
}

static void
test_fields(void **state)
{
	(void) state;
	g_autoptr(Message)
		mail = message("A: one\n two\nA: other\nB: =?utf-8?q?=C3=A4?=\nC: a\xff\n\nx");
	const Headers *headers = message_headers(mail);
	check(compose_field_text(headers, "a"), "one two");
	check(compose_field_raw(headers, "a"), "one two");
	check(compose_field_text(headers, "B"), "\xc3\xa4");
	check(compose_field_raw(headers, "B"), "=?utf-8?q?=C3=A4?=");
	check(compose_field_raw(headers, "D"), NULL);
	check(compose_field_text(headers, "D"), NULL);
}

/* The body's octets follow: together they are a message, whatever the body begins with. */
static void
test_header(void **state)
{
	(void) state;
	static const struct {
		const char *mail;
		bool is_edited;
		const char *want;
	} rows[] = {
		{ "A: 1\n\nbody", false, "A: 1\n" },
		{ "A: 1\r\n\r\nbody", true, "X: y\r\nA: 1\r\n" },
		{ "A: 1", false, "A: 1\n" },
		{ "\nbody", true, "X: y\n" },
		{ "no header\nmore", true, "X: y\n\n" },
		{ "no header\nmore", false, "" },
		{ "\r\nbody", true, "X: y\n" },
		{ "", true, "X: y\n" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(Message) mail = message(rows[i].mail);
		Headers *headers = message_headers(mail);
		g_autoptr(Headers) edited = headers_new(headers, headers_newline(headers));
		headers_append_text(edited, "X", "y");
		headers_append_from(edited, headers, 0);
		g_autoptr(GString)
			got = compose_print_headers(mail, rows[i].is_edited ? edited : headers);
		assert_string_equal(got->str, rows[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses), cmocka_unit_test(test_cut),
		cmocka_unit_test(test_date),      cmocka_unit_test(test_fields),
		cmocka_unit_test(test_header),
	};

	return cmocka_run_group_tests_name("compose", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* What an address is in a header, and which spellings name one mailbox. */
#include "agent/base/limits.h"
#include "agent/message/address.h"

#include "tests/unit/unit.h"

#include <string.h>

typedef struct {
	const char *name;
	const char *in;
	const char *want; /* NULL: there is none */
} Row;

static const Row header_rows[] = {
	{ "bare", "a@b.c", "a@b.c" },
	{ "angle brackets", " <a@b.c> ", "a@b.c" },
	{ "name and brackets", "A B <a@b.c>", "a@b.c" },
	{ "bracket in a quoted name", "\"A <x@y>\" <a@b.c>", "a@b.c" },
	{ "comment behind", "a@b.c (A <x@y>)", "a@b.c" },
	{ "nested comment before", "(x (y) \\) z) a@b.c", "a@b.c" },
	{ "comment in brackets", "<a@b.c (x>)>", "a@b.c" },
	{ "blanks beside the sign", "a @ b.c", "a@b.c" },
	{ "quoted local part loses its quotes", "\"a b@c\"@b.c", "a b@c@b.c" },
	{ "unquoted blanks", "two words@b.c", "two words@b.c" },
	{ "source route", "<@x.y,@z:a@b.c>", "a@b.c" },
	{ "no domain", "postmaster", "postmaster" },
	{ "bracket that never ends", "<a@b.c", "a@b.c" },
	{ "quote that never ends", "\"a@b.c", "\"a@b.c" },
	{ "backslash at the end", "\"a\\", "\"a\\" },
	{ "comment that never ends", "a@b.c (x", "a@b.c" },
	{ "empty", "", NULL },
	{ "only a comment", "(a@b.c)", NULL },
	{ "empty brackets", "x <>", NULL },
};

static void
test_header(void **state)
{
	const Row *row = *state;
	g_autofree char *got = address_from_header(row->in);

	if (row->want == NULL)
		assert_null(got);
	else
		assert_string_equal(got, row->want);
}

typedef struct {
	const char *name;
	const char *in;
	const char *local;
	const char *domain;
} SplitRow;

static const SplitRow split_rows[] = {
	{ "split at the sign", "a@b", "a", "b" },
	{ "split at the last sign", "a@b@c", "a@b", "c" },
	{ "split without a sign", "a", "a", NULL },
	{ "quotes are part of the name", "\"a\"@c", "\"a\"", "c" },
	{ "empty halves", "@", "", "" },
};

static void
test_split(void **state)
{
	const SplitRow *row = *state;
	g_autofree char *local = NULL, *domain = NULL;

	address_split(row->in, &local, &domain);
	assert_string_equal(local, row->local);
	if (row->domain == NULL)
		assert_null(domain);
	else
		assert_string_equal(domain, row->domain);
}

typedef struct {
	const char *name;
	const char *local;
	const char *delimiters;
	const char *user;
	const char *detail;
} DetailRow;

static const DetailRow detail_rows[] = {
	{ "detail", "a+b", "+", "a", "b" },
	{ "first delimiter of several", "a-b+c", "+-", "a", "b+c" },
	{ "empty detail", "a+", "+", "a", "" },
	{ "no delimiter there", "ab", "+", "ab", NULL },
	{ "no delimiters", "a+b", "", "a+b", NULL },
	{ "not the first octet", "+a", "+", "+a", NULL },
	{ "nothing at all", "", "+", "", NULL },
	{ "mailer-daemon has no detail", "MAILER-DAEMON", "-", "MAILER-DAEMON", NULL },
	{ "owner- has no detail", "owner-list", "-", "owner-list", NULL },
	{ "-request has no detail", "list-request", "-", "list-request", NULL },
};

static void
test_detail(void **state)
{
	const DetailRow *row = *state;
	g_autofree char *user = NULL, *detail = NULL;

	address_split_detail(row->local, row->delimiters, &user, &detail);
	assert_string_equal(user, row->user);
	if (row->detail == NULL)
		assert_null(detail);
	else
		assert_string_equal(detail, row->detail);
}

typedef struct {
	const char *name;
	const char *a;
	const char *b;
	AddressRules rules;
	bool want;
} EqualRow;

static const EqualRow equal_rows[] = {
	{ "domain without case", "a@B.C", "a@b.c", { "", false }, true },
	{ "local part with case", "A@b.c", "a@b.c", { "", false }, false },
	{ "local part without case", "A@b.c", "a@b.c", { "", true }, true },
	{ "quotes are part of the name here", "\"a\"@b.c", "a@b.c", { "", true }, false },
	{ "A-label and U-label",
	  "a@xn--r8jz45g.jp",
	  "a@\xe4\xbe\x8b\xe3\x81\x88.jp",
	  { "", true },
	  true },
	{ "U-label with an ideographic full stop",
	  "a@\xe4\xbe\x8b\xe3\x81\x88\xe3\x80\x82jp",
	  "a@xn--r8jz45g.jp",
	  { "", true },
	  true },
	{ "UTF-8 local part without case", "\xc3\x84@b.c", "\xc3\xa4@b.c", { "", true }, true },
	{ "composed and not", "\xc3\xa4@b.c", "a\xcc\x88@b.c", { "", false }, true },
	{ "invalid UTF-8 is compared by octets", "\xff@\xff", "\xff@\xff", { "", true }, true },
	{ "dot at the end", "a@b.c.", "a@b.c", { "", true }, true },
	{ "detail counts", "a+x@b.c", "a@b.c", { "", true }, false },
	{ "detail does not count", "a+x@b.c", "A+y@b.c", { "+", true }, true },
	{ "NULL delimiters", "a+x@b.c", "a@b.c", { NULL, true }, false },
	{ "another domain", "a@b.c", "a@b.d", { "", true }, false },
	{ "no domain is another address", "a", "a@b.c", { "", true }, false },
};

static void
test_equal(void **state)
{
	const EqualRow *row = *state;
	assert_int_equal(address_equal(row->a, row->b, &row->rules), row->want);
	assert_int_equal(address_equal(row->b, row->a, &row->rules), row->want);
}

/*
 * Punycode is quadratic in the length of a label: past the limit the octets are compared as they
 * are.
 */
static void
test_word_of_a_from_line(void **state)
{
	(void) state;
	assert_int_equal(address_word_length("a@b.c Sat Nov 21"), 5);
	assert_int_equal(address_word_length("\"a b\"@c Sat"), 7);
	assert_int_equal(address_word_length("\"a \\\" b\"@c Sat"), 10);
	assert_int_equal(address_word_length("\"a b Sat"), 8);
	assert_int_equal(address_word_length(""), 0);
}

static void
test_long_domain_is_cheap(void **state)
{
	(void) state;
	g_autoptr(GString) name = g_string_new("A");
	while (name->len <= LIMIT_ADDRESS_BYTES)
		g_string_append(name, "\xe4\xbe\x8b");

	g_autofree char *over = address_host(name->str);
	assert_true(over[0] == 'a' && strcmp(over + 1, name->str + 1) == 0);
	g_autofree char *within = address_host("\xe4\xbe\x8b\xe3\x81\x88.JP");
	assert_string_equal(within, "xn--r8jz45g.jp");
}

/* The first field that has an address; only Return-Path may say that there is no sender. */
static void
test_from_fields(void **state)
{
	(void) state;
	static const struct {
		const char *header, *want; /* NULL: none */
	} fields[] = {
		{ "From: a@b\nSender: c@d\n\n", "a@b" },
		{ "From: a@b\nReturn-Path: <c@d>\n\n", "c@d" },
		{ "From: a@b\nReturn-Path: <>\n\n", "" },
		{ "From: <>\nSender: c@d\n\n", "c@d" },
		{ "Return-Path:\nFrom:\nSender: c@d\n\n", "c@d" },
		{ "Sender: <>\n\n", NULL },
		{ "To: a@b\n\n", NULL },
	};
	static const char *const names[] = { "Return-Path", "From", "Sender", NULL };
	static const char *const none[] = { NULL };
	for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
		g_autoptr(Headers) headers = headers_new(NULL, "\n");
		bool ended;
		size_t len = strlen(fields[i].header);
		(void) headers_index(headers, fields[i].header, len, 0, true, &ended);
		g_autofree char *got = address_from_fields(headers, names);
		assert_int_equal(g_strcmp0(got, fields[i].want), 0);
		assert_null(address_from_fields(headers, none));
	}
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(header_rows) + G_N_ELEMENTS(split_rows) +
	                        G_N_ELEMENTS(detail_rows) + G_N_ELEMENTS(equal_rows) + 3];
	size_t n = 0;
	UNIT_ROWS(tests, n, header_rows, test_header);
	UNIT_ROWS(tests, n, split_rows, test_split);
	UNIT_ROWS(tests, n, detail_rows, test_detail);
	UNIT_ROWS(tests, n, equal_rows, test_equal);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_word_of_a_from_line);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_long_domain_is_cheap);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_from_fields);

	return _cmocka_run_group_tests("address", tests, n, NULL, NULL);
}

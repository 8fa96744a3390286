/* SPDX-License-Identifier: MIT */
/*
 * What fields and addresses mean to a script: unfolding and trimming (RFC 5322 2.2.3, RFC 5228
 * 2.4.2.2), encoded words (RFC 2047), addresses and their parts (RFC 5228 2.7.4).
 */
#include "filters/sieve/run/sieve-value.h"

#include "tests/unit/unit.h"

#include <string.h>

typedef struct {
	const char *name;
	const char *field; /* the bytes of the block */
	const char *raw;
	const char *decoded; /* NULL: as `raw` */
} FieldRow;

static const FieldRow field_rows[] = {
	{ "plain", "A: b c\n", "b c", NULL },
	{ "no blank", "A:b\n", "b", NULL },
	{ "blanks at both ends", "A: \t b \t\n", "b", NULL },
	{ "blanks within stay", "A: b  \tc\n", "b  \tc", NULL },
	{ "empty", "A:\n", "", NULL },
	{ "blanks alone", "A:  \n", "", NULL },
	{ "RFC 5322 2.2.3: a fold goes, its blank stays", "A: b\n c\n", "b c", NULL },
	{ "a fold of two blanks", "A: b\n  c\n", "b  c", NULL },
	{ "a fold by a tab", "A: b\n\tc\n", "b\tc", NULL },
	{ "a fold by CRLF", "A: b\r\n c\r\n", "b c", NULL },
	{ "a fold first", "A:\n b\n", "b", NULL },
	{ "a blank before the colon", "A : b\n", "b", NULL },
	{ "RFC 2047 8: an encoded word", "A: =?ISO-8859-1?Q?a?=\n", "=?ISO-8859-1?Q?a?=", "a" },
	{ "RFC 2047 8: ... and a word", "A: =?ISO-8859-1?Q?a?= b\n", "=?ISO-8859-1?Q?a?= b",
	  "a b" },
	{ "RFC 2047 8: blanks between encoded words go",
	  "A: =?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=\n",
	  "=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=", "ab" },
	{ "RFC 2047 8: ... folds, too", "A: =?ISO-8859-1?Q?a?=\n    =?ISO-8859-1?Q?b?=\n",
	  "=?ISO-8859-1?Q?a?=    =?ISO-8859-1?Q?b?=", "ab" },
	{ "RFC 2047 8: _ is a blank", "A: =?ISO-8859-1?Q?a_b?=\n", "=?ISO-8859-1?Q?a_b?=", "a b" },
	{ "RFC 2047 2: another charset becomes UTF-8", "A: =?iso-8859-1?q?this=20is=20some=E9?=\n",
	  "=?iso-8859-1?q?this=20is=20some=E9?=", "this is some\xc3\xa9" },
	{ "RFC 2047 8: B", "A: =?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\n",
	  "=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=", "If you can read this yo" },
};

static void
test_field(void **state)
{
	const FieldRow *row = *state;
	g_autoptr(SieveArena) arena = sieve_arena_new();
	g_autoptr(Headers) headers = headers_new(NULL, "\n");
	bool ended;
	headers_index(headers, row->field, strlen(row->field), 0, true, &ended);
	assert_int_equal(headers_count(headers), 1);
	const HeaderField *field = headers_get(headers, 0);
	const char *guess;

	SieveText raw = sieve_value_raw(arena, field);
	SieveText decoded = sieve_value_of_field(arena, field, headers, &guess);
	const char *want = row->decoded != NULL ? row->decoded : row->raw;

	assert_int_equal(raw.len, strlen(row->raw));
	assert_memory_equal(raw.data, row->raw, raw.len);
	assert_int_equal(decoded.len, strlen(want));
	assert_memory_equal(decoded.data, want, decoded.len);
	assert_null(guess);
}

typedef struct {
	const char *name;
	const char *value;
	const char *want; /* all, local part and domain of each: "a@b a b|"; "!": it is none */
} AddressRow;

static const AddressRow address_rows[] = {
	{ "an address", "mary@example.net", "mary@example.net mary example.net|" },
	{ "a name", "Mary Smith <mary@example.net>", "mary@example.net mary example.net|" },
	{ "RFC 5322 A.1.2: a name in quotes", "\"Joe Q. Public\" <john.q.public@example.com>",
	  "john.q.public@example.com john.q.public example.com|" },
	{ "RFC 5322 A.1.2: two", "Mary Smith <mary@x.test>, jdoe@example.org",
	  "mary@x.test mary x.test|jdoe@example.org jdoe example.org|" },
	{ "RFC 5322 A.1.3: a group is its members",
	  "A Group:Ed Jones <joe@where.test>,joe@where.test;",
	  "joe@where.test joe where.test|joe@where.test joe where.test|" },
	{ "RFC 5322 A.1.3: a group without members", "Undisclosed recipients:;", "" },
	{ "RFC 5322 A.5: comments",
	  "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
	  "pete@silly.test pete silly.test|" },
	{ "a comma in quotes parts nothing", "\"Smith, Mary\" <mary@x.test>",
	  "mary@x.test mary x.test|" },
	{ "a detail belongs to the local part", "mary+lists@x.test",
	  "mary+lists@x.test mary+lists x.test|" },
	{ "nothing", "", "" },
};

static void
test_addresses(void **state)
{
	const AddressRow *row = *state;
	g_autoptr(SieveArena) arena = sieve_arena_new();
	g_autoptr(GArray) addresses = g_array_new(FALSE, FALSE, sizeof(SieveAddress));
	g_autoptr(GString) all = g_string_new(NULL);

	sieve_value_addresses(arena, (SieveText){ row->value, strlen(row->value) }, addresses);
	for (guint i = 0; i < addresses->len; i++) {
		const SieveAddress *address = &g_array_index(addresses, SieveAddress, i);
		assert_true(address->valid);
		g_string_append_printf(all, "%.*s %.*s %.*s|", (int) address->all.len,
		                       address->all.data, (int) address->local.len,
		                       address->local.data, (int) address->domain.len,
		                       address->domain.data);
	}

	assert_string_equal(all->str, row->want);
}

typedef struct {
	const char *name;
	const char *address;
	const char *local;
	const char *domain;
} EnvelopeRow;

static const EnvelopeRow envelope_rows[] = {
	{ "an address", "tom@example.com", "tom", "example.com" },
	{ "RFC 5228 5.4: the null sender", "", "", "" },
	{ "no domain", "MAILER-DAEMON", "MAILER-DAEMON", "" },
	{ "an @ in the local part", "a@b@example.com", "a@b", "example.com" },
};

static void
test_envelope(void **state)
{
	const EnvelopeRow *row = *state;
	g_autoptr(SieveArena) arena = sieve_arena_new();
	SieveAddress address = sieve_value_envelope_address(arena, row->address);

	assert_true(address.valid);
	assert_int_equal(address.local.len, strlen(row->local));
	assert_memory_equal(address.local.data, row->local, address.local.len);
	assert_int_equal(address.domain.len, strlen(row->domain));
	assert_memory_equal(address.domain.data, row->domain, address.domain.len);
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(field_rows) + G_N_ELEMENTS(address_rows) +
	                        G_N_ELEMENTS(envelope_rows)];
	size_t n = 0;

	UNIT_ROWS(tests, n, field_rows, test_field);
	UNIT_ROWS(tests, n, address_rows, test_addresses);
	UNIT_ROWS(tests, n, envelope_rows, test_envelope);

	return _cmocka_run_group_tests("sieve-value", tests, n, NULL, NULL);
}

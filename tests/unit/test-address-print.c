/* SPDX-License-Identifier: MIT */
/*
 * One form of an address in memory, quoted once on the way out: what is printed is read back as the
 * same address.
 */
#include "agent/message/address-print.h"

#include "agent/message/address-list.h"
#include "agent/message/mime.h"
#include "tests/unit/unit.h"

#include <string.h>

typedef struct {
	const char *name;
	const char *in;
	const char *path;
} PathRow;

static const PathRow path_rows[] = {
	{ "dot-atom", "a.b+c@d.test", "<a.b+c@d.test>" },
	{ "null sender", "", "<>" },
	{ "no domain", "root", "<root>" },
	{ "blank", "john smith@b.test", "<\"john smith\"@b.test>" },
	{ "dot at the end, as Japanese carriers have it", "foo.@docomo.ne.jp",
	  "<\"foo.\"@docomo.ne.jp>" },
	{ "dot in front", ".foo@docomo.ne.jp", "<\".foo\"@docomo.ne.jp>" },
	{ "two dots", "foo..bar@docomo.ne.jp", "<\"foo..bar\"@docomo.ne.jp>" },
	{ "quotes and backslashes that are part of the name", "a\"b\\c@d", "<\"a\\\"b\\\\c\"@d>" },
	{ "quotes around a name that are part of it", "\"a\"@d", "<\"\\\"a\\\"\"@d>" },
	{ "commas and signs", "v1@a.test,v2@c.test,root@evil.test",
	  "<\"v1@a.test,v2@c.test,root\"@evil.test>" },
	{ "brackets", "a>b<c@d", "<\"a>b<c\"@d>" },
	{ "literal", "a@[192.0.2.1]", "<a@[192.0.2.1]>" },
	{ "UTF-8 needs no quotes", "\xe3\x81\x82@\xe4\xbe\x8b.jp",
	  "<\xe3\x81\x82@\xe4\xbe\x8b.jp>" },
};

static void
test_path(void **state)
{
	const PathRow *row = *state;
	g_autofree char *path = address_print_path(row->in), *back = address_read(row->path);
	assert_string_equal(path, row->path);
	assert_string_equal(back, row->in);
}

static const PathRow text_rows[] = {
	{ "text: blank", "john smith@b.test", "\"john smith\"@b.test" },
	{ "text: dots of Japanese carriers", "foo.@docomo.ne.jp", "foo.@docomo.ne.jp" },
	{ "text: no domain", "MAILER-DAEMON", "MAILER-DAEMON" },
	{ "text: null sender", "", "" },
	{ "text: no local part", "@b.test", "\"\"@b.test" },
};

static void
test_text(void **state)
{
	const PathRow *row = *state;
	g_autofree char *text = address_print_text(row->in);
	assert_string_equal(text, row->path);
}

typedef struct {
	const char *name;
	const char *phrase;
	const char *in;
	const char *want;
} HeaderRow;

static const HeaderRow header_rows[] = {
	{ "without a name", NULL, "a b@c", "<\"a b\"@c>" },
	{ "words", "John Doe", "a@b", "John Doe <a@b>" },
	{ "name with a comma", "Doe, John", "a@b", "\"Doe, John\" <a@b>" },
	{ "name with quotes", "a \"b\"", "a@b", "\"a \\\"b\\\"\" <a@b>" },
};

static void
test_header(void **state)
{
	const HeaderRow *row = *state;
	g_autofree char *value = address_print_header(row->phrase, row->in);
	assert_string_equal(value, row->want);
}

typedef struct {
	const char *name;
	const char *in;
	bool want;
} SendableRow;

static const SendableRow sendable_rows[] = {
	{ "plain address is sendable", "a@b.c", true },
	{ "blank is sendable", "a b@c", true },
	{ "name without a domain is sendable", "root", true },
	{ "literal is sendable", "a@[IPv6:2001:db8::1]", true },
	{ "nothing is not", "", false },
	{ "no local part is not", "@b", false },
	{ "no domain behind the sign is not", "a@", false },
	{ "minus in front is not", "-a@b", false },
	{ "line end is not", "a\r\nRCPT TO:<b>@c", false },
	{ "blank in the domain is not", "a@b c", false },
	{ "bracket in the domain is not", "a@b>", false },
	{ "blank in a literal is not", "a@[1 2]", false },
	{ "what is not UTF-8 is not", "\xff@b", false },
};

static void
test_sendable(void **state)
{
	const SendableRow *row = *state;
	assert_int_equal(address_text_is_sendable(row->in), row->want);
}

enum { ROUNDS = 4000, LONGEST = 24 };

/* Everything that means something to somebody who reads addresses, and letters between. */
static char *
random_text(GRand *rand)
{
	static const char *const signs[] = {
		"a",        "b", "Z",  "0",  ".", ".", " ", "@", ",",
		";",        ":", "<",  ">",  "(", ")", "[", "]", "\"",
		"\\",       "'", "=?", "?=", "-", "+", "%", "!", "\xe3\x81\x82",
		"\xc3\xa4",
	};
	GString *out = g_string_new("a");

	for (gint n = g_rand_int_range(rand, 0, LONGEST); n > 0; n--)
		g_string_append(out, signs[g_rand_int_range(rand, 0, G_N_ELEMENTS(signs))]);
	if (g_rand_boolean(rand))
		g_string_erase(out, 0,
		               out->len > 1 && out->str[1] != '-' && out->str[1] != ' ' ? 1 : 0);
	return g_string_free(out, FALSE);
}

/* The value of a header field is read as one address, this one. */
static void
assert_is_one(const char *value, size_t len, const char *address)
{
	g_auto(AddressList) list = { 0 };
	address_list_parse(value, len, ADDRESS_NAMES_RAW, &list);
	if (list.count != 1 || !list.items[0].valid || strcmp(list.items[0].address, address) != 0)
		fail_msg("'%s' is read from '%.*s', not '%s'",
		         list.count > 0 ? list.items[0].address : "nothing", (int) len, value,
		         address);
}

static void
test_reads_back(void **state)
{
	(void) state;
	g_autoptr(GRand) rand = g_rand_new_with_seed(7);
	for (unsigned i = 0; i < ROUNDS; i++) {
		g_autofree char *local = random_text(rand),
				*address = g_strconcat(local, "@b.test", NULL);
		g_autofree char *path = address_print_path(address),
				*argument = address_print_argument(address);
		g_autofree char *header = address_print_header("A, \"B\" (c)", address),
				*text = address_print_text(address);
		g_autofree char *from_path = address_read(path),
				*from_argument = address_read(argument);
		g_autofree char *from_header = address_from_header(header);

		assert_true(address_text_is_sendable(address));
		assert_string_equal(from_path, address);
		assert_string_equal(from_argument, address);
		assert_string_equal(from_header, address);
		assert_is_one(header, strlen(header), address);
		assert_is_one(argument, strlen(argument), address);
		assert_is_one(text, strlen(text), address);
	}
}

/*
 * The composer reads the field and writes it again: the same address must come out, folded or not.
 */
static void
test_composed(void **state)
{
	(void) state;
	g_autoptr(GRand) rand = g_rand_new_with_seed(8);
	for (unsigned i = 0; i < ROUNDS / 10; i++) {
		g_auto(Status) st = STATUS_INIT;
		g_autofree char *local = random_text(rand),
				*address = g_strconcat(local, "@b.test", NULL);
		g_autofree char *to = address_print_header(NULL, address);
		MimeField fields[] = { { "To", to, MIME_FIELD_ADDRESSES } };
		MimeDraft draft = {
			.fields = fields, .n_fields = 1, .type = "text/plain", .data = "", .len = 0
		};
		g_autoptr(GBytes) bytes = NULL;
		size_t len;
		if (!mime_compose(&draft, &bytes, &st))
			fail_msg("%s", st.detail);
		const char *data = g_bytes_get_data(bytes, &len);
		const char *end = g_strstr_len(data, (gssize) len, "\nMIME-Version:");
		assert_non_null(end);
		assert_is_one(data + strlen("To:"), (size_t) (end - data) - strlen("To:"), address);
	}
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(path_rows) + G_N_ELEMENTS(text_rows) +
	                        G_N_ELEMENTS(header_rows) + G_N_ELEMENTS(sendable_rows) + 2];
	size_t n = 0;
	UNIT_ROWS(tests, n, path_rows, test_path);
	UNIT_ROWS(tests, n, text_rows, test_text);
	UNIT_ROWS(tests, n, header_rows, test_header);
	UNIT_ROWS(tests, n, sendable_rows, test_sendable);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_reads_back);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_composed);

	return _cmocka_run_group_tests("address-print", tests, n, NULL, NULL);
}

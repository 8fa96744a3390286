/* SPDX-License-Identifier: MIT */
/* Without the module: a fault with a name, and all that is plain still answered. */
#include "agent/message/address-list.h"
#include "agent/message/mime-tree.h"
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
test_plain_words_need_no_module(void **state)
{
	(void) state;
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "=?utf-8?q?caf=C3=A9?=", "caf\xc3\xa9" },
		{ "=?UTF-8*fr?B?Y2Fmw6k=?= =?utf-8?Q?_2?=", "caf\xc3\xa9 2" },
		{ "=?utf-8?q?=C3?=\r\n =?utf-8?q?=A9?=", "\xc3\xa9" },
		{ "=?iso-8859-1?q?caf=E9?= x", "caf\xc3\xa9 x" },
		{ "=?us-ascii?q?a_b?= =?utf-8?q?c=0Ad?=", "a bc d" },
		{ "caf\xc3\xa9 =?utf-8?q?a?=", "caf\xc3\xa9 a" },
		{ "=?utf-8?q?no end", "=?utf-8?q?no end" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_auto(Status) st = STATUS_INIT;
		g_autofree char *text = NULL;
		assert_true(
			mime_decode_text(rows[i].in, strlen(rows[i].in), NULL, &text, NULL, &st));
		assert_string_equal(text, rows[i].out);
	}
}

/* What could mean something else is the module's. */
static void
test_doubtful_words_need_it(void **state)
{
	(void) state;
	static const char *const rows[] = {
		"=?koi8-r?q?a?=",          "=?us-ascii?q?caf=E9?=", "=?utf-8?q?caf=E9?=",
		"=?iso-8859-1?q?=80?=",    "=?utf-8?b?Y2Fmw6k?=",   "=?utf-8?b?Y2F mw6k=?=",
		"=?utf-8?b?Y2F=w6kY?=",    "=?utf-8?q?=1B$B?=",     "=?utf-8?q?a=00?=",
		"\x1b$B =?utf-8?q?a?=",    "\xe9 =?utf-8?q?a?=",    "=?utf-8?b?YQ==YQ==?=",
		"=?utf-8?q?a?= =?x?q?a?=",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_auto(Status) st = STATUS_INIT;
		g_autofree char *text = NULL;
		assert_false(mime_decode_text(rows[i], strlen(rows[i]), NULL, &text, NULL, &st));
		assert_int_equal(st.id, STATUS_CONFIG);
	}
}

static void
test_fault(void **state)
{
	(void) state;
	for (int again = 0; again < 2; again++) {
		g_auto(Status) st = STATUS_INIT;
		char *text = (char *) "untouched";
		assert_false(mime_decode_text("=?koi8-r?q?a?=", 14, NULL, &text, NULL, &st));
		assert_string_equal(text, "untouched");
		assert_int_equal(st.id, STATUS_CONFIG);
		assert_non_null(strstr(st.detail, "todoke-mime.so"));

		g_auto(Status) type = STATUS_INIT, disposition = STATUS_INIT;
		g_auto(MimeValue) value = { 0 };
		assert_false(mime_parse_type("a/b", 3, NULL, &value, &type));
		assert_false(mime_parse_disposition("inline", 6, NULL, &value, &disposition));
		assert_int_equal(type.id, STATUS_CONFIG);
		assert_int_equal(disposition.id, STATUS_CONFIG);
		assert_null(value.type);
	}
}

/* So it is with the text of a part. */
static void
test_text(void **state)
{
	(void) state;
	static const struct {
		const char *in, *want; /* NULL: a fault */
	} mails[] = {
		{ "A: 1\n\nbody\n", "body\n" },
		{ "A: 1\n\nb\xf6"
		  "dy\n",
		  NULL },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(mails); i++) {
		g_auto(Status) st = STATUS_INIT;
		g_autoptr(Message)
			message = message_from_bytes(mails[i].in, strlen(mails[i].in), &st);
		MessageBody body;
		assert_true(message_body(message, &body));
		g_autoptr(MimeTree) tree = mime_tree_new_opaque(message_headers(message), &body);
		g_auto(MimeBytes) text = { 0 };
		assert_int_equal(mime_tree_text(tree, 0, 100, MIME_TEXT_AS_IT_IS, &text, &st),
		                 mails[i].want != NULL);
		assert_int_equal(st.id, mails[i].want != NULL ? STATUS_OK : STATUS_CONFIG);
		assert_int_equal(g_strcmp0(text.data, mails[i].want), 0);
	}
}

static void
test_names_stay_raw(void **state)
{
	(void) state;
	g_auto(AddressList) list = { 0 };
	static const char in[] = "=?koi8-r?q?a?= <a@b>";
	address_list_parse(in, strlen(in), ADDRESS_NAMES_DECODED, &list);
	assert_int_equal(list.count, 1);
	assert_string_equal(list.items[0].name, "=?koi8-r?q?a?=");
}

int
main(void)
{
	setenv("TODOKE_MODULE_DIR", "/nonexistent", 1);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_needs_no_module),
		cmocka_unit_test(test_plain_words_need_no_module),
		cmocka_unit_test(test_doubtful_words_need_it),
		cmocka_unit_test(test_fault),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_names_stay_raw),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * What a client is told: codes of other servers, and words for those who read ASCII only (RFC 6531
 * 3.7.4.2).
 */
#include "agent/lmtp/lmtp-reply.h"

#include "agent/base/answer.h"
#include "agent/lmtp/lmtp-pack.h"
#include "tests/unit/unit.h"

#include <string.h>

typedef struct {
	const char *name;
	const char *text;
	bool utf8;
	const char *want;
} TextRow;

/* %R is the reference of the text. */
static const TextRow text_rows[] = {
	{ "ASCII stays", "<me@x.test>: no, thank you?", false,
	  "550 5.7.1 <me@x.test>: no, thank you?\r\n" },
	{ "letters lose their marks", "<me@x.test>: sch\xc3\xb6nen Gru\xc3\x9f, caf\xc3\xa9", false,
	  "550 5.7.1 <me@x.test>: schonen Gruss, cafe\r\n" },
	{ "marks of their own, and signs of print",
	  "<me@x.test>: sco\xcc\x88n \xe2\x80\x93 \xe2\x80\x9cno\xe2\x80\x9d", false,
	  "550 5.7.1 <me@x.test>: scon - \"no\"\r\n" },
	{ "nothing readable is left",
	  "<me@x.test>: \xe5\x8f\x97\xe3\x81\x91\xe5\x8f\x96\xe3\x82\x8a\xe3\x81\xbe\xe3\x81\x9b\xe3\x82\x93",
	  false,
	  "550 5.7.1 <me@x.test>: refused by a rule; the words of the recipient cannot be shown here - reference %R\r\n" },
	{ "one name among words", "<me@x.test>: write to \xe5\x8f\x97 at the office", false,
	  "550 5.7.1 <me@x.test>: write to ? at the office\r\n" },
	{ "UTF-8 for who takes it", "<me@x.test>: sch\xc3\xb6n", true,
	  "550 5.7.1 <me@x.test>: sch\xc3\xb6n\r\n" },
};

static void
test_text(void **state)
{
	const TextRow *row = *state;
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(GString) out = g_string_new(NULL);
	g_autofree char *reference = answer_reference(row->text);

	status_fail(&st, STATUS_RULE_REFUSED, "%s", row->text);
	lmtp_reply_append_status(out, &st, "me@x.test", NULL, row->utf8);
	g_auto(GStrv) parts = g_strsplit(row->want, "%R", -1);
	g_autofree char *want = g_strjoinv(reference, parts);
	assert_string_equal(out->str, want);
}

/* It stands at the end, however long the words are, and only where something failed. */
static void
test_reference(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT, good = STATUS_INIT;
	g_autoptr(GString) out = g_string_new(NULL);
	g_autofree char *words = g_strnfill(3000, 'x');

	status_set_reference(&good, "4ABC12");
	lmtp_reply_append_status(out, &good, "me@x.test", "stored", false);
	assert_string_equal(out->str, "250 2.0.0 <me@x.test> stored\r\n");

	status_fail(&st, STATUS_RULE_REFUSED, "%s", words);
	status_set_reference(&st, "4ABC12");
	status_set_reference(&st, "another");
	g_string_truncate(out, 0);
	lmtp_reply_append_status(out, &st, "me@x.test", NULL, false);
	assert_true(g_str_has_suffix(out->str, " [4ABC12]\r\n") ||
	            g_str_has_suffix(out->str, "550 5.7.1 [4ABC12]\r\n"));
}

/* A delivery process sends it along; an owner who has taken the process over cannot speak by it. */
static void
test_reference_of_another_process(void **state)
{
	(void) state;
	static const char *const rows[][2] = { { "4ABC12", "4ABC12" },
		                               { "x] 250 ok\r\n", NULL },
		                               { "", NULL } };

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_auto(Status) st = STATUS_INIT, got = STATUS_INIT;
		g_autoptr(GString) packet = g_string_new(NULL);
		g_autofree char *done = NULL;
		status_fail(&st, STATUS_RULE_REFUSED, "no");
		status_set_reference(&st, rows[i][0]);
		lmtp_pack_outcome(packet, &st, NULL);
		assert_false(lmtp_pack_take_outcome(packet->str, packet->str + packet->len, &done,
		                                    &got));
		assert_int_equal(got.id, STATUS_RULE_REFUSED);
		assert_int_equal(g_strcmp0(got.reference, rows[i][1]), 0);
	}
}

/* Its letters do not count: the words alone must be readable. */
static void
test_long_address(void **state)
{
	(void) state;
	static const char address[] = "a.long.address.of.somebody@example.test";
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(GString) out = g_string_new(NULL);
	status_fail(&st, STATUS_RULE_REFUSED, "<%s>: \xe5\x8f\x97\xe5\x8f\x96", address);
	lmtp_reply_append_status(out, &st, address, NULL, false);
	assert_non_null(strstr(out->str, " - reference "));
}

static void
test_code_of_another_server(void **state)
{
	(void) state;
	static const struct {
		const char *dsn;
		const char *want;
	} rows[] = {
		{ "5.1.1", "554 5.1.1 <me@x.test> " },   { "4.1.1", "554 5.4.0 <me@x.test> " },
		{ "5.1", "554 5.4.0 <me@x.test> " },     { "5.1.1000", "554 5.4.0 <me@x.test> " },
		{ "", "554 5.4.0 <me@x.test> " },        { "5..1", "554 5.4.0 <me@x.test> " },
		{ "5.1.1.1", "554 5.4.0 <me@x.test> " }, { "55.1.1", "554 5.4.0 <me@x.test> " },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_auto(Status) st = STATUS_INIT;
		g_autoptr(GString) out = g_string_new(NULL);
		status_fail(&st, STATUS_SUBMIT_REFUSED, NULL);
		status_set_dsn(&st, rows[i].dsn);
		lmtp_reply_append_status(out, &st, "me@x.test", NULL, false);
		if (!g_str_has_prefix(out->str, rows[i].want))
			fail_msg("'%s': %s", rows[i].dsn, out->str);
	}
}

static void
test_quoted_recipient(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(GString) out = g_string_new(NULL);
	lmtp_reply_append_status(out, &st, "foo.@docomo.ne.jp", "stored", false);
	assert_string_equal(out->str, "250 2.0.0 <\"foo.\"@docomo.ne.jp> stored\r\n");
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(text_rows) + 5];
	size_t n = 0;

	UNIT_ROWS(tests, n, text_rows, test_text);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_reference);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_reference_of_another_process);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_long_address);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_code_of_another_server);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_quoted_recipient);

	return _cmocka_run_group_tests("lmtp-reply", tests, n, NULL, NULL);
}

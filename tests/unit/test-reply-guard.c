/* SPDX-License-Identifier: MIT */
/* Who is answered, and who is not and why (RFC 3834, RFC 5230); SRS; routes; addresses. */
#include "agent/base/limits.h"
#include "agent/send/route.h"
#include "agent/send/reply-guard.h"
#include "agent/send/srs.h"
#include "tests/unit/unit.h"

#include <string.h>

typedef struct {
	const char *name;
	const char *sender; /* NULL: a person */
	const char *header; /* NULL: "To: me@example.net" */
	const char *why;    /* part of the reason; NULL: is answered */
	bool original_is_own;
	bool any_recipient;
} Row;

static const Row rows[] = {
	{ .name = "a person" },
	{ .name = "null sender", .sender = "", .why = "null sender" },
	{ .name = "MAILER-DAEMON", .sender = "MAILER-DAEMON", .why = "null sender" },
	{ .name = "mailer-daemon with a domain",
	  .sender = "Mailer-Daemon@x.test",
	  .why = "program" },
	{ .name = "the owner", .sender = "ME+x@Example.net", .why = "the owner" },
	{ .name = "a further own address", .sender = "other@example.net", .why = "the owner" },
	{ .name = "owner- address", .sender = "owner-list@x.test", .why = "program" },
	{ .name = "-request address", .sender = "list-REQUEST@x.test", .why = "program" },
	{ .name = "noreply", .sender = "NoReply@x.test", .why = "program" },
	{ .name = "no-reply with detail", .sender = "no-reply+7a@x.test", .why = "program" },
	{ .name = "VERP bounce address", .sender = "bounces+a=b@x.test", .why = "program" },
	{ .name = "a person with a robot's name inside", .sender = "norequest@x.test" },
	{ .name = "Auto-Submitted: no",
	  .header = "Auto-Submitted: (x) No; a=b\nTo: me@example.net\n" },
	{ .name = "Auto-Submitted: auto-replied",
	  .header = "Auto-Submitted: auto-replied\nTo: me@example.net\n",
	  .why = "auto-replied" },
	{ .name = "folded Auto-Submitted",
	  .header = "Auto-Submitted:\n Auto-Generated (x)\nTo: me@example.net\n",
	  .why = "auto-generated" },
	{ .name = "List-Id", .header = "List-Id: <x>\nTo: me@example.net\n", .why = "List-Id" },
	{ .name = "Precedence: bulk",
	  .header = "Precedence: Bulk\nTo: me@example.net\n",
	  .why = "bulk" },
	{ .name = "Precedence: first-class",
	  .header = "Precedence: first-class\nTo: me@example.net\n" },
	{ .name = "Exchange wants no answer",
	  .header = "X-Auto-Response-Suppress: DR, AutoReply\nTo: me@example.net\n",
	  .why = "Suppress" },
	{ .name = "Exchange wants no receipt",
	  .header = "X-Auto-Response-Suppress: DR, RN\nTo: me@example.net\n" },
	{ .name = "in Cc, second of a list",
	  .header = "To: x@y.test\nCc: A <a@b.test>, Me <ME@example.net>\n" },
	{ .name = "in Resent-To", .header = "Resent-To: me@example.net\n" },
	{ .name = "with detail", .header = "To: me+news@example.net\n" },
	{ .name = "not addressed",
	  .header = "To: x@y.test\nX-To: me@example.net\n",
	  .why = "not addressed" },
	{ .name = "name only looks like it",
	  .header = "To: \"me@example.net\" <x@y.test>\n",
	  .why = "not addressed" },
	{ .name = "addressed to an alias that the envelope knows",
	  .header = "To: sales@example.net\n",
	  .original_is_own = true },
	{ .name = "addressed to an alias where that does not count",
	  .header = "To: sales@example.net\n",
	  .why = "not addressed" },
	{ .name = "not addressed where that does not count",
	  .header = "To: x@y.test\n",
	  .any_recipient = true },
	{ .name = "a list where no address counts",
	  .header = "To: x@y.test\nList-Id: <a>\n",
	  .any_recipient = true,
	  .why = "list" },
	{ .name = "no field at all", .header = "", .why = "not addressed" },
};

static void
test_guard(void **state)
{
	const Row *row = *state;
	const char *block = row->header != NULL ? row->header : "To: me@example.net\n";
	size_t len;
	g_autoptr(Headers) headers = headers_take_block(g_strdup(block), strlen(block), &len);
	g_autoptr(Envelope) envelope = envelope_new(DOOR_PIPE);

	envelope->sender = g_strdup(row->sender != NULL ? row->sender : "person@client.test");
	envelope->recipient = g_strdup("me@example.net");
	envelope->original = g_strdup("sales@example.net");

	g_autoptr(GPtrArray) own = g_ptr_array_new(), more = g_ptr_array_new();
	g_ptr_array_add(own, (gpointer) "me@example.net");
	g_ptr_array_add(more, (gpointer) "other@example.net");

	ReplyQuestion question = {
		.headers = headers,
		.envelope = envelope,
		.own = { own, more },
		.rules = { "+", true },
		.original_is_own = row->original_is_own,
		.any_recipient = row->any_recipient,
	};
	g_autofree char *why = reply_guard_why_not(&question);
	if (row->why == NULL) {
		assert_null(why);
	} else {
		assert_non_null(why);
		assert_non_null(strstr(why, row->why));
	}
}

static void
test_nobody_said_who(void **state)
{
	(void) state;
	g_autoptr(Headers) headers = headers_new(NULL, "\n");
	g_autoptr(Envelope) envelope = envelope_new(DOOR_PIPE);
	ReplyQuestion question = { .headers = headers,
		                   .envelope = envelope,
		                   .rules = { "", true } };
	g_autofree char *why = reply_guard_why_not(&question);
	assert_string_equal(why, "its sender is not known");
}

#define KEYS "k1 1111111111111111111111111111111111111111111111111111111111111111\n"

static void
test_srs(void **state)
{
	(void) state;
	enum { NOW = 1700000000, DAY = 86400 };
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(MarkKeys) keys = mark_keys_parse(KEYS, "keys", &st);
	g_autoptr(MarkKeys) others = mark_keys_parse(
		"k2 2222222222222222222222222222222222222222222222222222222222222222\n", "keys",
		&st);
	g_autofree char *first = srs_forward(keys, "a=b+c@client.test", "one.test", NOW);
	assert_true(g_str_has_prefix(first, "SRS0="));
	assert_true(g_str_has_suffix(first, "=client.test=a=b+c@one.test"));

	g_autofree char *folded = g_ascii_strdown(first, -1);
	g_autofree char *back = srs_reverse(keys, folded, NOW + SRS_MAX_DAYS * DAY);
	assert_string_equal(back, "a=b+c@client.test");
	assert_null(srs_reverse(keys, first, NOW + (SRS_MAX_DAYS + 1) * DAY));
	assert_null(srs_reverse(others, first, NOW));

	g_autofree char *forged = g_strdup(first);
	forged[strlen("SRS0=XXXXXXXX=XX=c")] = 'x';
	assert_null(srs_reverse(keys, forged, NOW));

	g_autofree char *second = srs_forward(others, first, "two.test", NOW);
	assert_true(g_str_has_prefix(second, "SRS1="));
	g_autofree char *to_first = srs_reverse(others, second, NOW);
	assert_string_equal(to_first, first);

	g_autofree char *third = srs_forward(keys, second, "three.test", NOW),
			*from_third = srs_reverse(keys, third, NOW);
	assert_string_equal(from_third, first);
	static const char *const none[] = { "", "a", "@x.test", "a@" };
	for (size_t i = 0; i < G_N_ELEMENTS(none); i++)
		assert_null(srs_forward(keys, none[i], "one.test", NOW));
	assert_null(srs_forward(NULL, "a@b.test", "one.test", NOW));

	/* Anybody may send what we sign with the next hop: nothing of it names a first host. */
	static const char *const hollow[] = { "SRS1=A=x@one.test", "SRS1=A==x@one.test",
		                              "SRS1=A=x=@one.test", "SRS1=A=@one.test" };
	for (size_t i = 0; i < G_N_ELEMENTS(hollow); i++) {
		g_autofree char *crafted = srs_forward(keys, hollow[i], "two.test", NOW);
		assert_non_null(crafted);
		assert_null(srs_reverse(keys, crafted, NOW));
	}

	static const char *const odd[] = {
		"SRS0", "SRS0=", "SRS0==", "SRS1=@", "SRS0=AAAAAAAA", "SRS0=AAAAAAAA=@x", "a@b", "@"
	};
	for (size_t i = 0; i < G_N_ELEMENTS(odd); i++)
		assert_null(srs_reverse(keys, odd[i], NOW));
}

static void
test_routes(void **state)
{
	(void) state;
	const char *why;
	static const char *const good[] = { "smtp:127.0.0.1:25", "smtp:localhost:10025",
		                            "smtp:[::1]:25", "smtp:unix:/run/x",
		                            "sendmail:/usr/sbin/sendmail" };
	static const char *const bad[] = {
		"",         "smtp:",       "smtp:host",   "smtp:host:0", "smtp:host:65536",
		"smtp::25", "smtp:a/b:25", "smtp:a@b:25", "smtp:unix:x", "sendmail:sendmail",
		"http://x", "smtp:::1:25"
	};
	for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
		assert_true(route_is_valid(good[i], &why));
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		assert_false(route_is_valid(bad[i], &why));
}

static void
test_addresses(void **state)
{
	(void) state;
	static const char *const bad[] = { "", "a\nb@x", "<a@x>", "@x", "a@", "-f@x", "\xff@x" };
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		assert_false(address_text_is_sendable(bad[i]));

	g_autofree char *longest = g_strnfill(LIMIT_ADDRESS_BYTES, 'a'),
			*longer = g_strnfill(LIMIT_ADDRESS_BYTES + 1, 'a');
	assert_true(address_text_is_sendable(longest));
	assert_false(address_text_is_sendable(longer));
	assert_true(address_text_is_sendable("two words@x.test"));
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + 8];
	size_t n = 0;

	UNIT_ROWS(tests, n, rows, test_guard);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_nobody_said_who);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_srs);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_routes);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_addresses);

	return _cmocka_run_group_tests("reply-guard", tests, n, NULL, NULL);
}

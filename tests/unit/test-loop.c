/* SPDX-License-Identifier: MIT */
/*
 * The parts of the loop check that no case folder shows: JSON, the cost of hostile headers. The
 * cases: tests/cases/loop.
 */
#include "agent/base/limits.h"
#include "agent/message/loop.h"
#include "agent/message/mark.h"
#include "agent/message/received.h"

#include "tests/unit/unit.h"

#include <string.h>

static Headers *
index_block(const char *block, size_t len)
{
	Headers *headers = headers_new(NULL, "\n");
	bool ended;
	headers_index(headers, block, len, 0, true, &ended);
	return headers;
}

static LoopVerdict *
judge(const Headers *headers)
{
	g_autoptr(Envelope) envelope = envelope_new(DOOR_PIPE);

	envelope->recipient = g_strdup("a@b.c");
	LoopSettings settings = { .rules = { "", true },
		                  .hop_limit = 50,
		                  .return_limit = 1,
		                  .mark_lifetime = 100,
		                  .now = 100 };
	return loop_judge(headers, envelope, &settings);
}

static void
test_json(void **state)
{
	(void) state;
	static const char block[] =
		"Received: by us.test id 2; x\nDelivered-To: a@b.c\nReceived: by us.test id 1; x\n";
	g_autoptr(Headers) headers = index_block(block, strlen(block));
	g_autoptr(LoopVerdict) verdict = judge(headers);
	json_t *json = loop_verdict_json(verdict);
	char *text = json_dumps(json, JSON_COMPACT | JSON_PRESERVE_ORDER);
	assert_string_equal(
		text,
		"{\"verdict\":\"stamped\",\"answer\":\"loop\","
		"\"why\":\"this host delivered it to this recipient before (Delivered-To, line 2: this host wrote the Received below (line 3))\","
		"\"returns\":0,\"received_lines\":2,\"fetched\":false,\"forwarded\":false,\"setting\":\"loop_action\","
		"\"evidence\":[{\"line\":2,\"text\":\"Delivered-To: a@b.c\",\"writer\":\"this host, earlier\","
		"\"how\":\"this host wrote the Received below (line 3)\",\"decisive\":true}],\"more\":0,\"ignored\":0}");
	free(text);
	json_decref(json);
}

typedef struct {
	const char *name;
	const char *value;
	const char *by;
	const char *id;
	const char *program;
} ReceivedRow;

static const ReceivedRow received_rows[] = {
	{ "Postfix", "from a (b [1.2.3.4]) by c.d (Postfix) with ESMTP id 4AB for <x@y>; date",
	  "c.d", "4AB", NULL },
	{ "pickup has no from", "by c.d (Postfix, from userid 0) id 4AB; date", "c.d", "4AB",
	  NULL },
	{ "tabs and folds", "from a\tby C.D.\twith ESMTP id 4AB", "c.d", "4AB", NULL },
	{ "greeting that is a keyword", "from by (x) by c.d id 1", "c.d", "1", NULL },
	{ "the date is no clause", "from a; by c.d id 1", NULL, NULL, NULL },
	{ "localhost is anybody", "from a by localhost id 1", NULL, "1", NULL },
	{ "a loopback address is anybody", "from a by [127.0.0.1] id 1", NULL, "1", NULL },
	{ "the first by counts", "from a by localhost by c.d", NULL, NULL, NULL },
	{ "by in a HELO", "from a by c.d (x [1.2.3.4]) by e.f (g) id 1", "e.f", "1", NULL },
	{ "by in a HELO of many words", "from a by c.d id 2 x (x [1.2.3.4])\n\tby e.f (g) id 1",
	  "e.f", "2", NULL },
	{ "by behind the server's own comment", "from a (x [1.2.3.4]) by e.f (g) by c.d", "e.f",
	  NULL, NULL },
	{ "by not right behind the comment", "from a by e.f (g) with SMTP id 1 by c.d", "e.f", "1",
	  NULL },
	{ "fetchmail",
	  "from a [1.2.3.4] by c.d with POP3 (fetchmail-6.3.17) for <x@y> (single-drop); date",
	  "c.d", NULL, "fetchmail" },
	{ "fetchmail over IMAP with TLS",
	  "from a by c.d with IMAP (fetchmail-6.4.37 polling a account x) for <x@y>; date", "c.d",
	  NULL, "fetchmail" },
	{ "getmail6", "from a by c.d with POP3-SSL getmail6 msgid:1 for <x@y>; date", "c.d", NULL,
	  "getmail" },
	{ "fdm", "by c.d (fdm 1.9, account \"x\"); date", "c.d", NULL, "fdm" },
	{ "Gmail's POP3", "by 10.1.2.3 with POP3 id x; date", "10.1.2.3", "x", "POP3" },
	{ "a host called fetchmail", "from fetchmail (fetchmail [1.2.3.4]) by c.d with ESMTP id 1",
	  "c.d", "1", NULL },
	{ "a host called fetchmail behind by",
	  "from a by c.d (fetchmail.test [1.2.3.4]) with ESMTP id 1", "c.d", "1", NULL },
	{ "comment that never ends", "from a (x by c.d", NULL, NULL, NULL },
	{ "a vertical tab is no blank, and no endless loop", "from a\vb by c.d id 1", "c.d", "1",
	  NULL },
	{ "keyword at the end", "from a by", NULL, NULL, NULL },
	{ "empty", "", NULL, NULL, NULL },
};

static void
assert_same(const char *got, const char *want)
{
	if (want == NULL)
		assert_null(got);
	else
		assert_string_equal(got, want);
}

static void
test_received(void **state)
{
	const ReceivedRow *row = *state;
	g_autofree char *block = g_strdup_printf("Received: %s\n", row->value);
	g_autoptr(Headers) headers = index_block(block, strlen(block));
	Received received;

	received_init(&received, headers_get(headers, 0), 0);
	assert_same(received.by, row->by);
	assert_same(received.id, row->id);
	assert_same(received.program, row->program);
	received_clear(&received);
}

typedef struct {
	const char *name;
	const char *value;
	const char *client;
	const char *address;
} ClientRow;

static const ClientRow client_rows[] = {
	{ "client: name and address", "from helo (Mx.Example [192.0.2.1])\n\tby c.d (Postfix) id 1",
	  "mx.example", "192.0.2.1" },
	{ "client: IPv6", "from helo (unknown [IPv6:2001:DB8::1]) by c.d", "unknown",
	  "2001:db8::1" },
	{ "client: behind a by in HELO", "from a by c.d (x.test [1.2.3.4]) by e.f", "x.test",
	  "1.2.3.4" },
	{ "client: a name that may be forged",
	  "from helo (mx.example [192.0.2.1] (may be forged)) by c.d", NULL, NULL },
	{ "client: the second comment is another's", "from a (b) (mx.example [192.0.2.1]) by c.d",
	  NULL, NULL },
	{ "client: a user of the host", "by c.d (Postfix, from userid 1000) id 1", NULL, NULL },
	{ "client: no address", "from a (mx.example) by c.d", NULL, NULL },
	{ "client: comment that never ends", "from a (mx.example [", NULL, NULL },
	{ "client: blanks only", "from a ( [", NULL, NULL },
};

static void
test_client(void **state)
{
	const ClientRow *row = *state;
	g_autofree char *block = g_strdup_printf("Received: %s\n", row->value);
	g_autoptr(Headers) headers = index_block(block, strlen(block));
	Received received;

	received_init(&received, headers_get(headers, 0), 0);
	assert_same(received.client, row->client);
	assert_same(received.client_address, row->address);
	received_clear(&received);
}

/*
 * Each of these made of as many lines as the index takes must be judged at once: seconds here are a
 * hang in production.
 */
static const ReceivedRow hostile_rows[] = {
	{ "100,000 Received", "Received: by us.test with ESMTP id 1; x\n", NULL, NULL, NULL },
	{ "100,000 Delivered-To", "Delivered-To: a@b.c\n", NULL, NULL, NULL },
	{ "100,000 marks", "X-Todoke-Mark: v=1; k=a; a=stored; n=0; t=1; h=00\n", NULL, NULL,
	  NULL },
	{ "100,000 Resent-From", "Resent-From: a@b.c\n", NULL, NULL, NULL },
};

static void
test_hostile(void **state)
{
	const ReceivedRow *row = *state;
	g_autoptr(GString) block = g_string_new("Received: by us.test id 2; x\n");

	for (unsigned i = 1; i < LIMIT_HEADER_FIELDS; i++)
		g_string_append(block, row->value);
	g_autoptr(Headers) headers = index_block(block->str, block->len);
	assert_int_equal(headers_count(headers), LIMIT_HEADER_FIELDS);

	int64_t start = unit_cpu_ms();
	g_autoptr(LoopVerdict) verdict = judge(headers);
	assert_true(unit_cpu_ms() - start < 3000);
	assert_true(verdict->evidence->len <= LIMIT_LOOP_EVIDENCE);

	g_autofree char *text = loop_verdict_print(verdict);
	assert_true(strlen(text) < LIMIT_LOOP_EVIDENCE * (LIMIT_LOOP_LINE_BYTES + 300));
}

/* Of our own marks the topmost tells what was done to this copy; a forged one tells nothing. */
typedef struct {
	const char *name;
	const char
		*marks; /* from the top: "s"tored, "c"opied, "p"assed, "o"ld and stored, "f"orged */
	bool below_received;
	bool stored, queued;
} ClaimRow;

static const ClaimRow claim_rows[] = {
	{ "stored", "s", false, true, false },
	{ "stored, and a mail server has it since", "s", true, true, true },
	{ "copied", "c", false, false, false },
	{ "stored, after it was passed on", "sp", false, true, false },
	{ "passed on, after it was stored", "ps", true, false, true },
	{ "stored long ago", "o", false, true, false },
	{ "stored, below a forged one", "fs", false, true, false },
	{ "forged", "f", true, false, false },
};

static void
test_claims(void **state)
{
	const ClaimRow *row = *state;
	static const BodyPrint print = { "5 00bbad8d328661683272ed8d949dba00" };
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(MarkKeys) ours = mark_keys_imagine(&st), others = mark_keys_imagine(&st);
	const AddressRules rules = { "", true };
	static const char rest[] = "From: x@y\nMessage-ID: <1@y>\n";
	g_autoptr(Headers) bare = index_block(rest, strlen(rest));
	g_autofree char *subject = mark_subject("a@b.c", &rules, bare);

	g_autoptr(GString) block = g_string_new(
		row->below_received ? "Received: from z by us.test (Postfix) id 2; x\n" : "");
	for (const char *c = row->marks; *c != '\0'; c++) {
		const Mark mark = { *c == 'p'   ? MARK_PASSED
			            : *c == 'c' ? MARK_COPIED
			                        : MARK_STORED,
			            2, *c == 'o' ? 1000 : 99990 };
		g_autofree char *value = mark_make(*c == 'f' ? others : ours, &mark, subject,
		                                   &print);
		g_string_append_printf(block, MARK_FIELD ": %s\n", value);
	}
	g_string_append(block, rest);

	g_autoptr(Headers) headers = index_block(block->str, block->len);
	g_autoptr(Envelope) envelope = envelope_new(DOOR_PIPE);
	envelope->recipient = g_strdup("a@b.c");
	const LoopSettings settings = { .rules = rules,
		                        .hop_limit = 50,
		                        .return_limit = 1,
		                        .keys = ours,
		                        .print = &print,
		                        .mark_lifetime = 5000,
		                        .now = 100000 };
	g_autoptr(LoopVerdict) verdict = loop_judge(headers, envelope, &settings);
	assert_int_equal(verdict->claims.stored, row->stored);
	assert_int_equal(verdict->claims.queued, row->queued);
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(received_rows) + G_N_ELEMENTS(client_rows) +
	                        G_N_ELEMENTS(hostile_rows) + G_N_ELEMENTS(claim_rows) + 1];
	size_t n = 0;
	UNIT_ROWS(tests, n, received_rows, test_received);
	UNIT_ROWS(tests, n, client_rows, test_client);
	UNIT_ROWS(tests, n, hostile_rows, test_hostile);
	UNIT_ROWS(tests, n, claim_rows, test_claims);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_json);

	return _cmocka_run_group_tests("loop", tests, n, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* The names by which other logs know a message: what the door says, and what the header says. */
#include "agent/message/mail-ids.h"

#include "tests/unit/unit.h"

#include <string.h>

#define BY_US \
	"Received: from a.test (a.test [192.0.2.1])\n\tby mx.test (Postfix) with ESMTP id 4NEW1\n"
#define BY_OTHER \
	"Received: from b.test (b.test [192.0.2.2])\n\tby relay.test (Postfix) with ESMTP id 4OLD1\n"
#define FETCHED \
	"Received: from pop.test [192.0.2.3]\n\tby mx.test with POP3 (fetchmail-6.3.17) id 77\n"

typedef struct {
	const char *name, *header;
	const char *queue_id, *origin_id, *lhlo; /* of the envelope */
	const char *want, *want_origin, *want_message_id;
	bool is_command;      /* a command that runs as the user, else LMTP */
	const char *original; /* as local(8) says it */
} Row;

static const Row rows[] = {
	{ "what the door says", BY_US, "4SAID", NULL, NULL, "4SAID", NULL, NULL },
	{ "this host's newest line", BY_US BY_OTHER, NULL, NULL, NULL, "4NEW1", NULL, NULL },
	{ "an empty word of the door", BY_US, "", NULL, NULL, "4NEW1", NULL, NULL },
	{ "another host's newest line", BY_OTHER BY_US, NULL, NULL, NULL, NULL, NULL, NULL },
	{ "the client of LMTP wrote it", BY_OTHER, NULL, NULL, "Relay.test", "4OLD1", NULL, NULL },
	{ "a retrieval program's line", FETCHED BY_US, NULL, NULL, NULL, NULL, NULL, NULL },
	{ "no line", "Subject: x\n", NULL, NULL, NULL, NULL, NULL, NULL },
	/* Behind a content filter IDENT is the id before it. */
	{ "IDENT of before a filter", BY_US BY_OTHER, NULL, "4OLD1", NULL, "4NEW1", "4OLD1", NULL },
	{ "IDENT of a line whose host is not known", BY_OTHER, NULL, "4OLD1", NULL, "4OLD1",
	  "4OLD1", NULL },
	{ "IDENT that is none", BY_US, NULL, "a b", NULL, "4NEW1", NULL, NULL },
	{ "an id that is none", "Received: by mx.test id <x;y>\n", NULL, NULL, NULL, NULL, NULL,
	  NULL },
	{ "the name of this machine", "Received: by box (x) id 7-8-z\n", NULL, NULL, NULL, "7-8-z",
	  NULL, NULL },
	{ "the name that the settings give it", "Received: by Mail.given.test (x) id 4GIVEN\n",
	  NULL, NULL, NULL, "4GIVEN", NULL, NULL },
	{ "local(8) hands over what Postfix wrote", BY_OTHER, .want = "4OLD1", .is_command = true,
	  .original = "ann@x.test" },
	{ "a fetcher's line above it", FETCHED BY_US, .is_command = true,
	  .original = "ann@x.test" },
	{ "a fetcher runs the command", BY_OTHER, .is_command = true },
	{ "a Message-ID", "Message-Id:\n <a@b>\n", NULL, NULL, NULL, NULL, NULL, "<a@b>" },
	{ "words behind it", "Message-ID: <a@b> (x)\n", NULL, NULL, NULL, NULL, NULL, "<a@b>" },
	{ "the first of two", "Message-ID: <1@b>\nMessage-ID: <2@b>\n", NULL, NULL, NULL, NULL,
	  NULL, "<1@b>" },
	{ "an empty one", "Message-ID:\n", NULL, NULL, NULL, NULL, NULL, NULL },
};

static MailIds
ids_of(const Row *row, const char *header)
{
	static const char *const hostnames[] = { "mx.test", NULL };
	const MailHosts hosts = { hostnames, "mail.given.test", "box" };
	size_t len;
	g_autoptr(Headers) headers = headers_take_block(g_strconcat(header, "\n", NULL),
	                                                strlen(header) + 1, &len);
	g_autoptr(Envelope) envelope = envelope_new(row->is_command ? DOOR_LOCAL : DOOR_LMTP);
	envelope->original = g_strdup(row->original);
	envelope->queue_id = g_strdup(row->queue_id);
	envelope->origin_id = g_strdup(row->origin_id);
	envelope->lhlo = g_strdup(row->lhlo);

	MailIds ids;
	mail_ids_init(&ids, envelope, headers, &hosts);
	return ids;
}

static void
assert_text(const char *got, const char *want)
{
	if (want == NULL)
		assert_null(got);
	else
		assert_string_equal(got, want);
}

static void
test_row(void **state)
{
	const Row *row = *state;
	g_auto(MailIds) ids = ids_of(row, row->header);

	assert_text(ids.queue_id, row->want);
	assert_text(ids.origin_id, row->want_origin);
	assert_text(ids.message_id, row->want_message_id);
}

/* LIMIT_QUEUE_ID and LIMIT_MESSAGE_ID octets are taken, one more is not. */
static void
test_limits(void **state)
{
	const Row said = { 0 };
	(void) state;

	for (unsigned more = 0; more < 2; more++) {
		g_autofree char *id = g_strnfill(64 + more, 'A');
		g_autofree char *mid = g_strnfill(998 + more, 'm');
		g_autofree char *header = g_strdup_printf(
			"Received: by mx.test id %s\nMessage-ID: %s\n", id, mid);
		g_auto(MailIds) ids = ids_of(&said, header);
		assert_text(ids.queue_id, more == 0 ? id : NULL);
		assert_text(ids.message_id, more == 0 ? mid : NULL);
	}
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + 1];
	size_t n = 0;

	UNIT_ROWS(tests, n, rows, test_row);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_limits);
	return _cmocka_run_group_tests("mail-ids", tests, n, NULL, NULL);
}

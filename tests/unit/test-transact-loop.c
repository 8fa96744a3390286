/* SPDX-License-Identifier: MIT */
/* Mail that comes back: who has it is not failed again, and a mark alone makes no mail vanish. */
#include "agent/run/transact.h"

#include "agent/base/limits.h"
#include "tests/lib/delivery-check.h"
#include "tests/lib/scratch.h"
#include "tests/lib/smtp-peer.h"
#include "tests/unit/unit.h"

#include <string.h>

enum { HOUR = 3600, DAY = 86400 };

static const char mail[] = "From: A <a@x.test>\nTo: ann@here.test\nSubject: hello\n"
			   "Message-ID: <1@x.test>\n\nbody\n";

static const char forward[] = "redirect \"b@y.test\";\n";

typedef struct {
	DeliveryWorld world;
	unsigned hops;
	char *message; /* of the last arrival */
} Loop;

static void
loop_begin(Loop *loop, const char *settings, const char *script)
{
	*loop = (Loop){ 0 };
	delivery_world_init(&loop->world, settings, script);
}

static void
loop_end(Loop *loop)
{
	g_free(loop->message);
	delivery_world_clear(&loop->world);
}

/* It comes by SMTP, as a hop of its own. */
static bool
arrive(Loop *loop, const char *text)
{
	char *id = g_strdup_printf("4AB%06u", ++loop->hops);
	char *message = g_strdup_printf(
		"Received: from client.test (client.test [192.0.2.1])\n"
		"\tby here.test (Postfix) with ESMTP id %s\n"
		"\tfor <ann@here.test>; Thu, 3 Aug 2017 00:00:%02u +0900\n%s",
		id, loop->hops % 60, text);
	g_free(loop->world.envelope->queue_id);
	loop->world.envelope->queue_id = id;
	g_free(loop->message);
	loop->message = message;
	return delivery_world_deliver(&loop->world, message);
}

/* Postfix tries it again. */
static bool
retry(Loop *loop)
{
	return delivery_world_deliver(&loop->world, loop->message);
}

static unsigned
count(const Loop *loop, const char *folder)
{
	return delivery_world_count(&loop->world, folder);
}

/*
 * A stored copy is taken out and sent here again: it waits for whoever took it out to delete it,
 * and is then taken, not stored again. Deleted meanwhile, it is delivered.
 */
static void
test_a_stored_copy_comes_back(void **state)
{
	(void) state;
	for (int is_deleted = 0; is_deleted < 2; is_deleted++) {
		Loop loop;
		loop_begin(&loop, NULL, NULL);
		assert_true(arrive(&loop, mail));
		delivery_check_log(&loop.world, "loop", NULL);
		g_autofree char *copy = delivery_world_stored(&loop.world, "");

		loop.world.now += 60;
		assert_false(arrive(&loop, copy));
		assert_int_equal(loop.world.st.id, STATUS_OWN_MAILBOX);
		delivery_check_log(&loop.world, "loop", "taken-out");
		delivery_check_log(&loop.world, "status", "deferred");
		loop.world.now += LIMIT_FETCH_WAIT_SECONDS - 1;
		assert_false(retry(&loop));
		assert_int_equal(count(&loop, ""), 1);

		loop.world.now += 1;
		if (!is_deleted) {
			/* Taken or not, a mail that is too big is refused. */
			delivery_world_set(&loop.world, "message_size_limit = 100\n");
			assert_false(retry(&loop));
			assert_int_equal(loop.world.st.id, STATUS_TOO_BIG);
			delivery_world_set(&loop.world, NULL);
		}
		if (is_deleted)
			delivery_world_empty(&loop.world, "");
		assert_true(retry(&loop));
		assert_int_equal(count(&loop, ""), 1);
		delivery_check_log(&loop.world, "loop", is_deleted ? "returned" : "kept");
		delivery_check_log(&loop.world, "code", is_deleted ? "T001" : "T004");
		assert_string_equal(loop.world.done, is_deleted
		                                             ? "stored in INBOX"
		                                             : "not stored again, it is in INBOX");
		g_autofree char *record = delivery_world_recorded(&loop.world);
		assert_int_equal(
			strstr(record, "\"done\":[{\"action\":\"here\",\"folder\":\"INBOX\"}]") !=
				NULL,
			!is_deleted);
		loop_end(&loop);
	}
}

/* A copy is known by the header that it was stored with, whatever the rules have made of it. */
static void
test_an_edited_copy_comes_back(void **state)
{
	(void) state;
	static const char *const scripts[] = {
		"require \"editheader\"; deleteheader \"Message-ID\";\n"
		"addheader \"Message-ID\" \"<other@x.test>\"; keep;\n",
		"require [\"editheader\", \"fileinto\"]; keep;\n"
		"deleteheader \"From\"; fileinto \"Work\";\n",
		"require [\"editheader\", \"fileinto\", \"copy\"]; fileinto :copy \"Work\";\n"
		"deleteheader \"From\";\n",
	};
	static const char *const folders[][2] = { { "", NULL }, { "", ".Work" }, { "", ".Work" } };
	for (size_t i = 0; i < G_N_ELEMENTS(scripts); i++)
		for (size_t n = 0; n < 2 && folders[i][n] != NULL; n++) {
			Loop loop;
			loop_begin(&loop, NULL, scripts[i]);
			assert_true(arrive(&loop, mail));
			g_autofree char *copy = delivery_world_stored(&loop.world, folders[i][n]);
			loop.world.now += 60;
			assert_false(arrive(&loop, copy));
			assert_int_equal(loop.world.st.id, STATUS_OWN_MAILBOX);
			delivery_check_log(&loop.world, "loop", "taken-out");
			loop.world.now += LIMIT_FETCH_WAIT_SECONDS;
			assert_true(retry(&loop));
			delivery_check_log(&loop.world, "loop", "kept");
			loop_end(&loop);
		}
}

/*
 * The copy of `text` that the script passes on, with our mark, as somebody else sends it back:
 * without what only a stored one has.
 */
static char *
passed_on(Loop *loop, const char *script, const char *text)
{
	delivery_world_set(&loop->world, "submit = smtp:unix:@/smtp\n");
	scratch_write(loop->world.dir, "sieve", script);
	scratch_write(loop->world.dir, "sent", "");
	pid_t peer = smtp_peer_begin(loop->world.dir, NULL);
	assert_true(arrive(loop, text));
	smtp_peer_end(peer);

	g_autofree char *sent = smtp_peer_sent(loop->world.dir);
	const char *head = strstr(strstr(sent, "RCPT TO"), "\r\n") + 2;
	GString *copy = g_string_new(head);
	g_string_replace(copy, "\r\n", "\n", 0);
	return g_string_free(copy, FALSE);
}

/*
 * Only passed on, and proven: the rules run, and if they would only pass it on again, it is a
 * loop.
 */
static void
test_what_was_passed_on_comes_back(void **state)
{
	(void) state;
	static const struct {
		const char *settings, *script;
		StatusId want;
		const char *folder;
		unsigned copies;
	} rows[] = {
		{ "", forward, STATUS_LOOP, NULL, 0 },
		{ "loop_action = defer\n", forward, STATUS_LOOP_DEFER, NULL, 0 },
		{ "loop_action = keep\n", forward, STATUS_OK, "INBOX", 1 },
		{ "loop_action = notice\n", forward, STATUS_OK, "INBOX", 2 },
		{ "loop_action = file\n", forward, STATUS_OK, "Loops", 0 },
		{ "loop_action = file\nloop_folder = Circles\n", forward, STATUS_OK, "Circles", 0 },
		{ "", "keep;\n", STATUS_OK, "INBOX", 1 },
		{ "", "discard;\n", STATUS_OK, NULL, 0 },
		{ "", "require \"copy\"; redirect :copy \"b@y.test\";\n", STATUS_SUBMIT, NULL, 1 },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		Loop loop;
		loop_begin(&loop, NULL, NULL);
		g_autofree char *copy = passed_on(&loop, forward, mail);
		delivery_world_set(&loop.world, rows[i].settings);
		scratch_write(loop.world.dir, "sieve", rows[i].script);
		bool done = arrive(&loop, copy);
		if (loop.world.st.id != rows[i].want)
			fail_msg("row %zu: %s, %s", i, status_text(&loop.world.st),
			         loop.world.st.detail);
		assert_int_equal(done, rows[i].want == STATUS_OK);
		delivery_check_log(&loop.world, "loop", "passed");
		if (rows[i].folder != NULL)
			delivery_check_log(&loop.world, "folder", rows[i].folder);
		assert_int_equal(count(&loop, ""), rows[i].copies);
		if (strstr(rows[i].settings, "notice") != NULL) {
			g_autofree char *record = delivery_world_recorded(&loop.world);
			assert_non_null(
				strstr(record, "\"told\":[\"Mail that you forward comes back\"]"));
		}
		loop_end(&loop);
	}
}

/* Of loops the owner hears once a day, whichever mail comes back. */
static void
test_notice_of_the_day(void **state)
{
	(void) state;
	Loop loop;
	loop_begin(&loop, NULL, NULL);
	static const struct {
		gint64 later;
		unsigned mails; /* new ones, the notice counted */
	} rows[] = { { 0, 2 }, { 60, 1 }, { DAY, 2 } };
	char *copies[G_N_ELEMENTS(rows)];
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *text = g_strdup_printf("Message-ID: <%zu@x.test>\n\nbody\n", i);
		copies[i] = passed_on(&loop, forward, text);
	}

	delivery_world_set(&loop.world, "loop_action = notice\n");
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		loop.world.now += rows[i].later;
		unsigned before = count(&loop, "");
		assert_true(arrive(&loop, copies[i]));
		delivery_check_log(&loop.world, "loop", "passed");
		assert_int_equal(count(&loop, "") - before, rows[i].mails);
		g_free(copies[i]);
	}
	loop_end(&loop);
}

/* A try that was refused as a loop is the last: rules that keep it now come too late. */
static void
test_after_a_refusal(void **state)
{
	(void) state;
	Loop loop;
	loop_begin(&loop, NULL, NULL);
	g_autofree char *copy = passed_on(&loop, forward, mail);
	assert_false(arrive(&loop, copy));
	assert_int_equal(loop.world.st.id, STATUS_LOOP);
	scratch_write(loop.world.dir, "sieve", "keep;\n");
	assert_false(arrive(&loop, copy));
	assert_int_equal(loop.world.st.id, STATUS_LOOP);
	loop_end(&loop);
}

/* A copy that went on while one was kept here comes back: whoever has the mail is not failed. */
static void
test_a_copy_comes_back(void **state)
{
	(void) state;
	Loop loop;
	loop_begin(&loop, NULL, NULL);
	g_autofree char *copy = passed_on(&loop, "require \"copy\"; redirect :copy \"b@y.test\";\n",
	                                  mail);
	assert_int_equal(count(&loop, ""), 1);
	assert_true(arrive(&loop, copy));
	assert_string_equal(loop.world.done, "not stored again, it is in INBOX");
	delivery_check_log(&loop.world, "loop", "kept");
	g_autofree char *record = delivery_world_recorded(&loop.world);
	assert_non_null(strstr(record, "\"loop\":{\"kind\":\"kept\""));
	assert_int_equal(count(&loop, ""), 1);
	loop_end(&loop);
}

/* It came back, and nobody knows of a copy: delivered so often, then as the setting says. */
static void
test_return_limit(void **state)
{
	(void) state;
	static const struct {
		const char *settings;
		unsigned limit;
		StatusId want;
		const char *folder;
	} rows[] = {
		{ "", 1, STATUS_OK, "Loops" },
		{ "return_limit = 2\n", 2, STATUS_OK, "Loops" },
		{ "return_limit = 0\n", 0, STATUS_OK, "Loops" },
		{ "return_action = deliver\n", 1, STATUS_OK, "INBOX" },
		{ "return_action = discard\n", 1, STATUS_OK, NULL },
		{ "return_action = bounce\n", 1, STATUS_LOOP, NULL },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		Loop loop;
		loop_begin(&loop, rows[i].settings, NULL);
		assert_true(arrive(&loop, mail));
		g_autofree char *copy = delivery_world_stored(&loop.world, "");
		delivery_world_empty(&loop.world, "");
		for (unsigned n = 0; n < rows[i].limit; n++) {
			assert_true(arrive(&loop, copy));
			delivery_check_log(&loop.world, "loop", "returned");
			delivery_check_log(&loop.world, "folder", "INBOX");
			delivery_world_empty(&loop.world, "");
		}

		assert_int_equal(arrive(&loop, copy), rows[i].want == STATUS_OK);
		assert_int_equal(loop.world.st.id, rows[i].want);
		delivery_check_log(&loop.world, "loop", "returned-often");
		delivery_check_log(&loop.world, "folder", rows[i].folder);
		g_autofree char *record = delivery_world_recorded(&loop.world);
		g_autofree char *returns = g_strdup_printf("\"returns\":%u", rows[i].limit + 1);
		if (strstr(record, returns) == NULL)
			fail_msg("row %zu: %s", i, record);
		loop_end(&loop);
	}
}

/* What a rule disposed of is not wanted when it comes back. */
static void
test_disposed_of(void **state)
{
	(void) state;
	Loop loop;
	loop_begin(&loop, NULL, NULL);
	g_autofree char *copy = passed_on(
		&loop, "require \"copy\"; redirect :copy \"b@y.test\"; discard;\n", mail);
	delivery_world_set(&loop.world, "");
	assert_true(arrive(&loop, copy));
	delivery_check_log(&loop.world, "loop", "disposed");
	delivery_check_log(&loop.world, "code", "T004");
	assert_string_equal(loop.world.done, "not stored again, a rule disposed of it before");
	g_autofree char *record = delivery_world_recorded(&loop.world);
	assert_non_null(strstr(record, "\"done\":[{\"action\":\"here\"}]"));

	/* Another body is another mail. */
	g_autoptr(GString) other = g_string_new(copy);
	g_string_replace(other, "body", "other", 0);
	scratch_write(loop.world.dir, "sieve", "keep;\n");
	assert_true(arrive(&loop, other->str));
	assert_int_equal(count(&loop, ""), 1);
	loop_end(&loop);
}

/*
 * A mark proves a loop for so long, and while the state is there; where it proves nothing the mail
 * is passed on again, for which no server listens here.
 */
static void
test_what_a_mark_is_worth(void **state)
{
	(void) state;
	static const struct {
		const char *settings, *lost;
		gint64 later;
		StatusId want;
	} rows[] = {
		{ "", NULL, 0, STATUS_LOOP },
		{ "", NULL, 30 * DAY - 60, STATUS_LOOP },
		{ "mark_lifetime = 1h\n", NULL, HOUR - 60, STATUS_LOOP },
		{ "mark_lifetime = 1h\n", NULL, HOUR + 60, STATUS_SUBMIT },
		{ "", "mail/ann/todoke-state/marks", 0, STATUS_SUBMIT },
		{ "", "mail/ann/todoke-state/mark.keys", 0, STATUS_SUBMIT },
		{ "add_mark = no\n", NULL, 0, STATUS_SUBMIT },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		Loop loop;
		loop_begin(&loop, NULL, NULL);
		g_autofree char *copy = passed_on(&loop, forward, mail);
		if (rows[i].lost != NULL)
			scratch_write(loop.world.dir, rows[i].lost, "");
		delivery_world_set(&loop.world, rows[i].settings);
		loop.world.now += rows[i].later;
		assert_false(arrive(&loop, copy));
		if (loop.world.st.id != rows[i].want)
			fail_msg("row %zu: %s, %s", i, status_text(&loop.world.st),
			         loop.world.st.detail);
		loop_end(&loop);
	}
}

/*
 * The owner's key is made at the first delivery, and signs from then on; the site's where it says.
 */
static void
test_keys(void **state)
{
	(void) state;
	Loop loop;
	loop_begin(&loop, NULL, NULL);
	assert_true(arrive(&loop, mail));
	g_autofree char *first = delivery_world_stored(&loop.world, "");
	g_autofree char *key = scratch_read(loop.world.dir, "mail/ann/todoke-state/mark.keys");
	assert_non_null(key);
	delivery_world_empty(&loop.world, "");
	assert_true(arrive(&loop, mail));
	g_autofree char *second = delivery_world_stored(&loop.world, "");
	const char *one = strstr(first, "; k="), *other = strstr(second, "; k=");
	assert_memory_equal(one, other, strcspn(one + 2, ";") + 2);
	delivery_world_empty(&loop.world, "");

	scratch_write(loop.world.dir, "site.key",
	              "k1 1111111111111111111111111111111111111111111111111111111111111111\n");
	delivery_world_set(&loop.world, "mark_key = site\n");
	assert_true(arrive(&loop, mail));
	g_autofree char *third = delivery_world_stored(&loop.world, "");
	assert_non_null(strstr(third, "X-Todoke-Mark: v=2; k=k1; a=stored;"));
	delivery_world_empty(&loop.world, "");

	delivery_world_set(&loop.world, "add_mark = no\n");
	assert_true(arrive(&loop, mail));
	g_autofree char *none = delivery_world_stored(&loop.world, "");
	assert_null(strstr(none, "X-Todoke-Mark"));
	loop_end(&loop);
}

/* Where no key can be made the mail has no mark, and the log says why. */
static void
test_no_key(void **state)
{
	(void) state;
	Loop loop;
	loop_begin(&loop, "state_folder = @/message/state\n", NULL);
	assert_true(arrive(&loop, mail));
	g_autofree char *copy = delivery_world_stored(&loop.world, "");
	assert_null(strstr(copy, "X-Todoke-Mark"));
	g_autofree char *note = delivery_world_logged(&loop.world, "note");
	assert_true(g_str_has_prefix(note, "no mark: "));
	loop_end(&loop);
}

/* More hosts than the limit: a loop, whatever the rules say. */
static void
test_hops(void **state)
{
	(void) state;
	g_autoptr(GString) text = g_string_new(NULL);
	for (int i = 0; i < 5; i++)
		g_string_append(text, "Received: by x\n");
	g_string_append(text, mail);
	Loop loop;
	loop_begin(&loop, "hop_limit = 6\n", "discard;\n");
	assert_true(arrive(&loop, text->str));
	g_string_prepend(text, "Received: by y\n");
	assert_false(arrive(&loop, text->str));
	assert_int_equal(loop.world.st.id, STATUS_HOPS);
	delivery_check_log(&loop.world, "loop", "hops");
	delivery_check_log(&loop.world, "dsn", "5.4.6");
	loop_end(&loop);
}

/* With add_reason mail that is kept in spite of a loop says so; other mail says its own reason. */
static void
test_reason_of_a_loop(void **state)
{
	(void) state;
	static const char stamped[] =
		"Delivered-To: ann@here.test\n"
		"Received: from y.test by here.test (Postfix) with ESMTP id 4OLD; Thu, 3 Aug 2017 "
		"00:00:00 +0900\nSubject: x\n\nbody\n";
	Loop loop;
	loop_begin(&loop, "add_reason = yes\nloop_action = keep\n", "discard;\n");
	assert_true(arrive(&loop, stamped));
	g_autofree char *copy = delivery_world_stored(&loop.world, "");
	const char *reason = strstr(copy, "X-Todoke: ");
	assert_non_null(reason);
	assert_non_null(strstr(reason, "stamped"));
	delivery_world_empty(&loop.world, "");
	scratch_write(loop.world.dir, "sieve", "keep;\n");
	assert_true(arrive(&loop, mail));
	g_autofree char *plain = delivery_world_stored(&loop.world, "");
	assert_non_null(strstr(plain, "X-Todoke: "));
	assert_null(strstr(plain, "loop"));
	loop_end(&loop);
}

/* A line of this host that nobody fetched is a loop; the record has the evidence, with its text. */
static void
test_evidence(void **state)
{
	(void) state;
	static const char stamped[] =
		"Delivered-To: ann@here.test\n"
		"Received: from y.test by here.test (Postfix) with ESMTP id 4OLD; Thu, 3 Aug 2017 "
		"00:00:00 +0900\nSubject: x\n\nbody\n";
	Loop loop;
	loop_begin(&loop, NULL, NULL);
	assert_false(arrive(&loop, stamped));
	assert_int_equal(loop.world.st.id, STATUS_LOOP);
	delivery_check_log(&loop.world, "loop", "stamped");
	g_autofree char *record = delivery_world_recorded(&loop.world);
	assert_non_null(
		strstr(record, "\"loop\":{\"kind\":\"stamped\",\"answer\":\"loop\",\"why\":\""));
	if (strstr(record,
	           "\"evidence\":[{\"line\":4,\"writer\":\"this host, earlier\",\"how\":\"") ==
	    NULL)
		fail_msg("%s", record);
	assert_non_null(strstr(record, "\"text\":\"Delivered-To: ann@here.test\"}]"));

	delivery_world_set(&loop.world, "record_values = no\n");
	assert_false(arrive(&loop, stamped));
	g_autofree char *without = delivery_world_recorded(&loop.world);
	assert_non_null(strstr(without, "\"evidence\":[{\"line\":4,"));
	assert_null(strstr(without, "Delivered-To: ann@here.test\"}]"));
	loop_end(&loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_stored_copy_comes_back),
		cmocka_unit_test(test_an_edited_copy_comes_back),
		cmocka_unit_test(test_what_was_passed_on_comes_back),
		cmocka_unit_test(test_notice_of_the_day),
		cmocka_unit_test(test_after_a_refusal),
		cmocka_unit_test(test_a_copy_comes_back),
		cmocka_unit_test(test_return_limit),
		cmocka_unit_test(test_disposed_of),
		cmocka_unit_test(test_what_a_mark_is_worth),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_no_key),
		cmocka_unit_test(test_hops),
		cmocka_unit_test(test_evidence),
		cmocka_unit_test(test_reason_of_a_loop),
	};
	return _cmocka_run_group_tests("transact-loop", tests, G_N_ELEMENTS(tests), NULL, NULL);
}

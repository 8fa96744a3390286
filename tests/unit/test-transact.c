/* SPDX-License-Identifier: MIT */
/* One message for one recipient: what is stored, answered, logged and recorded. */
#include "agent/run/transact.h"

#include "tests/lib/delivery-check.h"
#include "tests/lib/scratch.h"
#include "tests/unit/unit.h"

#include <jansson.h>
#include <string.h>

static const char mail[] = "From: A <a@x.test>\nTo: ann@here.test\nSubject: hello\n"
			   "Message-ID: <1@x.test>\n\nbody\n";

/* What the log says, key after key; a value of "-": the key is not there. */
static void
check_log(const DeliveryWorld *world, const char *const (*pairs)[2])
{
	for (size_t i = 0; pairs[i][0] != NULL; i++)
		delivery_check_log(world, pairs[i][0],
		                   strcmp(pairs[i][1], "-") == 0 ? NULL : pairs[i][1]);
}

/* A member of the last line of the record, as JSON without blanks; "-": there is none. */
static void
check_recorded(const DeliveryWorld *world, const char *member, const char *want)
{
	g_autofree char *line = delivery_world_recorded(world);
	json_t *record = json_loads(line, 0, NULL), *value = json_object_get(record, member);
	char *text = value != NULL ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	if (strcmp(text != NULL ? text : "-", want) != 0)
		fail_msg("%s is %s, not %s", member, text, want);
	free(text);
	json_decref(record);
}

static void
test_log_of_what_is_known(void **state)
{
	(void) state;
	DeliveryWorld world;
	delivery_world_init(&world, "durability = full\n", NULL);
	world.envelope->original = g_strdup("info@here.test");
	world.envelope->origin_id = g_strdup("4ORIGIN7");

	assert_true(delivery_world_deliver(&world, mail));
	assert_string_equal(world.done, "stored in INBOX");
	check_log(&world, (const char *const[][2]){ { "to", "ann@here.test" },
	                                            { "orig_to", "info@here.test" },
	                                            { "from", "a@x.test" },
	                                            { "user", "ann@here.test" },
	                                            { "message-id", "<1@x.test>" },
	                                            { "origin_id", "4ORIGIN7" },
	                                            { "delay", "0.250" },
	                                            { "dsn", "2.0.0" },
	                                            { "status", "sent" },
	                                            { "code", "T001" },
	                                            { "action", "keep" },
	                                            { "folder", "INBOX" },
	                                            { "size", "81" },
	                                            { "action2", "-" },
	                                            { "fault", "-" },
	                                            { "text", "-" },
	                                            { "loop", "-" },
	                                            { "rule", "-" },
	                                            { "note", "-" },
	                                            { "earlier", "-" },
	                                            { "durability", "-" },
	                                            { NULL, NULL } });
	check_recorded(&world, "door", "\"pipe\"");
	check_recorded(&world, "queue_id", "\"4ABC12\"");
	check_recorded(&world, "origin_id", "\"4ORIGIN7\"");
	check_recorded(&world, "message_id", "\"<1@x.test>\"");
	check_recorded(&world, "from", "\"a@x.test\"");
	check_recorded(&world, "to", "\"ann@here.test\"");
	check_recorded(&world, "orig_to", "\"info@here.test\"");
	check_recorded(&world, "user", "\"ann@here.test\"");
	check_recorded(&world, "size", "81");
	check_recorded(&world, "status", "\"sent\"");
	check_recorded(&world, "code", "\"T001\"");
	check_recorded(&world, "plan", "[{\"action\":\"keep\",\"implicit\":true}]");
	g_autofree char *record = delivery_world_recorded(&world);
	static const char *const stages[] = { "total", "judge", "read", "rules", "store", "send" };
	for (size_t i = 0; i < G_N_ELEMENTS(stages); i++) {
		g_autofree char *key = g_strdup_printf("\"%s\":", stages[i]);
		assert_non_null(strstr(strstr(record, "\"delay_us\":{"), key));
	}
	static const char *const absent[] = { "loop", "header_rules", "script",
		                              "held", "told",         "notes" };
	for (size_t i = 0; i < G_N_ELEMENTS(absent); i++)
		check_recorded(&world, absent[i], "-");
	delivery_world_clear(&world);
}

/*
 * The id that people are told: of the queue file, as the door or the newest Received line says it.
 */
static void
test_ids(void **state)
{
	(void) state;
	static const struct {
		const char *queue_id, *origin_id, *head, *want;
	} rows[] = {
		{ "4ABC12", "4ORIGIN", "", "4ABC12" },
		{ NULL, NULL, "", NULL },
		{ NULL, "4F0123456", "", "4F0123456" },
		{ NULL, "no id", "", NULL },
		{ NULL, "4F0123456",
		  "Received: from x.test by here.test (Postfix) with ESMTP id 4BCDEF1234\n"
		  "\tfor <ann@here.test>; Thu, 3 Aug 2017 00:00:00 +0900\n",
		  "4BCDEF1234" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		DeliveryWorld world;
		delivery_world_init(&world, NULL, NULL);
		g_free(world.envelope->queue_id);
		world.envelope->queue_id = g_strdup(rows[i].queue_id);
		world.envelope->origin_id = g_strdup(rows[i].origin_id);
		g_autofree char *text = g_strconcat(rows[i].head, mail, NULL);
		assert_true(delivery_world_deliver(&world, text));
		if (g_strcmp0(world.id, rows[i].want) != 0)
			fail_msg("row %zu: %s", i, world.id);

		/* Under whatever id: the record knows the body, by its length and its hash. */
		g_autofree char *record = delivery_world_recorded(&world);
		assert_non_null(strstr(record, "\"body\":\"5."));
		delivery_world_clear(&world);
	}
}

/* Several actions are numbered from the second on; the rule is that of the first. */
static void
test_two_copies(void **state)
{
	(void) state;
	DeliveryWorld world;
	delivery_world_init(&world, "durability = file\n",
	                    "require [\"copy\", \"fileinto\", \"imap4flags\"];\n"
	                    "if header :contains \"subject\" \"hell\" {\n"
	                    "  fileinto :copy :flags [\"\\\\Seen\", \"work\"] \"Work\";\n"
	                    "}\n"
	                    "keep;\n");
	assert_true(delivery_world_deliver(&world, mail));
	assert_string_equal(world.done, "stored in Work, stored in INBOX");

	g_autofree char *script = g_build_filename(world.dir, "sieve", NULL);
	g_autofree char *place = g_strconcat(script, ":3", NULL);
	check_log(&world, (const char *const[][2]){ { "action", "fileinto" },
	                                            { "folder", "Work" },
	                                            { "action2", "keep" },
	                                            { "folder2", "INBOX" },
	                                            { "action3", "-" },
	                                            { "script", script },
	                                            { "by", place },
	                                            { "durability", "file" },
	                                            { NULL, NULL } });

	g_autofree char *name = g_strdup_printf("\"%s\"", script);
	check_recorded(&world, "script", name);
	g_autofree char *plan = g_strdup_printf(
		"[{\"action\":\"fileinto\",\"at\":\"%s:3\",\"target\":\"Work\",\"flags\":[\"\\\\Seen\","
		"\"work\"],\"copy\":true,\"test\":{\"line\":2,"
		"\"name\":\"header\",\"field\":\"Subject\",\"match\":\"contains\",\"key\":\"hell\","
		"\"value\":\"hello\"}},{\"action\":\"keep\",\"at\":\"%s:5\"}]",
		script, script);
	check_recorded(&world, "plan", plan);
	delivery_world_clear(&world);
}

/* The sender may read by which rule, and no path. */
static void
test_discarded(void **state)
{
	(void) state;
	DeliveryWorld world;
	delivery_world_init(&world, NULL, "discard;\n");
	assert_true(delivery_world_deliver(&world, mail));
	assert_string_equal(world.done, "discarded by sieve:1");
	check_log(&world, (const char *const[][2]){ { "code", "T003" },
	                                            { "action", "discard" },
	                                            { "folder", "-" },
	                                            { NULL, NULL } });
	assert_int_equal(delivery_world_count(&world, ""), 0);
	delivery_world_clear(&world);
}

/* What the mail itself says stays out of the record where record_values says so. */
static void
test_record_without_values(void **state)
{
	(void) state;
	DeliveryWorld world;
	delivery_world_init(&world, "record_values = no\nsieve_before = @/before\n",
	                    "if header :is \"subject\" \"hello\" { keep; }\n");
	scratch_write(world.dir, "before", "require \"nonsense\";\n");
	assert_true(delivery_world_deliver(&world, mail));
	g_autofree char *line = delivery_world_recorded(&world);
	assert_non_null(strstr(line, "\"test\":{\"line\":1"));
	assert_null(strstr(line, "\"value\""));
	assert_null(strstr(line, "\"notes\""));

	delivery_world_set(&world, "sieve_before = @/before\n");
	assert_true(delivery_world_deliver(&world, mail));
	g_free(g_steal_pointer(&line));
	line = delivery_world_recorded(&world);
	assert_non_null(strstr(line, "\"value\":\"hello\""));
	assert_non_null(strstr(line, "\"notes\":[\""));
	delivery_check_log(&world, "code", "T002");
	delivery_world_clear(&world);
}

static void
test_no_record(void **state)
{
	(void) state;
	DeliveryWorld world;
	delivery_world_init(&world, "record = no\n", NULL);
	assert_true(delivery_world_deliver(&world, mail));
	assert_null(delivery_world_recorded(&world));

	/* A record that cannot be written is a note, and the mail is delivered. */
	delivery_world_set(&world, "record_file = @/message/record\n");
	assert_true(delivery_world_deliver(&world, mail));
	g_autofree char *note = delivery_world_logged(&world, "note");
	assert_true(g_str_has_prefix(note, "no record: "));
	delivery_world_clear(&world);
}

/* Who refuses says so in all places: the answer, the log, the record. */
static void
test_refused(void **state)
{
	(void) state;
	DeliveryWorld world;
	delivery_world_init(&world, NULL, "require \"reject\";\nreject \"not here\";\n");
	assert_false(delivery_world_deliver(&world, mail));
	assert_int_equal(world.st.id, STATUS_RULE_REFUSED);
	check_log(&world, (const char *const[][2]){ { "status", "bounced" },
	                                            { "dsn", "5.7.1" },
	                                            { "fault", "rule-refused" },
	                                            { "text", "not here" },
	                                            { NULL, NULL } });
	check_recorded(&world, "status", "\"bounced\"");
	check_recorded(&world, "dsn", "\"5.7.1\"");
	assert_int_equal(delivery_world_count(&world, ""), 0);

	/* One line, whatever the script says. */
	scratch_write(world.dir, "sieve",
	              "require \"reject\"; reject \"one\r\n\t two\x07three\r\n\";\n");
	assert_false(delivery_world_deliver(&world, mail));
	assert_string_equal(status_text(&world.st), "one two three");

	delivery_world_set(&world, "message_size_limit = 80\n");
	assert_false(delivery_world_deliver(&world, mail));
	assert_int_equal(world.st.id, STATUS_TOO_BIG);
	delivery_world_set(&world, "mailbox_state = held\n");
	assert_false(delivery_world_deliver(&world, mail));
	check_log(&world, (const char *const[][2]){ { "status", "deferred" },
	                                            { "dsn", "4.2.1" },
	                                            { "fault", "held" },
	                                            { NULL, NULL } });
	check_recorded(&world, "status", "\"deferred\"");
	delivery_world_clear(&world);
}

/* What this hop has written is not written twice; what an earlier one wrote is no reason. */
static void
test_stamps(void **state)
{
	(void) state;
	static const struct {
		const char *settings, *head, *sender, *want;
	} rows[] = {
		{ "", "", "a@x.test", "Return-Path: <a@x.test>\nDelivered-To: ann@here.test\n" },
		{ "", "", "", "Return-Path: <>\nDelivered-To: ann@here.test\n" },
		{ "", "", "MAILER-DAEMON", "Return-Path: <>\nDelivered-To: ann@here.test\n" },
		{ "add_original_to = yes\n", "", "a@x.test",
		  "Return-Path: <a@x.test>\nX-Original-To: info@here.test\nDelivered-To: ann@here.test\n" },
		{ "add_return_path = no\nadd_delivered_to = no\n", "", "a@x.test", "" },
		{ "add_original_to = yes\n",
		  "Return-Path: <b@x.test>\nX-Original-To: b@x.test\nDelivered-To: b@x.test\n"
		  "Received: from x.test by here.test; Thu, 3 Aug 2017 00:00:00 +0900\n",
		  "a@x.test", "" },
		{ "add_original_to = yes\n",
		  "Received: from x.test by here.test; Thu, 3 Aug 2017 00:00:00 +0900\n"
		  "Return-Path: <b@x.test>\nX-Original-To: b@x.test\nDelivered-To: b@x.test\n",
		  "a@x.test",
		  "Return-Path: <a@x.test>\nX-Original-To: info@here.test\nDelivered-To: ann@here.test\n" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		DeliveryWorld world;
		g_autofree char *settings = g_strconcat("add_mark = no\n", rows[i].settings, NULL);
		delivery_world_init(&world, settings, NULL);
		world.envelope->original = g_strdup("info@here.test");
		g_free(world.envelope->sender);
		world.envelope->sender = g_strdup(rows[i].sender);
		g_autofree char *text = g_strconcat(rows[i].head, mail, NULL);
		assert_true(delivery_world_deliver(&world, text));

		g_autofree char *want = g_strconcat(rows[i].want, text, NULL);
		g_autofree char *got = delivery_world_stored(&world, "");
		assert_string_equal(got, want);
		delivery_world_clear(&world);
	}
}

/* user+detail: into that folder if the setting says so and no rule says otherwise. */
static void
test_detail_folder(void **state)
{
	(void) state;
	static const struct {
		const char *settings, *recipient, *folder, *script;
		bool is_there;
		const char *want;
	} rows[] = {
		{ "", "ann+Work@here.test", NULL, NULL, true, "INBOX" },
		{ "detail_folder = existing\n", "ann+Work@here.test", NULL, NULL, true, "Work" },
		{ "detail_folder = existing\n", "ann+Work@here.test", NULL, NULL, false, "INBOX" },
		{ "detail_folder = create\n", "ann+Work@here.test", NULL, NULL, false, "Work" },
		{ "detail_folder = create\ncreate_folders = no\n", "ann+Work@here.test", NULL, NULL,
		  false, "Work" },
		{ "detail_folder = create\n", "ann@here.test", NULL, NULL, false, "INBOX" },
		{ "detail_folder = create\n", "ann+@here.test", NULL, NULL, false, "INBOX" },
		{ "detail_folder = create\n", "ann+Work@here.test", "Door", NULL, true, "Door" },
		{ "detail_folder = create\n", "ann+Work@here.test", NULL,
		  "require \"fileinto\"; fileinto \"Other\";\n", true, "Other" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		DeliveryWorld world;
		delivery_world_init(&world, rows[i].settings, rows[i].script);
		if (rows[i].is_there) {
			g_free(world.envelope->recipient);
			world.envelope->recipient = g_strdup("ann@here.test");
			world.folder = "Work";
			assert_true(delivery_world_deliver(&world, mail));
			delivery_world_empty(&world, ".Work");
		}
		g_free(world.envelope->recipient);
		world.envelope->recipient = g_strdup(rows[i].recipient);
		world.folder = rows[i].folder;
		assert_true(delivery_world_deliver(&world, mail));
		delivery_check_log(&world, "folder", rows[i].want);
		delivery_world_clear(&world);
	}
}

/* A second copy: settings say what becomes of it, by what it is known, and for how long. */
static void
test_duplicates(void **state)
{
	(void) state;
	static const char other_body[] = "From: A <a@x.test>\nTo: ann@here.test\nSubject: hello\n"
					 "Message-ID: <1@x.test>\n\nanother body\n";
	static const char nameless[] = "From: A <a@x.test>\nTo: ann@here.test\n\nbody\n";
	enum { WEEK = 7 * 86400 };
	static const struct {
		const char *settings, *first, *second;
		gint64 later;
		const char *want;
	} rows[] = {
		{ "", mail, mail, 1, "stored in INBOX" },
		{ "duplicates = discard\n", mail, mail, 1, "stored in INBOX" }, /* not fetched */
		{ "duplicates = discard\nduplicates_of = all\n", mail, mail, 1, "discarded" },
		{ "duplicates = discard\nduplicates_of = all\n", mail, mail, WEEK - 1,
		  "discarded" },
		{ "duplicates = discard\nduplicates_of = all\n", mail, mail, WEEK + 1,
		  "stored in INBOX" },
		{ "duplicates = file\nduplicates_of = all\n", mail, mail, 1,
		  "stored in Duplicates" },
		{ "duplicates = flag\nduplicates_of = all\n", mail, mail, 1, "stored in INBOX" },
		{ "duplicates = discard\nduplicates_of = all\n", mail, other_body, 1,
		  "stored in INBOX" },
		{ "duplicates = discard\nduplicates_of = all\nduplicates_by = message-id\n", mail,
		  other_body, 1, "discarded" },
		{ "duplicates = discard\nduplicates_of = all\n", nameless, nameless, 1,
		  "stored in INBOX" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		DeliveryWorld world;
		delivery_world_init(&world, rows[i].settings, NULL);
		assert_true(delivery_world_deliver(&world, rows[i].first));
		assert_string_equal(world.done, "stored in INBOX");
		delivery_check_log(&world, "note", NULL);

		world.now += rows[i].later;
		g_free(world.envelope->queue_id);
		world.envelope->queue_id = g_strdup("4ABC13");
		assert_true(delivery_world_deliver(&world, rows[i].second));
		assert_string_equal(world.done, rows[i].want);
		bool is_second = strcmp(rows[i].want, "stored in INBOX") != 0 ||
		                 strstr(rows[i].settings, "flag") != NULL;
		g_autofree char *note = delivery_world_logged(&world, "note");
		assert_int_equal(note != NULL && g_str_has_prefix(note, "a second copy"),
		                 is_second);
		delivery_world_clear(&world);
	}
}

/* A retry of one arrival is no second copy of it. */
static void
test_retry_is_no_duplicate(void **state)
{
	(void) state;
	DeliveryWorld world;
	delivery_world_init(&world, "duplicates = discard\nduplicates_of = all\n",
	                    "require \"reject\"; reject \"no\";\n");
	assert_false(delivery_world_deliver(&world, mail));
	scratch_write(world.dir, "sieve", "keep;\n");
	assert_true(delivery_world_deliver(&world, mail));
	assert_string_equal(world.done, "stored in INBOX");
	delivery_world_clear(&world);
}

static const char rules[] =
	"rule \"tag\" { header = X-Tag match = any action = strip }\n"
	"rule \"old\" { header = X-Old match = any action = rename to = X-Older }\n"
	"rule \"list\" { header = List-Id match = /work/ action = file to = Lists }\n"
	"rule \"bad\" { header = X-Bad match = any action = bounce }\n"
	"rule \"wait\" { header = X-Wait match = any action = defer }\n";

static void
test_header_rules(void **state)
{
	(void) state;
	DeliveryWorld world;
	delivery_world_init(&world, rules, "discard;\n");
	assert_true(delivery_world_deliver(
		&world, "X-Tag: 1\nX-Old: 2\nList-Id: <work.x.test>\nSubject: x\n\nb\n"));
	assert_string_equal(world.done, "stored in Lists");
	check_log(&world, (const char *const[][2]){ { "rule", "tag (strip, line 1)" },
	                                            { "rule2", "old (rename, line 2)" },
	                                            { "rule3", "list (file, line 3)" },
	                                            { "action", "fileinto" },
	                                            { "folder", "Lists" },
	                                            { "script", "-" },
	                                            { NULL, NULL } });
	check_recorded(&world, "header_rules",
	               "[{\"rule\":\"tag\",\"action\":\"strip\",\"line\":1},"
	               "{\"rule\":\"old\",\"action\":\"rename\",\"line\":2},"
	               "{\"rule\":\"list\",\"action\":\"file\",\"line\":3}]");
	g_autofree char *stored = delivery_world_stored(&world, ".Lists");
	assert_non_null(strstr(stored, "\nX-Older: 2\nList-Id: <work.x.test>\nSubject: x\n\nb\n"));
	assert_null(strstr(stored, "X-Tag"));

	assert_false(delivery_world_deliver(&world, "X-Bad: 1\n\nb\n"));
	assert_int_equal(world.st.id, STATUS_RULE_REFUSED);
	assert_string_equal(status_text(&world.st),
	                    "refused by a rule: rule \"bad\" of this host matches X-Bad in line 1");

	delivery_check_log(&world, "rule", "bad (bounce, line 1)");
	assert_false(delivery_world_deliver(&world, "X-Wait: 1\n\nb\n"));
	assert_int_equal(world.st.id, STATUS_RULE_DEFER);
	assert_int_equal(delivery_world_count(&world, ""), 0);
	delivery_world_clear(&world);
}

/* The local part of a masked address is nowhere in the log, not even in what a script says. */
static void
test_masked(void **state)
{
	(void) state;
	DeliveryWorld world;
	delivery_world_init(&world,
	                    "log_masked = { to, orig_to, from, user, message-id, sent_to }\n",
	                    "require \"reject\"; reject \"ann@here.test info@here.test a@x.test "
	                    "<1@x.test>\";\n");
	world.envelope->original = g_strdup("info@here.test");
	assert_false(delivery_world_deliver(&world, mail));
	check_log(&world, (const char *const[][2]){ { "to", "*@here.test" },
	                                            { "orig_to", "*@here.test" },
	                                            { "from", "*@x.test" },
	                                            { "user", "*@here.test" },
	                                            { "message-id", "<*@x.test>" },
	                                            { NULL, NULL } });
	g_autofree char *log = scratch_read(world.dir, "log");
	static const char *const secrets[] = { "ann@", "info@", "a@x", "1@x" };
	for (size_t i = 0; i < G_N_ELEMENTS(secrets); i++)
		if (strstr(log, secrets[i]) != NULL)
			fail_msg("'%s' is in the log: %s", secrets[i], log);
	delivery_world_clear(&world);
}

/* The folder that a rule wanted cannot be had: the mail is in the INBOX, and all are told why. */
static void
test_gives_way(void **state)
{
	(void) state;
	DeliveryWorld world;
	delivery_world_init(&world, "create_folders = no\n",
	                    "require \"fileinto\"; fileinto \"Work\";\n");
	assert_true(delivery_world_deliver(&world, mail));
	assert_string_equal(world.done, "stored in INBOX instead of Work");
	check_log(&world, (const char *const[][2]){
				  { "code", "T002" }, { "folder", "INBOX" }, { NULL, NULL } });

	scratch_write(world.dir, "sieve", "require \"fileinto\"; fileinto \"inbox\";\n");
	assert_true(delivery_world_deliver(&world, mail));
	assert_string_equal(world.done, "stored in INBOX");
	delivery_world_clear(&world);
}

/* A retry repeats nothing, and says so. */
static void
test_retry_of_what_leaves(void **state)
{
	(void) state;
	DeliveryWorld world;
	delivery_world_init(&world, NULL,
	                    "require [\"copy\", \"fileinto\"]; fileinto :copy \"Work\";\n"
	                    "redirect \"b@y.test\";\n");
	for (int i = 0; i < 2; i++) {
		assert_false(delivery_world_deliver(&world, mail));
		assert_int_equal(world.st.id, STATUS_SUBMIT);
		delivery_check_log(&world, "status", "deferred");
		assert_int_equal(delivery_world_count(&world, ".Work"), 1);
		assert_int_equal(delivery_world_count(&world, ""), 0);
	}
	delivery_check_log(&world, "earlier", "yes");
	g_autofree char *line = delivery_world_recorded(&world);
	assert_non_null(strstr(line, "\"earlier\":true"));
	delivery_world_clear(&world);
}

/*
 * What rules have edited is a mail of its own where the INBOX stands in for its folder, at a retry,
 * too; the same mail lies there once.
 */
static void
test_edited_copies(void **state)
{
	(void) state;
	static const struct {
		const char *script;
		unsigned inbox, work;
	} rows[] = {
		{ "fileinto :copy \"a//b\"; keep;", 1, 0 },
		{ "addheader \"X-New\" \"1\"; fileinto :copy \"a//b\"; keep;", 1, 0 },
		{ "fileinto :copy \"a//b\"; addheader \"X-New\" \"1\"; keep;", 2, 0 },
		{ "fileinto :copy \"a//b\"; replace \"other\"; keep;", 2, 0 },
		{ "replace \"one\"; fileinto :copy \"a//b\"; addheader \"X-New\" \"1\"; keep;", 2,
		  0 },
		{ "addheader \"X-New\" \"1\"; fileinto :copy \"a//b\";"
		  "addheader \"X-New\" \"2\"; fileinto :copy \"c//d\"; keep;",
		  2, 0 },
		{ "fileinto :copy \"Work\"; addheader \"X-New\" \"1\"; keep;", 1, 1 },
		{ "fileinto :copy \"Work\"; addheader \"X-New\" \"1\"; fileinto \"a//b\";", 1, 1 },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		DeliveryWorld world;
		g_autofree char *script = g_strdup_printf("require [\"fileinto\", \"copy\", "
		                                          "\"editheader\", \"replace\"];\n%s\n",
		                                          rows[i].script),
				*text = g_strconcat(
					"Received: by x; Fri, 15 Jan 2027 08:00:00 +0000\n", mail,
					NULL);
		delivery_world_init(&world, NULL, script);
		for (int again = 0; again < 3; again++) {
			assert_true(delivery_world_deliver(&world, text));
			unsigned inbox = delivery_world_count(&world, ""),
				 work = delivery_world_count(&world, ".Work");
			if (inbox != rows[i].inbox || work != rows[i].work)
				fail_msg("row %zu, %d: %u and %u", i, again, inbox, work);
		}
		delivery_world_clear(&world);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log_of_what_is_known),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_two_copies),
		cmocka_unit_test(test_discarded),
		cmocka_unit_test(test_record_without_values),
		cmocka_unit_test(test_no_record),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_stamps),
		cmocka_unit_test(test_detail_folder),
		cmocka_unit_test(test_duplicates),
		cmocka_unit_test(test_retry_is_no_duplicate),
		cmocka_unit_test(test_header_rules),
		cmocka_unit_test(test_masked),
		cmocka_unit_test(test_gives_way),
		cmocka_unit_test(test_retry_of_what_leaves),
		cmocka_unit_test(test_edited_copies),
	};
	return _cmocka_run_group_tests("transact", tests, G_N_ELEMENTS(tests), NULL, NULL);
}

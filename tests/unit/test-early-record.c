/* SPDX-License-Identifier: MIT */
/* Mail that was answered before a delivery began: what its line says, and in which file. */
#include "agent/run/early-record.h"

#include "tests/lib/scratch.h"
#include "tests/unit/unit.h"

#include <jansson.h>
#include <string.h>

static void
check_value(const json_t *line, const char *key, const char *want)
{
	const char *got = json_string_value(json_object_get(line, key));
	if (g_strcmp0(got, want) != 0)
		fail_msg("%s is '%s', not '%s'", key, got, want);
}

static void
write_early(const char *folder, const EarlyMail *mail, StatusId id)
{
	Conf conf = *conf_default();
	g_autofree char *early = g_build_filename(folder, "early", NULL);
	conf.early_record_folder = early;
	g_auto(Status) st = STATUS_INIT;
	status_fail_detail(&st, id, "what the log says");
	early_record_write(&conf, mail, &st);
}

static void
test_all_that_is_known(void **state)
{
	(void) state;
	char *dir = scratch_new();
	const EarlyMail mail = { .door = DOOR_LMTP,
		                 .queue_id = "4ABC12",
		                 .origin_id = "4ORIGIN",
		                 .message_id = "<1@x.test>",
		                 .sender = "a@x.test",
		                 .recipient = "ann@here.test",
		                 .original = "info@here.test",
		                 .user = "ann" };
	write_early(dir, &mail, STATUS_TREE);
	g_autofree char *text = scratch_read(dir, "early/" EARLY_RECORD_OTHERS);
	json_t *line = json_loads(text, 0, NULL);
	static const char *const pairs[][2] = {
		{ "schema", "todoke.record/1" },
		{ "door", "lmtp" },
		{ "queue_id", "4ABC12" },
		{ "origin_id", "4ORIGIN" },
		{ "message_id", "<1@x.test>" },
		{ "from", "a@x.test" },
		{ "to", "ann@here.test" },
		{ "orig_to", "info@here.test" },
		{ "user", "ann" },
		{ "status", "deferred" },
		{ "dsn", "4.3.0" },
		{ "code", "T109" },
		{ "fault", "tree" },
		{ "detail", "what the log says" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++)
		check_value(line, pairs[i][0], pairs[i][1]);
	assert_true(json_is_number(json_object_get(line, "time")));
	assert_non_null(json_object_get(line, "text"));
	json_decref(line);
	scratch_remove(dir);
}

/* What strangers can cause at will stays apart. */
static void
test_file(void **state)
{
	(void) state;
	static const struct {
		StatusId id;
		const char *file, *other, *status;
	} rows[] = {
		{ STATUS_UNKNOWN_USER, EARLY_RECORD_UNKNOWN, EARLY_RECORD_OTHERS, "bounced" },
		{ STATUS_BAD_ADDRESS, EARLY_RECORD_UNKNOWN, EARLY_RECORD_OTHERS, "bounced" },
		{ STATUS_LOOKUP, EARLY_RECORD_OTHERS, EARLY_RECORD_UNKNOWN, "deferred" },
		{ STATUS_CONFIG, EARLY_RECORD_OTHERS, EARLY_RECORD_UNKNOWN, "deferred" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		char *dir = scratch_new();
		const EarlyMail mail = { .door = DOOR_PIPE, .recipient = "ann@here.test" };
		write_early(dir, &mail, rows[i].id);
		g_autofree char *file = g_build_filename("early", rows[i].file, NULL);
		g_autofree char *other = g_build_filename("early", rows[i].other, NULL);
		g_autofree char *text = scratch_read(dir, file), *none = scratch_read(dir, other);
		assert_null(none);
		json_t *line = json_loads(text, 0, NULL);
		check_value(line, "door", "pipe");
		check_value(line, "status", rows[i].status);
		json_decref(line);
		scratch_remove(dir);
	}
}

/* Any name of the mail is enough for a line; without one it would say nothing. */
static void
test_named(void **state)
{
	(void) state;
	static const struct {
		EarlyMail mail;
		bool is_written;
	} rows[] = {
		{ { .queue_id = "4ABC12" }, true },
		{ { .origin_id = "4ABC12" }, true },
		{ { .message_id = "<1@x.test>" }, true },
		{ { .recipient = "ann@here.test" }, true },
		{ { .sender = "a@x.test", .original = "b@x.test", .user = "ann" }, false },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		char *dir = scratch_new();
		write_early(dir, &rows[i].mail, STATUS_CONFIG);
		g_autofree char *text = scratch_read(dir, "early/" EARLY_RECORD_OTHERS);
		assert_int_equal(text != NULL, rows[i].is_written);
		scratch_remove(dir);
	}
}

/* Not where the settings want none, and not where the folder is none. */
static void
test_not_wanted(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_autofree char *early = g_build_filename(dir, "early", NULL);
	g_autofree char *in_a_file = g_build_filename(dir, "file", "early", NULL);
	scratch_write(dir, "file", "");
	const struct {
		const char *folder;
		bool record, is_written;
	} rows[] = {
		{ early, false, false },
		{ "", true, false },
		{ in_a_file, true, false },
		{ early, true, true },
	};
	const EarlyMail mail = { .door = DOOR_PIPE, .recipient = "ann@here.test" };
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		Conf conf = *conf_default();
		conf.early_record_folder = (char *) (uintptr_t) rows[i].folder;
		conf.record = rows[i].record;
		g_auto(Status) st = STATUS_INIT;
		status_fail_detail(&st, STATUS_CONFIG, "x");
		early_record_write(&conf, &mail, &st);
		g_autofree char *text = scratch_read(dir, "early/" EARLY_RECORD_OTHERS);
		assert_int_equal(text != NULL, rows[i].is_written);
	}
	scratch_remove(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_that_is_known),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_named),
		cmocka_unit_test(test_not_wanted),
	};
	return _cmocka_run_group_tests("early-record", tests, G_N_ELEMENTS(tests), NULL, NULL);
}

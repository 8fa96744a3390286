/* SPDX-License-Identifier: MIT */
/*
 * What becomes of the files beside a mailbox when the system says no, or when another process comes
 * in between.
 */
#define _GNU_SOURCE
#include "agent/state/id-cache.h"
#include "agent/state/ledger.h"
#include "agent/state/mark-history.h"
#include "agent/state/outage.h"
#include "agent/state/record-reader.h"
#include "agent/state/state-copy.h"
#include "agent/state/try-lock.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/base/outside.h"
#include "agent/message/mark.h"
#include "tests/lib/calls.h"
#include "tests/lib/scratch.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOW = 1700000000, DAY = 86400 };

static char *dir;

static int
set_up(void **state)
{
	(void) state;
	dir = scratch_new();
	return 0;
}

static int
tear_down(void **state)
{
	(void) state;
	(void) calls_end();
	scratch_remove(dir);
	return 0;
}

static char *
in_dir(const char *name)
{
	return g_build_filename(dir, name, NULL);
}

static void
check_list(const char *below, const char *want)
{
	g_autofree char *got = scratch_list(dir, below);
	assert_string_equal(got, want);
}

static void
check_file(const char *below, const char *want)
{
	g_autofree char *got = scratch_read(dir, below);
	assert_string_equal(got != NULL ? got : "(none)", want);
}

/* Somebody writes while the state is copied. */
static unsigned writes;

static void
write_state(void)
{
	g_autofree char *text = g_strnfill(++writes, 'n');
	scratch_write(dir, "s", text);
}

/* The same length, at another time. */
static void
write_as_long(void)
{
	g_autofree char *path = g_build_filename(dir, "s", NULL);
	const struct timespec times[2] = { { NOW, 0 }, { NOW + ++writes, 0 } };
	scratch_write(dir, "s", "new");
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void
test_copy_between_writes(void **state)
{
	(void) state;
	char *to = scratch_new();
	g_auto(Status) st = STATUS_INIT, busy = STATUS_INIT;
	scratch_write(dir, "s", "old");
	scratch_write(dir, "s-wal", "log");
	writes = 6;
	calls_meet("open", "/s-wal", 1, write_state); /* the file was read, its log not yet */
	calls_meet("openat", "/s-wal", 1, write_state);
	assert_true(state_copy(dir, "s", to, &st));
	assert_int_equal(calls_end(), 1);
	g_autofree char *copied = scratch_read(to, "s"), *now = scratch_read(dir, "s");
	assert_string_equal(copied, now);

	scratch_write(dir, "s", "old");
	calls_meet("open", "/s-wal", 1, write_as_long);
	calls_meet("openat", "/s-wal", 1, write_as_long);
	assert_true(state_copy(dir, "s", to, &st));
	assert_int_equal(calls_end(), 1);
	g_autofree char *again = scratch_read(to, "s");
	assert_string_equal(again, "new");

	calls_meet("open", "/s-wal", CALLS_EACH, write_state);
	calls_meet("openat", "/s-wal", CALLS_EACH, write_state);
	assert_false(state_copy(dir, "s", to, &busy));
	assert_int_equal(busy.id, STATUS_LOCKED);
	(void) calls_end();
	scratch_remove(to);
}

/* A line of the record that is longer or shorter with `text`. */
static bool
append_record(const char *path, const char *text, const RecordLineBounds *bounds)
{
	g_auto(Status) st = STATUS_INIT;
	g_auto(RecordLine) line = { 0 };
	record_line_init(&line);
	record_line_time(&line, "time", (gint64) NOW * G_USEC_PER_SEC);
	record_line_text(&line, "text", text);
	record_line_end(&line);
	return record_line_append(path, &line, bounds, &st);
}

/* A record that is a pipe is written to, and never put aside. */
static void
test_record_is_no_file(void **state)
{
	(void) state;
	const RecordLineBounds full = { NOW + DAY, -1, 1 };
	g_autofree char *path = in_dir("record");
	assert_int_equal(mkfifo(path, 0600), 0);
	auto_fd int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	assert_true(fd >= 0);
	for (unsigned i = 0; i < 400; i++) {
		char heard[1000];
		g_autofree char *text = g_strdup_printf("%u", i);
		assert_true(append_record(path, text, &full));
		assert_true(read(fd, heard, sizeof heard) > 0);
	}
	check_list(".", "record");
}

/* A record that cannot be opened or written is a fault, and leaves nothing open. */
static void
test_record_faults(void **state)
{
	(void) state;
	const RecordLineBounds wide = { NOW, G_MAXINT64, 365 * DAY };
	g_autofree char *path = in_dir("a/b/record");
	unsigned before = calls_open_descriptors();
	calls_break("write", NULL, CALLS_EACH, ENOSPC);
	assert_false(append_record(path, "x", &wide));
	assert_int_equal(calls_end(), 1);
	calls_break("open", "record", CALLS_EACH, EACCES);
	assert_false(append_record(path, "x", &wide));
	(void) calls_end();
	errno = ENOENT; /* of another call */
	assert_true(append_record(path, "x", &wide));
	assert_int_equal(calls_open_descriptors(), before);
	check_list("a/b", "record");
}

static bool
is_second(void *user, const char *text, size_t len)
{
	(void) user;
	return memmem(text, len, "\"second\"", strlen("\"second\"")) != NULL;
}

static bool
count_others(void *user, const char *text, size_t len)
{
	*(unsigned *) user += !is_second(NULL, text, len);
	return true;
}

/* How many lines of the record are not the one that shall be forgotten. */
static unsigned
others_in(const char *path)
{
	unsigned lines = 0;
	g_auto(Status) st = STATUS_INIT;
	assert_true(record_reader_run(path, NULL, count_others, &lines, &st));
	return lines;
}

/* Lines are not lost by a forgetting that fails, at whatever call. */
static void
test_forget_faults(void **state)
{
	(void) state;
	static const char *const calls[] = { "open", "read", "write", "rename", "unlink" };
	const RecordLineBounds wide = { NOW, G_MAXINT64, 365 * DAY };
	g_autofree char *path = in_dir("record"), *long_text = g_strnfill(1000, 'x');
	unsigned lines = 0, faults = 0;
	for (; lines < 3 * LIMIT_COPY_CHUNK / 1000; lines++)
		assert_true(append_record(path, long_text, &wide));

	unsigned before = calls_open_descriptors();
	for (size_t i = 0; i < G_N_ELEMENTS(calls); i++) {
		unsigned struck = 1;
		for (unsigned number = 1; struck > 0; number++) {
			g_auto(Status) st = STATUS_INIT;
			unsigned gone = 99;
			assert_true(append_record(path, "second", &wide));
			calls_break(calls[i], NULL, number, EIO);
			bool done = record_reader_forget(path, is_second, NULL, &gone, &st);
			struck = calls_end();
			assert_int_equal(done, st.id == STATUS_OK);
			assert_true(done ? gone >= 1 : gone == 99);
			assert_int_equal(others_in(path), lines);
			assert_int_equal(calls_open_descriptors(), before);
			faults += !done;
			if (done && struck == 0)
				check_list(".", "record.old");
		}
	}
	assert_true(faults > 15);
}

/* Where there is no folder there is nothing to forget; a folder that is closed is a fault. */
static void
test_forget_nothing(void **state)
{
	(void) state;
	g_autofree char *none = in_dir("none/record"), *below = in_dir("file/record"),
			*path = in_dir("record");
	g_auto(Status) st = STATUS_INIT;
	unsigned gone = 99;
	scratch_write(dir, "file", "");
	assert_true(record_reader_forget(none, is_second, NULL, &gone, &st));
	assert_int_equal(gone, 0);
	gone = 99;
	assert_true(record_reader_forget(below, is_second, NULL, &gone, &st));
	assert_int_equal(gone, 0);
	calls_break("open", dir, CALLS_EACH, EACCES);
	assert_false(record_reader_forget(path, is_second, NULL, &gone, &st));
	(void) calls_end();
	assert_int_equal(st.id, STATUS_NO_PERMISSION);
}

/* What a delivery wrote to the file after it was taken away is judged too. */
static char *record_path;

static void
append_late(void)
{
	const RecordLineBounds wide = { NOW, G_MAXINT64, 365 * DAY };
	g_autofree char *taken = g_strconcat(record_path, RECORD_FORGET, NULL);
	assert_true(append_record(taken, "second", &wide));
	assert_true(append_record(taken, "late", &wide));
}

static void
test_forget_late_lines(void **state)
{
	(void) state;
	const RecordLineBounds wide = { NOW, G_MAXINT64, 365 * DAY };
	g_autofree char *path = in_dir("record");
	g_auto(Status) st = STATUS_INIT;
	unsigned gone = 0;
	record_path = path;
	assert_true(append_record(path, "first", &wide));
	assert_true(append_record(path, "second", &wide));
	calls_meet("open", "record.new", 1, append_late);
	assert_true(record_reader_forget(path, is_second, NULL, &gone, &st));
	assert_int_equal(calls_end(), 1);
	assert_int_equal(gone, 2);
	assert_int_equal(others_in(path), 2);
}

static void
test_record_time(void **state)
{
	(void) state;
	static const struct {
		const char *text;
		gint64 want_us; /* 0: it says none */
	} rows[] = {
		{ "{\"schema\":\"todoke.record/1\",\"time\":5}", 5000000 },
		{ "{\"schema\":\"todoke.record/1\",\"time\":5.25,\"a\":1}", 5250000 },
		{ "{\"schema\":\"todoke.record/1\",\"tame\":5,\"time\":6}", 0 },
		{ "{\"schema\":\"todoke.record/1\",\"time\":", 0 },
		{ "{\"schema\":\"todoke.record/1\",\"time\":-7}", 0 },
		{ "{}", 0 },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		assert_int_equal(record_reader_time(rows[i].text, strlen(rows[i].text)),
		                 rows[i].want_us);
	}
}

/* An address is found wherever it stands, and only as a whole. */
static void
test_mentions(void **state)
{
	(void) state;
	static const struct {
		const char *record;
		bool want;
	} rows[] = {
		{ "{\"to\":\"ann@x.test\"}", true },
		{ "{\"to\":\"bob@x.test\",\"list\":[1,\"b\",\"<ANN@X.test>\"]}", true },
		{ "{\"list\":[[{\"a\":{\"b\":\"x ann@x.test.\"}}]]}", true },
		{ "{\"to\":\"ann@x.test.org\"}", false },
		{ "{\"to\":\"joann@x.test\"}", false },
		{ "{\"ann@x.test\":1,\"list\":[],\"no\":null}", false },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		json_t *record = json_loads(rows[i].record, 0, NULL);
		assert_non_null(record);
		assert_int_equal(record_reader_mentions(record, "Ann@x.test"), rows[i].want);
		assert_false(record_reader_mentions(record, ""));
		json_decref(record);
	}
}

/* The history of a mail is read from files only, and none of them stays open. */
static void
test_history(void **state)
{
	(void) state;
	static const BodyPrint print = { "5 00bbad8d328661683272ed8d949dba00" };
	static const char subject[] =
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	const MarkTag tag = { NOW, subject, &print, NULL, NULL };
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(GString) lines = g_string_new(NULL);
	mark_history_returned(lines, &tag);
	unsigned before = calls_open_descriptors();

	/* the folder is made once; an errno of another call makes nobody open the file twice */
	g_autofree char *folder = in_dir("deep/folder");
	errno = ENOENT;
	assert_true(mark_history_append(folder, NULL, lines, NOW, DAY, &st));
	errno = ENOENT;
	assert_true(mark_history_append(folder, NULL, lines, NOW, DAY, &st));
	assert_int_equal(calls_open_descriptors(), before);
	g_auto(MarkHistory) history = { 0 };
	mark_history_read(folder, &tag, &history);
	assert_int_equal(history.returns, 2);
	assert_int_equal(calls_open_descriptors(), before);

	g_auto(Status) denied = STATUS_INIT;
	calls_break("open", "deep", CALLS_EACH, EACCES);
	assert_false(mark_history_append(folder, NULL, lines, NOW, DAY, &denied));
	(void) calls_end();
	assert_int_equal(denied.id, STATUS_NO_PERMISSION);

	/* a pipe in the place of the file: its writer has no say */
	g_autofree char *name = scratch_only(dir, "deep/folder");
	assert_int_equal(unlink(name), 0);
	assert_int_equal(mkfifo(name, 0600), 0);
	auto_fd int fd = open(name, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	assert_int_equal(write(fd, lines->str, lines->len), lines->len);
	g_auto(MarkHistory) none = { 0 };
	mark_history_read(folder, &tag, &none);
	assert_false(none.known);
	assert_int_equal(none.returns, 0);
}

/* A state that is no file: the fault says whose it is, for the log and the record. */
static void
test_state_is_no_file(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	char *note = NULL;
	g_autofree char *path = in_dir("state.db");
	assert_int_equal(mkdir(path, 0700), 0);
	assert_null(state_open(dir, NOW, &note, &st));
	assert_null(note);
	assert_int_equal(st.id, STATUS_IO);
	assert_non_null(st.outside);
	assert_string_equal(st.outside->protocol, OUTSIDE_SQLITE);
	assert_string_equal(st.outside->peer, path);
	assert_string_equal(st.outside->command, "open");
	assert_false(st.outside->is_down);
}

/* The cache of ids: a lock that is busy for a moment is waited for, another fault is told. */
static void
test_id_cache(void **state)
{
	(void) state;
	g_autofree char *path = in_dir("ids");
	IdCacheEntry *entry = id_cache_entry_new(path, 1000, "<1@x.test>", NULL);
	bool has = true;
	unsigned before = calls_open_descriptors();
	g_auto(Status) st = STATUS_INIT, denied = STATUS_INIT;
	assert_true(id_cache_has(entry, &has, &st));
	assert_false(has);
	calls_break("flock", NULL, 1, EWOULDBLOCK);
	assert_true(id_cache_add(entry, &st));
	assert_int_equal(calls_end(), 1);
	assert_true(id_cache_has(entry, &has, &st));
	assert_true(has);

	calls_break("open", "ids", CALLS_EACH, EACCES);
	assert_false(id_cache_add(entry, &denied));
	(void) calls_end();
	assert_int_equal(denied.id, STATUS_NO_PERMISSION);
	assert_int_equal(calls_open_descriptors(), before);
	id_cache_entry_free(entry);
	id_cache_entry_free(NULL);
}

/* A ledger that cannot be kept aside says so. */
static void
test_spare_ledger(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT, full = STATUS_INIT;
	g_autofree char *folder = in_dir("spare");
	Ledger *ledger = ledger_open(NULL, "0123456789abcdef", NOW, &st);
	ledger_set(ledger, "step", LEDGER_DONE, "a b");
	unsigned before = calls_open_descriptors();
	calls_break("write", NULL, CALLS_EACH, ENOSPC);
	assert_false(ledger_write_spare(ledger, folder, &full));
	(void) calls_end();
	assert_int_equal(full.id, STATUS_IO);
	check_list("spare", "");
	assert_true(ledger_write_spare(ledger, folder, &st));
	check_file("spare/ledger-0123456789abcdef", "d step a%20b\n");
	assert_int_equal(calls_open_descriptors(), before);
	ledger_free(ledger);
	ledger_free(NULL);
}

/* A damaged state is put aside, and none of its files stays open. */
static void
test_damaged_is_closed(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *text = g_strnfill(5000, 'x');
	char *note = NULL;
	scratch_write(dir, "state.db", text);
	scratch_write(dir, "state.db-wal", "old");
	scratch_write(dir, "state.db-shm", "old");
	scratch_write(dir, "state.db-journal", "old");
	unsigned before = calls_open_descriptors();
	State *opened = state_open(dir, NOW, &note, &st);
	assert_non_null(opened);
	assert_non_null(note);
	state_close(opened);
	assert_int_equal(calls_open_descriptors(), before);
	check_file("state.db.damaged", text);
	check_list(".", "state.db state.db.damaged");
	g_free(note);
}

/* A claim is its owner's by its whole value. */
static void
test_claim_is_whole(void **state)
{
	(void) state;
	static const struct {
		const char *value;
		bool want;
	} rows[] = { { "usual", true },
		     { "us", false },
		     { "usually", false },
		     { "usuaL", false },
		     { "usual", true } };
	g_auto(Status) st = STATUS_INIT;
	char *note = NULL;
	State *opened = state_open(dir, NOW, &note, &st);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		const StateItem item = { STATE_CLAIM, "claim", rows[i].value, strlen(rows[i].value),
			                 NOW + 10 };
		bool taken = !rows[i].want;
		assert_true(state_take(opened, &item, &taken, &st));
		assert_int_equal(taken, rows[i].want);
	}
	state_close(opened);
}

/* The copy of a state that a delivery could not write to is none, and what stops it is named. */
static void
test_copy_of_read_only(void **state)
{
	(void) state;
	static const struct {
		unsigned number; /* of the call that fails; 2: that for the file */
		const char *want;
	} rows[] = { { 1, "" }, { 2, "/state.db" } };
	g_autofree char *folder = in_dir("own");
	assert_int_equal(g_mkdir_with_parents(folder, 0700), 0);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
		g_autofree char *want = g_strdup_printf("cannot write to '%s%s'", folder,
		                                        rows[i].want);
		if (rows[i].number == 2)
			scratch_write(dir, "own/state.db", "");
		StateOnce *once = state_once_new_copy(folder, NOW);
		calls_break("faccessat", NULL, rows[i].number, EROFS);
		assert_null(state_once_get(once, notes));
		assert_int_equal(calls_end(), 1);
		assert_int_equal(notes->len, 1);
		assert_non_null(strstr(notes->pdata[0], want));
		state_once_free(once);
	}
}

/* A record that is full stays where it is while another process has the lock. */
static void
test_rotation_is_locked(void **state)
{
	(void) state;
	const RecordLineBounds full = { NOW + DAY, -1, 1 };
	g_autofree char *path = in_dir("record");
	auto_fd int lock = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	for (unsigned i = 0; i < 400; i++) {
		g_autofree char *text = g_strdup_printf("%u", i);
		assert_true(append_record(path, text, &full));
	}
	check_list(".", "record");
	assert_int_equal(flock(lock, LOCK_UN), 0);
	for (unsigned i = 0; i < 400; i++) {
		g_autofree char *text = g_strdup_printf("%u", i);
		assert_true(append_record(path, text, &full));
	}
	g_autofree char *old = scratch_read(dir, "record.old");
	assert_non_null(old);
}

int
main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copy_between_writes),
		cmocka_unit_test(test_record_is_no_file),
		cmocka_unit_test(test_record_faults),
		cmocka_unit_test(test_forget_faults),
		cmocka_unit_test(test_forget_nothing),
		cmocka_unit_test(test_forget_late_lines),
		cmocka_unit_test(test_record_time),
		cmocka_unit_test(test_mentions),
		cmocka_unit_test(test_history),
		cmocka_unit_test(test_state_is_no_file),
		cmocka_unit_test(test_id_cache),
		cmocka_unit_test(test_spare_ledger),
		cmocka_unit_test(test_damaged_is_closed),
		cmocka_unit_test(test_claim_is_whole),
		cmocka_unit_test(test_copy_of_read_only),
		cmocka_unit_test(test_rotation_is_locked),
	};
	for (size_t i = 0; i < G_N_ELEMENTS(tests); i++) {
		tests[i].setup_func = set_up;
		tests[i].teardown_func = tear_down;
	}
	return _cmocka_run_group_tests("state-faults", tests, G_N_ELEMENTS(tests), NULL, NULL);
}

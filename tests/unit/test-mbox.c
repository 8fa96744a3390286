/* SPDX-License-Identifier: MIT */
/* An mbox: locks, room, what is cut off again, what a retry finds. */
#define _GNU_SOURCE
#include "agent/store/mbox.h"

#include "agent/base/fs.h"
#include "conf/conf-choices.h"
#include "tests/lib/calls.h"
#include "tests/lib/scratch.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FROM "From a Tue Dec  1 10:00:00 2026\n"
#define LATER "From a Tue Dec  1 11:00:00 2026\n"
#define MARK "X-Todoke-Mark"

static const DotlockPatience at_once = { 0, 1000 };

static char *dir, *path;

static int
set_up(void **state)
{
	(void) state;
	dir = scratch_new();
	path = g_build_filename(dir, "box", NULL);
	return 0;
}

static int
tear_down(void **state)
{
	(void) state;
	g_free(path);
	scratch_remove(dir);
	return 0;
}

static Mbox *
open_box(void)
{
	g_auto(Status) st = STATUS_INIT;
	Mbox *mbox = mbox_open(path, CONF_DURABILITY_FULL, &at_once, &st);
	assert_non_null(mbox);
	return mbox;
}

static void
append(Mbox *mbox, const char *text)
{
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(GString) bytes = g_string_new(text);
	assert_true(mbox_reserve(mbox, bytes->len, &st));
	assert_true(mbox_append(mbox, bytes, &st));
	assert_true(mbox_flush(mbox, &st));
}

static void
check_box(const char *want)
{
	g_autofree char *got = scratch_read(dir, "box");
	if (want == NULL)
		assert_null(got);
	else
		assert_string_equal(got != NULL ? got : "(none)", want);
}

static void
check_names(const char *want)
{
	g_autofree char *got = scratch_list(dir, ".");
	assert_string_equal(got, want);
}

/* Could another process lock the file now? */
static bool
is_free(void)
{
	pid_t child = fork();
	if (child == 0) {
		int fd = open(path, O_RDWR | O_CLOEXEC);
		struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
		_exit(fd >= 0 && fcntl(fd, F_SETLK, &lock) == 0 ? 0 : 1);
	}
	int how = 0;
	assert_int_equal(waitpid(child, &how, 0), child);
	return how == 0;
}

static void
test_locks(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	Mbox *mbox = open_box();
	check_names("box box.lock");
	assert_false(is_free());
	append(mbox, "one\n\n");

	mbox_unlock(mbox);
	check_names("box");
	assert_true(is_free());
	append(mbox, "two\n\n"); /* takes them again */
	check_names("box box.lock");
	assert_false(is_free());
	mbox_free(mbox);
	mbox_free(NULL);
	check_names("box");
	assert_true(is_free());
	check_box("one\n\ntwo\n\n");
}

static void
test_lock_of_others(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	scratch_write(dir, "box.lock", "");
	assert_null(mbox_open(path, CONF_DURABILITY_FULL, &at_once, &st));
	assert_int_equal(st.id, STATUS_LOCKED);
	check_names("box.lock");
	status_clear(&st);
	g_autofree char *lock = g_build_filename(dir, "box.lock", NULL);
	assert_int_equal(unlink(lock), 0);

	/* by fcntl, in another process: waited for as long as it was said */
	scratch_write(dir, "box", "old\n");
	int ready[2];
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid_t child = fork();
	if (child == 0) {
		int fd = open(path, O_RDWR | O_CLOEXEC);
		struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
		char good = fcntl(fd, F_SETLK, &whole) == 0 ? 'y' : 'n';
		(void) !write(ready[1], &good, 1);
		for (;;)
			pause();
	}
	char good = 'n';
	assert_int_equal(read(ready[0], &good, 1), 1);
	assert_int_equal(good, 'y');

	gint64 begun = g_get_monotonic_time();
	const DotlockPatience some = { 120, 1000 };
	assert_null(mbox_open(path, CONF_DURABILITY_FULL, &some, &st));
	assert_int_equal(st.id, STATUS_LOCKED);
	assert_in_range(g_get_monotonic_time() - begun, 100 * 1000, 20 * G_USEC_PER_SEC);
	check_names("box");
	check_box("old\n");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(ready[0]);
	close(ready[1]);
}

/* A file that was made for nothing goes; one that was there stays. */
static void
test_unused(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	Mbox *mbox = open_box();
	assert_true(mbox_reserve(mbox, 100, &st));
	mbox_free(mbox);
	check_box(NULL);

	scratch_write(dir, "box", "");
	mbox = open_box();
	assert_true(mbox_reserve(mbox, 100, &st));
	mbox_free(mbox);
	check_box("");

	scratch_write(dir, "box", "old\n");
	mbox = open_box();
	struct stat before, during, after;
	assert_int_equal(stat(path, &before), 0);
	assert_true(mbox_reserve(mbox, 1 << 20, &st));
	assert_int_equal(stat(path, &during), 0);
	assert_int_equal(during.st_size, before.st_size); /* nothing is visible */
	mbox_free(mbox);
	assert_int_equal(stat(path, &after), 0);
	if (during.st_blocks > before.st_blocks)
		assert_int_equal(after.st_blocks, before.st_blocks);
	check_box("old\n");
}

/* A last line without its end gets one, and goes back with what was appended. */
static void
test_take_back(void **state)
{
	(void) state;
	scratch_write(dir, "box", "old");
	Mbox *mbox = open_box();
	append(mbox, "one\n\n");
	append(mbox, "two\n\n");
	check_box("old\none\n\ntwo\n\n");
	mbox_take_back(mbox);
	check_box("old");
	mbox_take_back(mbox);
	check_box("old");
	append(mbox, "three\n");
	check_box("old\nthree\n");

	/* another one has written behind: it stays */
	mbox_unlock(mbox);
	assert_true(g_file_set_contents(path, "changed\n", -1, NULL));
	mbox_take_back(mbox);
	check_box("changed\n");
	mbox_free(mbox);
	check_names("box");
}

static void
test_file_size_limit(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	struct rlimit limit, before;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = 100;
	scratch_write(dir, "box", "0123456789");
	Mbox *mbox = open_box();
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	bool fits = mbox_reserve(mbox, 60, &st), whole = mbox_reserve(mbox, 30, &st),
	     more = mbox_reserve(mbox, 1, &st);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_true(fits && whole && !more);
	assert_int_equal(st.id, STATUS_FILE_LIMIT);
	mbox_free(mbox);
	check_box("0123456789");
}

static void
test_name(void **state)
{
	(void) state;
	scratch_write(dir, "box", "");
	scratch_write(dir, "other", "");
	g_autofree char *link_path = g_build_filename(dir, "link", NULL),
			*other = g_build_filename(dir, "other", NULL),
			*missing = g_build_filename(dir, "missing", NULL);
	assert_int_equal(link(path, link_path), 0);
	g_autoptr(Mbox) mbox = open_box();
	assert_true(mbox_is(mbox, path));
	assert_true(mbox_is(mbox, link_path));
	assert_false(mbox_is(mbox, other));
	assert_false(mbox_is(mbox, missing));
}

static void
test_no_file(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	assert_int_equal(mkdir(path, 0700), 0);
	assert_null(mbox_open(path, CONF_DURABILITY_FULL, &at_once, &st));
	assert_int_equal(st.id, STATUS_MAILBOX);
	check_names("box");
	g_autofree char *below = g_build_filename(dir, "missing/box", NULL);
	g_auto(Status) other = STATUS_INIT;
	assert_null(mbox_open(below, CONF_DURABILITY_FULL, &at_once, &other));
	assert_int_equal(other.id, STATUS_MISSING);
}

/* A rehearsal makes nothing and waits for nobody. A lock that would be removed is none. */
static void
test_rehearse(void **state)
{
	(void) state;
	static const struct {
		const char *lock;
		gint64 age;
		unsigned stale;
		bool good;
	} rows[] = { { NULL, 0, 10, true },
		     { "", 0, 10, false },
		     { "", 100, 10, true },
		     { "", 100, 0, false } };

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_auto(Status) st = STATUS_INIT;
		g_autofree char *lock = g_build_filename(dir, "box.lock", NULL);
		const DotlockPatience patience = { 5000, rows[i].stale };
		if (rows[i].lock != NULL) {
			struct timespec times[2] = { { time(NULL) - rows[i].age, 0 },
				                     { time(NULL) - rows[i].age, 0 } };
			scratch_write(dir, "box.lock", rows[i].lock);
			assert_int_equal(utimensat(AT_FDCWD, lock, times, 0), 0);
		}
		gint64 begun = g_get_monotonic_time();
		assert_int_equal(mbox_rehearse(path, &patience, &st), rows[i].good);
		assert_true(g_get_monotonic_time() - begun < 4 * G_USEC_PER_SEC);
		assert_int_equal(st.id, rows[i].good ? STATUS_OK : STATUS_LOCKED);
		check_names(rows[i].lock != NULL ? "box.lock" : "");
		(void) unlink(lock);
	}

	g_auto(Status) st = STATUS_INIT;
	g_autofree char *below = g_build_filename(dir, "missing/box", NULL);
	assert_false(mbox_rehearse(below, &at_once, &st));
	assert_int_equal(st.id, STATUS_MISSING);
}

static void
test_quote(void **state)
{
	(void) state;
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "", "" },
		{ "From a\n", "From a\n" },
		{ "From a\nFrom b\n", "From a\n>From b\n" },
		{ "A: 1\n\nFrom a\nFrom b\nFrom\nfrom c\n>From d\n",
		  "A: 1\n\n>From a\n>From b\nFrom\nfrom c\n>From d\n" },
		{ "x\nFrom ", "x\n>From " },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GString) text = g_string_new(rows[i].in);
		mbox_quote(text);
		assert_string_equal(text->str, rows[i].want);
		assert_int_equal(text->len, strlen(rows[i].want));
	}
}

/*
 * An earlier try noted `first`, and died. Behind "old\n\n" the file has `found`: is it the message
 * that comes now?
 */
typedef struct {
	const char *name, *first, *found, *now;
	bool is_certain, has;
	const char *after; /* of the file, behind what was there before */
} HasRow;

#define TEXT "A: 1\n\nbody\n\n"
#define MARKED(time) "A: 1\n" MARK ": " time "\n\tmore " time "\n\nbody\n\n"

static const HasRow has_rows[] = {
	{ "all of it", TEXT, TEXT, TEXT, true, true, TEXT },
	{ "all of it, compared", TEXT, TEXT, TEXT, false, true, TEXT },
	{ "with another date", FROM TEXT, FROM TEXT, LATER TEXT, false, true, FROM TEXT },
	{ "another message, though the note fits", TEXT, TEXT, "B: 1\n\nbody\n\n", false, false,
	  TEXT },
	{ "what is certain is not compared", TEXT, TEXT, "B: 1\n\nbody\n\n", true, true, TEXT },
	{ "its beginning is cut off", TEXT, "A: 1\n\nbo", TEXT, true, false, "" },
	{ "its beginning, behind another date", FROM TEXT, FROM "A: 1\n", LATER TEXT, true, false,
	  "" },
	{ "a part of its From_ line", FROM TEXT, "From a Tue", LATER TEXT, true, false, "" },
	{ "a beginning that is no From_ line", FROM TEXT, "Fred me\n", LATER TEXT, true, false,
	  "Fred me\n" },
	{ "zeros of a power cut", TEXT, "A: 1\n\n~~~~", TEXT, true, false, "" },
	{ "nothing but zeros", TEXT, "~~~~~~", TEXT, true, false, "" },
	{ "another message's beginning stays", TEXT, "A: 2\n", TEXT, true, false, "A: 2\n" },
	{ "what stands behind it is another one", TEXT, "A: 1\n\nbody\n\nmore\n", TEXT, true, true,
	  "A: 1\n\nbody\n\nmore\n" },
	{ "as long, and another one", TEXT, "A: 1\n\nbodY\n\n", TEXT, true, false,
	  "A: 1\n\nbodY\n\n" },
	{ "nothing came", TEXT, "", TEXT, true, false, "" },
	{ "our mark has another time", MARKED("1"), MARKED("1"), MARKED("2"), false, true,
	  MARKED("1") },
	{ "all of it, by a later try than the note's", FROM MARKED("1"), LATER MARKED("2"),
	  LATER MARKED("3"), true, true, LATER MARKED("2") },
	{ "our mark, cut off", MARKED("1"), "A: 1\n" MARK ": 1\n\tmo", MARKED("2"), true, false,
	  "" },
	{ "another field that is folded differs", "A: 1\n b\n\nbody\n\n", "A: 1\n b\n\nbody\n\n",
	  "A: 1\n c\n\nbody\n\n", false, false, "A: 1\n b\n\nbody\n\n" },
	{ "a mark is no other field", MARKED("1"), "A: 1\nX-Other: 1\n", MARKED("2"), true, false,
	  "A: 1\nX-Other: 1\n" },
};

static void
test_has(void **state)
{
	const HasRow *row = *state;
	(void) set_up(NULL);
	scratch_write(dir, "box", "old\n\n");
	g_autoptr(GString) first = g_string_new(row->first), now = g_string_new(row->now);
	Mbox *mbox = open_box();
	g_autofree char *note = mbox_note(mbox, first);
	mbox_free(mbox);

	g_autoptr(GString) file = g_string_new("old\n\n");
	g_string_append(file, row->found);
	for (size_t i = 0; i < file->len; i++)
		file->str[i] = file->str[i] == '~' ? '\0' : file->str[i];
	assert_true(g_file_set_contents(path, file->str, (gssize) file->len, NULL));

	mbox = open_box();
	g_auto(Status) st = STATUS_INIT;
	bool has = !row->has;
	assert_true(mbox_has(mbox, note, now, row->is_certain, &has, &st));
	assert_int_equal(has, row->has);
	g_autofree char *got = NULL, *want = g_strconcat("old\n\n", row->after, NULL);
	gsize len = 0;
	assert_true(g_file_get_contents(path, &got, &len, NULL));
	assert_int_equal(len, strlen(want));
	assert_memory_equal(got, want, len);

	/* and it goes on from there */
	if (!row->has) {
		g_autofree char *next = mbox_note(mbox, now);
		g_autofree char *at = g_strdup_printf("mbox-%zu-%zu-", strlen(want), now->len);
		assert_true(g_str_has_prefix(next, at));
		append(mbox, row->now);
		mbox_take_back(mbox);
		check_box(want);
	}
	mbox_free(mbox);
	(void) tear_down(NULL);
}

/* What cannot be read may be the message: it is not appended once more. */
static void
test_unreadable(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(GString) message = g_string_new(TEXT);
	Mbox *mbox = open_box();
	g_autofree char *note = mbox_note(mbox, message);
	append(mbox, TEXT);
	bool has = false;
	calls_break("pread", NULL, CALLS_EACH, EIO);
	assert_false(mbox_has(mbox, note, message, true, &has, &st));
	assert_int_equal(calls_end(), 1);
	assert_int_equal(st.id, STATUS_IO);
	assert_true(mbox_has(mbox, note, message, true, &has, &st) && has);
	mbox_free(mbox);
}

/* A line end that was added before it, or two messages at once: the note says where it stands. */
static void
test_note(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	scratch_write(dir, "box", "no end");
	g_autoptr(GString) one = g_string_new("A: 1\n\n"), two = g_string_new("B: 1\n\n");
	Mbox *mbox = open_box();
	g_autofree char *first = mbox_note(mbox, one);
	assert_true(g_str_has_prefix(first, "mbox-6-6-"));
	assert_true(mbox_reserve(mbox, one->len, &st));
	g_autofree char *second = mbox_note(mbox, two);
	assert_true(g_str_has_prefix(second, "mbox-12-6-"));
	assert_true(mbox_append(mbox, one, &st) && mbox_append(mbox, two, &st));
	mbox_free(mbox);

	mbox = open_box();
	bool has = false;
	assert_true(mbox_has(mbox, first, one, false, &has, &st) && has);
	assert_true(mbox_has(mbox, first, two, false, &has, &st) && !has);
	static const char *const none[] = { "",
		                            "mbox-6-6",
		                            "mbox-x-6-a",
		                            "mbox-6-x-a",
		                            "mbox--1-6-a",
		                            "mbox-6-6-a-b",
		                            "mbox-100-6-a",
		                            "mbox-6-9999999-a" };
	for (size_t i = 0; i < G_N_ELEMENTS(none); i++)
		assert_true(mbox_has(mbox, none[i], one, true, &has, &st) && !has);
	mbox_free(mbox);
	check_box("no end\nA: 1\n\nB: 1\n\n");
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(has_rows) + 11];
	size_t n = 0;

	UNIT_ROWS(tests, n, has_rows, test_has);
	static const struct CMUnitTest more[] = {
		cmocka_unit_test_setup_teardown(test_locks, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_lock_of_others, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_take_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_file_size_limit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_name, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_rehearse, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_quote, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_note, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unreadable, set_up, tear_down),
	};
	for (size_t i = 0; i < G_N_ELEMENTS(more); i++)
		tests[n++] = more[i];

	return _cmocka_run_group_tests("mbox", tests, n, NULL, NULL);
}

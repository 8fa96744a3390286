/* SPDX-License-Identifier: MIT */
/* Messages that are moved by rename: found under other flags, never replaced. */
#define _GNU_SOURCE
#include "agent/store/maildir-shelf.h"

#include "agent/base/fs.h"
#include "tests/lib/calls.h"
#include "tests/lib/flushes.h"
#include "tests/lib/scratch-check.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Two folders. */
static char *dir;
static MaildirShelf *one, *two;

static MaildirShelf *
open_shelf(const char *name, Status *st)
{
	g_autofree char *path = g_build_filename(dir, name, NULL);
	auto_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return maildir_shelf_open(fd, name, st);
}

static void
make_folder(const char *name)
{
	static const char *const places[] = { "tmp", "new", "cur" };
	for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
		g_autofree char *path = g_build_filename(dir, name, places[i], NULL);
		assert_int_equal(g_mkdir_with_parents(path, 0700), 0);
	}
}

static int
set_up(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	dir = scratch_new();
	make_folder("one");
	make_folder("two");
	one = open_shelf("one", &st);
	two = open_shelf("two", &st);
	assert_true(one != NULL && two != NULL);
	return 0;
}

static int
tear_down(void **state)
{
	(void) state;
	maildir_shelf_free(one);
	maildir_shelf_free(two);
	maildir_shelf_free(NULL);
	scratch_remove(dir);
	return 0;
}

static void
put(const char *path)
{
	scratch_write(dir, path, "x");
}

static void
check_found(MaildirShelf *shelf, const char *file, const char *want)
{
	g_autofree char *got = maildir_shelf_find(shelf, file);
	assert_int_equal(g_strcmp0(got, want), 0);
}

static void
test_list(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	put("one/cur/b:2,S");
	put("one/new/c");
	put("one/cur/a:2,");
	put("one/cur/.hidden");
	put("one/tmp/d");
	g_autoptr(GPtrArray) files = maildir_shelf_list(one, &st);
	g_ptr_array_add(files, NULL);
	g_autofree char *got = g_strjoinv(" ", (char **) files->pdata);
	assert_string_equal(got, "cur/a:2, cur/b:2,S new/c");
	assert_string_equal(maildir_shelf_path(two), "two");
}

static void
test_links(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *link = g_build_filename(dir, "three", NULL),
			*inside = g_build_filename(dir, "four", NULL),
			*cur = g_build_filename(inside, "cur", NULL);
	assert_int_equal(symlink("one", link), 0);
	MaildirShelf *same = open_shelf("three", &st);
	assert_non_null(same);
	assert_true(maildir_shelf_is_same(one, one));
	assert_true(maildir_shelf_is_same(one, same));
	assert_false(maildir_shelf_is_same(one, two));
	maildir_shelf_free(same);

	make_folder("four");
	assert_int_equal(rmdir(cur), 0);
	assert_int_equal(symlink("../one/cur", cur), 0);
	assert_null(open_shelf("four", &st));
	assert_int_equal(st.id, STATUS_NOT_A_FOLDER);
	assert_non_null(strstr(st.detail, "'cur' is a symbolic link"));
	status_clear(&st);
	assert_int_equal(unlink(cur), 0);
	assert_null(open_shelf("four", &st));
	assert_int_equal(st.id, STATUS_MISSING);
}

static void
test_read(void **state)
{
	(void) state;
	static const struct {
		const char *file;
		StatusId want;
	} rows[] = {
		{ "cur/a:2,S", STATUS_OK },         { "new/b", STATUS_OK },
		{ "cur/b", STATUS_MISSING },        { "new/link", STATUS_UNTRUSTED },
		{ "new/folder", STATUS_UNTRUSTED }, { "new/theirs", STATUS_UNTRUSTED },
		{ "cur/", STATUS_MISSING },         { "cur/.a", STATUS_MISSING },
		{ "cur/a/b", STATUS_MISSING },      { "tmp/a", STATUS_MISSING },
		{ "cura", STATUS_MISSING },         { "new/../cur/a:2,S", STATUS_MISSING },
	};
	put("one/cur/a:2,S");
	put("one/new/b");
	put("one/tmp/a");
	put("one/new/theirs");
	g_autofree char *link = g_build_filename(dir, "one/new/link", NULL),
			*folder = g_build_filename(dir, "one/new/folder", NULL),
			*theirs = g_build_filename(dir, "one/new/theirs", NULL);
	assert_int_equal(symlink("b", link), 0);
	assert_int_equal(mkdir(folder, 0700), 0);
	bool is_root = chown(theirs, 12345, 12345) == 0;

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		if (!is_root && strstr(rows[i].file, "theirs") != NULL)
			continue;
		g_auto(Status) st = STATUS_INIT;
		struct stat sb;
		auto_fd int fd = maildir_shelf_read(one, rows[i].file, &sb, &st);
		assert_int_equal(st.id, rows[i].want);
		assert_int_equal(fd >= 0, rows[i].want == STATUS_OK);
		if (fd >= 0)
			assert_int_equal(sb.st_size, 1);
	}
}

static void
test_find(void **state)
{
	(void) state;
	put("one/cur/a,S=1:2,S");
	put("one/new/b");
	check_found(one, "cur/a,S=1:2,S", "cur/a,S=1:2,S");
	check_found(one, "new/a", "cur/a,S=1:2,S");
	check_found(one, "cur/b:2,F", "new/b");
	check_found(one, "new/c", NULL);

	/* what came or changed later is seen when the listing is made anew */
	put("one/new/c");
	check_found(one, "new/c", "new/c");
	check_found(one, "cur/c:2,S", NULL);
	g_autofree char *from = g_build_filename(dir, "one/new/b", NULL),
			*to = g_build_filename(dir, "one/cur/b:2,S", NULL);
	assert_int_equal(rename(from, to), 0);
	check_found(one, "new/b", NULL);
	maildir_shelf_forget(one);
	check_found(one, "new/b", "cur/b:2,S");
	check_found(one, "cur/c:2,S", "new/c");
}

static void
test_move(void **state)
{
	(void) state;
	static char seen[] = "\\Seen";
	static const struct {
		const char *file, *flag, *from, *to;
	} rows[] = {
		{ "new/a", NULL, "new/a", "new/a" },
		{ "new/b", seen, "new/b", "cur/b:2,S" },
		{ "new/c", NULL, "cur/c:2,F", "cur/c:2,F" }, /* its flags changed since */
		{ "cur/d:2,F", seen, "cur/d:2,F", "cur/d:2,FS" },
		{ "cur/e:2,", NULL, "cur/e:2,", "cur/e:2," },
		{ "cur/f:1,x", seen, "cur/f:1,x", "cur/f:1,x" },
		{ "new/g:2,", NULL, "new/g:2,", "new/g:2," },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *path = g_build_filename("one", rows[i].from, NULL);
		put(path);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_auto(Status) st = STATUS_INIT;
		g_autoptr(GPtrArray) flags = g_ptr_array_new();
		if (rows[i].flag != NULL)
			g_ptr_array_add(flags, (gpointer) (uintptr_t) rows[i].flag);
		g_auto(MaildirMove) move = { .flags = flags->len > 0 ? flags : NULL };
		assert_true(maildir_shelf_plan(one, rows[i].file, two, &move, &st));
		assert_string_equal(move.from, rows[i].from);
		assert_string_equal(move.to, rows[i].to);
		check_found(one, rows[i].file, rows[i].from); /* nothing is moved yet */
		assert_true(maildir_shelf_move(one, two, &move, &st));
		check_found(one, rows[i].file, NULL);
		check_found(two, rows[i].file, rows[i].to);
	}
	scratch_check_list(dir, "one/new", "");
	scratch_check_list(dir, "one/cur", "");
	scratch_check_list(dir, "two/new", "a g:2,");
}

/* Nothing is replaced, by whatever name; and what is gone says so. */
static void
test_moves_that_fail(void **state)
{
	(void) state;
	g_auto(Status) gone = STATUS_INIT, there = STATUS_INIT, later = STATUS_INIT,
		       lost = STATUS_INIT, odd = STATUS_INIT;
	g_auto(MaildirMove) none = { 0 }, same = { 0 }, move = { 0 };
	assert_false(maildir_shelf_plan(one, "new/a", two, &none, &gone));
	assert_int_equal(gone.id, STATUS_MISSING);
	put("one/new/b");
	put("two/cur/b:2,S");
	maildir_shelf_forget(one);
	assert_false(maildir_shelf_plan(one, "new/b", two, &same, &there));
	assert_int_equal(there.id, STATUS_MAILBOX);
	assert_null(same.to);

	/* between the plan and the move */
	put("one/new/c");
	assert_true(maildir_shelf_plan(one, "new/c", two, &move, &later));
	scratch_write(dir, "two/new/c", "theirs");
	assert_false(maildir_shelf_move(one, two, &move, &later));
	assert_int_equal(later.id, STATUS_MAILBOX);
	assert_non_null(strstr(later.detail, "is there already"));
	g_autofree char *theirs = scratch_read(dir, "two/new/c"),
			*path = g_build_filename(dir, "one/new/c", NULL);
	assert_string_equal(theirs, "theirs");
	assert_int_equal(unlink(path), 0);
	assert_false(maildir_shelf_move(one, two, &move, &lost));
	assert_int_equal(lost.id, STATUS_MISSING);

	MaildirMove out = { .from = (char *) "new/b", .to = (char *) "../b" };
	assert_false(maildir_shelf_move(one, two, &out, &odd));
	scratch_check_list(dir, "one/new", "b");
}

static void
test_flush(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	flushes_begin(NULL);
	assert_true(maildir_shelf_flush(one, &st));
	const GPtrArray *flushed = flushes_all();
	assert_int_equal(flushed->len, 2);
	g_autofree char *first = g_path_get_basename(flushed->pdata[0]),
			*second = g_path_get_basename(flushed->pdata[1]);
	assert_string_not_equal(first, second);
	static const char *const places[] = { "*/one/new", "*/one/cur" };
	for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
		g_auto(Status) fault = STATUS_INIT;
		flushes_begin(places[i]);
		assert_false(maildir_shelf_flush(one, &fault));
		assert_true(maildir_shelf_flush(two, &st));
		flushes_end();
	}
}

/* The folders are closed again. */
static void
test_closed(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	int before = open("/dev/null", O_RDONLY | O_CLOEXEC);
	close(before);
	for (int i = 0; i < 2; i++) {
		MaildirShelf *shelf = open_shelf("one", &st);
		g_autoptr(GPtrArray) files = maildir_shelf_list(shelf, &st);
		maildir_shelf_free(shelf);
	}
	int after = open("/dev/null", O_RDONLY | O_CLOEXEC);
	close(after);
	assert_int_equal(before, after);
}

/* What cannot be listed is not empty. */
static void
test_broken_listing(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	calls_break("readdir", NULL, CALLS_EACH, EIO);
	g_autoptr(GPtrArray) files = maildir_shelf_list(one, &st);
	(void) calls_end();
	assert_null(files);
	assert_int_equal(st.id, STATUS_IO);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_list, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_broken_listing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_links, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_find, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_move, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_moves_that_fail, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_flush, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_closed, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("maildir-shelf", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* What is told of a peer that is down: by one process and by many, at times that the test says. */
#define _GNU_SOURCE
#include "agent/state/outage.h"

#include "agent/base/fs.h"
#include "agent/base/log.h"
#include "tests/lib/scratch.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char peer[] = "127.0.0.1:25";
enum { T0 = 1000000 };

static char *scratch;     /* of the test that runs */
static bool is_overtaken; /* another process makes each folder a moment before we do */

int mkdir(const char *path, mode_t mode);

int
mkdir(const char *path, mode_t mode)
{
	if (is_overtaken && mkdirat(AT_FDCWD, path, mode) < 0)
		return -1;
	return mkdirat(AT_FDCWD, path, mode);
}

static int
begin(void **state)
{
	(void) state;
	scratch = scratch_new();
	return 0;
}

static int
end(void **state)
{
	(void) state;
	scratch_remove(scratch);
	return 0;
}

static int
open_scratch(void)
{
	g_autofree char *path = g_build_filename(scratch, "outages", NULL);
	int fd = outage_open_folder(path, true);
	assert_true(fd >= 0);
	return fd;
}

static OutageNews
put_off(int folder, gint64 now, Outage *outage)
{
	assert_true(outage_put_off(folder, OUTSIDE_SMTP, peer, now, outage));
	return outage->news;
}

/* One process makes the file, and one whose delivery began a second before it tells of it. */
static void
test_who_began_earlier_tells(void **state)
{
	(void) state;
	auto_fd int folder = open_scratch();
	Outage outage;

	assert_int_equal(put_off(folder, T0, &outage), OUTAGE_BEGINS);
	g_autofree char *path = g_build_filename(scratch, "outages", NULL);
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name = g_dir_read_name(dir);
	auto_fd int fd = openat(folder, name, O_WRONLY);
	g_autofree char *head = g_strdup_printf("%020d %020d\n", T0 + 1, 0);
	assert_int_equal(pwrite(fd, head, strlen(head), 0), strlen(head));

	assert_int_equal(put_off(folder, T0, &outage), OUTAGE_BEGINS);
	assert_int_equal(put_off(folder, T0 - 1, &outage), OUTAGE_QUIET);
	assert_true(outage_over(folder, OUTSIDE_SMTP, peer, &outage));
	assert_int_equal(outage.news, OUTAGE_ENDS);
	assert_int_equal(outage.count, 3);
}

/* 1,000 mails in 50 minutes: when it begins, every 15 minutes, and when it ends. */
static void
test_story(void **state)
{
	(void) state;
	auto_fd int folder = open_scratch();
	Outage outage;
	unsigned told = 0;

	assert_false(outage_over(folder, OUTSIDE_SMTP, peer, &outage));
	for (unsigned i = 0; i < 1000; i++) {
		gint64 now = T0 + i * 3;
		OutageNews news = put_off(folder, now, &outage);
		OutageNews want = i == 0         ? OUTAGE_BEGINS
		                  : i % 300 == 0 ? OUTAGE_GOES_ON
		                                 : OUTAGE_QUIET;
		assert_int_equal(news, want);
		assert_int_equal(outage.count, i + 1);
		assert_int_equal(outage.since, T0);
		told += news != OUTAGE_QUIET;
	}
	assert_int_equal(told, 4);

	/* another peer is another matter */
	assert_false(outage_over(folder, OUTSIDE_SENDMAIL, peer, &outage));
	assert_true(outage_over(folder, OUTSIDE_SMTP, peer, &outage));
	assert_int_equal(outage.news, OUTAGE_ENDS);
	assert_int_equal(outage.count, 1000);
	assert_int_equal(outage.since, T0);
	assert_false(outage_over(folder, OUTSIDE_SMTP, peer, &outage));
}

/* A peer that comes and goes each second for 40 minutes: two lines in 15 minutes at most. */
static void
test_flapping(void **state)
{
	(void) state;
	auto_fd int folder = open_scratch();
	Outage outage;
	unsigned told = 0;

	for (unsigned i = 0; i < 2400; i++) {
		told += put_off(folder, T0 + i, &outage) != OUTAGE_QUIET;
		assert_true(outage_over(folder, OUTSIDE_SMTP, peer, &outage));
		told += outage.news != OUTAGE_QUIET;
	}
	assert_int_equal(told, 6);
}

/* A clock that is set back: it is told again, and goes on. */
static void
test_clock(void **state)
{
	(void) state;
	auto_fd int folder = open_scratch();
	Outage outage;

	assert_int_equal(put_off(folder, T0, &outage), OUTAGE_BEGINS);
	assert_int_equal(put_off(folder, T0 - 5000, &outage), OUTAGE_GOES_ON);
	assert_int_equal(put_off(folder, T0 - 4999, &outage), OUTAGE_QUIET);

	/* what was told in a time that is still to come was not told lately */
	assert_true(outage_over(folder, OUTSIDE_SMTP, peer, &outage));
	assert_int_equal(put_off(folder, T0 - 20000, &outage), OUTAGE_BEGINS);
}

/* The next outage is one that begins, not one that goes on, once the last report is old enough. */
static void
test_next_outage(void **state)
{
	(void) state;
	auto_fd int folder = open_scratch();
	Outage outage;

	assert_int_equal(put_off(folder, T0, &outage), OUTAGE_BEGINS);
	assert_true(outage_over(folder, OUTSIDE_SMTP, peer, &outage));
	assert_int_equal(put_off(folder, T0 + OUTAGE_TOLD_EVERY + 1, &outage), OUTAGE_BEGINS);
	assert_true(outage_over(folder, OUTSIDE_SMTP, peer, &outage));
	assert_int_equal(put_off(folder, T0 + OUTAGE_TOLD_EVERY + 3, &outage), OUTAGE_QUIET);
}

/* One process of many at once: how often it told, as its exit code. */
static int
meet(int folder, unsigned times)
{
	int told = 0;
	for (unsigned i = 0; i < times; i++) {
		Outage outage;
		if (!outage_put_off(folder, OUTSIDE_SMTP, peer, T0, &outage))
			return 99;
		told += outage.news != OUTAGE_QUIET;
	}
	return told;
}

/* Ten processes, 100 mails each: no mail is forgotten, and one of them tells. */
static void
test_many(void **state)
{
	(void) state;
	enum { PROCESSES = 10, MAILS = 100 };
	auto_fd int folder = open_scratch();
	int told = 0, status;

	for (unsigned i = 0; i < PROCESSES; i++) {
		pid_t pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			_exit(meet(folder, MAILS));
	}
	for (unsigned i = 0; i < PROCESSES; i++) {
		assert_true(wait(&status) > 0);
		assert_true(WIFEXITED(status));
		told += WEXITSTATUS(status);
	}
	assert_int_equal(told, 1);

	Outage outage;
	assert_true(outage_over(folder, OUTSIDE_SMTP, peer, &outage));
	assert_int_equal(outage.count, PROCESSES * MAILS);
}

/* Folders that others can change are not used; nor is a link, or what is no absolute path. */
static void
test_folder(void **state)
{
	(void) state;
	g_autofree char *open_to_all = g_build_filename(scratch, "open", NULL),
			*link = g_build_filename(scratch, "link", NULL),
			*deep = g_build_filename(scratch, "a/b/c", NULL),
			*good = g_build_filename(scratch, "outages", NULL);

	assert_int_equal(mkdir(open_to_all, 0700), 0);
	assert_int_equal(chmod(open_to_all, 0777), 0);
	assert_int_equal(outage_open_folder(open_to_all, true), -1);
	assert_int_equal(outage_open_folder(deep, true), -1);
	assert_int_equal(outage_open_folder("outages", true), -1);
	assert_int_equal(outage_open_folder("", true), -1);
	assert_int_equal(outage_open_folder(good, false), -1);

	auto_fd int fd = outage_open_folder(good, true);
	assert_true(fd >= 0);
	assert_int_equal(symlink(good, link), 0);
	assert_int_equal(outage_open_folder(link, true), -1);
}

/* The sentences, with code, count and time. */
static void
test_lines(void **state)
{
	(void) state;
	static const struct {
		OutageNews news;
		gint64 now;
		const char *want;
	} rows[] = {
		{ OUTAGE_QUIET, 36120, "" },
		{ OUTAGE_BEGINS, 36120,
		  "code=T401, event=peer-down, protocol=smtp, peer=127.0.0.1:25, reply=no, count=41, "
		  "text=\"submit server 127.0.0.1:25 does not answer since 10:02 UTC\"" },
		{ OUTAGE_GOES_ON, 36120 + 900,
		  "code=T402, event=peer-still-down, protocol=smtp, peer=127.0.0.1:25, reply=no, "
		  "count=41, text=\"submit server 127.0.0.1:25 does not answer since 10:02 UTC, 41 mails "
		  "put off\"" },
		{ OUTAGE_ENDS, 36120 + 86400,
		  "code=T403, event=peer-back, protocol=smtp, peer=127.0.0.1:25, reply=no, count=41, "
		  "text=\"submit server 127.0.0.1:25 answers again; it did not since 1970-01-01 10:02 UTC, "
		  "41 mails were put off\"" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *path = g_build_filename(scratch, "log", NULL);
		auto_fd int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		const Outage outage = { rows[i].news, 36120, 41 };
		log_open("todoke", fd, LOG_FORM_TEXT);
		outage_log(&outage, OUTSIDE_SMTP, peer, "no", rows[i].now);
		char got[1000] = "";
		assert_true(pread(fd, got, sizeof got - 1, 0) >= 0);
		const char *said = strstr(got, "NOQUEUE: ");
		assert_string_equal(said != NULL ? g_strchomp(strchr(said, ' ') + 1) : "",
		                    rows[i].want);
		log_open("todoke", -1, LOG_FORM_TEXT);
	}
}

/* A file that is no outage's: nothing is told, and nothing breaks. */
static void
test_damaged(void **state)
{
	(void) state;
	auto_fd int folder = open_scratch();
	Outage outage;

	assert_int_equal(put_off(folder, T0, &outage), OUTAGE_BEGINS);
	g_autofree char *command = g_strdup_printf(
		"for f in '%s'/outages/down-*; do echo x >\"$f\"; done", scratch);
	assert_int_equal(system(command), 0);
	assert_int_equal(put_off(folder, T0 + 5000, &outage), OUTAGE_QUIET);
	assert_false(outage_over(folder, OUTSIDE_SMTP, peer, &outage));
	assert_int_equal(put_off(folder, T0 + 5001, &outage), OUTAGE_BEGINS);
}

static void
see(bool is_down)
{
	g_autoptr(Outside) outside = outside_new(OUTSIDE_SMTP, peer, "MAIL", "no answer");
	outside->is_down = is_down;
	outside_see(outside);
}

/* How many mails were put off, as the folder remembers and then forgets it; 0: none. */
static guint64
count_in(const char *path)
{
	Outage outage;
	auto_fd int folder = outage_open_folder(path, false);
	return folder >= 0 && outage_over(folder, OUTSIDE_SMTP, peer, &outage) ? outage.count : 0;
}

/* What is seen goes to one folder: the first that can be used. */
static void
test_tell(void **state)
{
	(void) state;
	g_autofree char *first = g_build_filename(scratch, "first", NULL),
			*second = g_build_filename(scratch, "second", NULL);

	outside_forget();
	assert_false(outage_tell(first, second, T0));
	see(false);
	assert_false(outage_tell(first, second, T0)); /* it has answered */
	assert_int_equal(count_in(first), 0);

	outside_forget();
	see(true);
	see(true);
	assert_true(outage_tell(first, second, T0));
	assert_int_equal(count_in(second), 0);
	assert_int_equal(count_in(first), 1); /* a peer that failed twice has one mail put off */
	assert_true(outage_tell("first", second, T0));
	assert_int_equal(count_in(second), 1);
	assert_false(outage_tell("first", NULL, T0));

	/* a peer that answered is back, but not one that went away after its answer */
	assert_true(outage_tell(first, NULL, T0));
	outside_reach(OUTSIDE_SMTP, peer);
	assert_true(outage_tell(first, NULL, T0 + 1));
	assert_int_equal(count_in(first), 2);
	assert_true(outage_tell(first, NULL, T0 + 2));
	outside_forget();
	outside_reach(OUTSIDE_SMTP, peer);
	assert_false(outage_tell(first, NULL, T0 + 3));
	assert_int_equal(count_in(first), 0);
	outside_forget();
}

/*
 * Workers that start at once all look before one of them makes it, and each is shut in with what
 * it has then.
 */
static void
test_folder_of_the_faster(void **state)
{
	(void) state;
	g_autofree char *path = g_build_filename(scratch, "outages", NULL);

	is_overtaken = true;
	auto_fd int fd = outage_open_folder(path, true);
	is_overtaken = false;
	assert_true(fd >= 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_story, begin, end),
		cmocka_unit_test_setup_teardown(test_who_began_earlier_tells, begin, end),
		cmocka_unit_test_setup_teardown(test_flapping, begin, end),
		cmocka_unit_test_setup_teardown(test_clock, begin, end),
		cmocka_unit_test_setup_teardown(test_next_outage, begin, end),
		cmocka_unit_test_setup_teardown(test_many, begin, end),
		cmocka_unit_test_setup_teardown(test_folder, begin, end),
		cmocka_unit_test_setup_teardown(test_folder_of_the_faster, begin, end),
		cmocka_unit_test_setup_teardown(test_lines, begin, end),
		cmocka_unit_test_setup_teardown(test_tell, begin, end),
		cmocka_unit_test_setup_teardown(test_damaged, begin, end),
	};
	return cmocka_run_group_tests_name("outage", tests, NULL, NULL);
}

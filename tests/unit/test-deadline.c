/* SPDX-License-Identifier: MIT */
/* Our own time limit: what it says, what it removes, and that it can be stopped and put off. */
#define _GNU_SOURCE
#include "agent/base/deadline.h"

#include "agent/base/answer.h"
#include "tests/lib/answer-child.h"

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

static char *folder;

static void
wait_for_ever(void)
{
	for (;;)
		(void) pause();
}

static void
strike(void)
{
	deadline_start(1, "4ABC12");
	deadline_waiting_for("reading the message");
	wait_for_ever();
}

static void
test_strikes(void **state)
{
	(void) state;
	char text[256];
	assert_int_equal(answer_child_run(strike, 0, text, sizeof text), EX_TEMPFAIL);
	assert_string_equal(
		text, "4.3.0 delivery took too long: stopped while reading the message [4ABC12]\n");
}

/* A caller that blocks the signal does not keep us from ending. */
static void
strike_blocked(void)
{
	sigset_t all;
	(void) sigfillset(&all);
	(void) sigprocmask(SIG_BLOCK, &all, NULL);
	deadline_start(1, NULL);
	wait_for_ever();
}

static void
test_strikes_although_blocked(void **state)
{
	(void) state;
	char text[256];
	assert_int_equal(answer_child_run(strike_blocked, 0, text, sizeof text), EX_TEMPFAIL);
	assert_string_equal(text, "4.3.0 delivery took too long: stopped while starting\n");
}

static void
make_file(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	(void) close(fd);
}

/* Three files: one was taken back, two go; and a process group that dies with us. */
static void
strike_with_files(void)
{
	static DeadlineFile files[3];
	static const char *const names[] = { "first", "kept", "last" };
	int dirfd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
		files[i] = (DeadlineFile){ .dirfd = dirfd, .name = names[i] };
		make_file(dirfd, names[i]);
		deadline_add_file(&files[i]);
	}

	deadline_drop_file(&files[1]);

	pid_t child = fork();
	if (child == 0) {
		(void) setpgid(0, 0);
		make_file(dirfd, "child-lives");
		wait_for_ever();
	}

	(void) setpgid(child, child);
	while (faccessat(dirfd, "child-lives", F_OK, 0) != 0)
		(void) usleep(1000);
	deadline_kill_group(child);

	char text[32];
	int fd = openat(dirfd, "child", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	int len = g_snprintf(text, sizeof text, "%d", (int) child);
	(void) !write(fd, text, (size_t) len);
	(void) close(fd);
	deadline_start(1, NULL);
	wait_for_ever();
}

static bool
is_there(const char *name)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);
	bool found = g_file_test(path, G_FILE_TEST_EXISTS);
	(void) g_unlink(path);
	return found;
}

static void
test_cleans_up(void **state)
{
	(void) state;
	char text[256];
	assert_int_equal(answer_child_run(strike_with_files, 0, text, sizeof text), EX_TEMPFAIL);

	g_autofree char *path = g_build_filename(folder, "child", NULL), *pid = NULL;
	assert_true(g_file_get_contents(path, &pid, NULL, NULL));
	pid_t group = (pid_t) g_ascii_strtoll(pid, NULL, 10);
	unsigned tries = 0;

	/* Dead means gone or not yet reaped by whoever inherited it. */
	while (kill(-group, 0) == 0 && tries++ < 120000) {
		g_autofree char *stat_path = g_strdup_printf("/proc/%d/stat", (int) group),
				*line = NULL;
		if (g_file_get_contents(stat_path, &line, NULL, NULL) &&
		    strstr(line, ") Z ") != NULL)
			break;
		(void) usleep(1000);
	}

	assert_true(tries < 120000);
	assert_false(is_there("first"));
	assert_true(is_there("kept"));
	assert_false(is_there("last"));
	(void) is_there("child");
	(void) is_there("child-lives");
}

static void
test_time_left(void **state)
{
	(void) state;
	assert_int_equal(deadline_left(), G_MAXUINT);
	deadline_grant(50); /* no clock: nothing to put off */
	assert_int_equal(deadline_left(), G_MAXUINT);
	deadline_start(100, NULL);
	assert_in_range(deadline_left(), 90, 100);
	deadline_grant(50); /* there is more */
	assert_in_range(deadline_left(), 90, 100);
	deadline_grant(1000);
	assert_in_range(deadline_left(), 990, 1000);
	deadline_stop();
	assert_int_equal(deadline_left(), G_MAXUINT);
	assert_int_equal(alarm(0), 0);
	deadline_start(0, NULL);
	assert_int_equal(deadline_left(), G_MAXUINT);
}

static int
make_folder(void **state)
{
	(void) state;
	folder = g_dir_make_tmp("todoke-deadline-XXXXXX", NULL);
	return folder != NULL ? 0 : -1;
}

static int
remove_folder(void **state)
{
	(void) state;
	(void) g_rmdir(folder);
	g_free(folder);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strikes),
		cmocka_unit_test(test_strikes_although_blocked),
		cmocka_unit_test(test_cleans_up),
		cmocka_unit_test(test_time_left),
	};
	return cmocka_run_group_tests_name("deadline", tests, make_folder, remove_folder);
}

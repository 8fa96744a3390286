/* SPDX-License-Identifier: MIT */
/* What a process in a box may ask for, and that neither starter nor program outlives it. */
#define _GNU_SOURCE
#include "agent/base/starter.h"

#include "agent/base/child.h"
#include "agent/base/limits.h"
#include "agent/base/pass-fds.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000 };

static const StarterPolicy of_site = { .folder = "/site/programs/",
	                               .sendmail = "/usr/sbin/sendmail",
	                               .cage = "/lib/todoke-libsieve" };

typedef struct {
	const char *name;
	const char *path;
	const char *argv[12];
	const char *envp[6];
	const char *folder;
	bool as_script;
	bool want;
} Row;

#define SITE "/site/programs/"
#define SENDMAIL "/usr/sbin/sendmail"

static const Row rows[] = {
	{ "program of the folder",
	  SITE "p",
	  { "p", "-C", "x" },
	  { "PATH=/usr/local/bin:/usr/bin:/bin", "SENDER=x" },
	  "/home",
	  .want = true },
	{ "another folder", "/site/p", { "p" }, .want = false },
	{ "below the folder", SITE "a/p", { "p" }, .want = false },
	{ "out of the folder", SITE "../p", { "p" }, .want = false },
	{ "folder above", SITE "..", { "p" }, .want = false },
	{ "the folder itself", SITE, { "p" }, .want = false },
	{ "a folder that begins like it", "/site/programsp", { "p" }, .want = false },
	{ "two slashes", SITE "/p", { "p" }, .want = false },
	{ "the loader is told", SITE "p", { "p" }, { "LD_PRELOAD=/tmp/x" }, .want = false },
	{ "a PATH of its own", SITE "p", { "p" }, { "PATH=/tmp" }, .want = false },
	{ "by its whole path", SITE "p", { SITE "p", "x" }, .want = true },
	{ "by another name", SITE "p", { "sh", "x" }, .want = false },
	{ "by a name in another folder", SITE "p", { "/bin/p", "x" }, .want = false },
	{ "by no name", SITE "p", { "", "x" }, .want = false },
	{ "the shell reads it", SITE "p", { "p" }, .as_script = true, .want = false },
	{ "no arguments at all", SITE "p", { NULL }, .want = false },
	{ "sendmail",
	  SENDMAIL,
	  { "sendmail", "-i", "-f", "a@b", "--", "c@d" },
	  { "PATH=/usr/sbin:/usr/bin:/bin", "LANG=C" },
	  .want = true },
	{ "sendmail with wishes",
	  SENDMAIL,
	  { "sendmail", "-i", "-f", "", "-N", "never", "-R", "hdrs", "-V", "x", "--", "c@d" },
	  .want = true },
	{ "sendmail by its whole path",
	  SENDMAIL,
	  { SENDMAIL, "-i", "-f", "a@b", "--", "c@d" },
	  .want = true },
	{ "sendmail by another name",
	  SENDMAIL,
	  { "sh", "-i", "-f", "a@b", "--", "c@d" },
	  .want = false },
	{ "sendmail with a file",
	  SENDMAIL,
	  { "sendmail", "-i", "-f", "a@b", "-C", "/tmp/x", "--", "c@d" },
	  .want = false },
	{ "sendmail with an option joined",
	  SENDMAIL,
	  { "sendmail", "-i", "-f", "a@b", "-C/tmp/x", "x", "--", "c@d" },
	  .want = false },
	{ "sendmail as daemon", SENDMAIL, { "sendmail", "-bd" }, .want = false },
	{ "sendmail to two",
	  SENDMAIL,
	  { "sendmail", "-i", "-f", "a@b", "--", "c@d", "e@f" },
	  .want = false },
	{ "sendmail to nobody", SENDMAIL, { "sendmail", "-i", "-f", "a@b", "--" }, .want = false },
	{ "sendmail from headers",
	  SENDMAIL,
	  { "sendmail", "-i", "-f", "a@b", "-t", "--" },
	  .want = false },
	{ "sendmail with a configuration",
	  SENDMAIL,
	  { "sendmail", "-i", "-f", "a@b", "--", "c@d" },
	  { "MAIL_CONFIG=/tmp" },
	  .want = false },
	{ "sendmail elsewhere",
	  SENDMAIL,
	  { "sendmail", "-i", "-f", "a@b", "--", "c@d" },
	  .folder = "/tmp",
	  .want = false },
	{ "another sendmail",
	  "/tmp/sendmail",
	  { "sendmail", "-i", "-f", "a@b", "--", "c@d" },
	  .want = false },
	{ "cage", "/lib/todoke-libsieve", { "todoke-libsieve" }, .want = true },
	{ "cage by another name", "/lib/todoke-libsieve", { "sh" }, .want = false },
	{ "cage with an argument",
	  "/lib/todoke-libsieve",
	  { "todoke-libsieve", "x" },
	  .want = false },
	{ "cage with an environment",
	  "/lib/todoke-libsieve",
	  { "todoke-libsieve" },
	  { "LANG=C" },
	  .want = false },
	{ "shell", "/bin/sh", { "sh", "-c", "id" }, .want = false },
};

static void
test_policy(void **state)
{
	const Row *row = *state;
	const StarterPolicy none = { .seconds = 1 }, any = { .any = true };
	const Program program = { row->path, row->argv, row->envp,
		                  row->as_script ? row->argv : NULL, row->folder };
	assert_int_equal(starter_policy_allows(&of_site, &program), row->want);
	assert_false(starter_policy_allows(&none, &program));
	assert_true(starter_policy_allows(&any, &program));
}

static bool
run_shell(const char *script, unsigned seconds, ChildResult *ret_result, Status *st)
{
	const char *argv[] = { "sh", "-c", script, NULL }, *envp[] = { NULL };
	const ChildCall call = { .program.path = "/bin/sh",
		                 .program.argv = argv,
		                 .program.envp = envp,
		                 .body_fd = -1,
		                 .output_limit = 1000,
		                 .seconds = seconds };
	return child_run(&call, ret_result, st);
}

static void
test_refused(void **state)
{
	(void) state;
	g_auto(ChildResult) result = { 0 };
	g_auto(Status) st = STATUS_INIT;
	const StarterPolicy policy = { .folder = "/nonexistent", .seconds = 600 };

	assert_true(starter_fork(&policy));
	assert_false(run_shell("exit 0", 60, &result, &st));
	assert_int_equal(st.id, STATUS_PROGRAM);
	assert_string_equal(st.detail, "cannot run '/bin/sh': Operation not permitted");
	starter_finish();
	assert_false(starter_is_there());
}

/* Whoever asks may hang or be stopped itself. */
static void
test_its_own_time(void **state)
{
	(void) state;
	g_auto(ChildResult) result = { 0 };
	g_auto(Status) st = STATUS_INIT;
	const StarterPolicy policy = { .any = true, .seconds = 1 };

	assert_true(starter_fork(&policy));
	assert_true(run_shell("exec sleep 1000", 60, &result, &st));
	assert_int_equal(result.signal, SIGKILL);
	starter_finish();
}

/* LIMIT_STARTER_REQUEST: what is below reaches the kernel, which has a limit of its own. */
static void
test_size(void **state)
{
	(void) state;
	const StarterPolicy policy = { .any = true, .seconds = 600 };
	const size_t rest = sizeof "/bin/true" + sizeof "" + sizeof "true";
	assert_true(starter_fork(&policy));

	for (size_t more = 0; more < 2; more++) {
		g_autofree char *long_word = g_strnfill(LIMIT_STARTER_REQUEST - rest - 1 + more,
		                                        'x');
		const char *argv[] = { "true", long_word, NULL }, *envp[] = { NULL };
		const ChildCall call = { .program.path = "/bin/true",
			                 .program.argv = argv,
			                 .program.envp = envp,
			                 .body_fd = -1,
			                 .output_limit = 1,
			                 .seconds = 60 };
		g_auto(ChildResult) result = { 0 };
		g_auto(Status) st = STATUS_INIT;
		assert_false(child_run(&call, &result, &st));
		assert_string_equal(
			st.detail,
			more == 0
				? "cannot run '/bin/true': Argument list too long"
				: "cannot start a process for '/bin/true': Argument list too long");
	}

	starter_finish();
}

/* A client that was taken over, as far as it can say something. */
typedef struct {
	gint32 pid, number;
	guint32 mask, n_argv, n_envp, n_script, len;
} Raw;

static const Raw broken[] = {
	{ .n_argv = 1, .len = 0 },
	{ .n_argv = 1, .len = G_MAXUINT32 },
	{ .n_argv = 1, .len = LIMIT_STARTER_REQUEST },
	{ .n_argv = G_MAXUINT32, .len = 14 },
	{ .n_argv = 0, .n_envp = 1, .len = 14 },
	{ .n_argv = 1, .n_envp = 1, .len = 14 },
	{ .n_argv = 1, .n_script = 1, .len = 14 },
	{ .n_argv = 1, .len = 13 },
	{ .n_argv = 1, .len = 9 },
};

static void
send_raw(const Raw *raw, int failure)
{
	static const char strings[] = "/bin/sh\0\0sh\0";
	int fd = memfd_create("raw", MFD_CLOEXEC), null = open("/dev/null", O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0 && null >= 0);
	assert_int_equal(write(fd, strings, sizeof strings), sizeof strings);
	const int fds[] = { null, null, null, failure, fd };
	assert_true(pass_fds_send(starter_channel(), raw, sizeof *raw, fds, G_N_ELEMENTS(fds)));
	(void) close(fd);
	(void) close(null);
}

/* It is refused, and the next one who asks is served. */
static void
test_broken_requests(void **state)
{
	(void) state;
	const StarterPolicy policy = { .any = true, .seconds = 600 };
	assert_true(starter_fork(&policy));

	for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
		int ends[2], err = 0;
		assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
		send_raw(&broken[i], ends[1]);
		(void) close(ends[1]);
		assert_int_equal(read(ends[0], &err, sizeof err), sizeof err);
		assert_int_equal(err, EPERM);
		(void) close(ends[0]);
	}

	g_auto(ChildResult) result = { 0 };
	g_auto(Status) st = STATUS_INIT;
	assert_true(run_shell("exit 7", 60, &result, &st));
	assert_int_equal(result.exit_code, 7);
	starter_finish();
}

/* What is no request at all ends the starter, and is told as that. */
static void
test_no_request(void **state)
{
	(void) state;
	const StarterPolicy policy = { .any = true, .seconds = 600 };
	struct pollfd channel = { .events = POLLIN };
	g_auto(ChildResult) result = { 0 };
	g_auto(Status) st = STATUS_INIT;

	assert_true(starter_fork(&policy));
	assert_true(pass_fds_send(starter_channel(), "nonsense", 8, NULL, 0));
	channel.fd = starter_channel();
	assert_int_equal(poll(&channel, 1, PATIENCE_MS), 1);
	assert_false(run_shell("exit 0", 60, &result, &st));
	assert_int_equal(st.id, STATUS_INTERNAL);
	assert_string_equal(st.detail, "what starts programs is gone: no '/bin/sh'");
	starter_finish();
}

/* A client that has a program run, which says a word. */
G_NORETURN static void
be_client(int report, const char *script)
{
	const StarterPolicy policy = { .any = true, .seconds = 600 };
	const char *argv[] = { "sh", "-c", script, NULL }, *envp[] = { "PATH=/usr/bin:/bin", NULL };
	const Program program = { "/bin/sh", argv, envp, NULL, NULL };
	const int fds[PROGRAM_FDS] = { report, report, report, report };

	if (starter_fork(&policy) && starter_start(&program, 022, fds))
		(void) pause();
	_exit(1);
}

/* Run it until its program has said its word, then kill it. Returns a pipe from its program. */
static int
kill_client(const char *script)
{
	int report[2];
	char word[16];
	assert_int_equal(pipe2(report, O_CLOEXEC), 0);
	pid_t client = fork();
	if (client == 0)
		be_client(report[1], script);
	assert_true(client > 0);

	(void) close(report[1]);
	struct pollfd said = { .fd = report[0], .events = POLLIN };
	assert_int_equal(poll(&said, 1, PATIENCE_MS), 1);
	assert_true(read(report[0], word, sizeof word) > 0);
	(void) kill(client, SIGKILL);
	assert_int_equal(waitpid(client, NULL, 0), client);

	return report[0];
}

/* A client's orphans are this process's children: the starter, and what it would leave. */
static void
test_ends_with_its_client(void **state)
{
	(void) state;
	char word[16];
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	(void) alarm(PATIENCE_MS / 1000);

	int from = kill_client("echo here; sleep 1000 & sleep 1000");
	assert_int_equal(read(from, word, sizeof word),
	                 0); /* nobody of the group has it any more */
	(void) close(from);
	while (waitpid(-1, NULL, 0) > 0)
		continue;
	assert_int_equal(errno, ECHILD);
	(void) alarm(0);
}

/* Not even where somebody else keeps the channel open: a process that was forked in the box. */
static void
test_ends_although_the_channel_is_open(void **state)
{
	(void) state;
	const StarterPolicy policy = { .any = true, .seconds = 600 };
	int keeper[2];
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	assert_int_equal(pipe2(keeper, O_CLOEXEC), 0);
	(void) alarm(PATIENCE_MS / 1000);

	pid_t client = fork(), kept = 0;
	if (client == 0) {
		kept = starter_fork(&policy) ? fork() : -1;
		if (kept > 0)
			_exit(write(keeper[1], &kept, sizeof kept) == sizeof kept ? 0 : 1);
		(void) pause();
		_exit(1);
	}

	assert_int_equal(read(keeper[0], &kept, sizeof kept), sizeof kept);
	assert_int_equal(waitpid(client, NULL, 0), client);
	pid_t starter = waitpid(-1, NULL, 0);
	assert_true(starter > 0 && starter != kept);
	(void) kill(kept, SIGKILL);
	assert_int_equal(waitpid(kept, NULL, 0), kept);
	(void) alarm(0);
	(void) close(keeper[0]);
	(void) close(keeper[1]);
}

/* A process that was forked asks, is killed, and its answer is nobody else's. */
static void
test_answer_of_another(void **state)
{
	(void) state;
	const StarterPolicy policy = { .any = true, .seconds = 600 };
	const char *argv[] = { "sh", "-c", "exit 3", NULL }, *envp[] = { NULL };
	const Program program = { "/bin/sh", argv, envp, NULL, NULL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	const int fds[PROGRAM_FDS] = { null, null, null, null };
	assert_true(starter_fork(&policy));

	pid_t other = fork();
	if (other == 0)
		_exit(starter_start(&program, 022, fds) ? 0 : 1);
	int how = 1;
	assert_int_equal(waitpid(other, &how, 0), other);
	assert_int_equal(how, 0);
	struct pollfd channel = { .fd = starter_channel(), .events = POLLIN };
	assert_int_equal(poll(&channel, 1, PATIENCE_MS), 1);

	g_auto(ChildResult) result = { 0 };
	g_auto(Status) st = STATUS_INIT;
	assert_true(run_shell("echo x; exit 7", 60, &result, &st));
	assert_int_equal(result.exit_code, 7);
	starter_finish();
	(void) close(null);
}

int
main(void)
{
	(void) signal(SIGPIPE, SIG_IGN);
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_its_own_time),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_broken_requests),
		cmocka_unit_test(test_no_request),
		cmocka_unit_test(test_answer_of_another),
		cmocka_unit_test(test_ends_with_its_client),
		cmocka_unit_test(test_ends_although_the_channel_is_open),
	};
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + G_N_ELEMENTS(others)];
	size_t n = 0;
	UNIT_ROWS(tests, n, rows, test_policy);
	for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
		tests[n++] = others[i];

	return _cmocka_run_group_tests("starter", tests, n, NULL, NULL);
}

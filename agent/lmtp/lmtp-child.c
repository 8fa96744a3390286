/* lmtp-child: fork, a pipe, and an outcome through it. */
#define _GNU_SOURCE
#include "agent/lmtp/lmtp-child.h"

#include "agent/base/fs.h"
#include "agent/lmtp/lmtp-pack.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

/* Octets of an outcome: more is no outcome of ours. */
enum { MOST_OUTCOME = 64 * 1024 };

static int hidden = -1;

void
lmtp_child_hide(int fd)
{
	hidden = fd;
}

G_NORETURN static void
be_child(LmtpChildWork *work, void *user, int pipe_fd)
{
	Status st = STATUS_INIT, ignored = STATUS_INIT;
	char *done = NULL;
	fs_close_auto(&hidden);
	if (!work(user, &done, &st))
		(void) status_fail(&st, STATUS_INTERNAL, NULL); /* keeps the reason where there is one */
	g_autoptr(GString) out = g_string_new(NULL);
	lmtp_pack_outcome(out, &st, done);
	(void) fs_write_all(pipe_fd, out->str, MIN(out->len, MOST_OUTCOME), "outcome", &ignored);
	_exit(0);
}

/* All that the child writes until it closes the pipe or it is too much. False: the time is over. */
static bool
read_outcome(int fd, unsigned seconds, GString *out)
{
	gint64 until = g_get_monotonic_time() + (gint64) seconds * G_USEC_PER_SEC;
	char buffer[4096];
	for (;;) {
		gint64 left_ms = (until - g_get_monotonic_time()) / 1000;
		struct pollfd readable = { .fd = fd, .events = POLLIN };
		int n = left_ms > 0 ? poll(&readable, 1, (int) MIN(left_ms, G_MAXINT)) : 0;
		if (n == 0)
			return false;
		ssize_t got = n > 0 ? read(fd, buffer, sizeof buffer) : -1;
		if (got == 0)
			return true;
		if (got < 0 && errno != EINTR)
			return true;
		if (got > 0)
			g_string_append_len(out, buffer, got);
		if (out->len > MOST_OUTCOME)
			return true;
	}
}

bool
lmtp_child_run(LmtpChildWork *work, void *user, unsigned seconds, char **ret_done, Status *st)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return status_fail_errno(st, errno, "cannot make a pipe");
	while (waitpid(-1, NULL, WNOHANG) > 0) /* earlier ones that were killed */
		continue;
	pid_t pid = fork();
	if (pid == 0) {
		(void) close(ends[0]);
		be_child(work, user, ends[1]);
	}
	auto_fd int from = ends[0];
	(void) close(ends[1]);
	if (pid < 0)
		return status_fail_errno(st, errno, "cannot start a delivery process");
	g_autoptr(GString) out = g_string_new(NULL);
	if (!read_outcome(from, seconds, out)) {
		(void) kill(pid, SIGKILL); /* it may hang where no signal reaches it, so it is not waited for */
		(void) waitpid(pid, NULL, WNOHANG);
		return status_fail_detail(st, STATUS_DEADLINE, "a delivery process was killed after %u s", seconds);
	}
	(void) kill(pid, SIGKILL); /* ours is leaving, and past being killed: another one would let us wait */
	int status = 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EX_TEMPFAIL)
		return status_fail_detail(st, STATUS_DEADLINE, "a delivery process ran into its deadline");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return status_fail_detail(st, STATUS_INTERNAL, "a delivery process died (wait status %d)", status);
	return lmtp_pack_take_outcome(out->str, out->str + out->len, ret_done, st);
}

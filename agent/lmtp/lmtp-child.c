/* lmtp-child: fork, a pipe, and four strings through it. */
#define _GNU_SOURCE
#include "agent/lmtp/lmtp-child.h"

#include "agent/base/fs.h"

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

/* "loop" NUL text NUL detail NUL done NUL; a missing text is "\1". */
static void
append_string(GString *out, const char *text)
{
	g_string_append(out, text != NULL ? text : "\1");
	g_string_append_c(out, '\0');
}

static char *
take_string(const char **at, const char *end)
{
	const char *nul = memchr(*at, '\0', (size_t) (end - *at));
	if (nul == NULL)
		return NULL;
	const char *text = *at;
	*at = nul + 1;
	return strcmp(text, "\1") == 0 ? NULL : g_strdup(text);
}

G_NORETURN static void
be_child(LmtpChildWork *work, void *user, int pipe_fd)
{
	Status st = STATUS_INIT, ignored = STATUS_INIT;
	char *done = NULL;
	if (!work(user, &done, &st))
		(void) status_fail(&st, STATUS_INTERNAL, NULL); /* keeps the reason where there is one */
	g_autoptr(GString) out = g_string_new(NULL);
	append_string(out, status_row(st.id)->name);
	append_string(out, st.text);
	append_string(out, st.detail);
	append_string(out, done);
	(void) fs_write_all(pipe_fd, out->str, MIN(out->len, MOST_OUTCOME), "outcome", &ignored);
	_exit(0);
}

/* All that the child writes until it closes the pipe, or the time is over. */
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
	}
}

static bool
parse_outcome(const GString *out, char **ret_done, Status *st)
{
	const char *at = out->str, *end = out->str + out->len;
	g_autofree char *name = take_string(&at, end);
	StatusId id = name != NULL ? status_find_name(name) : STATUS_COUNT;
	g_autofree char *text = take_string(&at, end);
	g_autofree char *detail = take_string(&at, end);
	char *done = take_string(&at, end);
	if (id == STATUS_OK && at == end) {
		*ret_done = done;
		return true;
	}
	g_free(done);
	if (id == STATUS_COUNT || id == STATUS_OK || at != end)
		return status_fail_detail(st, STATUS_INTERNAL, "a delivery process left no outcome");
	st->id = id;
	st->text = g_steal_pointer(&text);
	st->detail = g_steal_pointer(&detail);
	return false;
}

bool
lmtp_child_run(LmtpChildWork *work, void *user, unsigned seconds, char **ret_done, Status *st)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return status_fail_errno(st, errno, "cannot make a pipe");
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
	int status = 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EX_TEMPFAIL)
		return status_fail_detail(st, STATUS_DEADLINE, "a delivery process ran into its deadline");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return status_fail_detail(st, STATUS_INTERNAL, "a delivery process died (wait status %d)", status);
	return parse_outcome(out, ret_done, st);
}

/* SPDX-License-Identifier: MIT */
/*
 * child: fork, feed, read and watch in one poll loop; the group is killed before its leader is
 * reaped.
 */
#define _GNU_SOURCE
#include "agent/base/child.h"

#include "agent/base/deadline.h"
#include "agent/base/fs.h"
#include "agent/base/handover.h"
#include "agent/base/libc.h"
#include "agent/base/limits.h"
#include "agent/base/starter.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PIECE = 16 * 1024 };

/* A program that runs. Descriptors of ours; -1: closed. */
typedef struct {
	const ChildCall *call;
	pid_t pid; /* 0: of the starter, if it `runs` */
	bool runs;
	int pidfd;
	int in;
	int out;
	int err;
	size_t head_done;
	off_t body_done;
	GByteArray *output;
	GString *errors;
	bool too_much;
	bool unread;
} Child;

/* The child's ends, and the pipe that brings errno where it could not become the program. */
typedef struct {
	int in[2];
	int out[2];
	int err[2];
	int failure[2];
} Pipes;

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		(void) close(*fd);
	*fd = -1;
}

static void
pipes_clear(Pipes *pipes)
{
	for (int i = 0; i < 2; i++) {
		close_fd(&pipes->in[i]);
		close_fd(&pipes->out[i]);
		close_fd(&pipes->err[i]);
		close_fd(&pipes->failure[i]);
	}
}

static bool
pipes_open(Pipes *pipes, Status *st)
{
	if (pipe2(pipes->in, O_CLOEXEC) < 0 || pipe2(pipes->out, O_CLOEXEC) < 0 ||
	    pipe2(pipes->err, O_CLOEXEC) < 0 || pipe2(pipes->failure, O_CLOEXEC) < 0)
		return status_fail_errno(st, errno, "cannot make a pipe for a program");
	/* On a blocking one we would wait for ever for a program that waits for us. */
	if (fcntl(pipes->in[1], F_SETFL, O_NONBLOCK) < 0 ||
	    fcntl(pipes->out[0], F_SETFL, O_NONBLOCK) < 0 ||
	    fcntl(pipes->err[0], F_SETFL, O_NONBLOCK) < 0)
		return status_fail_errno(st, errno, "cannot prepare a pipe for a program");

	return true;
}

static bool
fail_to_start(int err, const char *path, Status *st)
{
	return err == ESRCH ? status_fail_detail(st, STATUS_INTERNAL,
	                                         "what starts programs is gone: no '%s'", path)
	                    : status_fail_errno(st, err, "cannot start a process for '%s'", path);
}

/* Wait until exec has happened or failed. */
static bool
started(int failure, const char *path, Status *st)
{
	int err = 0;
	ssize_t n;

	do
		n = read(failure, &err, sizeof err);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t) sizeof err)
		return true;
	if (err < 0)
		return fail_to_start(-err, path, st);

	return status_fail_detail(st, STATUS_PROGRAM, "cannot run '%s': %s", path,
	                          status_error_text(err));
}

static void
reap(pid_t pid, int *ret_wait)
{
	while (waitpid(pid, ret_wait, 0) < 0 && errno == EINTR)
		;
}

/*
 * One piece of its input; the pipe is closed when all is written, or when nobody reads it. False:
 * it cannot be read or written; the program must not take the half of it for the whole.
 */
static bool
feed(Child *child, Status *st)
{
	const ChildCall *call = child->call;
	char buffer[PIECE];
	const char *data = (const char *) call->head + child->head_done;
	size_t len = call->head_len - child->head_done;
	bool is_head = len > 0;

	if (!is_head && child->body_done < call->body_len) {
		len = (size_t) MIN(call->body_len - child->body_done, (off_t) sizeof buffer);
		data = buffer;
		if (!fs_read_exactly_at(call->body_fd, call->body_at + child->body_done, buffer,
		                        len, "message body", st))
			return false;
	}

	ssize_t n = len > 0 ? write(child->in, data, len) : 0;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n < 0 && errno != EPIPE)
		return status_fail_errno(st, errno, "cannot hand the message to '%s'",
		                         call->program.path);

	if (n <= 0) {
		child->unread |= n < 0;
		close_fd(&child->in);
		return true;
	}

	if (is_head)
		child->head_done += (size_t) n;
	else
		child->body_done += n;

	if (child->head_done == call->head_len && child->body_done == call->body_len)
		close_fd(&child->in);
	return true;
}

/*
 * What the pipe holds is written while we can read it ourselves: how fast a program ends that does
 * not read at all must not decide whether a small input was taken.
 */
static bool
fill_pipe(Child *child, Status *st)
{
	for (;;) {
		size_t head = child->head_done;
		off_t body = child->body_done;
		if (child->in >= 0 && !feed(child, st))
			return false;
		if (child->head_done == head && child->body_done == body)
			return true;
	}
}

/* As a child of ours. */
static bool
start_here(Child *child, const Program *program, const int fds[PROGRAM_FDS], Status *st)
{
	pid_t parent = getpid();
	child->pid = fork();
	if (child->pid < 0)
		return fail_to_start(errno, program->path, st);
	if (child->pid == 0)
		program_become(program, fds, parent);

	child->runs = true;
	(void) setpgid(child->pid, child->pid); /* both do it: whoever comes first */
	deadline_kill_group(child->pid);
	child->pidfd = pidfd_open(child->pid, 0);
	return child->pidfd >= 0 ||
	       status_fail_errno(st, errno, "cannot watch '%s'", program->path);
}

/* Out of the box that this process is in. */
static bool
start_outside(Child *child, const Program *program, const int fds[PROGRAM_FDS], Status *st)
{
	mode_t mask = umask(0);
	(void) umask(mask);

	child->pid = 0;
	child->runs = starter_start(program, mask, fds);
	return child->runs || fail_to_start(errno, program->path, st);
}

static bool
child_start(Child *child, Status *st)
{
	const ChildCall *call = child->call;
	Pipes pipes __attribute__((
		cleanup(pipes_clear))) = { { -1, -1 }, { -1, -1 }, { -1, -1 }, { -1, -1 } };
	if (!pipes_open(&pipes, st))
		return false;

	const int fds[PROGRAM_FDS] = { pipes.in[0], pipes.out[1], pipes.err[1], pipes.failure[1] };
	bool done = starter_is_there() ? start_outside(child, &call->program, fds, st)
	                               : start_here(child, &call->program, fds, st);
	close_fd(&pipes.failure[1]);
	child->in = fs_steal_fd(&pipes.in[1]);
	if (!done || !fill_pipe(child, st) || !started(pipes.failure[0], call->program.path, st))
		return false;

	child->out = fs_steal_fd(&pipes.out[0]);
	child->err = fs_steal_fd(&pipes.err[0]);
	return true;
}

/* What it said; false when there is no more for now. */
static bool
listen_to(int *fd, char *buffer, size_t *ret_len)
{
	ssize_t n = *fd >= 0 ? read(*fd, buffer, PIECE) : -1;

	if (n > 0) {
		*ret_len = (size_t) n;
		return true;
	}

	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		close_fd(fd);
	return false;
}

static void
hear_output(Child *child)
{
	char buffer[PIECE];
	size_t len;

	while (!child->too_much && listen_to(&child->out, buffer, &len)) {
		child->too_much = len > child->call->output_limit - child->output->len;
		if (!child->too_much)
			g_byte_array_append(child->output, (const guint8 *) buffer, (guint) len);
	}
}

/* Its first words count; what follows is read, so that it can go on. */
static void
hear_errors(Child *child)
{
	char buffer[PIECE];
	size_t len;
	if (!listen_to(&child->err, buffer, &len))
		return;

	size_t room = LIMIT_CHILD_ERRORS - child->errors->len;
	g_string_append_len(child->errors, buffer, (gssize) MIN(len, room));
}

static int
milliseconds_left(gint64 ends)
{
	gint64 left = (ends - g_get_monotonic_time()) / 1000;
	return left > 0 ? (int) MIN(left, G_MAXINT) : 0;
}

/* Feed and read until it has ended. False: it took too long or said too much. */
static bool
child_watch(Child *child, Status *st)
{
	unsigned seconds = MIN(child->call->seconds, deadline_left());
	gint64 ends = g_get_monotonic_time() + (gint64) seconds * G_USEC_PER_SEC;
	bool is_outside = child->pid == 0;

	for (;;) {
		struct pollfd fds[] = {
			{ child->in, POLLOUT, 0 },
			{ child->out, POLLIN, 0 },
			{ child->err, POLLIN, 0 },
			{ is_outside ? starter_channel() : child->pidfd, POLLIN, 0 },
		};
		int left = milliseconds_left(ends);
		if (left == 0)
			return status_fail_detail(st, STATUS_PROGRAM,
			                          "'%s' took longer than %u seconds",
			                          child->call->program.path, seconds);
		if (poll(fds, G_N_ELEMENTS(fds), left) < 0 && errno != EINTR)
			return status_fail_errno(st, errno, "cannot wait for '%s'",
			                         child->call->program.path);
		if (fds[0].revents != 0 && !feed(child, st))
			return false;
		bool has_ended = fds[3].revents != 0 && (!is_outside || starter_has_ended());
		hear_output(child);
		hear_errors(child);
		if (child->too_much)
			return status_fail_detail(
				st, STATUS_PROGRAM, "'%s' said more than %zu octets",
				child->call->program.path, child->call->output_limit);
		if (has_ended) {
			child->unread |= child->in >= 0;
			return true;
		}
	}
}

/*
 * Whoever is left in its group goes before the leader is reaped: until then the number is nobody
 * else's. False: nobody can tell how it ended.
 */
static bool
child_end(Child *child, int *ret_wait)
{
	bool is_told = true;
	if (child->pid > 0) {
		(void) kill(-child->pid, SIGKILL);
		(void) kill(child->pid, SIGKILL);
		reap(child->pid, ret_wait);
		deadline_kill_group(0);
	} else if (child->runs) {
		is_told = starter_end(ret_wait);
	}

	close_fd(&child->in);
	close_fd(&child->out);
	close_fd(&child->err);
	close_fd(&child->pidfd);
	return is_told;
}

bool
child_run(const ChildCall *call, ChildResult *ret_result, Status *st)
{
	Child child = { .call = call, .pid = -1, .pidfd = -1, .in = -1, .out = -1, .err = -1 };

	handover_go("a program"); /* what it does cannot be undone */
	child.output = g_byte_array_new();
	child.errors = g_string_new(NULL);
	int how = 0;
	bool done = child_start(&child, st) && child_watch(&child, st);
	if (!child_end(&child, &how) && done)
		done = fail_to_start(ESRCH, call->program.path, st);

	if (done)
		*ret_result = (ChildResult){
			.exit_code = WIFEXITED(how) ? WEXITSTATUS(how) : -1,
			.signal = WIFSIGNALED(how) ? WTERMSIG(how) : 0,
			.unread = child.unread,
			.output = g_byte_array_free_to_bytes(g_steal_pointer(&child.output)),
			.errors = g_utf8_make_valid(child.errors->str, (gssize) child.errors->len),
		};

	if (child.output != NULL)
		g_byte_array_unref(child.output);
	g_string_free(child.errors, TRUE);
	return done;
}

Outside *
child_outside(const char *path, const char *const *argv, const char *words)
{
	g_autofree char *command = g_strjoinv(" ", (char **) argv);
	return outside_new(OUTSIDE_PROGRAM, path, command, words);
}

void
child_result_clear(ChildResult *result)
{
	g_clear_pointer(&result->output, g_bytes_unref);
	g_clear_pointer(&result->errors, g_free);
}

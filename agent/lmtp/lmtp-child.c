/* SPDX-License-Identifier: MIT */
/* lmtp-child: fork, and a packet for each outcome. */
#define _GNU_SOURCE
#include "agent/lmtp/lmtp-child.h"

#include "agent/base/log.h"
#include "agent/base/pass-fds.h"
#include "agent/base/starter.h"
#include "agent/lmtp/lmtp-pack.h"
#include "agent/run/sandbox.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

static GArray *hidden; /* int: descriptors that no child may have; NULL: none yet */
static GArray *left;   /* pid_t: children that were killed and not waited for; NULL: none yet */

void
lmtp_child_hide(int fd)
{
	if (hidden == NULL)
		hidden = g_array_new(FALSE, FALSE, sizeof fd);
	g_array_append_val(hidden, fd);
}

void
lmtp_child_show(int fd)
{
	for (guint i = 0; hidden != NULL && i < hidden->len; i++)
		if (g_array_index(hidden, int, i) == fd) {
			g_array_remove_index_fast(hidden, i);
			return;
		}
}

/*
 * Who has the descriptors of others could answer for them; `channel` is hidden from children of
 * this child.
 */
static void
forget_others(int channel)
{
	for (guint i = 0; i < hidden->len; i++)
		(void) close(g_array_index(hidden, int, i));
	g_array_set_size(hidden, 0);
	if (left != NULL)
		g_array_set_size(left, 0);
	lmtp_child_hide(channel);
}

void *
lmtp_child_hidden_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return memory != MAP_FAILED && madvise(memory, size, MADV_DONTFORK) == 0 ? memory : NULL;
}

/* What came of a piece of work. `good` is what it returned. */
static bool
send_outcome(int channel, bool good, const char *done, Status *st)
{
	g_autoptr(GString) out = g_string_new(NULL);

	if (!good)
		/* keeps the reason where there is one */
		(void) status_fail(st, STATUS_INTERNAL, NULL);
	lmtp_pack_outcome(out, st, done);

	return send(channel, out->str, out->len, MSG_NOSIGNAL) >= 0;
}

static bool
work_once(LmtpChildWork *work, void *user, int channel)
{
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *done = NULL;
	bool good = work(user, &done, &st);

	return send_outcome(channel, good, done, &st);
}

/* Those that died since they were given up. */
static void
reap_left(void)
{
	for (guint i = left != NULL ? left->len : 0; i-- > 0;)
		if (waitpid(g_array_index(left, pid_t, i), NULL, WNOHANG) != 0)
			g_array_remove_index_fast(left, i);
}

static void
forget(LmtpChild *child)
{
	lmtp_child_show(child->from);
	(void) close(child->from);
	child->pid = 0;
}

/*
 * Fork. In the child true, and *ret_channel is its end; in the parent false, and *child is the
 * child, or st has the fault.
 */
static bool
fork_child(LmtpChild *child, int *ret_channel, Status *st)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
		status_fail_errno(st, errno, "cannot make a channel");
		return false;
	}

	reap_left();
	lmtp_child_hide(ends[0]);
	pid_t pid = fork();
	if (pid == 0) {
		forget_others(ends[1]);
		*ret_channel = ends[1];
		return true;
	}

	(void) close(ends[1]);
	*child = (LmtpChild){ pid, ends[0] };
	if (pid < 0) {
		status_fail_errno(st, errno, "cannot start a delivery process");
		forget(child);
	}

	return false;
}

bool
lmtp_child_start(LmtpChild *child, LmtpChildWork *work, void *user, unsigned times, Status *st)
{
	int channel = -1;
	if (!fork_child(child, &channel, st))
		return child->pid > 0;

	for (unsigned i = 0; i < times && work_once(work, user, channel); i++)
		continue;
	_exit(0);
}

/* In the child: one request after the other. */
G_NORETURN static void
answer_requests(LmtpChildAnswer *answer, void *user, int channel)
{
	static char request[LMTP_CHILD_MOST_REQUEST];
	bool open = true;

	while (open) {
		g_auto(Status) st = STATUS_INIT;
		g_autofree char *done = NULL;
		int fd = -1;
		ssize_t len = pass_fds_receive(channel, request, sizeof request, &fd, 1);
		if (len <= 0) {
			starter_finish();
			_exit(len == 0 ? 0 : EX_OSERR);
		}

		bool good = answer(user, request, (size_t) len, fd, &done, &st);
		sandbox_note_fault(&st);
		open = send_outcome(channel, good, done, &st) && !sandbox_is_outgrown();
	}

	starter_finish();
	_exit(0);
}

bool
lmtp_child_serve(LmtpChild *child, LmtpChildAnswer *answer, void *user, Status *st)
{
	int channel = -1;
	if (!fork_child(child, &channel, st))
		return child->pid > 0;
	answer_requests(answer, user, channel);
}

bool
lmtp_child_ask(const LmtpChild *child, const GString *request, const LmtpLoad *load, Status *st)
{
	static const LmtpLoad nothing = { .fd = -1 };
	const LmtpLoad *with = load != NULL ? load : &nothing;
	const struct iovec parts[2] = { { request->str, request->len },
		                        { (void *) with->octets, with->len } };
	size_t len = request->len + with->len;

	if (len > LMTP_CHILD_MOST_REQUEST)
		return status_fail_detail(st, STATUS_LIMIT, "a request of %zu octets", len);
	return pass_fds_send_two(child->from, parts, &with->fd, with->fd >= 0 ? 1 : 0) ||
	       status_fail_detail(st, STATUS_INTERNAL, "a delivery process is gone");
}

bool
lmtp_child_is_gone(const LmtpChild *child)
{
	struct pollfd fd = { .fd = child->from, .events = POLLIN };
	return poll(&fd, 1, 0) != 0;
}

void
lmtp_child_leave(LmtpChild *child)
{
	if (child->pid != 0)
		(void) shutdown(child->from, SHUT_RD); /* it cannot send any more */
}

/* It is gone, leaving, or has to go: another one would let us wait. How it ended. */
static int
bury(LmtpChild *child)
{
	int status = 0;

	(void) kill(child->pid, SIGKILL);
	while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	forget(child);

	return status;
}

/* It may hang where no signal reaches it, so it is not waited for. */
static void
give_up(LmtpChild *child)
{
	(void) kill(child->pid, SIGKILL);
	if (left == NULL)
		left = g_array_new(FALSE, FALSE, sizeof(pid_t));
	g_array_append_val(left, child->pid);
	forget(child);
}

/* Wait for `events`, or for the child to go. False: the time is over. */
static bool
wait_for(int from, short events, unsigned seconds)
{
	gint64 until = g_get_monotonic_time() + (gint64) seconds * G_USEC_PER_SEC;
	for (;;) {
		gint64 left_ms = (until - g_get_monotonic_time()) / 1000;
		struct pollfd fd = { .fd = from, .events = events };
		/* what is there counts, however late we look */
		int n = poll(&fd, 1, (int) CLAMP(left_ms, 0, G_MAXINT));
		if (n >= 0 || errno != EINTR)
			return n != 0;
	}
}

void
lmtp_child_end(LmtpChild *child, unsigned seconds)
{
	if (child->pid == 0)
		return;
	if (seconds == 0 || wait_for(child->from, 0, seconds))
		(void) bury(child);
	else
		give_up(child);
}

/* Octets of the next outcome; 0: there will be none; -1: the time is over. */
static ssize_t
receive(int from, unsigned seconds, char *buffer)
{
	ssize_t len;
	do
		/* mostly it is there already */
		len = recv(from, buffer, LMTP_PACK_MOST_OUTCOME, MSG_DONTWAIT);
	while (len < 0 && (errno == EINTR || (errno == EAGAIN && wait_for(from, POLLIN, seconds))));

	return len < 0 && errno == EAGAIN ? -1 : MAX(len, 0);
}

/* It could not log its end by itself. */
static bool
fail_lost(Status *st, StatusId id, const char *how, int number)
{
	log_event(EVENT_DELIVERY_DIED, LOG_ERR, "a delivery process %s (%d)", how, number);
	return status_fail_detail(st, id, "a delivery process %s (%d)", how, number);
}

bool
lmtp_child_take(LmtpChild *child, unsigned seconds, char **ret_done, Status *st)
{
	static char buffer[LMTP_PACK_MOST_OUTCOME]; /* pages that stay empty cost nothing */
	ssize_t len = receive(child->from, seconds, buffer);
	if (len > 0)
		return lmtp_pack_take_outcome(buffer, buffer + len, ret_done, st);

	if (len < 0) {
		int pid = (int) child->pid;
		give_up(child);
		return fail_lost(st, STATUS_DEADLINE, "gave no answer in time and was killed, pid",
		                 pid);
	}

	int status = bury(child);
	bool by_deadline = WIFEXITED(status) && WEXITSTATUS(status) == EX_TEMPFAIL;
	return by_deadline ? fail_lost(st, STATUS_DEADLINE, "ran into its deadline, wait status",
	                               status)
	                   : fail_lost(st, STATUS_INTERNAL, "died, wait status", status);
}

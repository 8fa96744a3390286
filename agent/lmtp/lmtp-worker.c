/* SPDX-License-Identifier: MIT */
/* lmtp-worker: octets between a socket and a session, and the time limits of both. */
#define _GNU_SOURCE
#include "agent/lmtp/lmtp-worker.h"

#include "agent/base/log.h"
#include "agent/base/pass-fds.h"
#include "agent/base/program.h"
#include "agent/base/starter.h"
#include "agent/lmtp/lmtp-broker.h"
#include "agent/run/sandbox.h"
#include "agent/run/site.h"

#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

/* Octets that are read at once; seconds that a client gets to read our last words. */
enum { READ_SIZE = 64 * 1024, LINGER_MS = 1000, LINGER_READS = 64 };

typedef struct {
	const Conf *conf;
	LmtpBackend backend;
	int channel;
	bool stopping; /* the master closed the channel */
	LmtpClient client;
	char buffer[READ_SIZE];
} Worker;

bool
lmtp_worker_send(int channel, const LmtpClient *client)
{
	const int fds[2] = { client->in, client->out };
	return pass_fds_send(channel, &client->peer, sizeof client->peer, fds, 2);
}

/* Wait for the next client. False: the master wants us to go. */
static bool
receive_client(Worker *worker)
{
	LmtpClient *client = &worker->client;
	int fds[2] = { -1, -1 };
	ssize_t len = pass_fds_receive(worker->channel, &client->peer, sizeof client->peer, fds, 2);
	if (len == 0)
		return false;
	if (len < 0 || fds[0] < 0)
		_exit(EX_OSERR); /* no descriptor left: the master tells the client */

	client->in = fds[0];
	client->out = fds[1];
	return true;
}

static int
idle_ms(const Worker *worker)
{
	return (int) worker->conf->lmtp_idle_timeout * 1000;
}

/* LmtpBackend's flush. A client that does not read for the idle time is as good as gone. */
static bool
flush_client(void *client, GString *out)
{
	Worker *worker = client;
	size_t at = 0;
	bool good = true;

	while (good && at < out->len) {
		ssize_t n = write(worker->client.out, out->str + at, out->len - at);
		struct pollfd writable = { .fd = worker->client.out, .events = POLLOUT };
		if (n >= 0)
			at += (size_t) n;
		else if (errno == EAGAIN)
			good = poll(&writable, 1, idle_ms(worker)) > 0;
		else
			good = errno == EINTR;
	}

	g_string_truncate(out, 0);
	return good;
}

/* Has the master closed the channel? It says nothing else while we have a client. */
static void
heed_master(Worker *worker, short events, LmtpSession *session)
{
	if (events == 0 || worker->stopping)
		return;
	worker->stopping = true;
	lmtp_session_wind_down(session);
}

/* Wait for octets until `until` (monotonic); 0: the time is up, and the session is closed. */
static bool
wait_for_client(Worker *worker, LmtpSession *session, gint64 until)
{
	gint64 idle_until = g_get_monotonic_time() + (gint64) idle_ms(worker) * 1000;
	struct pollfd fds[2] = {
		{ .fd = worker->client.in, .events = POLLIN },
		{ .fd = worker->stopping ? -1 : worker->channel, .events = POLLIN },
	};
	gint64 left_ms = (MIN(until, idle_until) - g_get_monotonic_time()) / 1000;
	int n = poll(fds, 2, (int) CLAMP(left_ms, 0, G_MAXINT));

	if (n == 0) {
		lmtp_session_abort(session,
		                   until < idle_until ? LMTP_REPLY_TOO_SLOW : LMTP_REPLY_IDLE);
		return false;
	}

	if (n > 0)
		heed_master(worker, fds[1].revents, session);
	return n > 0 && fds[0].revents != 0;
}

/* One turn: wait, read, answer. False: the conversation is over. */
static bool
serve_turn(Worker *worker, LmtpSession *session, gint64 until)
{
	bool open = true;
	if (wait_for_client(worker, session, until)) {
		ssize_t n = read(worker->client.in, worker->buffer, sizeof worker->buffer);
		if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
			return false;
		if (n > 0)
			open = lmtp_session_feed(session, worker->buffer, (size_t) n);
	} else {
		open = lmtp_session_feed(session, "", 0); /* it may have been closed */
	}

	return flush_client(worker, lmtp_session_output(session)) && open;
}

/* Closing with unread octets resets a TCP connection, and the client would lose our last reply. */
static void
linger(Worker *worker)
{
	struct pollfd readable = { .fd = worker->client.in, .events = POLLIN };
	if (shutdown(worker->client.out, SHUT_WR) < 0)
		return;

	for (int i = 0; i < LINGER_READS && poll(&readable, 1, LINGER_MS) > 0; i++)
		if (read(worker->client.in, worker->buffer, sizeof worker->buffer) <= 0)
			return;
}

static void
serve_client(Worker *worker)
{
	LmtpOptions options = {
		.hostname = site_host(worker->conf),
		.size_limit = (guint64) worker->conf->message_size_limit,
		.trusted = worker->client.peer.trusted,
		.paths = worker->conf->lmtp_bare_addresses ? LMTP_PATHS_BARE : LMTP_PATHS_STRICT,
	};
	int yes = 1; /* no more than a wish: unix sockets have no such option */

	(void) setsockopt(worker->client.out, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
	g_autoptr(LmtpSession) session = lmtp_session_new(&options, &worker->backend);
	gint64 patience = worker->conf->lmtp_message_timeout * G_USEC_PER_SEC;
	gint64 until = g_get_monotonic_time() + patience;
	bool was_busy = false, open = flush_client(worker, lmtp_session_output(session));
	while (open) {
		open = serve_turn(worker, session, until);
		bool busy = lmtp_session_is_busy(session);
		if (busy != was_busy)
			until = g_get_monotonic_time() + patience; /* for each message anew */
		was_busy = busy;
	}

	linger(worker);
}

static void
limit_memory(const Conf *conf)
{
#ifndef __SANITIZE_ADDRESS__
	rlim_t bytes = (rlim_t) conf->lmtp_memory_limit;
	struct rlimit limit;
	if (bytes == 0 || getrlimit(RLIMIT_AS, &limit) < 0)
		return;

	/*
	 * The soft limit alone: it bounds what our parsers do, and programs of users get the old
	 * one back.
	 */
	program_keep_memory_limit();
	limit.rlim_cur = MIN(bytes, limit.rlim_cur);
	if (setrlimit(RLIMIT_AS, &limit) < 0)
		log_event(EVENT_WORKER_UNLIMITED, LOG_WARNING,
		          "cannot limit the memory of a worker: %m");
#else
	(void) conf;
#endif
}

/* Become `name` for good, and nothing that we could start may be more. */
static bool
become(const char *setting, const char *name)
{
	const struct passwd *user = getpwnam(name);
	if (user != NULL && initgroups(user->pw_name, user->pw_gid) == 0 &&
	    setresgid(user->pw_gid, user->pw_gid, user->pw_gid) == 0 &&
	    setresuid(user->pw_uid, user->pw_uid, user->pw_uid) == 0 && geteuid() != 0)
		return true;

	log_event(EVENT_WORKER_UNABLE, LOG_ERR, "cannot become %s '%s'", setting, name);
	return false;
}

bool
lmtp_worker_become(const Conf *conf)
{
	bool has_user = *conf->lmtp_user != '\0';
	const char *name = has_user ? conf->lmtp_user : conf->lmtp_session_user;
	bool done = geteuid() != 0 || become(has_user ? "lmtp_user" : "lmtp_session_user", name);

	/* Nor may others of that account look into us, whatever fs.suid_dumpable says. */
	return done && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
}

static bool
enter_box(SandboxProcess process, const Conf *conf)
{
	g_auto(Status) st = STATUS_INIT;
	const SandboxCall entering = { .process = process, .conf = conf };
	if (sandbox_enter(&entering, &st))
		return true;
	log_event(EVENT_WORKER_UNABLE, LOG_ERR, "%s", st.detail);
	return false;
}

/*
 * Nobody who talks with a client is root. What root has to do for it, the other half of the worker
 * does.
 */
static bool
drop_privileges(Worker *worker, const LmtpShared *shared)
{
	const Conf *conf = worker->conf;
	g_auto(Status) st = STATUS_INIT;
	bool splits = geteuid() == 0 && *conf->lmtp_user == '\0';

	if (!splits && worker->backend.ready != NULL)
		worker->backend.ready(worker->backend.user);
	if (!splits)
		return (geteuid() != 0 || become("lmtp_user", conf->lmtp_user)) &&
		       enter_box(SANDBOX_WORKER, conf);

	if (!lmtp_broker_split(conf, worker->channel, &worker->backend, &st)) {
		log_event(EVENT_WORKER_UNABLE, LOG_ERR, "%s", st.detail);
		return false;
	}

	/* the root halves of all workers believe what stands there */
	lmtp_slots_forget(shared->slots);
	lmtp_counts_forget(shared->counts);
	return lmtp_worker_become(conf) && enter_box(SANDBOX_FRONT, conf);
}

G_NORETURN void
lmtp_worker_run(const LmtpService *service, const LmtpShared *shared, unsigned slot, int channel)
{
	static Worker worker;

	(void) signal(SIGPIPE, SIG_IGN);
	(void) signal(SIGXFSZ, SIG_IGN);
	limit_memory(service->conf);
	worker.conf = service->conf;
	worker.channel = channel;
	service->start(service->data, shared, slot, &worker.backend);
	if (!drop_privileges(&worker, shared))
		_exit(EX_CONFIG);
	worker.backend.flush = flush_client;
	worker.backend.client = &worker;

	while (!worker.stopping && receive_client(&worker)) {
		serve_client(&worker);
		(void) close(worker.client.in);
		(void) close(worker.client.out);
		const char done = sandbox_is_outgrown() ? LMTP_WORKER_OUTGROWN : LMTP_WORKER_DONE;
		/* a master that died says so at the next receive */
		(void) send(channel, &done, 1, MSG_NOSIGNAL);
	}

	starter_finish();
	_exit(0);
}

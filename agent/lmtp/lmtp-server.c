/* SPDX-License-Identifier: MIT */
/* lmtp-server: the master's loop. */
#define _GNU_SOURCE
#include "agent/lmtp/lmtp-server.h"

#include "agent/base/crash.h"
#include "agent/base/fs.h"
#include "agent/base/log.h"
#include "agent/lmtp/lmtp-listeners.h"
#include "agent/lmtp/lmtp-metrics.h"
#include "agent/run/sandbox.h"
#include "conf/conf-sum.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

/*
 * The most that lmtp_connections can say; clients accepted in a row; a pause after a worker that
 * died, in microseconds.
 */
enum {
	MOST_CHILDREN = 1000,
	ACCEPTS = 32,
	PAUSE_US = 1000000,
	RENEW_US = 10000000,
	MOST_LISTENERS = 64
};

/* A worker as the master sees it. Its number is its slot. */
typedef struct {
	pid_t pid;   /* 0: the place is free */
	int channel; /* -1: told to go */
	unsigned generation;
	unsigned served;   /* clients */
	gint64 idle_since; /* monotonic, while it is idle */
	LmtpClient client; /* `in` is -1: idle */
} Child;

typedef struct {
	const LmtpServerOptions *options;
	LmtpService service;
	LmtpListeners *listeners;
	LmtpShared shared;
	LmtpListeners *metrics_listeners;
	pid_t metrics;        /* who serves at them; 0: nobody */
	gint64 metrics_after; /* monotonic */
	int signals;
	sigset_t old_mask;
	unsigned generation;
	gint64 prefork_after; /* monotonic */
	gint64 renew_after;   /* the same: renew_workers does nothing before */
	gint64 kill_at;       /* stopping: who is still busy then is killed; 0: not stopping */
	Child children[MOST_CHILDREN];
} Server;

static void
close_client(LmtpClient *client)
{
	if (client->in >= 0)
		(void) close(client->in);
	if (client->out >= 0 && client->out != client->in)
		(void) close(client->out);
	client->in = client->out = -1;
}

/* Last words to a client that has no worker; it need not hear them. */
static void
say(const LmtpClient *client, LmtpReplyId id)
{
	g_autoptr(GString) line = g_string_new(NULL);
	lmtp_reply_append(line, id);
	(void) !write(client->out, line->str, line->len);
}

static void
dismiss(Child *child)
{
	if (child->channel >= 0)
		(void) close(child->channel);
	child->channel = -1;
}

/*
 * In a new worker: nothing of the others may stay open, or their clients would never see the end.
 */
static void
close_mail(Server *server)
{
	lmtp_listeners_close(server->listeners);
	for (unsigned i = 0; i < MOST_CHILDREN; i++)
		if (server->children[i].pid != 0) {
			dismiss(&server->children[i]);
			close_client(&server->children[i].client);
		}

	(void) close(server->signals);
}

static void
close_all(Server *server)
{
	lmtp_listeners_close(server->metrics_listeners);
	close_mail(server);
}

static void
do_nothing(int sig)
{
	(void) sig;
}

/*
 * The master says when; a signal to the whole group must not cut a message. Programs that rules run
 * get the defaults back.
 */
static void
ignore_signals(void)
{
	struct sigaction nothing = { .sa_handler = do_nothing, .sa_flags = SA_RESTART };
	(void) sigaction(SIGTERM, &nothing, NULL);
	(void) sigaction(SIGINT, &nothing, NULL);
	(void) sigaction(SIGHUP, &nothing, NULL);
}

/* Start a worker in a free place; NULL: there is none, or fork failed. */
static Child *
spawn(Server *server)
{
	unsigned slot = 0, most = (unsigned) server->service.conf->lmtp_connections;

	while (slot < most && server->children[slot].pid != 0)
		slot++;
	int channel[2];
	if (slot == most || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) < 0)
		return NULL;

	pid_t pid = fork();
	if (pid == 0) {
		(void) close(channel[0]);
		close_all(server);
		(void) sigprocmask(SIG_SETMASK, &server->old_mask, NULL);
		ignore_signals();
		lmtp_worker_run(&server->service, &server->shared, slot, channel[1]);
	}

	(void) close(channel[1]);
	if (pid < 0) {
		log_event(EVENT_WORKER_NOT_STARTED, LOG_ERR, "cannot start a worker: %m");
		(void) close(channel[0]);
		return NULL;
	}

	Child *child = &server->children[slot];
	*child = (Child){ .pid = pid,
		          .channel = channel[0],
		          .generation = server->generation,
		          .idle_since = g_get_monotonic_time(),
		          .client = { .in = -1, .out = -1 } };
	return child;
}

/* LmtpMetricsText. */
static char *
print_counts(void *counts)
{
	return lmtp_counts_print(counts);
}

/* In the process of metrics_listen: for good, and without any right. */
G_NORETURN static void
serve_metrics(Server *server, pid_t master)
{
	int listeners[MOST_LISTENERS];
	unsigned n = MIN(lmtp_listeners_count(server->metrics_listeners), MOST_LISTENERS);
	for (unsigned i = 0; i < n; i++)
		listeners[i] = lmtp_listeners_fd(server->metrics_listeners, i);

	close_mail(server);
	(void) sigprocmask(SIG_SETMASK, &server->old_mask, NULL);
	(void) signal(SIGHUP, SIG_IGN); /* of a terminal; the master ends us */
	lmtp_slots_forget(server->shared.slots);
	lmtp_counts_only_read(server->shared.counts);
	if (!lmtp_worker_become(server->service.conf) ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != master)
		_exit(EX_CONFIG);

	lmtp_metrics_serve(listeners, n, print_counts, server->shared.counts);
}

/* Have metrics_listen served by a process. One that cannot be started is tried again. */
static void
start_metrics(Server *server)
{
	pid_t master = getpid();
	if (server->metrics != 0 || server->kill_at != 0 ||
	    lmtp_listeners_count(server->metrics_listeners) == 0 ||
	    g_get_monotonic_time() < server->metrics_after)
		return;

	pid_t pid = fork();
	if (pid == 0)
		serve_metrics(server, master);
	if (pid > 0) {
		server->metrics = pid;
		return;
	}

	log_event(EVENT_WORKER_NOT_STARTED, LOG_ERR,
	          "cannot start the process of metrics_listen: %m");
	server->metrics_after = g_get_monotonic_time() + PAUSE_US;
}

static void
end_metrics(Server *server)
{
	if (server->metrics == 0)
		return;
	(void) kill(server->metrics, SIGKILL);
	while (waitpid(server->metrics, NULL, 0) < 0 && errno == EINTR)
		continue;
	server->metrics = 0;
}

static bool
is_idle(const Child *child)
{
	return child->pid != 0 && child->channel >= 0 && child->client.in < 0;
}

static unsigned
count_idle(const Server *server)
{
	unsigned idle = 0;
	for (unsigned i = 0; i < MOST_CHILDREN; i++)
		idle += is_idle(&server->children[i]) ? 1 : 0;
	return idle;
}

static unsigned
count_alive(const Server *server)
{
	unsigned alive = 0;
	for (unsigned i = 0; i < MOST_CHILDREN; i++)
		alive += server->children[i].pid != 0 ? 1 : 0;
	return alive;
}

static void
count_workers(Server *server)
{
	unsigned idle = count_idle(server);
	lmtp_counts_set_workers(server->shared.counts, idle, count_alive(server) - idle);
}

/* Keep the wanted number of workers waiting, but never start dying ones in a tight loop. */
static void
prefork(Server *server)
{
	if (server->kill_at != 0 || server->options->stdio ||
	    g_get_monotonic_time() < server->prefork_after)
		return;
	unsigned wanted = (unsigned) server->service.conf->lmtp_workers;
	for (unsigned idle = count_idle(server); idle < wanted; idle++)
		if (spawn(server) == NULL)
			return;
}

/* A worker has got it. */
static void
take_note(Server *server, Child *child, const LmtpClient *client)
{
	child->client = *client;
	lmtp_counts_add(server->shared.counts, LMTP_COUNTS_SESSION);
}

/* Give `client` to an idle worker, or a new one. Takes the descriptors. */
static void
hand_over(Server *server, LmtpClient *client)
{
	for (unsigned i = 0; i < MOST_CHILDREN; i++) {
		Child *child = &server->children[i];
		if (!is_idle(child))
			continue;
		if (lmtp_worker_send(child->channel, client)) {
			take_note(server, child, client);
			return;
		}
		dismiss(child); /* it is dying */
	}

	Child *child = spawn(server);
	if (child != NULL && lmtp_worker_send(child->channel, client)) {
		take_note(server, child, client);
		return;
	}

	if (child != NULL)
		/* it did not get the client, and would wait for ever for another one */
		dismiss(child);
	say(client, LMTP_REPLY_BUSY);
	lmtp_counts_add(server->shared.counts, LMTP_COUNTS_BUSY);
	log_event(EVENT_SERVER_FULL, LOG_WARNING,
	          "refused client %s: all %u workers are busy (lmtp_connections)",
	          client->peer.name, count_alive(server));
	close_client(client);
}

static void
admit(Server *server, int fd)
{
	const Conf *conf = server->service.conf;
	LmtpClient client = { .in = fd, .out = fd };

	client.peer = lmtp_peer_find(fd, (const char *const *) conf->lmtp_allow,
	                             (const char *const *) conf->lmtp_trusted);
	if (client.peer.allowed) {
		hand_over(server, &client);
		return;
	}

	say(&client, LMTP_REPLY_NOT_WELCOME);
	lmtp_counts_add(server->shared.counts, LMTP_COUNTS_NOT_ALLOWED);
	log_event(EVENT_CLIENT_REFUSED, LOG_WARNING, "refused client '%s': not in lmtp_allow",
	          client.peer.name);
	close_client(&client);
}

static void
accept_clients(Server *server, int listener)
{
	for (int i = 0; i < ACCEPTS; i++) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0)
			admit(server, fd);
		else if (errno != EINTR && errno != ECONNABORTED)
			return;
	}
}

static void
dismiss_idle(Server *server)
{
	for (unsigned i = 0; i < MOST_CHILDREN; i++)
		if (is_idle(&server->children[i]))
			dismiss(&server->children[i]);
}

/*
 * The boxes of the others are as old. But a mailbox that nobody may open looks the same, and its
 * mail must not cost new workers each time.
 */
static void
renew_workers(Server *server)
{
	gint64 now = g_get_monotonic_time();
	if (now < server->renew_after)
		return;

	server->renew_after = now + RENEW_US;
	server->generation++;
	dismiss_idle(server);
}

/* A worker says that it is through with its client, or it is gone and SIGCHLD follows. */
static void
hear(Server *server, Child *child)
{
	char word = 0;

	if (recv(child->channel, &word, 1, MSG_DONTWAIT) != 1 ||
	    (word != LMTP_WORKER_DONE && word != LMTP_WORKER_OUTGROWN)) {
		dismiss(child);
		return;
	}

	close_client(&child->client);
	child->served++;
	child->idle_since = g_get_monotonic_time();
	if (word == LMTP_WORKER_OUTGROWN)
		renew_workers(server);
	bool old = child->generation != server->generation || server->options->stdio ||
	           word == LMTP_WORKER_OUTGROWN;
	if (old || child->served >= (unsigned) server->service.conf->lmtp_worker_uses)
		dismiss(child);
}

static gint64
surplus_until(const Server *server, const Child *child)
{
	return child->idle_since + server->service.conf->lmtp_worker_idle * G_USEC_PER_SEC;
}

/*
 * More workers than wanted wait for a while: a client that comes next needs no new process. The
 * first places are given away first, so the last ones wait longest.
 */
static void
dismiss_surplus(Server *server)
{
	gint64 now = g_get_monotonic_time();
	unsigned idle = count_idle(server);

	for (unsigned i = MOST_CHILDREN;
	     i-- > 0 && idle > (unsigned) server->service.conf->lmtp_workers;) {
		Child *child = &server->children[i];
		if (is_idle(child) && surplus_until(server, child) <= now) {
			dismiss(child);
			idle--;
		}
	}
}

/* When a surplus worker has waited long enough; 0: there is none. */
static gint64
next_surplus(const Server *server)
{
	gint64 next = 0;
	if (count_idle(server) <= (unsigned) server->service.conf->lmtp_workers)
		return 0;

	for (unsigned i = 0; i < MOST_CHILDREN; i++) {
		const Child *child = &server->children[i];
		gint64 until = is_idle(child) ? surplus_until(server, child) : 0;
		if (until != 0 && (next == 0 || until < next))
			next = until;
	}

	return next;
}

/*
 * A worker is dead. Its client reads a reply all the same: what was not answered yet will come
 * again.
 */
static void
bury(Server *server, Child *child, int status)
{
	bool by_deadline = WIFEXITED(status) && WEXITSTATUS(status) == EX_TEMPFAIL;
	bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	if (child->client.in >= 0 && !good) {
		say(&child->client, by_deadline ? LMTP_REPLY_DEADLINE : LMTP_REPLY_CRASHED);
		(void) shutdown(child->client.out, SHUT_RDWR);
	}

	if (!good) {
		log_event(EVENT_WORKER_DIED, LOG_ERR, "worker %d died (%s %d) with client '%s'",
		          (int) child->pid, WIFSIGNALED(status) ? "signal" : "exit code",
		          WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
		          child->client.in >= 0 ? child->client.peer.name : "none");
		server->prefork_after = g_get_monotonic_time() + PAUSE_US;
		lmtp_counts_add(server->shared.counts,
		                by_deadline ? LMTP_COUNTS_WORKER_LATE : LMTP_COUNTS_WORKER_LOST);
	}

	unsigned slot = (unsigned) (child - server->children);
	lmtp_slots_clear(server->shared.slots, slot);
	lmtp_counts_set_processes(server->shared.counts, slot, 0);
	close_client(&child->client);
	dismiss(child);
	*child = (Child){ .pid = 0, .channel = -1, .client = { .in = -1, .out = -1 } };
}

/* Mail is delivered without it; it is started again. */
static void
bury_metrics(Server *server, int status)
{
	log_event(EVENT_WORKER_DIED, LOG_ERR, "the process of metrics_listen died (%s %d)",
	          WIFSIGNALED(status) ? "signal" : "exit code",
	          WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	server->metrics = 0;
	server->metrics_after = g_get_monotonic_time() + PAUSE_US;
}

static void
reap(Server *server)
{
	int status;
	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
		if (pid == server->metrics)
			bury_metrics(server, status);
		for (unsigned i = 0; i < MOST_CHILDREN; i++)
			if (server->children[i].pid == pid)
				bury(server, &server->children[i], status);
	}
}

/* Where root would have to talk with clients, an account must do it. */
static bool
check_accounts(const Conf *conf, Status *st)
{
	const char *setting = *conf->lmtp_user != '\0' ? "lmtp_user" : "lmtp_session_user";
	const char *name = *conf->lmtp_user != '\0' ? conf->lmtp_user : conf->lmtp_session_user;
	const struct passwd *user = geteuid() == 0 ? getpwnam(name) : NULL;

	if (geteuid() != 0 || (user != NULL && user->pw_uid != 0))
		return true;
	return status_fail_detail(st, STATUS_CONFIG, "%s: %s '%s'", setting,
	                          user == NULL ? "there is no user" : "must not be root:", name);
}

/* What is counted is for this host: its users may read it, as they may connect to a port of it. */
static bool
set_metrics(const Server *server, const Conf *conf, Status *st)
{
	const LmtpListenOptions options = { .mode = 0666, .owner = "" };
	const char *const *lists[] = { (const char *const *) conf->metrics_listen };

	for (const char *const *where = lists[0]; *where != NULL; where++)
		if (!lmtp_listen_is_local(*where))
			return status_fail_detail(st, STATUS_CONFIG,
			                          "metrics_listen: '%s' is not of this host alone: "
			                          "inet:127.0.0.1:PORT, inet:[::1]:PORT or "
			                          "unix:/PATH is meant",
			                          *where);
	return lmtp_listeners_set(server->metrics_listeners, lists, G_N_ELEMENTS(lists), &options,
	                          st);
}

static bool
set_listeners(const Server *server, const Conf *conf, Status *st)
{
	LmtpListenOptions options = { .mode = (mode_t) conf->lmtp_socket_mode,
		                      .owner = conf->lmtp_socket_owner };
	const char *const *lists[] = { (const char *const *) conf->lmtp_listen,
		                       server->options->listen };
	if (!lmtp_listeners_has_place(server->listeners, lists, G_N_ELEMENTS(lists)))
		return status_fail_detail(
			st, STATUS_CONFIG,
			"nowhere to listen: set lmtp_listen, or give --listen or --stdio");
	return set_metrics(server, conf, st) &&
	       lmtp_listeners_set(server->listeners, lists, G_N_ELEMENTS(lists), &options, st);
}

static bool
check_service(const Server *server, const LmtpService *service, Status *st)
{
	const char *wrong = lmtp_peer_check_list((const char *const *) service->conf->lmtp_allow);

	if (wrong == NULL)
		wrong = lmtp_peer_check_list((const char *const *) service->conf->lmtp_trusted);
	if (wrong != NULL)
		return status_fail_detail(st, STATUS_CONFIG,
		                          "lmtp_allow, lmtp_trusted: cannot read '%s'", wrong);
	return check_accounts(service->conf, st) &&
	       (server->options->stdio || set_listeners(server, service->conf, st));
}

static bool
load_service(Server *server, Status *st)
{
	LmtpService service;
	if (!server->options->load(server->options->user, &service, st))
		return false;

	if (!check_service(server, &service, st)) {
		service.free(service.data);
		return false;
	}

	if (server->service.free != NULL)
		server->service.free(server->service.data);
	server->service = service;
	return true;
}

/* `systemctl status` shows which configuration holds, and `todoke doctor` compares it. */
static void
notify_ready(const Server *server)
{
	g_autofree char *sum = conf_sum_text(server->service.conf);
	g_autofree char *state = g_strdup_printf("READY=1\nSTATUS=%s", sum);
	lmtp_listen_notify(state);
}

/*
 * Workers that talk finish with the old settings; all others are new. Sockets that stay lose no
 * client.
 */
static void
reload(Server *server)
{
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *state = g_strdup_printf("RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT,
	                                         g_get_monotonic_time());

	lmtp_listen_notify(state);
	if (load_service(server, &st)) {
		server->generation++;
		dismiss_idle(server);
		log_event(EVENT_SERVER_RELOADED, LOG_INFO, "configuration loaded anew");
		end_metrics(server); /* its sockets may be others now */
		notify_ready(server);
	} else {
		log_event(EVENT_SERVER_KEEPS_CONF, LOG_ERR, "the old configuration stays: %s",
		          status_why(&st));
		end_metrics(server);
		lmtp_listen_notify("READY=1"); /* its status is still right */
	}
}

/*
 * Closing a busy worker's channel tells it to finish its message; its client stays ours until it is
 * through.
 */
static void
stop(Server *server)
{
	if (server->kill_at != 0)
		return;
	lmtp_listen_notify("STOPPING=1");
	server->kill_at = g_get_monotonic_time() + server->service.conf->deadline * G_USEC_PER_SEC;
	lmtp_listeners_close(server->listeners);
	end_metrics(server);
	lmtp_listeners_close(server->metrics_listeners);
	for (unsigned i = 0; i < MOST_CHILDREN; i++)
		dismiss(&server->children[i]);
}

static void
take_signals(Server *server)
{
	struct signalfd_siginfo info;
	while (read(server->signals, &info, sizeof info) == (ssize_t) sizeof info) {
		if (info.ssi_signo == SIGCHLD)
			reap(server);
		else if (info.ssi_signo == SIGHUP)
			reload(server);
		else
			stop(server);
	}
}

static void
kill_late(Server *server)
{
	if (server->kill_at == 0 || g_get_monotonic_time() < server->kill_at)
		return;
	for (unsigned i = 0; i < MOST_CHILDREN; i++)
		if (server->children[i].pid != 0)
			(void) kill(server->children[i].pid, SIGKILL);
}

/* Milliseconds until something has to be done without being asked. */
static int
next_wake(const Server *server)
{
	enum { KILLING_MS = 100 };
	gint64 now = g_get_monotonic_time();
	gint64 at = server->kill_at != 0 ? server->kill_at : server->prefork_after;
	gint64 surplus = server->kill_at == 0 ? next_surplus(server) : 0;

	if (server->metrics == 0 && server->kill_at == 0 && server->metrics_after > now &&
	    (surplus == 0 || server->metrics_after < surplus))
		surplus = server->metrics_after;

	if (surplus != 0 && (at <= now || surplus < at))
		at = MAX(surplus, now);
	else if (at <= now)
		return server->kill_at != 0 ? KILLING_MS : -1;
	return (int) ((at - now) / 1000 + 1);
}

/* Wait for signals, clients and words of workers, and see to them. */
static void
turn(Server *server)
{
	struct pollfd fds[1 + MOST_CHILDREN + MOST_LISTENERS];
	Child *who[G_N_ELEMENTS(fds)];
	nfds_t n = 0;

	fds[n++] = (struct pollfd){ .fd = server->signals, .events = POLLIN };
	for (unsigned i = 0; i < lmtp_listeners_count(server->listeners) && n < MOST_LISTENERS; i++)
		fds[n++] = (struct pollfd){ .fd = lmtp_listeners_fd(server->listeners, i),
			                    .events = POLLIN };
	nfds_t first_child = n;
	for (unsigned i = 0; i < MOST_CHILDREN; i++)
		if (server->children[i].channel >= 0 && !is_idle(&server->children[i])) {
			who[n] = &server->children[i];
			fds[n++] = (struct pollfd){ .fd = server->children[i].channel,
				                    .events = POLLIN };
		}

	if (poll(fds, n, next_wake(server)) < 0)
		return;
	for (nfds_t i = first_child; i < n; i++)
		if (fds[i].revents != 0)
			hear(server, who[i]);
	for (nfds_t i = 1; i < first_child; i++)
		if (fds[i].revents != 0)
			accept_clients(server, fds[i].fd);
	if (fds[0].revents != 0)
		take_signals(server);
	dismiss_surplus(server);
	kill_late(server);
}

/* Who is at standard input: the peer of a socket, or whoever started us and holds the pipes. */
static LmtpPeer
judge_stdio(const Server *server, const LmtpClient *client)
{
	const Conf *conf = server->service.conf;
	struct sockaddr_storage from;
	socklen_t len = sizeof from;

	if (getpeername(client->in, (struct sockaddr *) &from, &len) < 0 && errno == ENOTSOCK)
		return (LmtpPeer){ .name = "stdin", .allowed = true, .trusted = true };
	/*
	 * Nobody else uses the socket, so it may be changed: a client that does not read must not
	 * hold us.
	 */
	(void) fcntl(client->out, F_SETFL, fcntl(client->out, F_GETFL) | O_NONBLOCK);
	return lmtp_peer_find(client->in, (const char *const *) conf->lmtp_allow,
	                      (const char *const *) conf->lmtp_trusted);
}

/* The client at 0 and 1 (and, under spawn(8), 2): from now on only the worker writes to it. */
static bool
take_stdio(Server *server, Status *st)
{
	LmtpClient client = { .in = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3),
		              .out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3) };
	auto_fd int null_fd = fs_open_null();
	if (client.in < 0 || client.out < 0 || null_fd < 0)
		return status_fail_errno(st, errno, "cannot take standard input and output");

	for (int fd = 0; fd <= 2; fd++)
		(void) dup2(null_fd, fd);
	client.peer = judge_stdio(server, &client);
	if (client.peer.allowed) {
		hand_over(server, &client);
		return true;
	}

	say(&client, LMTP_REPLY_NOT_WELCOME);
	close_client(&client);
	return true;
}

static bool
open_signals(Server *server, Status *st)
{
	sigset_t mask;

	sigemptyset(&mask);
	const int wanted[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };
	for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++)
		sigaddset(&mask, wanted[i]);
	(void) sigprocmask(SIG_BLOCK, &mask, &server->old_mask);
	(void) signal(SIGPIPE, SIG_IGN);
	/* what a worker leaves behind is ours to wait for */
	(void) prctl(PR_SET_CHILD_SUBREAPER, server->options->stdio ? 0L : 1L, 0L, 0L, 0L);
	server->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	server->shared = (LmtpShared){ lmtp_slots_new(MOST_CHILDREN),
		                       lmtp_counts_new(MOST_CHILDREN) };
	if (server->signals < 0 || server->shared.slots == NULL || server->shared.counts == NULL)
		return status_fail_errno(st, errno, "cannot set up the master");

	return true;
}

static bool
start(Server *server, Status *st)
{
	return load_service(server, st) && open_signals(server, st) &&
	       (!server->options->stdio || take_stdio(server, st));
}

static void
log_ready(const Server *server)
{
	bool is_whole, becomes_each = geteuid() == 0 && *server->service.conf->lmtp_user == '\0';
	SandboxProcess process = becomes_each ? SANDBOX_OWNER : SANDBOX_WORKER;
	g_autofree char *box = sandbox_describe(server->service.conf, process, &is_whole);
	log_event(EVENT_SERVER_READY, LOG_INFO, "lmtpd is ready at %u sockets; sandbox: %s",
	          lmtp_listeners_count(server->listeners), box);
}

/* Children that are no workers: what a worker leaves behind becomes ours. */
static void
kill_left(void)
{
	g_autofree char *path = g_strdup_printf("/proc/self/task/%d/children", (int) getpid());
	g_autofree char *text = NULL;
	if (!g_file_get_contents(path, &text, NULL, NULL))
		return; /* no /proc: init gets them */

	char *at = text;
	for (char *end; *at != '\0'; at = end + strspn(end, " ")) {
		gint64 pid = g_ascii_strtoll(at, &end, 10);
		if (end == at)
			return;
		if (pid > 1)
			(void) kill((pid_t) pid, SIGKILL);
	}
}

/* True: there is none any more. False: the time is over. */
static bool
wait_for_left(gint64 until)
{
	const struct timespec a_while = { .tv_nsec = 50 * 1000 * 1000 };
	sigset_t death;

	sigemptyset(&death);
	sigaddset(&death, SIGCHLD);
	for (pid_t pid; (pid = waitpid(-1, NULL, WNOHANG)) >= 0;) {
		if (g_get_monotonic_time() >= until)
			return false;
		if (pid == 0)
			(void) sigtimedwait(&death, NULL, &a_while);
	}

	return true;
}

/*
 * Processes that a worker had may still be ending. systemd would kill them once we are gone, and
 * say so; without it, one that hangs would stay for ever.
 */
static void
end_left(void)
{
	const gint64 most = 2 * G_USEC_PER_SEC, step = G_USEC_PER_SEC / 10;
	if (wait_for_left(g_get_monotonic_time() + most))
		return;

	/* who is killed may leave us others in turn: the half of a worker that is root its own */
	gint64 until = g_get_monotonic_time() + most;
	do
		kill_left();
	while (!wait_for_left(g_get_monotonic_time() + step) && g_get_monotonic_time() < until);
}

bool
lmtp_server_run(const LmtpServerOptions *options, Status *st)
{
	Server *server = g_new0(Server, 1);

	crash_catch(); /* in all processes that are forked from this one, too */
	server->options = options;
	server->listeners = lmtp_listeners_new(true);
	server->metrics_listeners = lmtp_listeners_new(false);
	for (unsigned i = 0; i < MOST_CHILDREN; i++)
		server->children[i] = (Child){ .channel = -1, .client = { .in = -1, .out = -1 } };

	bool started = start(server, st);
	if (started && !options->stdio) {
		prefork(server);
		start_metrics(server);
		count_workers(server);
		notify_ready(server);
		log_ready(server);
	}

	while (started &&
	       (count_alive(server) > 0 || lmtp_listeners_count(server->listeners) > 0)) {
		turn(server);
		prefork(server);
		start_metrics(server);
		count_workers(server);
	}

	if (server->service.free != NULL)
		server->service.free(server->service.data);
	end_metrics(server);
	if (started && !options->stdio)
		end_left();
	lmtp_listeners_free(server->listeners);
	lmtp_listeners_free(server->metrics_listeners);
	g_free(server);

	return started;
}

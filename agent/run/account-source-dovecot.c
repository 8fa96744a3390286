/* SPDX-License-Identifier: MIT */
/*
 * account-source-dovecot: the userdb of a running Dovecot, over its socket auth-userdb (Dovecot's
 * "Authentication Protocol", master requests, version 1).
 *
 * Both sides send VERSION, the server sends SPID too; then each question USER has one answer: USER
 * with fields, NOTFOUND or FAIL. LIST has a line for each user and DONE. Fields are separated by
 * tabs; octets that would break a line are written behind an octet 1. The connection is kept for
 * the next question; one that broke while nothing was asked is made anew once.
 */
#define _GNU_SOURCE
#include "agent/run/account-source.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/run/account-parts.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* One connection a process. */
static struct {
	int fd; /* -1: none */
	char *path;
	GString *in;   /* what was read and not used yet */
	unsigned last; /* number of the last question */
} server = { .fd = -1 };

/* One question and its fault. */
typedef struct {
	gint64 ends; /* by the monotonic clock */
	const char *question;
	bool was_lost; /* the connection ended before anything of the answer came */
	Status *st;
} Talk;

static void
close_server(void)
{
	fs_close_auto(&server.fd);
	g_clear_pointer(&server.path, g_free);
	if (server.in != NULL)
		g_string_free(g_steal_pointer(&server.in), TRUE);
}

/* AccountSource's close: the other process's copy of the descriptor is its own. */
static void
close_any(bool is_ours)
{
	(void) is_ours;
	close_server();
}

/* The connection is at its end in any case. `path` may be the server's. */
static bool
fail_by(const Talk *talk, const char *path, const char *words, bool is_silent)
{
	status_fail_detail(talk->st, STATUS_LOOKUP, "cannot ask Dovecot at '%s': %s", path, words);
	(void) (is_silent ? account_fail_silent : account_fail_lookup)(path, talk->question, words,
	                                                               talk->st);
	close_server();
	return false;
}

/* Dovecot has answered, but not what was asked for. */
static bool
fail(const Talk *talk, const char *path, const char *words)
{
	return fail_by(talk, path, words, false);
}

/* It does not answer at all. */
static bool
fail_silent(const Talk *talk, const char *path, const char *words)
{
	return fail_by(talk, path, words, true);
}

static bool
wait_for(const Talk *talk, short events)
{
	gint64 left_ms = (talk->ends - g_get_monotonic_time()) / 1000;
	struct pollfd fd = { .fd = server.fd, .events = events };
	int ready;

	do
		ready = left_ms > 0 ? poll(&fd, 1, (int) MIN(left_ms, G_MAXINT)) : 0;
	while (ready < 0 && errno == EINTR);
	return ready > 0;
}

static bool
send_text(Talk *talk, const char *text)
{
	size_t len = strlen(text), done = 0;

	while (done < len) {
		ssize_t sent = wait_for(talk, POLLOUT)
		                       ? send(server.fd, text + done, len - done, MSG_NOSIGNAL)
		                       : -1;
		if (sent < 0 && (errno == EINTR || errno == EAGAIN) &&
		    g_get_monotonic_time() < talk->ends)
			continue;
		if (sent <= 0) {
			talk->was_lost = errno == EPIPE || errno == ECONNRESET;
			return fail_silent(talk, server.path, status_error_text(errno));
		}
		done += (size_t) sent;
	}

	return true;
}

/* The next line without its end; NULL: a fault. Caller frees. */
static char *
read_line(Talk *talk)
{
	for (;;) {
		const char *end = memchr(server.in->str, '\n', server.in->len);
		if (end != NULL) {
			size_t len = (size_t) (end - server.in->str);
			if (memchr(server.in->str, '\0', len) != NULL) {
				/* Dovecot writes it as an escape: half a path is no path */
				(void) fail(talk, server.path, "the answer has a NUL in it");
				return NULL;
			}
			char *line = g_strndup(server.in->str, len);
			g_string_erase(server.in, 0, (gssize) len + 1);
			return line;
		}

		if (server.in->len > LIMIT_USERS_ANSWER) {
			(void) fail(talk, server.path, "the answer is too long");
			return NULL;
		}
		if (!wait_for(talk, POLLIN)) {
			(void) fail_silent(talk, server.path, "no answer in time (users_timeout)");
			return NULL;
		}

		char part[4096];
		ssize_t got = recv(server.fd, part, sizeof part, 0);
		if (got < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (got <= 0) {
			talk->was_lost = server.in->len == 0;
			(void) fail_silent(talk, server.path,
			                   got == 0 ? "connection closed"
			                            : status_error_text(errno));
			return NULL;
		}
		g_string_append_len(server.in, part, got);
	}
}

/* As root, what the other side says decides whom we become: it must be root itself. */
static bool
is_trusted(void)
{
	struct ucred cred;
	socklen_t len = sizeof cred;
	if (geteuid() != 0)
		return true;
	return getsockopt(server.fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 && cred.uid == 0;
}

static bool
connect_to(Talk *talk, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (g_strlcpy(address.sun_path, path, sizeof address.sun_path) >= sizeof address.sun_path)
		return fail(talk, path, status_error_text(ENAMETOOLONG));

	server.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (server.fd < 0 ||
	    connect(server.fd, (const struct sockaddr *) &address, sizeof address) < 0)
		return fail_silent(talk, path, status_error_text(errno));
	if (is_trusted())
		return true;

	close_server();
	return status_fail_detail(
		talk->st, STATUS_UNTRUSTED,
		"socket '%s' is not root's, and its answers say whom root becomes", path);
}

/* Until SPID, which ends what the server says by itself. */
static bool
read_greeting(Talk *talk)
{
	bool is_first = true;

	for (;; is_first = false) {
		g_autofree char *line = read_line(talk);
		if (line == NULL)
			return false;
		if (is_first && !g_str_has_prefix(line, "VERSION\t1\t"))
			return fail(talk, server.path, "it does not speak Dovecot's protocol");
		if (g_str_has_prefix(line, "MECH\t"))
			return fail(talk, server.path,
			            "this socket is for logins; name auth-userdb");
		if (g_str_has_prefix(line, "SPID\t"))
			return true;
	}
}

static bool
open_server(Talk *talk, const char *path)
{
	if (server.fd >= 0 && strcmp(server.path, path) == 0)
		return true;
	close_server();
	if (!connect_to(talk, path))
		return false;

	server.path = g_strdup(path);
	server.in = g_string_new(NULL);
	if (!send_text(talk, "VERSION\t1\t0\n") || !read_greeting(talk))
		return false;
	outside_reach(OUTSIDE_USERS, path);
	return true;
}

/* The octets behind an octet 1 mean others. Caller frees. */
static char *
unescape(const char *text)
{
	static const char written[] = "1tnr", meant[] = "\001\t\n\r";
	GString *out = g_string_new(NULL);

	for (const char *c = text; *c != '\0'; c++) {
		const char *at = *c == '\001' && c[1] != '\0' ? strchr(written, c[1]) : NULL;
		if (at != NULL)
			c++;
		g_string_append_c(out, at != NULL ? meant[at - written] : *c);
	}

	return g_string_free(out, FALSE);
}

/* The words of the next line, if it answers question `number`. Caller frees. */
static char **
read_answer(Talk *talk, const char *number)
{
	g_autofree char *line = read_line(talk);
	if (line == NULL)
		return NULL;

	char **words = g_strsplit(line, "\t", -1);
	if (g_strv_length(words) >= 2 && strcmp(words[1], number) == 0)
		return words;
	g_strfreev(words);
	(void) fail(talk, server.path, "an answer that fits no question");
	return NULL;
}

/* "USER\t3\tann@example.jp\tuid=1000\thome=/home/ann" */
static GPtrArray *
read_fields(char *const *words)
{
	GPtrArray *fields = g_ptr_array_new_with_free_func(g_free);

	if (words[2] == NULL)
		return fields;
	g_autofree char *user = unescape(words[2]);
	g_ptr_array_add(fields, g_strconcat("user=", user, NULL));
	for (char *const *word = words + 3; *word != NULL; word++)
		g_ptr_array_add(fields, unescape(*word));
	return fields;
}

static bool
fail_refused(Talk *talk, char *const *words)
{
	g_autofree char *why = g_strjoinv(" ", (char **) (uintptr_t) words);
	return fail(talk, server.path, why);
}

/* Send the question by a new or a kept connection; its number is in *ret_number. */
static bool
send_question(Talk *talk, const Conf *conf, const char *verb, const char *rest, char **ret_number)
{
	if (!open_server(talk, conf->dovecot_socket))
		return false;

	g_autofree char *number = g_strdup_printf("%u", ++server.last);
	g_autofree char *line = g_strdup_printf("%s\t%s%s\tservice=lmtp\n", verb, number, rest);
	if (!send_text(talk, line))
		return false;
	*ret_number = g_steal_pointer(&number);
	return true;
}

static bool
ask_once(Talk *talk, const Conf *conf, const char *name, GPtrArray **ret_fields)
{
	g_autofree char *number = NULL, *rest = g_strconcat("\t", name, NULL);
	if (!send_question(talk, conf, "USER", rest, &number))
		return false;

	g_auto(GStrv) words = read_answer(talk, number);
	if (words == NULL)
		return false;
	if (strcmp(words[0], "NOTFOUND") == 0)
		return true;
	if (strcmp(words[0], "USER") != 0)
		return fail_refused(talk, words);
	*ret_fields = read_fields(words);
	return true;
}

static Talk
begin(const Conf *conf, const char *question, Status *st)
{
	return (Talk){ .ends = g_get_monotonic_time() + conf->users_timeout * G_USEC_PER_SEC,
		       .question = question,
		       .st = st };
}

static bool
ask(const Conf *conf, const Account *asked, const char *name, GPtrArray **ret_fields, Status *st)
{
	(void) asked;
	bool was_kept = server.fd >= 0;
	g_auto(Status) first = STATUS_INIT;
	Talk talk = begin(conf, name, &first);

	if (ask_once(&talk, conf, name, ret_fields))
		return true;
	if (was_kept && talk.was_lost) {
		talk = begin(conf, name, st); /* Dovecot was restarted since */
		return ask_once(&talk, conf, name, ret_fields);
	}

	status_move(st, &first);
	return false;
}

static bool
ask_names(const Conf *conf, GPtrArray *names, Status *st)
{
	g_autofree char *number = NULL;
	Talk talk = begin(conf, "LIST", st);
	if (!send_question(&talk, conf, "LIST", "\tuser=*", &number))
		return false;

	for (;;) {
		g_auto(GStrv) words = read_answer(&talk, number);
		if (words == NULL)
			return false;
		bool is_user = strcmp(words[0], "LIST") == 0 && words[2] != NULL;
		bool is_end = strcmp(words[0], "DONE") == 0 &&
		              (words[2] == NULL || *words[2] == '\0');
		if (!is_user && !is_end)
			return fail_refused(&talk, words);
		if (!is_user)
			return true;
		g_ptr_array_add(names, unescape(words[2]));
		if (!account_list_has_room(names, st)) {
			close_server();
			return false;
		}
	}
}

static char *
describe(const Conf *conf)
{
	return g_strdup(conf->dovecot_socket);
}

extern const AccountSource account_source_dovecot;
const AccountSource account_source_dovecot = {
	.name = "dovecot",
	.ask = ask,
	.ask_names = ask_names,
	.close = close_any,
	.describe = describe,
};

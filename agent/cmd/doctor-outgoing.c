/* SPDX-License-Identifier: MIT */
/*
 * doctor-outgoing: does what the setting submit names answer, and take mail from us? EHLO, MAIL,
 * RCPT and RSET: no message is sent.
 */
#define _GNU_SOURCE
#include "agent/cmd/doctor.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A talk with the server. */
typedef struct {
	int fd;
	gint64 ends;   /* monotonic microseconds */
	GString *text; /* what came and was not read yet */
	char *answer;  /* the last line of the last reply */
} Talk;

static bool
wait_for(const Talk *talk, short events)
{
	gint64 left_ms = (talk->ends - g_get_monotonic_time()) / 1000;
	struct pollfd fd = { .fd = talk->fd, .events = events };
	return left_ms > 0 && poll(&fd, 1, (int) MIN(left_ms, G_MAXINT)) > 0;
}

/* 0: connected, else an errno. */
static int
connect_within(Talk *talk, int family, const struct sockaddr *address, socklen_t len)
{
	talk->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (talk->fd < 0)
		return errno;
	if (connect(talk->fd, address, len) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return errno;
	if (!wait_for(talk, POLLOUT))
		return ETIMEDOUT;

	int err = 0;
	socklen_t size = sizeof err;
	return getsockopt(talk->fd, SOL_SOCKET, SO_ERROR, &err, &size) == 0 ? err : errno;
}

static char *
connect_to_socket(Talk *talk, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof address.sun_path)
		return g_strdup(g_strerror(ENAMETOOLONG));

	strcpy(address.sun_path, path);
	int err = connect_within(talk, AF_UNIX, (struct sockaddr *) &address, sizeof address);
	return err != 0 ? g_strdup(g_strerror(err)) : NULL;
}

/* "127.0.0.1:25", "[::1]:25" */
static char *
connect_to_host(Talk *talk, const char *where)
{
	const char *colon = strrchr(where, ':');
	bool has_brackets = *where == '[' && colon != NULL && colon[-1] == ']';
	g_autofree char *host = colon == NULL  ? g_strdup(where)
	                        : has_brackets ? g_strndup(where + 1, (gsize) (colon - where) - 2)
	                                       : g_strndup(where, (gsize) (colon - where));
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	int rc = getaddrinfo(host, colon != NULL ? colon + 1 : "25", &hints, &list);
	if (rc != 0)
		return g_strdup(gai_strerror(rc));

	int err = ENOENT;
	for (const struct addrinfo *at = list; at != NULL && err != 0; at = at->ai_next) {
		fs_close_auto(&talk->fd);
		err = connect_within(talk, at->ai_family, at->ai_addr, at->ai_addrlen);
	}
	freeaddrinfo(list);
	return err != 0 ? g_strdup(g_strerror(err)) : NULL;
}

/* The next line without its end; NULL: the other side is gone, or says too much. Caller frees. */
static char *
read_line(Talk *talk)
{
	for (;;) {
		char *end = strchr(talk->text->str, '\n');
		if (end != NULL) {
			char *line = g_strndup(talk->text->str, (gsize) (end - talk->text->str));
			g_string_erase(talk->text, 0, end - talk->text->str + 1);
			return g_strchomp(line);
		}

		char part[512];
		ssize_t len = talk->text->len <= LIMIT_SMTP_REPLY_LINE && wait_for(talk, POLLIN)
		                      ? recv(talk->fd, part, sizeof part, 0)
		                      : -1;
		if (len <= 0)
			return NULL;
		g_string_append_len(talk->text, part, len);
	}
}

/* Read a reply; true: 2xx. */
static bool
is_welcome(Talk *talk)
{
	for (unsigned lines = 0; lines < LIMIT_SMTP_REPLY_LINES; lines++) {
		g_free(talk->answer);
		talk->answer = read_line(talk);
		if (talk->answer == NULL || strlen(talk->answer) < 3)
			break;
		if (talk->answer[3] != '-')
			return talk->answer[0] == '2';
	}

	g_free(talk->answer);
	talk->answer = g_strdup("connection lost");
	return false;
}

static bool
is_taken(Talk *talk, const char *command)
{
	g_autofree char *line = g_strconcat(command, "\r\n", NULL);
	ssize_t len = send(talk->fd, line, strlen(line), MSG_NOSIGNAL);
	return len == (ssize_t) strlen(line) && is_welcome(talk);
}

/* A sender that deliveries have: the null sender, and the postmaster of what the site is called. */
static char *
own_sender(const Doctor *doctor)
{
	return *doctor->conf->postmaster_address != '\0'
	               ? g_strdup(doctor->conf->postmaster_address)
	               : g_strdup_printf("postmaster@%s", doctor->site->host);
}

/* "postconf", or "postfix", for the Postfix that was named. Caller frees. */
static char *
postfix_command(const Doctor *doctor, const char *program, const char *rest)
{
	const char *folder = doctor->postfix_folder;
	g_autofree char *quoted = folder != NULL ? g_shell_quote(folder) : NULL;
	return g_strdup_printf("%s%s%s %s", program, quoted != NULL ? " -c " : "",
	                       quoted != NULL ? quoted : "", rest);
}

static char *
start_command(const Doctor *doctor)
{
	return postfix_command(doctor, "postfix", "start");
}

/* A Postfix of this host that refuses us does not count loopback as its own. */
static char *
trust_command(const Doctor *doctor)
{
	static const char here[] = "smtp:127.0.0.1:";
	if (!g_str_has_prefix(doctor->conf->submit, here))
		return NULL;
	return postfix_command(doctor, "postconf", "-e 'mynetworks = 127.0.0.0/8 [::1]/128'");
}

static void
talk_with(Doctor *doctor, Talk *talk)
{
	g_autofree char *sender = own_sender(doctor),
			*hello = g_strdup_printf("EHLO %s", doctor->site->host),
			*mail = g_strdup_printf("MAIL FROM:<%s>", sender);
	const char *const commands[] = { hello,  "MAIL FROM:<>", "RCPT TO:<postmaster>",
		                         "RSET", mail,           "RCPT TO:<postmaster>",
		                         "RSET" };
	const char *asked = "(greeting)";
	bool is_good = is_welcome(talk);

	for (size_t i = 0; is_good && i < G_N_ELEMENTS(commands); i++) {
		asked = commands[i];
		is_good = is_taken(talk, asked);
	}
	if (!is_good)
		doctor_find(doctor, DOCTOR_OUTGOING_REFUSED, "todoke.conf", trust_command(doctor),
		            doctor->conf->submit, asked, talk->answer, NULL);
	else
		(void) is_taken(talk, "QUIT");
}

void
doctor_outgoing(Doctor *doctor)
{
	static const char by_socket[] = "smtp:unix:", by_host[] = "smtp:", program[] = "sendmail:";
	const char *submit = doctor->conf->submit;
	g_autofree char *why = NULL;
	Talk talk = { .fd = -1, .text = g_string_new(NULL) };

	talk.ends = g_get_monotonic_time() + (gint64) LIMIT_DOCTOR_PROGRAM_S * G_USEC_PER_SEC;
	if (g_str_has_prefix(submit, program)) {
		const char *path = submit + strlen(program);
		if (access(path, X_OK) != 0)
			doctor_find(doctor, DOCTOR_OUTGOING_PROGRAM, "todoke.conf",
			            doctor_set_command(doctor, "submit", "\"smtp:127.0.0.1:25\""),
			            submit, g_strerror(errno), NULL);
	} else if (g_str_has_prefix(submit, by_socket)) {
		why = connect_to_socket(&talk, submit + strlen(by_socket));
	} else if (g_str_has_prefix(submit, by_host)) {
		why = connect_to_host(&talk, submit + strlen(by_host));
	}

	if (why != NULL)
		doctor_find(doctor, DOCTOR_OUTGOING_DOWN, "todoke.conf", start_command(doctor),
		            submit, why, NULL);
	else if (talk.fd >= 0)
		talk_with(doctor, &talk);

	fs_close_auto(&talk.fd);
	g_string_free(talk.text, TRUE);
	g_free(talk.answer);
}

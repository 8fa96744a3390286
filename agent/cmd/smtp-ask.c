/* SPDX-License-Identifier: MIT */
/* smtp-ask: a few commands to a server, each with its reply. */
#define _GNU_SOURCE
#include "agent/cmd/smtp-ask.h"

#include "agent/base/dial.h"
#include "agent/base/fs.h"
#include "agent/base/limits.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

static bool
wait_for(const SmtpAsk *talk, short events)
{
	return dial_wait(talk->fd, events, talk->ends) == 0;
}

static char *
connect_to_socket(SmtpAsk *talk, const char *path)
{
	int err = dial_local(path, talk->ends, &talk->fd);
	return err != 0 ? g_strdup(g_strerror(err)) : NULL;
}

/* "127.0.0.1:25", "[::1]:25" */
static char *
connect_to_host(SmtpAsk *talk, const char *where)
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
		err = dial(at->ai_family, at->ai_addr, at->ai_addrlen, talk->ends, &talk->fd);
	}
	freeaddrinfo(list);
	return err != 0 ? g_strdup(g_strerror(err)) : NULL;
}

/* The next line without its end; NULL: the other side is gone, or says too much. Caller frees. */
static char *
read_line(SmtpAsk *talk)
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

bool
smtp_ask_is_answered(SmtpAsk *talk, char digit)
{
	for (unsigned lines = 0; lines < LIMIT_SMTP_REPLY_LINES; lines++) {
		g_free(talk->answer);
		talk->answer = read_line(talk);
		if (talk->answer == NULL || strlen(talk->answer) < 3)
			break;
		if (talk->answer[3] != '-')
			return talk->answer[0] == digit;
	}

	g_free(talk->answer);
	talk->answer = g_strdup("connection lost");
	return false;
}

bool
smtp_ask(SmtpAsk *talk, const char *command, char digit)
{
	g_autofree char *line = g_strconcat(command, "\r\n", NULL);
	size_t len = strlen(line), done = 0;

	while (done < len) {
		ssize_t sent = wait_for(talk, POLLOUT)
		                       ? send(talk->fd, line + done, len - done, MSG_NOSIGNAL)
		                       : -1;
		if (sent <= 0)
			break;
		done += (size_t) sent;
	}
	return done == len ? smtp_ask_is_answered(talk, digit) : smtp_ask_is_answered(talk, '\0');
}

char *
smtp_ask_open(SmtpAsk *talk, const char *where, unsigned seconds)
{
	static const char by_socket[] = "unix:";

	*talk = (SmtpAsk){ .fd = -1, .text = g_string_new(NULL) };
	talk->ends = g_get_monotonic_time() + (gint64) seconds * G_USEC_PER_SEC;
	return g_str_has_prefix(where, by_socket)
	               ? connect_to_socket(talk, where + strlen(by_socket))
	               : connect_to_host(talk, where);
}

void
smtp_ask_close(SmtpAsk *talk)
{
	fs_close_auto(&talk->fd);
	if (talk->text != NULL)
		g_string_free(talk->text, TRUE);
	g_free(talk->answer);
	*talk = (SmtpAsk){ .fd = -1 };
}

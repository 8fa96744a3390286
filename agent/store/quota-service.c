/* SPDX-License-Identifier: MIT */
/* quota-service: one question, one answer, in a bounded time. */
#define _GNU_SOURCE
#include "agent/store/quota-service.h"

#include "agent/base/dial.h"
#include "agent/base/fs.h"
#include "agent/base/limits.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct {
	int fd;
	gint64 ends; /* monotonic microseconds */
} Talk;

/* Addresses alone: no name server has a say in the time that it takes. */
static char *
connect_to_port(Talk *talk, const char *where)
{
	struct sockaddr_in four = { .sin_family = AF_INET };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	const char *colon = strrchr(where, ':');
	bool has_brackets = colon != NULL && *where == '[' && colon[-1] == ']';
	guint64 port = 0;
	if (colon == NULL || !g_ascii_string_to_unsigned(colon + 1, 10, 1, 65535, &port, NULL))
		return g_strdup("quota_service has no port");

	g_autofree char *host = has_brackets ? g_strndup(where + 1, (gsize) (colon - where) - 2)
	                                     : g_strndup(where, (gsize) (colon - where));
	const char *address = strcmp(host, "localhost") == 0 ? "127.0.0.1" : host;
	four.sin_port = six.sin6_port = htons((guint16) port);
	int err = EADDRNOTAVAIL;
	if (inet_pton(AF_INET, address, &four.sin_addr) == 1)
		err = dial(AF_INET, (struct sockaddr *) &four, sizeof four, talk->ends, &talk->fd);
	else if (inet_pton(AF_INET6, address, &six.sin6_addr) == 1)
		err = dial(AF_INET6, (struct sockaddr *) &six, sizeof six, talk->ends, &talk->fd);

	return err != 0 ? g_strdup(status_error_text(err)) : NULL;
}

static char *
connect_by_name(Talk *talk, const char *where)
{
	static const char by_path[] = "unix:", by_port[] = "inet:";

	if (g_str_has_prefix(where, by_path)) {
		int err = dial_local(where + strlen(by_path), talk->ends, &talk->fd);
		return err != 0 ? g_strdup(status_error_text(err)) : NULL;
	}
	return connect_to_port(talk,
	                       g_str_has_prefix(where, by_port) ? where + strlen(by_port) : where);
}

/* NULL, or what failed. Caller frees. */
static char *
send_question(const Talk *talk, const QuotaServiceQuestion *question)
{
	g_autofree char *text = g_strdup_printf("request=smtpd_access_policy\nprotocol_state=RCPT\n"
	                                        "protocol_name=ESMTP\nrecipient=%s\n"
	                                        "size=%" G_GUINT64_FORMAT "\n\n",
	                                        question->user, question->bytes);
	for (const char *at = text; *at != '\0';) {
		ssize_t len = send(talk->fd, at, strlen(at), MSG_NOSIGNAL);
		int err = len >= 0          ? 0
		          : errno == EAGAIN ? dial_wait(talk->fd, POLLOUT, talk->ends)
		                            : errno;
		if (err != 0)
			return g_strdup(status_error_text(err));
		at += MAX(len, 0);
	}
	return NULL;
}

/* All up to the empty line. NULL, or what failed; caller frees. */
static char *
read_answer(const Talk *talk, GString *answer)
{
	while (strstr(answer->str, "\n\n") == NULL) {
		char part[512];
		int err = dial_wait(talk->fd, POLLIN, talk->ends);
		if (err != 0)
			return g_strdup(status_error_text(err));

		ssize_t len = recv(talk->fd, part, sizeof part, 0);
		if (len < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (len <= 0)
			return g_strdup(len < 0 ? status_error_text(errno)
			                        : "the connection ended");
		if (memchr(part, '\0', (size_t) len) != NULL ||
		    answer->len + (gsize) len > LIMIT_QUOTA_ANSWER)
			return g_strdup("the answer is none of the policy protocol");
		g_string_append_len(answer, part, len);
	}
	return NULL;
}

/* The digits that an enhanced code ends in ("2.2"), if the text begins with one. */
static const char *
detail_of(const char *text)
{
	bool is_code = (text[0] == '4' || text[0] == '5') && text[1] == '.';
	return is_code ? text + 2 : "";
}

QuotaServiceVerdict
quota_service_read(const char *action)
{
	g_auto(GStrv) words = g_strsplit(action, " ", 3);
	const char *first = words[0] != NULL ? words[0] : "";
	const char *second = words[0] != NULL && words[1] != NULL ? words[1] : "";
	if (g_ascii_strcasecmp(first, "OK") == 0 || g_ascii_strcasecmp(first, "DUNNO") == 0 ||
	    g_ascii_strcasecmp(first, "PERMIT") == 0)
		return QUOTA_SERVICE_ROOM;

	const char *detail = detail_of(*detail_of(first) != '\0' ? first : second);
	if (strcmp(detail, "2.2") == 0)
		return QUOTA_SERVICE_FULL;
	if (strcmp(detail, "2.3") == 0 || strcmp(detail, "3.4") == 0)
		return QUOTA_SERVICE_TOO_BIG;

	return strcmp(first, "552") == 0 && *detail == '\0' ? QUOTA_SERVICE_FULL
	                                                    : QUOTA_SERVICE_NO_ANSWER;
}

static char *
printable(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	for (char *c = valid; *c != '\0'; c++)
		if (g_ascii_iscntrl(*c))
			*c = ' ';
	return g_strdup(g_strstrip(valid));
}

static char *
ask(Talk *talk, const QuotaServiceQuestion *question, GString *answer)
{
	char *why = connect_by_name(talk, question->where);
	if (why == NULL)
		why = send_question(talk, question);
	return why != NULL ? why : read_answer(talk, answer);
}

QuotaServiceVerdict
quota_service_ask(const QuotaServiceQuestion *question, char **ret_reply)
{
	static const char key[] = "action=";
	g_autoptr(GString) answer = g_string_new(NULL);
	Talk talk = { .fd = -1,
		      .ends = g_get_monotonic_time() + (gint64) question->timeout_ms * 1000 };

	char *why = ask(&talk, question, answer);
	fs_close_auto(&talk.fd);
	if (why != NULL) {
		*ret_reply = why;
		return QUOTA_SERVICE_NO_ANSWER;
	}

	/* other attributes may stand before it */
	g_auto(GStrv) lines = g_strsplit(answer->str, "\n", -1);
	for (char **line = lines; *line != NULL && **line != '\0'; line++) {
		if (!g_str_has_prefix(*line, key))
			continue;
		*ret_reply = printable(*line + strlen(key));
		return quota_service_read(*ret_reply);
	}

	*ret_reply = printable(answer->str);
	return QUOTA_SERVICE_NO_ANSWER;
}

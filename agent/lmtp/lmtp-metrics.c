/* SPDX-License-Identifier: MIT */
/* lmtp-metrics: as much of HTTP/1.1 (RFC 9112) as a scraper needs. */
#define _GNU_SOURCE
#include "agent/lmtp/lmtp-metrics.h"

#include "agent/base/limits.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Octets that are read at once; milliseconds without a descriptor for the next client. */
enum { READ_SIZE = 4096, NO_DESCRIPTOR_MS = 1000 };

typedef struct {
	int fd; /* -1: the place is free */
	gint64 until;
	GString *said;
	GString *answer; /* NULL: the request is not whole yet */
	size_t at;       /* so much of it was sent */
} Client;

typedef struct {
	LmtpMetricsText *text;
	void *user;
	Client clients[LIMIT_METRICS_CLIENTS];
} Server;

static GString *
make_answer(const char *status, const char *type, const char *body, bool has_body)
{
	GString *answer = g_string_new(NULL);
	g_string_append_printf(answer,
	                       "HTTP/1.1 %s\r\n"
	                       "Content-Type: %s; charset=utf-8\r\n"
	                       "Content-Length: %zu\r\n"
	                       "Cache-Control: no-store\r\n"
	                       "X-Content-Type-Options: nosniff\r\n"
	                       "%s"
	                       "Connection: close\r\n\r\n",
	                       status, type, strlen(body),
	                       g_str_has_prefix(status, "405") ? "Allow: GET, HEAD\r\n" : "");
	if (has_body)
		g_string_append(answer, body);
	return answer;
}

static GString *
refuse(const char *status)
{
	g_autofree char *body = g_strdup_printf("%s\n", status);
	return make_answer(status, "text/plain", body, true);
}

/* Octets of the head, up to and with the empty line; 0: it is not whole. */
static size_t
head_length(const char *said, size_t len)
{
	for (size_t i = 1; i < len; i++) {
		bool is_end = said[i] == '\n' &&
		              (said[i - 1] == '\n' ||
		               (i >= 2 && said[i - 1] == '\r' && said[i - 2] == '\n'));
		if (is_end)
			return i + 1;
	}
	return 0;
}

/* "GET", "/metrics" and "HTTP/1.1"; false: it is no request line. */
static bool
split_line(const char *head, size_t len, char ***ret_words)
{
	size_t end = strcspn(head, "\r\n");
	if (memchr(head, '\0', len) != NULL)
		return false;

	g_autofree char *line = g_strndup(head, end);
	g_auto(GStrv) words = g_strsplit(line, " ", 4);
	if (g_strv_length(words) != 3 || !g_str_has_prefix(words[2], "HTTP/1."))
		return false;
	*ret_words = g_steal_pointer(&words);
	return true;
}

GString *
lmtp_metrics_answer(const char *said, size_t len, LmtpMetricsText *text, void *user)
{
	g_autofree char *copy = g_strndup(said, len); /* ends with NUL */
	size_t head = head_length(said, len);
	g_auto(GStrv) words = NULL;

	if (head > LIMIT_METRICS_REQUEST || (head == 0 && len > LIMIT_METRICS_REQUEST))
		return refuse("431 Request Header Fields Too Large");
	if (head == 0)
		return NULL;
	if (!split_line(copy, head, &words))
		return refuse("400 Bad Request");

	bool is_head = strcmp(words[0], "HEAD") == 0;
	if (!is_head && strcmp(words[0], "GET") != 0)
		return refuse("405 Method Not Allowed");
	words[1][strcspn(words[1], "?")] = '\0';
	if (strcmp(words[1], "/metrics") != 0)
		return refuse("404 Not Found");

	g_autofree char *body = text(user);
	return make_answer("200 OK", "application/openmetrics-text; version=1.0.0", body, !is_head);
}

static void
forget(Client *client)
{
	(void) close(client->fd);
	g_string_free(client->said, TRUE);
	if (client->answer != NULL)
		g_string_free(client->answer, TRUE);
	*client = (Client){ .fd = -1 };
}

/* A free place; else that of the client that came first, who is closed. */
static Client *
find_place(Server *server)
{
	Client *oldest = &server->clients[0];
	for (unsigned i = 0; i < LIMIT_METRICS_CLIENTS; i++) {
		Client *client = &server->clients[i];
		if (client->fd < 0)
			return client;
		if (client->until < oldest->until)
			oldest = client;
	}

	forget(oldest);
	return oldest;
}

/* False: there is no descriptor for one more client. */
static bool
admit(Server *server, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM;

	*find_place(server) = (Client){
		.fd = fd,
		.until = g_get_monotonic_time() + LIMIT_METRICS_SECONDS * G_USEC_PER_SEC,
		.said = g_string_new(NULL),
	};
	return true;
}

/* False: the client is gone, or has its answer. */
static bool
hear(const Server *server, Client *client)
{
	char buffer[READ_SIZE];
	ssize_t n = read(client->fd, buffer, sizeof buffer);
	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);

	g_string_append_len(client->said, buffer, n);
	client->answer = lmtp_metrics_answer(client->said->str, client->said->len, server->text,
	                                     server->user);
	return true;
}

static bool
tell(Client *client)
{
	ssize_t n = send(client->fd, client->answer->str + client->at,
	                 client->answer->len - client->at, MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;

	client->at += (size_t) n;
	return client->at < client->answer->len;
}

static void
serve_client(const Server *server, Client *client, short events)
{
	bool open = true;
	if (client->until <= g_get_monotonic_time())
		open = false;
	else if (events != 0 && client->answer == NULL)
		open = hear(server, client) && (client->answer == NULL || tell(client));
	else if (events != 0)
		open = tell(client);

	if (!open)
		forget(client);
}

/* Milliseconds until the first client has had its time; -1: there is no client. */
static int
next_wake(const Server *server)
{
	gint64 first = 0;
	for (unsigned i = 0; i < LIMIT_METRICS_CLIENTS; i++) {
		const Client *client = &server->clients[i];
		if (client->fd >= 0 && (first == 0 || client->until < first))
			first = client->until;
	}

	return first == 0 ? -1 : (int) (MAX(first - g_get_monotonic_time(), 0) / 1000 + 1);
}

static void
turn(Server *server, const int *listeners, unsigned count)
{
	struct pollfd *fds = g_newa(struct pollfd, count + LIMIT_METRICS_CLIENTS);

	for (unsigned i = 0; i < count; i++)
		fds[i] = (struct pollfd){ .fd = listeners[i], .events = POLLIN };
	for (unsigned i = 0; i < LIMIT_METRICS_CLIENTS; i++) {
		const Client *client = &server->clients[i];
		fds[count + i] = (struct pollfd){ .fd = client->fd,
			                          .events = client->answer != NULL ? POLLOUT
			                                                           : POLLIN };
	}

	if (poll(fds, count + LIMIT_METRICS_CLIENTS, next_wake(server)) < 0)
		return;
	/* the clients first: a place is only taken from one whose request was looked at */
	for (unsigned i = 0; i < LIMIT_METRICS_CLIENTS; i++)
		if (server->clients[i].fd >= 0)
			serve_client(server, &server->clients[i], fds[count + i].revents);
	for (unsigned i = 0; i < count; i++)
		if (fds[i].revents != 0 && !admit(server, listeners[i]))
			(void) poll(NULL, 0, NO_DESCRIPTOR_MS);
}

G_NORETURN void
lmtp_metrics_serve(const int *listeners, unsigned count, LmtpMetricsText *text, void *user)
{
	static Server server;

	server.text = text;
	server.user = user;
	for (unsigned i = 0; i < LIMIT_METRICS_CLIENTS; i++)
		server.clients[i].fd = -1;
	for (;;)
		turn(&server, listeners, count);
}

/* SPDX-License-Identifier: MIT */
/* submit-module: the line of submit-talk by libcurl. The only file that knows libcurl. */
#define _GNU_SOURCE
#include "agent/send/submit-module.h"

#include "agent/send/submit-talk.h"

#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <string.h>

/* A connection. */
typedef struct {
	CURL *curl;
	curl_socket_t socket;
	gint64 ends;        /* monotonic microseconds */
	gint64 answer_ends; /* the same for the answer to the end of the message */
	SubmitOffers offers;
	GString *said; /* the last line of the greeting */
	const char *why;
} Line;

/* Wait until the socket can be read or written; false: the time is up. */
static bool
wait_for(Line *line, short events)
{
	for (;;) {
		gint64 left = (line->ends - g_get_monotonic_time()) / 1000;
		struct pollfd fd = { line->socket, events, 0 };
		int n = left > 0 ? poll(&fd, 1, (int) MIN(left, G_MAXINT)) : 0;
		if (n > 0)
			return true;
		if (n == 0 || errno != EINTR) {
			line->why = "it takes too long";
			return false;
		}
	}
}

static bool
line_send(void *user, const void *data, size_t len)
{
	Line *line = user;
	const char *at = data;

	while (len > 0) {
		size_t done = 0;
		CURLcode code = curl_easy_send(line->curl, at, len, &done);
		if (code == CURLE_AGAIN) {
			if (!wait_for(line, POLLOUT))
				return false;
			continue;
		}
		if (code != CURLE_OK) {
			line->why = curl_easy_strerror(code);
			return false;
		}
		at += done;
		len -= done;
	}

	return true;
}

static bool
line_receive(void *user, char *data, size_t size, size_t *ret_len)
{
	Line *line = user;
	for (;;) {
		size_t len = 0;
		CURLcode code = curl_easy_recv(line->curl, data, size, &len);
		if (code == CURLE_OK && len > 0) {
			*ret_len = len;
			return true;
		}
		if (code != CURLE_AGAIN) {
			line->why = code == CURLE_OK ? "connection lost" : curl_easy_strerror(code);
			return false;
		}
		if (!wait_for(line, POLLIN))
			return false;
	}
}

static const char *
line_why(void *user)
{
	return ((Line *) user)->why;
}

/*
 * Who hears no answer now cannot know whether the message was taken, and must send it again (RFC
 * 5321 4.5.3.2.6).
 */
static void
line_at_end(void *user)
{
	Line *line = user;
	line->ends = MAX(line->ends, line->answer_ends);
}

/* libcurl calls this for each line that it reads while it connects and greets. */
static size_t
on_greeting(char *data, size_t size, size_t n, void *user)
{
	Line *line = user;

	submit_talk_offer(&line->offers, data, size * n);
	g_string_truncate(line->said, 0);
	g_string_append_len(line->said, data, (gssize) MIN(size * n, 500));
	g_strchomp(line->said->str);

	return size * n;
}

/* The URL's path is the name for EHLO. */
static void
set_target(CURL *curl, const Route *route)
{
	const char *target = route->submit + strlen("smtp:");
	const char *path = g_str_has_prefix(target, "unix:") ? target + strlen("unix:") : NULL;
	g_autofree char *helo = g_uri_escape_string(route->helo, "[]:", FALSE);
	g_autofree char *url = g_strdup_printf("smtp://%s/%s", path != NULL ? "localhost" : target,
	                                       helo);

	curl_easy_setopt(curl, CURLOPT_URL, url);
	if (path != NULL)
		curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, path);
}

static CURLcode
line_open(Line *line, const Route *route)
{
	CURL *curl = line->curl;
	long left = (long) ((line->ends - g_get_monotonic_time()) / 1000);

	set_target(curl, route);
	curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp");
	curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* whatever the environment says */
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, MAX(left, 1L));
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_greeting);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, line);

	CURLcode code = curl_easy_perform(curl);
	if (code == CURLE_OK)
		code = curl_easy_getinfo(curl, CURLINFO_ACTIVESOCKET, &line->socket);
	return code;
}

/* libcurl's words, and what the system said: "Connection refused" is what an admin looks for. */
static char *
reason_of(CURL *curl, CURLcode code)
{
	long number = 0;

	if (curl == NULL || curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &number) != CURLE_OK ||
	    number <= 0)
		return g_strdup(curl_easy_strerror(code));
	return g_strdup_printf("%s: %s", curl_easy_strerror(code), g_strerror((int) number));
}

/* There is no connection, or a greeting that refuses. */
static void
say_unreachable(const Line *line, CURLcode code, const Route *route, SubmitSaid *ret_said)
{
	const char *greeting = line->said->str;
	g_autofree char *reason = reason_of(line->curl, code);

	*ret_said = (SubmitSaid){
		.words = g_strdup_printf("cannot reach '%s': %s%s%s", route->submit, reason,
		                         *greeting != '\0' ? ": " : "", greeting),
		.command = g_strdup("connect"),
		.reply = g_strdup(*greeting != '\0' ? greeting : reason),
		.is_down = true,
	};
}

static SubmitOutcome
module_send(const RouteMail *mail, const SubmitPaths *paths, const Route *route,
            SubmitSaid *ret_said)
{
	Line line = {
		.curl = curl_easy_init(),
		.socket = CURL_SOCKET_BAD,
		.ends = g_get_monotonic_time() + (gint64) route->seconds * G_USEC_PER_SEC,
		.answer_ends = g_get_monotonic_time() +
		               (gint64) route->end_seconds * G_USEC_PER_SEC,
		.said = g_string_new(NULL),
		.why = "",
	};
	SubmitLine talk = { &line, line_send, line_receive, line_why, line_at_end };
	CURLcode code = line.curl != NULL ? line_open(&line, route) : CURLE_FAILED_INIT;
	SubmitOutcome outcome = SUBMIT_AGAIN;

	/* A greeting that refuses, even by 5xx, is not about this mail. */
	if (code == CURLE_OK)
		outcome = submit_talk(mail, paths, &line.offers, &talk, ret_said);
	else
		say_unreachable(&line, code, route, ret_said);

	if (line.curl != NULL)
		curl_easy_cleanup(line.curl);
	g_string_free(line.said, TRUE);
	return outcome;
}

const void *submit_module(void);

const void *
submit_module(void)
{
	static const SubmitModule module = { .version = SUBMIT_MODULE_VERSION,
		                             .send = module_send };
	/* No TLS: what is on this host needs none. The module stays open until the process ends. */
	(void) curl_global_init(CURL_GLOBAL_NOTHING);
	return &module;
}

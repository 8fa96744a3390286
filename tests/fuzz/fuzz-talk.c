/* SPDX-License-Identifier: MIT */
/*
 * fuzz-talk: an SMTP server that answers anything. The first octet says how many octets come at
 * once; up to the first empty line it offers extensions, and then it replies. A mail counts as sent
 * only if the server took it. fuzz-readers.sh says how to fuzz.
 */
#include "agent/send/submit-talk.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guchar *data, size_t size);

typedef struct {
	const guchar *at, *end;
	size_t piece;
	GString *sent;
	size_t sent_at_end; /* octets that were sent when the message ended; 0: it did not */
} Server;

static bool
server_send(void *user, const void *data, size_t len)
{
	Server *server = user;
	g_string_append_len(server->sent, data, (gssize) len);
	return true;
}

static bool
server_receive(void *user, char *data, size_t size, size_t *ret_len)
{
	Server *server = user;
	size_t len = MIN(MIN(server->piece, size), (size_t) (server->end - server->at));
	if (len == 0)
		return false;

	memcpy(data, server->at, len);
	server->at += len;
	*ret_len = len;
	return true;
}

static const char *
server_why(void *user)
{
	(void) user;
	return "";
}

static void
server_at_end(void *user)
{
	Server *server = user;
	server->sent_at_end = server->sent->len;
}

static SubmitOffers
read_offers(Server *server)
{
	SubmitOffers offers = { 0 };
	while (server->at < server->end) {
		const guchar *line = server->at;
		const guchar *stop = memchr(line, '\n', (size_t) (server->end - line));
		size_t len = (size_t) ((stop != NULL ? stop : server->end) - line);
		server->at = stop != NULL ? stop + 1 : server->end;
		if (len == 0)
			break;
		submit_talk_offer(&offers, (const char *) line, len);
	}
	return offers;
}

int
LLVMFuzzerTestOneInput(const guchar *data, size_t size)
{
	if (size == 0)
		return 0;
	g_autoptr(GString) sent = g_string_new(NULL);
	Server server = { data + 1, data + size, data[0] == 0 ? 1 : data[0], sent, 0 };
	const SubmitOffers offers = read_offers(&server);
	static const char head[] = "Subject: x\n.\n..y\n\nbody without an end";
	const RouteMail mail = { .sender = "ann@example.org",
		                 .recipient = "bob@example.net",
		                 .notify = "FAILURE",
		                 .orcpt = "rfc822;bob@example.net",
		                 .ret = "HDRS",
		                 .envid = "id",
		                 .head = head,
		                 .head_len = sizeof head - 1,
		                 .body_fd = -1 };
	const SubmitPaths paths = { "<ann@example.org>", "<bob@example.net>" };
	const SubmitLine line = { &server, server_send, server_receive, server_why, server_at_end };
	g_auto(SubmitSaid) said = { 0 };

	SubmitOutcome outcome = submit_talk(&mail, &paths, &offers, &line, &said);

	/* Taken: the whole mail went out, to its dot, and the server said so. */
	if (outcome == SUBMIT_DONE) {
		g_assert(said.taken != NULL);
		g_assert(strstr(sent->str, "\r\nbody without an end\r\n.\r\n") != NULL);
		g_assert(strstr(sent->str, "\r\n..\r\n...y\r\n") != NULL);
	} else {
		g_assert(said.words != NULL && said.taken == NULL);
	}
	/*
	 * The code is not compared with the words: each line of a reply has one, and a client may
	 * believe any of them (RFC 5321 4.2.1).
	 */
	if (outcome == SUBMIT_RECIPIENT_REFUSED || outcome == SUBMIT_MAIL_REFUSED)
		g_assert(said.reply != NULL && said.command != NULL && !said.is_down);
	return 0;
}

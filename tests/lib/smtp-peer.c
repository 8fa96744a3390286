/* SPDX-License-Identifier: MIT */
/* smtp-peer: a step is the first word of a line, or what is said at a moment. */
#include "tests/lib/smtp-peer.h"

#include "tests/lib/scratch.h"
#include "tests/lib/unix-peer.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char good[] = "GREETING 220 peer.test ESMTP\n"
			   "EHLO 250-peer.test\r\n250-DSN\r\n250-8BITMIME\r\n250 SMTPUTF8\n"
			   "MAIL 250 2.1.0 ok\n"
			   "RCPT 250 2.1.5 ok\n"
			   "DATA 354 go ahead\n"
			   "DOT 250 2.0.0 queued as 4PEER1\n"
			   "QUIT 221 bye\n";

/* The reply to a step: the first line for it, of the test's, then of the good server's. */
static char *
reply_to(const char *answers, const char *step)
{
	g_autofree char *all = g_strconcat("\n", answers != NULL ? answers : "", "\n", good, NULL);
	g_autofree char *begin = g_strconcat("\n", step, " ", NULL);
	const char *at = strstr(all, begin), *end = at != NULL ? at + strlen(begin) : NULL;

	/* A line of a reply ends in CRLF; what ends in LF alone is the line of the answer. */
	while (end != NULL && *end != '\0' && (*end != '\n' || end[-1] == '\r'))
		end++;
	return at != NULL ? g_strndup(at + strlen(begin), (gsize) (end - at) - strlen(begin))
	                  : g_strdup("250 ok");
}

/* *ret_good: may it go on? False: the connection ends here. */
static bool
say(FILE *client, const char *answers, const char *step, bool *ret_good)
{
	g_autofree char *reply = reply_to(answers, step);
	if (strcmp(reply, "die") == 0)
		return false;
	fprintf(client, "%s\r\n", reply);
	(void) fflush(client);
	*ret_good = reply[0] == '2' || reply[0] == '3';
	return true;
}

static bool
take_message(FILE *client, FILE *from, const char *answers, const char *dir, GString *taken)
{
	char line[4096];
	bool is_good;
	while (fgets(line, sizeof line, from) != NULL && strcmp(line, ".\r\n") != 0)
		g_string_append(taken, line);

	g_autofree char *before = smtp_peer_sent(dir), *dot = reply_to(answers, "DOT");
	g_autofree char *all = g_strconcat(before, taken->str, NULL);
	if (dot[0] == '2')
		scratch_write(dir, "sent", all);
	return say(client, answers, "DOT", &is_good);
}

static void
converse(FILE *client, FILE *from, const void *user)
{
	const char *const *names = user, *answers = names[0], *dir = names[1];
	char line[4096];
	bool is_good, goes_on = say(client, answers, "GREETING", &is_good);
	g_autoptr(GString) taken = g_string_new(NULL);

	while (goes_on && fgets(line, sizeof line, from) != NULL) {
		g_autofree char *step = g_strndup(line, 4);
		if (strcmp(step, "MAIL") == 0 || strcmp(step, "RCPT") == 0)
			g_string_append(taken, line);
		goes_on = say(client, answers, step, &is_good) && strcmp(step, "QUIT") != 0;
		if (goes_on && is_good && strcmp(step, "DATA") == 0)
			goes_on = take_message(client, from, answers, dir, taken);
	}
}

pid_t
smtp_peer_begin(const char *dir, const char *answers)
{
	g_autofree char *path = g_build_filename(dir, "smtp", NULL);
	const char *const names[] = { answers, dir };
	return unix_peer_begin(path, converse, names);
}

void
smtp_peer_end(pid_t peer)
{
	unix_peer_end(peer);
}

char *
smtp_peer_sent(const char *dir)
{
	char *sent = scratch_read(dir, "sent");
	return sent != NULL ? sent : g_strdup("");
}

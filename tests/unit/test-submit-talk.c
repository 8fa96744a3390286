/* SPDX-License-Identifier: MIT */
/* SMTP behind the greeting, with a server in memory: what is said, and what its answers mean. */
#define _GNU_SOURCE
#include "agent/send/submit-talk.h"

#include "agent/base/limits.h"
#include "tests/unit/unit.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define TAKEN "250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go\r\n250 2.0.0 queued as 4ABC\r\n"
#define TO_DATA "MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n"

/* The other side: says `answers` in pieces, takes `sends` times what is sent (-1: always). */
typedef struct {
	const char *answers;
	size_t piece;
	int sends;
	GString *heard;
	size_t largest;      /* of what was sent at once */
	size_t heard_at_end; /* when the message ended; 0: it did not */
	const char *why;
} Server;

static bool
server_send(void *user, const void *data, size_t len)
{
	Server *server = user;
	if (server->sends == 0)
		return false;
	server->sends -= server->sends > 0;
	g_string_append_len(server->heard, data, (gssize) len);
	server->largest = MAX(server->largest, len);
	return true;
}

static bool
server_receive(void *user, char *data, size_t size, size_t *ret_len)
{
	Server *server = user;
	size_t len = MIN(MIN(server->piece, size), strlen(server->answers));
	if (len == 0)
		return false;
	memcpy(data, server->answers, len);
	server->answers += len;
	*ret_len = len;
	return true;
}

static const char *
server_why(void *user)
{
	return ((Server *) user)->why;
}

static void
server_at_end(void *user)
{
	Server *server = user;
	server->heard_at_end = server->heard->len;
}

static const SubmitPaths paths = { "<a@x.test>", "<b@y.test>" };
static const SubmitOffers nothing = { false, false, false };

static RouteMail
mail_of(const char *text)
{
	return (RouteMail){ .sender = "a@x.test",
		            .recipient = "b@y.test",
		            .head = text,
		            .head_len = strlen(text),
		            .body_fd = -1 };
}

static SubmitOutcome
talk(Server *server, const RouteMail *mail, const SubmitPaths *to, const SubmitOffers *offers,
     SubmitSaid *ret_said)
{
	const SubmitLine line = { server, server_send, server_receive, server_why, server_at_end };
	return submit_talk(mail, to, offers, &line, ret_said);
}

static Server
server_new(const char *answers)
{
	return (Server){ .answers = answers,
		         .piece = 1000,
		         .sends = -1,
		         .heard = g_string_new(NULL),
		         .why = "" };
}

/* The message on the wire: CRLF, dots doubled, and an end of its own where it has none. */
static void
test_message(void **state)
{
	(void) state;
	static const struct {
		const char *text, *wire;
	} rows[] = {
		{ "A: 1\n\nx\n", "A: 1\r\n\r\nx\r\n.\r\n" },
		{ "A: 1\r\n\r\nx\r\n", "A: 1\r\n\r\nx\r\n.\r\n" },
		{ "A: 1\n\nx", "A: 1\r\n\r\nx\r\n.\r\n" },
		{ ".A: 1\n\n.\n..x\nx.\n", "..A: 1\r\n\r\n..\r\n...x\r\nx.\r\n.\r\n" },
		{ "A: 1\n\nx\ry\n", "A: 1\r\n\r\nx\ry\r\n.\r\n" },
		{ "", ".\r\n" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		for (size_t piece = 1; piece <= 1000; piece += 999) {
			Server server = server_new(TAKEN);
			server.piece = piece;
			const RouteMail mail = mail_of(rows[i].text);
			g_auto(SubmitSaid) said = { 0 };
			assert_int_equal(talk(&server, &mail, &paths, &nothing, &said),
			                 SUBMIT_DONE);

			g_autofree char *want = g_strconcat(TO_DATA, rows[i].wire, "QUIT\r\n",
			                                    NULL);
			assert_string_equal(server.heard->str, want);
			assert_string_equal(said.taken, "250 2.0.0 queued as 4ABC");
			assert_null(said.command);
			assert_null(said.reply);
			assert_false(said.is_down);

			/* The answer to the end has more time: from when the octets are out. */
			const char *end = strstr(server.heard->str, ".\r\nQUIT");
			size_t sent = (size_t) (end - server.heard->str);
			bool has_end = *rows[i].text == '\0' ||
			               g_str_has_suffix(rows[i].text, "\n");
			assert_int_equal(server.heard_at_end, has_end ? sent : sent - 2);
			g_string_free(server.heard, TRUE);
		}
}

/*
 * Large messages go out in pieces, none of them large, and nothing is lost where head and body
 * meet.
 */
static void
test_large_message(void **state)
{
	(void) state;
	enum { LINES = 100000 };
	g_autoptr(GString) text = g_string_new("A: 1\n\n"), wire = g_string_new("A: 1\r\n\r\n");
	for (int i = 0; i < LINES; i++) {
		g_string_append_printf(text, "%s%d\n", i % 7 == 0 ? "." : "", i);
		g_string_append_printf(wire, "%s%d\r\n", i % 7 == 0 ? ".." : "", i);
	}
	g_autofree char *want = g_strconcat(TO_DATA, wire->str, ".\r\nQUIT\r\n", NULL);

	for (size_t at = 0; at <= text->len; at += text->len / 3) {
		int fd = memfd_create("body", MFD_CLOEXEC);
		assert_int_equal(write(fd, "xyz", 3), 3);
		assert_int_equal(write(fd, text->str + at, text->len - at), text->len - at);
		RouteMail mail = mail_of(text->str);
		mail.head_len = at;
		mail.body_fd = fd;
		mail.body_at = 3;
		mail.body_len = (off_t) (text->len - at);

		Server server = server_new(TAKEN);
		g_auto(SubmitSaid) said = { 0 };
		assert_int_equal(talk(&server, &mail, &paths, &nothing, &said), SUBMIT_DONE);
		assert_string_equal(server.heard->str, want);
		assert_true(server.largest < 100 * 1024);
		g_string_free(server.heard, TRUE);

		/* A body that is shorter than it was must not be ended: it would count as whole. */
		mail.body_len++;
		server = server_new(TAKEN);
		submit_said_clear(&said);
		assert_int_equal(talk(&server, &mail, &paths, &nothing, &said), SUBMIT_AGAIN);
		assert_null(strstr(server.heard->str, "\r\n.\r\n"));
		assert_null(strstr(server.heard->str, "QUIT"));
		assert_null(said.taken);
		g_string_free(server.heard, TRUE);
		close(fd);
	}
}

/* What the server offers is used, nothing else; BODY only where the mail needs it. */
static void
test_parameters(void **state)
{
	(void) state;
	static const struct {
		const char *offers[4];
		const char *from, *text, *body, *want;
	} rows[] = {
		{ { NULL },
		  "<a@x.test>",
		  "x\n",
		  "",
		  "MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\n" },
		{ { "250-dsn\r\n" },
		  "<a@x.test>",
		  "x\n",
		  "",
		  "MAIL FROM:<a@x.test> RET=HDRS ENVID=e\r\nRCPT TO:<b@y.test> NOTIFY=NEVER "
		  "ORCPT=rfc822;c\r\n" },
		{ { "250 8BITMIME\r\n" },
		  "<a@x.test>",
		  "x\n",
		  "x",
		  "MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\n" },
		{ { "250-8BITMIME x\r\n" },
		  "<a@x.test>",
		  "\x80\n",
		  "x",
		  "MAIL FROM:<a@x.test> BODY=8BITMIME\r\nRCPT TO:<b@y.test>\r\n" },
		{ { "250-8bitmime" },
		  "<a@x.test>",
		  "x\n",
		  "xy\xff",
		  "MAIL FROM:<a@x.test> BODY=8BITMIME\r\nRCPT TO:<b@y.test>\r\n" },
		{ { "250-SIZE 100\r\n", "250-SMTPUTF8\r\n", "250-8BITMIME\r\n" },
		  "<\xc3\xa4@x.test>",
		  "\x80\n",
		  "",
		  "MAIL FROM:<\xc3\xa4@x.test> BODY=8BITMIME SMTPUTF8\r\nRCPT TO:<b@y.test>\r\n" },
		{ { "250-SMTPUTF8\r\n", "250-8BITMIMES\r\n", "250-XDSN\r\n", "250" },
		  "<a@x.test>",
		  "\x80\n",
		  "",
		  "MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\n" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		SubmitOffers offers = { 0 };
		for (size_t o = 0; o < 4 && rows[i].offers[o] != NULL; o++)
			submit_talk_offer(&offers, rows[i].offers[o], strlen(rows[i].offers[o]));

		int fd = memfd_create("body", MFD_CLOEXEC);
		size_t len = strlen(rows[i].body);
		assert_int_equal(write(fd, rows[i].body, len), len);
		RouteMail mail = mail_of(rows[i].text);
		mail.body_fd = fd;
		mail.body_len = (off_t) len;
		mail.ret = "HDRS", mail.envid = "e", mail.notify = "NEVER", mail.orcpt = "rfc822;c";

		Server server = server_new(TAKEN);
		g_auto(SubmitSaid) said = { 0 };
		const SubmitPaths to = { rows[i].from, "<b@y.test>" };
		assert_int_equal(talk(&server, &mail, &to, &offers, &said), SUBMIT_DONE);
		if (!g_str_has_prefix(server.heard->str, rows[i].want))
			fail_msg("%zu: %s", i, server.heard->str);
		g_string_free(server.heard, TRUE);
		close(fd);
	}
}

/* An address beyond ASCII cannot go to a server that does not know SMTPUTF8: nothing is said. */
static void
test_no_smtputf8(void **state)
{
	(void) state;
	const SubmitPaths rows[] = { { "<\xc3\xa4@x.test>", "<b@y.test>" },
		                     { "<a@x.test>", "<\xc3\xa4@y.test>" } };
	static const char other[] = "250-8BITMIME\r\n";
	SubmitOffers offers = nothing;
	submit_talk_offer(&offers, other, strlen(other));
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		Server server = server_new(TAKEN);
		const RouteMail mail = mail_of("x\n");
		g_auto(SubmitSaid) said = { 0 };
		assert_int_equal(talk(&server, &mail, &rows[i], &offers, &said),
		                 SUBMIT_MAIL_REFUSED);
		assert_int_equal(server.heard->len, 0);
		assert_true(g_str_has_prefix(said.words, "550 5.6.7 "));
		assert_string_equal(said.command, "EHLO");
		assert_string_equal(said.reply, "SMTPUTF8 is not offered");
		assert_false(said.is_down);
		g_string_free(server.heard, TRUE);
	}
}

/* Whom each answer blames, at which step, and what is told of it. */
static void
test_answers(void **state)
{
	(void) state;
#define MAIL_TAKEN "250 ok\r\n"
#define RCPT_TAKEN MAIL_TAKEN "250 ok\r\n"
#define DATA_TAKEN RCPT_TAKEN "354 go\r\n"
	static const struct {
		const char *answers;
		SubmitOutcome want;
		const char *command, *reply, *words;
		bool is_down;
	} rows[] = {
		{ "451 4.3.0 later\r\n", SUBMIT_AGAIN, "MAIL FROM:<a@x.test>", "451 4.3.0 later",
		  "451 4.3.0 later (in reply to MAIL FROM)", false },
		{ "421 4.3.2 closing\r\n", SUBMIT_AGAIN, "MAIL FROM:<a@x.test>",
		  "421 4.3.2 closing", "421 4.3.2 closing (in reply to MAIL FROM)", true },
		{ "550 5.7.1 no\r\n", SUBMIT_MAIL_REFUSED, "MAIL FROM:<a@x.test>", "550 5.7.1 no",
		  "550 5.7.1 no (in reply to MAIL FROM)", false },
		{ MAIL_TAKEN "550 5.1.1 who\r\n", SUBMIT_RECIPIENT_REFUSED, "RCPT TO:<b@y.test>",
		  "550 5.1.1 who", "550 5.1.1 who (in reply to RCPT TO)", false },
		{ MAIL_TAKEN "550-5.1.1 who\r\n550-\r\n550 else\r\n", SUBMIT_RECIPIENT_REFUSED,
		  "RCPT TO:<b@y.test>", "550-5.1.1 who  else",
		  "550-5.1.1 who  else (in reply to RCPT TO)", false },
		{ RCPT_TAKEN "550 no\r\n", SUBMIT_MAIL_REFUSED, "DATA", "550 no",
		  "550 no (in reply to DATA)", false },
		{ RCPT_TAKEN "250 what\r\n", SUBMIT_AGAIN, "DATA", "250 what",
		  "250 what (in reply to DATA)", false },
		{ DATA_TAKEN "554 5.6.0 no\r\n", SUBMIT_MAIL_REFUSED, "end of DATA", "554 5.6.0 no",
		  "554 5.6.0 no (in reply to end of DATA)", false },
		{ DATA_TAKEN "452 full\r\n", SUBMIT_AGAIN, "end of DATA", "452 full",
		  "452 full (in reply to end of DATA)", false },
		/* How we speak or who we are: not this mail's fault. */
		{ "500 what\r\n", SUBMIT_AGAIN, NULL, "500 what", NULL, false },
		{ "504 what\r\n", SUBMIT_AGAIN, NULL, "504 what", NULL, false },
		{ "505 what\r\n", SUBMIT_MAIL_REFUSED, NULL, "505 what", NULL, false },
		{ "530 auth\r\n", SUBMIT_AGAIN, NULL, "530 auth", NULL, false },
		{ "534 auth\r\n", SUBMIT_AGAIN, NULL, "534 auth", NULL, false },
		{ "535 auth\r\n", SUBMIT_AGAIN, NULL, "535 auth", NULL, false },
		{ "538 tls\r\n", SUBMIT_AGAIN, NULL, "538 tls", NULL, false },
		{ "536 x\r\n", SUBMIT_MAIL_REFUSED, NULL, "536 x", NULL, false },
		/* What Postfix says late. */
		{ MAIL_TAKEN "554 5.7.1 <c[::1]>: Client host rejected: x\r\n", SUBMIT_AGAIN, NULL,
		  NULL, NULL, false },
		{ MAIL_TAKEN "550 <h>: Helo command rejected: x\r\n", SUBMIT_AGAIN, NULL, NULL,
		  NULL, false },
		{ MAIL_TAKEN "554 5.7.1 <b@y.test>: Relay access denied\r\n", SUBMIT_AGAIN, NULL,
		  NULL, NULL, false },
		{ MAIL_TAKEN "550 <a@x.test>: Sender address rejected: x\r\n", SUBMIT_MAIL_REFUSED,
		  NULL, NULL, NULL, false },
		/* No server of mail, or none at all. */
		{ "", SUBMIT_AGAIN, "MAIL FROM:<a@x.test>", "the connection ended",
		  "no answer to MAIL FROM: the connection ended", true },
		{ "250", SUBMIT_AGAIN, "MAIL FROM:<a@x.test>", "the connection ended",
		  "no answer to MAIL FROM: the connection ended", true },
		{ "2x0 ok\r\n", SUBMIT_AGAIN, NULL, "the connection ended", NULL, true },
		{ "25\r\n", SUBMIT_AGAIN, NULL, "the connection ended", NULL, true },
		{ "2500 ok\r\n", SUBMIT_AGAIN, NULL, "the connection ended", NULL, true },
		{ "250-ok\r\nno\r\n", SUBMIT_AGAIN, NULL, "the connection ended", NULL, true },
		{ DATA_TAKEN, SUBMIT_AGAIN, "end of DATA", "the connection ended",
		  "no answer to end of DATA: the connection ended", true },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		Server server = server_new(rows[i].answers);
		const RouteMail mail = mail_of("x\n");
		g_auto(SubmitSaid) said = { 0 };
		SubmitOutcome got = talk(&server, &mail, &paths, &nothing, &said);
		if (got != rows[i].want || said.is_down != rows[i].is_down)
			fail_msg("row %zu: %d, %d", i, (int) got, said.is_down);
		if (rows[i].command != NULL)
			assert_string_equal(said.command, rows[i].command);
		if (rows[i].reply != NULL)
			assert_string_equal(said.reply, rows[i].reply);
		if (rows[i].words != NULL)
			assert_string_equal(said.words, rows[i].words);
		assert_null(said.taken);
		assert_null(strstr(server.heard->str, "QUIT"));
		g_string_free(server.heard, TRUE);
	}
}

/* Three digits alone are a reply, too (RFC 5321 4.2), and so is a line that ends in LF. */
static void
test_bare_replies(void **state)
{
	(void) state;
	Server server = server_new("250\n250-\n250\n354\r\n250-2.0.0 queued\r\n250\r\n");
	const RouteMail mail = mail_of("x\n");
	g_auto(SubmitSaid) said = { 0 };
	assert_int_equal(talk(&server, &mail, &paths, &nothing, &said), SUBMIT_DONE);
	assert_string_equal(said.taken, "250-2.0.0 queued ");
	g_string_free(server.heard, TRUE);
}

/* Replies have bounds: a line of so many octets, so many lines. */
static void
test_long_replies(void **state)
{
	(void) state;
	for (int over = 0; over < 2; over++) {
		/* "250 " and the CR count, the LF does not */
		g_autofree char *filler = g_strnfill(LIMIT_SMTP_REPLY_LINE - 5 + over, 'x');
		g_autofree char *long_line = g_strconcat("250 ", filler, "\r\n" TAKEN, NULL);
		g_autoptr(GString) long_reply = g_string_new(NULL);
		for (unsigned i = 1; i < LIMIT_SMTP_REPLY_LINES + over; i++)
			g_string_append(long_reply, "250-x\r\n");
		g_string_append(long_reply, TAKEN);

		const char *const answers[] = { long_line, long_reply->str };
		for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
			Server server = server_new(answers[i]);
			const RouteMail mail = mail_of("x\n");
			g_auto(SubmitSaid) said = { 0 };
			SubmitOutcome got = talk(&server, &mail, &paths, &nothing, &said);
			bool is_mail_said = strstr(server.heard->str, "RCPT TO") != NULL;
			assert_int_equal(is_mail_said, over == 0);
			if (over == 1)
				assert_int_equal(got, SUBMIT_AGAIN);
			g_string_free(server.heard, TRUE);
		}
	}

	/* One without end is not read without end. */
	g_autofree char *endless = g_strnfill(1000000, '2');
	Server server = server_new(endless);
	const RouteMail mail = mail_of("x\n");
	g_auto(SubmitSaid) said = { 0 };
	assert_int_equal(talk(&server, &mail, &paths, &nothing, &said), SUBMIT_AGAIN);
	assert_true(strlen(server.answers) > 990000);
	g_string_free(server.heard, TRUE);
}

/* The line breaks at each step: it counts as down, with what the line says of it. */
static void
test_broken_line(void **state)
{
	(void) state;
	static const char *const words[] = { "cannot send MAIL FROM: it takes too long",
		                             "cannot send RCPT TO: it takes too long",
		                             "cannot send DATA: it takes too long",
		                             "cannot send the message: it takes too long",
		                             "cannot send end of DATA: it takes too long" };
	static const char *const commands[] = { "MAIL FROM:<a@x.test>", "RCPT TO:<b@y.test>",
		                                "DATA", "the message", "." };
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		Server server = server_new(TAKEN);
		server.sends = (int) i;
		server.why = "it takes too long";
		const RouteMail mail = mail_of("x\n");
		g_auto(SubmitSaid) said = { 0 };
		assert_int_equal(talk(&server, &mail, &paths, &nothing, &said), SUBMIT_AGAIN);
		assert_string_equal(said.words, words[i]);
		assert_string_equal(said.command, commands[i]);
		assert_string_equal(said.reply, "it takes too long");
		assert_true(said.is_down);
		assert_null(said.taken);
		g_string_free(server.heard, TRUE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_message),      cmocka_unit_test(test_large_message),
		cmocka_unit_test(test_parameters),   cmocka_unit_test(test_no_smtputf8),
		cmocka_unit_test(test_answers),      cmocka_unit_test(test_bare_replies),
		cmocka_unit_test(test_long_replies), cmocka_unit_test(test_broken_line),
	};
	return _cmocka_run_group_tests("submit-talk", tests, G_N_ELEMENTS(tests), NULL, NULL);
}

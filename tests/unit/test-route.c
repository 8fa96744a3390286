/* SPDX-License-Identifier: MIT */
/* What goes out, by SMTP and by sendmail: what is passed on, and what an answer means. */
#include "agent/send/route.h"

#include "agent/base/limits.h"
#include "tests/lib/scratch.h"
#include "tests/lib/smtp-peer.h"
#include "tests/unit/unit.h"

#include <string.h>
#include <sys/stat.h>

static void
test_values_of_submit(void **state)
{
	(void) state;
	static const struct {
		const char *submit;
		bool is_valid;
	} rows[] = {
		{ "smtp:127.0.0.1:25", true },
		{ "smtp:mx-1.x.test:65535", true },
		{ "smtp:[::1]:25", true },
		{ "smtp:unix:/run/smtp", true },
		{ "sendmail:/usr/sbin/sendmail", true },
		{ "", false },
		{ "smtp:", false },
		{ "smtp:25", false },
		{ "smtp::25", false },
		{ "smtp:x.test", false },
		{ "smtp:x.test:", false },
		{ "smtp:x.test:0", false },
		{ "smtp:x.test:65536", false },
		{ "smtp:x.test:1x", false },
		{ "smtp:x_y:25", false },
		{ "smtp:x/y:25", false },
		{ "smtp:::1:25", false },
		{ "smtp:[::1:25", false },
		{ "smtp:::1]:25", false },
		{ "smtp:unix:run/smtp", false },
		{ "sendmail:sendmail", false },
		{ "sendmail:", false },
		{ "lmtp:127.0.0.1:24", false },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		const char *why = NULL;
		if (route_is_valid(rows[i].submit, &why) != rows[i].is_valid)
			fail_msg("'%s'", rows[i].submit);
		assert_non_null(why);
	}
}

static void
test_params(void **state)
{
	(void) state;
	g_autofree char *most = g_strnfill(LIMIT_ADDRESS_BYTES, 'x');
	g_autofree char *over = g_strnfill(LIMIT_ADDRESS_BYTES + 1, 'x');
	assert_true(route_param_is_safe("rfc822;a+2B@x.test"));
	assert_true(route_param_is_safe(most));
	assert_false(route_param_is_safe(over));
	assert_false(route_param_is_safe(""));
	assert_false(route_param_is_safe("a b"));
	assert_false(route_param_is_safe("a\r\nRSET"));
	assert_false(route_param_is_safe("\xc3\xa4"));
}

static RouteMail
mail_to(const char *recipient)
{
	static const char text[] = "A: 1\n\nx\n";
	return (RouteMail){ .sender = "a@x.test",
		            .recipient = recipient,
		            .head = text,
		            .head_len = strlen(text),
		            .body_fd = -1 };
}

/* Patience: how long a loaded machine may take; nobody waits for it to pass. */
static Route
route_of(const char *submit)
{
	return (Route){ submit, "here.test", 120, 120 };
}

static void
test_unsendable(void **state)
{
	(void) state;
	static const struct {
		const char *submit, *from, *to;
		StatusId want;
	} rows[] = {
		{ "smtp:25", "a@x.test", "b@y.test", STATUS_CONFIG },
		{ "smtp:unix:/nonexistent/smtp", "a@x.test", "b@y\n.test", STATUS_SUBMIT_MAIL },
		{ "smtp:unix:/nonexistent/smtp", "a@x\n.test", "b@y.test", STATUS_SUBMIT_MAIL },
		{ "smtp:unix:/nonexistent/smtp", "a@x.test", "", STATUS_SUBMIT_MAIL },
		{ "sendmail:/nonexistent/sendmail", "a@x.test", "-b@y.test", STATUS_SUBMIT_MAIL },
		{ "smtp:unix:/nonexistent/smtp", "", "b@y.test", STATUS_SUBMIT },
		{ "sendmail:/nonexistent/sendmail", "a@x.test", "b@y.test", STATUS_SUBMIT },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_auto(Status) st = STATUS_INIT;
		g_autofree char *reply = NULL;
		RouteMail mail = mail_to(rows[i].to);
		mail.sender = rows[i].from;
		const Route route = route_of(rows[i].submit);
		assert_false(route_send(&mail, &route, &reply, &st));
		if (st.id != rows[i].want)
			fail_msg("row %zu: %s", i, st.detail);
		assert_null(reply);
		if (rows[i].want == STATUS_SUBMIT) {
			assert_true(st.outside->is_down);
			assert_non_null(st.outside->command);
			assert_non_null(strstr(st.detail, st.outside->reply));
		}
	}
}

/* The sender learns a cause in a few words, the log all; a server that is down counts as down. */
static void
test_answers_of_a_server(void **state)
{
	(void) state;
	static const struct {
		const char *answers;
		StatusId want;
		const char *dsn, *text, *detail;
		bool is_down;
	} rows[] = {
		{ "RCPT 550 5.1.1 who", STATUS_SUBMIT_REFUSED, "5.1.1",
		  "the address is unknown there", "550 5.1.1 who (in reply to RCPT TO)", false },
		{ "RCPT 552 5.2.2 full", STATUS_SUBMIT_REFUSED, "5.2.2",
		  "the mailbox there takes no mail", "552 5.2.2 full (in reply to RCPT TO)",
		  false },
		{ "RCPT 550 5.7.1 no", STATUS_SUBMIT_REFUSED, "5.7.1", "not allowed there",
		  "550 5.7.1 no (in reply to RCPT TO)", false },
		{ "RCPT 550 no", STATUS_SUBMIT_REFUSED, "5.4.0", NULL,
		  "550 no (in reply to RCPT TO)", false },
		{ "RCPT 550", STATUS_SUBMIT_REFUSED, "5.4.0", NULL, "550 (in reply to RCPT TO)",
		  false },
		{ "MAIL 550 5.7.1 no", STATUS_SUBMIT_MAIL, "5.7.1", NULL,
		  "550 5.7.1 no (in reply to MAIL FROM)", false },
		{ "DOT 451 4.3.0 later", STATUS_SUBMIT, "4.4.0", "the mail server puts it off",
		  "451 4.3.0 later (in reply to end of DATA)", false },
		{ "RCPT 421 4.3.2 bye", STATUS_SUBMIT, "4.4.0", "the mail server puts it off",
		  "421 4.3.2 bye (in reply to RCPT TO)", true },
		{ "GREETING 554 5.7.1 no", STATUS_SUBMIT, "4.4.0",
		  "the mail server does not answer", "554 5.7.1 no", true },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		char *dir = scratch_new();
		pid_t peer = smtp_peer_begin(dir, rows[i].answers);
		g_autofree char *submit = g_strdup_printf("smtp:unix:%s/smtp", dir);
		const RouteMail mail = mail_to("b@y.test");
		const Route route = route_of(submit);
		g_autofree char *reply = NULL;
		g_auto(Status) st = STATUS_INIT;
		outside_forget();
		assert_false(route_send(&mail, &route, &reply, &st));
		smtp_peer_end(peer);

		/* Who answers is there, whatever the answer is. */
		assert_int_equal(outside_reached()->len, rows[i].is_down ? 0 : 1);

		assert_int_equal(st.id, rows[i].want);
		assert_string_equal(status_dsn(&st), rows[i].dsn);
		if (rows[i].text != NULL)
			assert_true(g_str_has_suffix(status_text(&st), rows[i].text));
		else
			assert_string_equal(status_text(&st), status_row(rows[i].want)->text);
		if (!g_str_has_suffix(st.detail, rows[i].detail))
			fail_msg("row %zu: %s", i, st.detail);
		assert_non_null(strstr(st.detail, submit));
		assert_null(strstr(status_text(&st), "y.test"));
		assert_int_equal(st.outside->is_down, rows[i].is_down);
		assert_string_equal(st.outside->protocol, OUTSIDE_SMTP);
		assert_null(reply);
		g_autofree char *sent = smtp_peer_sent(dir);
		assert_string_equal(sent, "");
		scratch_remove(dir);
	}
}

static void
test_sent_by_smtp(void **state)
{
	(void) state;
	char *dir = scratch_new();
	pid_t peer = smtp_peer_begin(dir, NULL);
	g_autofree char *submit = g_strdup_printf("smtp:unix:%s/smtp", dir);
	RouteMail mail = mail_to("b c@y.test");
	mail.sender = "";
	mail.notify = "NEVER", mail.orcpt = "rfc822;b", mail.ret = "FULL", mail.envid = "e";
	const Route route = route_of(submit);
	g_autofree char *reply = NULL;
	g_auto(Status) st = STATUS_INIT;
	outside_forget();
	assert_true(route_send(&mail, &route, &reply, &st));
	assert_string_equal(reply, "250 2.0.0 queued as 4PEER1");
	const OutsideReached *reached = outside_reached()->pdata[0];
	assert_string_equal(reached->protocol, OUTSIDE_SMTP);
	assert_string_equal(reached->peer, submit + strlen("smtp:"));

	/* What could begin a command of its own is left out. */
	const char **params[] = { &mail.notify, &mail.orcpt, &mail.ret, &mail.envid };
	for (size_t i = 0; i < G_N_ELEMENTS(params); i++) {
		*params[i] = "x\r\nRSET";
		g_clear_pointer(&reply, g_free);
		assert_true(route_send(&mail, &route, &reply, &st));
	}
	smtp_peer_end(peer);

	g_autofree char *sent = smtp_peer_sent(dir);
	assert_string_equal(sent, "MAIL FROM:<> RET=FULL ENVID=e\r\n"
	                          "RCPT TO:<\"b c\"@y.test> NOTIFY=NEVER ORCPT=rfc822;b\r\n"
	                          "A: 1\r\n\r\nx\r\n"
	                          "MAIL FROM:<> RET=FULL ENVID=e\r\n"
	                          "RCPT TO:<\"b c\"@y.test> ORCPT=rfc822;b\r\n"
	                          "A: 1\r\n\r\nx\r\n"
	                          "MAIL FROM:<> RET=FULL ENVID=e\r\n"
	                          "RCPT TO:<\"b c\"@y.test>\r\n"
	                          "A: 1\r\n\r\nx\r\n"
	                          "MAIL FROM:<> ENVID=e\r\n"
	                          "RCPT TO:<\"b c\"@y.test>\r\n"
	                          "A: 1\r\n\r\nx\r\n"
	                          "MAIL FROM:<>\r\n"
	                          "RCPT TO:<\"b c\"@y.test>\r\n"
	                          "A: 1\r\n\r\nx\r\n");
	scratch_remove(dir);
}

/* More than a socket holds, whatever the environment says of proxies. */
static void
test_large_mail(void **state)
{
	(void) state;
	enum { LINES = 100000 };
	char *dir = scratch_new();
	pid_t peer = smtp_peer_begin(dir, NULL);
	g_autofree char *submit = g_strdup_printf("smtp:unix:%s/smtp", dir);
	g_autoptr(GString) text = g_string_new("A: 1\n\n");
	for (int i = 0; i < LINES; i++)
		g_string_append(text, "a line of the body of a large mail\n");
	RouteMail mail = mail_to("b@y.test");
	mail.head = text->str;
	mail.head_len = text->len;
	const Route route = route_of(submit);
	g_autofree char *reply = NULL;
	g_auto(Status) st = STATUS_INIT;
	(void) g_setenv("ALL_PROXY", "http://127.0.0.1:1", TRUE);
	bool done = route_send(&mail, &route, &reply, &st);
	g_unsetenv("ALL_PROXY");
	if (!done)
		fail_msg("%s", st.detail);
	smtp_peer_end(peer);
	g_autofree char *sent = smtp_peer_sent(dir);
	g_string_replace(text, "\n", "\r\n", 0);
	assert_true(g_str_has_suffix(sent, text->str));
	scratch_remove(dir);
}

/* A sendmail that leaves its arguments and its input in `dir`; `end` is how its script ends. */
static char *
make_sendmail(const char *dir, const char *end)
{
	g_autofree char *text = g_strdup_printf(
		"#!/bin/sh\nprintf '%%s|' \"$@\" >%s/args\ncat >%s/input\n%s\n", dir, dir, end);
	g_autofree char *path = g_build_filename(dir, "sendmail", NULL);
	scratch_write(dir, "sendmail", text);
	assert_int_equal(chmod(path, 0755), 0);
	return g_strconcat("sendmail:", path, NULL);
}

static void
test_sent_by_sendmail(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_autofree char *submit = make_sendmail(dir, "exit 0");
	const Route route = route_of(submit);
	g_autofree char *reply = NULL;
	g_auto(Status) st = STATUS_INIT;

	RouteMail mail = mail_to("b@y.test");
	if (!route_send(&mail, &route, &reply, &st))
		fail_msg("%s", st.detail);
	assert_null(reply);
	g_autofree char *args = scratch_read(dir, "args"), *input = scratch_read(dir, "input");
	assert_string_equal(args, "-i|-f|a@x.test|--|b@y.test|");
	assert_string_equal(input, "A: 1\n\nx\n");

	mail.sender = "";
	mail.notify = "NEVER", mail.orcpt = "rfc822;b", mail.ret = "HDRS", mail.envid = "e";
	assert_true(route_send(&mail, &route, &reply, &st));
	g_free(args);
	args = scratch_read(dir, "args");
	assert_string_equal(args, "-i|-f||-N|NEVER|-R|HDRS|-V|e|--|b@y.test|");
	scratch_remove(dir);
}

static void
test_answers_of_sendmail(void **state)
{
	(void) state;
	static const struct {
		const char *end;
		StatusId want;
		const char *dsn, *text, *detail;
		bool is_down;
	} rows[] = {
		{ "echo who >&2; exit 67", STATUS_SUBMIT_REFUSED, "5.1.1",
		  "the address is unknown there", "550 5.1.1 exit code 67: who", false },
		{ "exit 68", STATUS_SUBMIT_REFUSED, "5.1.2", "the address is unknown there",
		  "550 5.1.2 exit code 68: ", false },
		{ "exit 65", STATUS_SUBMIT_MAIL, "5.6.0", NULL, "exit code 65: ", false },
		{ "echo \"  down  \" >&2; exit 75", STATUS_SUBMIT, "4.4.0", "sendmail failed",
		  "exit code 75: down", true },
		{ "exit 64", STATUS_SUBMIT, "4.4.0", "sendmail failed", "exit code 64: ", true },
		{ "kill -9 $$", STATUS_SUBMIT, "4.4.0", "sendmail failed", "signal 9: ", true },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		char *dir = scratch_new();
		g_autofree char *submit = make_sendmail(dir, rows[i].end);
		const RouteMail mail = mail_to("b@y.test");
		const Route route = route_of(submit);
		g_autofree char *reply = NULL;
		g_auto(Status) st = STATUS_INIT;
		assert_false(route_send(&mail, &route, &reply, &st));

		assert_int_equal(st.id, rows[i].want);
		assert_string_equal(status_dsn(&st), rows[i].dsn);
		if (rows[i].text != NULL)
			assert_true(g_str_has_suffix(status_text(&st), rows[i].text));
		if (!g_str_has_suffix(st.detail, rows[i].detail))
			fail_msg("row %zu: %s", i, st.detail);
		assert_int_equal(st.outside->is_down, rows[i].is_down);
		assert_string_equal(st.outside->protocol, OUTSIDE_SENDMAIL);
		assert_true(g_str_has_suffix(st.outside->command, "-i -f a@x.test -- b@y.test"));
		scratch_remove(dir);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_of_submit), cmocka_unit_test(test_params),
		cmocka_unit_test(test_unsendable),       cmocka_unit_test(test_answers_of_a_server),
		cmocka_unit_test(test_sent_by_smtp),     cmocka_unit_test(test_large_mail),
		cmocka_unit_test(test_sent_by_sendmail), cmocka_unit_test(test_answers_of_sendmail),
	};
	return _cmocka_run_group_tests("route", tests, G_N_ELEMENTS(tests), NULL, NULL);
}

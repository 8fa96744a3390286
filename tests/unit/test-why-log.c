/* SPDX-License-Identifier: MIT */
/*
 * The joining of logs, over lines as Postfix 3.7 and Dovecot 2.3 write them (of tests/e2e), in each
 * form of their head; and moments as people write them.
 */
#include "agent/cmd/when.h"
#include "agent/cmd/why-log.h"

#include "agent/base/limits.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* 2026-11-30 12:00:00 UTC */
static const gint64 now_us = G_GINT64_CONSTANT(1796040000) * G_USEC_PER_SEC;

static const char postfix[] =
	"Nov 30 10:01:41 mx postfix/smtpd[1]: 62B69A746C0: client=localhost[127.0.0.1]\n"
	"Nov 30 10:01:41 mx postfix/cleanup[2]: 62B69A746C0: message-id=<f@client.test>\n"
	"Nov 30 10:01:41 mx postfix/qmgr[3]: 62B69A746C0: from=<c@client.test>, size=345, nrcpt=1 (queue active)\n"
	"Nov 30 10:01:41 mx postfix/cleanup[2]: 6E1F3A74378: message-id=<f@client.test>\n"
	"Nov 30 10:01:41 mx postfix/local[4]: 62B69A746C0: to=<info@local.test>, relay=local, status=sent (forwarded as 6E1F3A74378)\n"
	"Nov 30 10:01:41 mx postfix/smtpd[1]: 7777777: client=other[192.0.2.1]\n"
	"Nov 30 10:01:41 mx postfix/lmtp[5]: 6E1F3A74378: to=<bob@sock.test>, relay=mx[run/lmtp], status=sent (250 2.0.0 <bob@sock.test> stored)\n"
	"Nov 30 10:01:42 mx postfix/qmgr[3]: 62B69A746C0: removed\n"
	"Nov 30 10:01:42 mx postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[192.0.2.7]: 554 5.7.1 <n@pipe.test>: Access denied; from=<c@client.test> to=<n@pipe.test> proto=ESMTP\n"
	"Nov 30 10:01:43 mx postfix/smtp[6]: 62B69A746C0: to=<x@y.test>, status=sent (250 2.0.0 Ok: queued as 9ABCDEF)\n"
	"Nov 30 10:01:44 mx postfix/qmgr[3]: 9ABCDEF: removed\n"
	"Nov 30 10:01:44 mx postfix/bounce[7]: 62B69A746C0: sender non-delivery notification: 8BBBBBB\n"
	"Nov 30 10:01:45 mx postfix/smtp[6]: 8BBBBBB: to=<c@client.test>, status=sent (250 ok)\n"
	"Nov 30 10:01:45 mx CRON[9]: (root) CMD (62B69A746C0)\n"
	"nonsense 62B69A746C0\n";

static const char dovecot[] =
	"Nov 30 10:01:40 imap-login: Info: Login: user=<anna>, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, mpid=18211, session=<6CYQf3thNK9>\n"
	"Nov 30 10:01:40 imap-login: Info: Login: user=<other>, method=PLAIN, rip=192.0.2.8, lip=127.0.0.1, session=<other>\n"
	"Nov 30 10:01:41 imap(anna)<18211><6CYQf3thNK9>: Info: copy from Junk: box=Archive, uid=1, msgid=<f@client.test>, size=521\n"
	"Nov 30 10:01:41 imap(anna)<18211><6CYQf3thNK9>: Info: expunge: box=Junk, uid=1, msgid=<f@client.test>, size=521\n"
	"Nov 30 10:01:41 imap(other)<1><other>: Info: expunge: box=INBOX, uid=1, msgid=<g@client.test>, size=521\n"
	"Nov 30 10:01:42 imap(anna)<18211><unseen>: Info: delete: box=Archive, uid=1, msgid=<f@client.test>, size=521\n";

static char *
print_lines(const WhyLog *log)
{
	GString *out = g_string_new(NULL);
	for (guint i = 0; i < log->lines->len; i++) {
		const WhyLogLine *line = log->lines->pdata[i];
		g_string_append_printf(out, "%d %s %s %s %s %s\n", (int) line->kind, line->program,
		                       line->id != NULL ? line->id : "-",
		                       line->user != NULL ? line->user : "-",
		                       line->action != NULL ? line->action : "-",
		                       line->address != NULL ? line->address : "-");
	}
	return g_string_free(out, FALSE);
}

/* What is known, and which lines come of it. */
typedef struct {
	const char *name;
	const char *log;
	const char *id;
	const char *message_id;
	const char *to;
	const char *want;
} JoinRow;

#define ALL_OF_THE_MAIL \
	"0 smtpd 62B69A746C0 - - -\n0 cleanup 62B69A746C0 - - -\n0 qmgr 62B69A746C0 - - -\n" \
	"0 cleanup 6E1F3A74378 - - -\n0 local 62B69A746C0 - - -\n0 lmtp 6E1F3A74378 - - -\n" \
	"0 qmgr 62B69A746C0 - - -\n0 smtp 62B69A746C0 - - -\n0 qmgr 9ABCDEF - - -\n" \
	"0 bounce 62B69A746C0 - - -\n0 smtp 8BBBBBB - - -\n"

static const JoinRow joins[] = {
	{ "by the Message-ID: all queue ids", postfix, NULL, "<f@client.test>", NULL,
	  ALL_OF_THE_MAIL },
	{ "by a later id and the Message-ID", postfix, "6E1F3A74378", "<f@client.test>", NULL,
	  ALL_OF_THE_MAIL },
	{ "by the first id alone: those that its lines name", postfix, "62B69A746C0", NULL, NULL,
	  ALL_OF_THE_MAIL },
	{ "by an id that names no other", postfix, "9ABCDEF", NULL, NULL,
	  "0 qmgr 9ABCDEF - - -\n" },
	{ "refused before it had an id", postfix, NULL, NULL, "N@pipe.test", "1 smtpd - - - -\n" },
	{ "another Message-ID that begins alike", postfix, NULL, "<f@client.tes", NULL, "" },
	{ "nothing is known", postfix, NULL, NULL, NULL, "" },
	{ "Dovecot: who did it, and from where", dovecot, NULL, "<f@client.test>", NULL,
	  "3 imap-login 6CYQf3thNK9 anna - 192.0.2.9\n"
	  "2 imap 6CYQf3thNK9 anna copy from Junk 192.0.2.9\n"
	  "2 imap 6CYQf3thNK9 anna expunge 192.0.2.9\n2 imap unseen anna delete -\n" },
};

static void
test_join(void **state)
{
	const JoinRow *row = *state;
	g_auto(WhyLog) log = { 0 };

	why_log_init(&log, now_us);
	why_log_add_id(&log, row->id);
	log.message_id = g_strdup(row->message_id);
	log.to = row->to != NULL ? g_ascii_strdown(row->to, -1) : NULL;
	why_log_read_text(&log, row->log, strlen(row->log));
	g_autofree char *got = print_lines(&log);
	assert_string_equal(got, row->want);
}

/* By a user, who may have a detail or no domain, and from a moment on: a binary search finds it. */
static void
test_user_and_time(void **state)
{
	(void) state;
	static const struct {
		const char *user;
		int from; /* the first line that counts */
		guint want;
	} rows[] = { { "ann", 1500, 150 },      { "ann@x.test", 1500, 100 },
		     { "Ann@x.test", 1796, 1 }, { "ann", 0, LIMIT_WHY_IDS },
		     { "ann", 1799, 1 },        { "an", 0, 0 },
		     { "ann", 1800, 0 },        { "bob@x.test", 1795, 1 } };
	static const char *const to[] = { "ann@x.test", "bob@x.test",  "ann+a@X.test",
		                          "bo@x.test",  "annx@x.test", "ann@y.test" };
	g_autoptr(GString) text = g_string_new(NULL);
	for (int i = 0; i < 1800; i++)
		g_string_append_printf(
			text,
			"Nov 30 10:%02d:%02d mx postfix/pipe[1]: 4%05X: to=<%s>, status=sent (x)\n%s",
			i / 60, i % 60, i, to[i % 6], i % 7 == 0 ? "    no head\n" : "");

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_auto(WhyLog) log = { 0 };
		why_log_init(&log, now_us);
		why_log_want(&log, NULL, NULL, rows[i].user, "+");
		log.after_us = (G_GINT64_CONSTANT(1796032800) + rows[i].from) * G_USEC_PER_SEC;
		why_log_read_text(&log, text->str, text->len);
		assert_int_equal(log.lines->len, rows[i].want);
		assert_int_equal(log.first_us / G_USEC_PER_SEC, 1796032800);
	}
}

/* Heads of lines, and the time that they mean. */
typedef struct {
	const char *name;
	const char *line;
	gint64 seconds; /* -1: it is no line */
} HeadRow;

static const HeadRow heads[] = {
	{ "syslog", "Nov 30 10:00:00 mx postfix/qmgr[3]: 4ABC: removed\n", 1796032800 },
	{ "syslog, a day of one digit", "Nov  3 10:00:00 mx postfix/qmgr[3]: 4ABC: removed\n",
	  1793700000 },
	{ "syslog of last year", "Dec 24 10:00:00 mx postfix/qmgr[3]: 4ABC: removed\n",
	  1766570400 },
	{ "ISO with a zone", "2026-11-30T19:00:00.5+09:00 mx postfix/qmgr[3]: 4ABC: removed\n",
	  1796032800 },
	{ "journalctl", "2026-11-30T10:00:00+0000 mx postfix/qmgr[3]: 4ABC: removed\n",
	  1796032800 },
	{ "another instance", "Nov 30 10:00:00 mx postfix-out/qmgr[3]: 4ABC: removed\n",
	  1796032800 },
	{ "submission", "Nov 30 10:00:00 mx postfix/submission/smtpd[3]: 4ABC: client=x\n",
	  1796032800 },
	{ "another program", "Nov 30 10:00:00 mx postgrey[3]: 4ABC: removed\n", -1 },
	{ "no time", "mx postfix/qmgr[3]: 4ABC: removed\n", -1 },
	{ "half a line", "Nov 30 10:00:00 mx postfix/qmgr[3]", -1 },
	{ "another month", "Nex 30 10:00:00 mx postfix/qmgr[3]: 4ABC: removed\n", -1 },
	{ "a warning", "Nov 30 10:00:00 mx postfix/qmgr[3]: warning: 4ABC: x\n", -1 },
};

static void
test_head(void **state)
{
	const HeadRow *row = *state;
	g_auto(WhyLog) log = { 0 };

	why_log_init(&log, now_us);
	why_log_add_id(&log, "4ABC");
	why_log_read_text(&log, row->line, strlen(row->line));
	assert_int_equal(log.lines->len, row->seconds >= 0);
	if (row->seconds >= 0)
		assert_int_equal(((WhyLogLine *) log.lines->pdata[0])->time_us / G_USEC_PER_SEC,
		                 row->seconds);
}

/* Dovecot by way of syslog. */
static void
test_dovecot_in_syslog(void **state)
{
	(void) state;
	static const char text[] =
		"2026-11-30T10:00:00+00:00 mx dovecot: imap-login: Login: user=<a>, rip=2001:db8::1, lip=::1, session=<s>\n"
		"2026-11-30T10:00:01+00:00 mx dovecot: imap(a)<1><s>: expunge: box=INBOX, uid=1, msgid=<f@x>, size=1\n"
		"2026-11-30T10:00:01+00:00 mx dovecot[7]: imap(a)<1><s>: expunge: box=Old, uid=1, msgid=<f@x>, size=1\n";
	g_auto(WhyLog) log = { 0 };

	why_log_init(&log, now_us);
	log.message_id = g_strdup("<f@x>");
	why_log_read_text(&log, text, strlen(text));
	g_autofree char *got = print_lines(&log);
	assert_string_equal(got, "3 imap-login s a - 2001:db8::1\n2 imap s a expunge 2001:db8::1\n"
	                         "2 imap s a expunge 2001:db8::1\n");
}

/* LIMIT_WHY_IDS ids, LIMIT_WHY_LOG_LINES lines, LIMIT_WHY_LOG_HEAD octets before the program. */
static void
test_bounds(void **state)
{
	(void) state;
	g_autoptr(GString) text = g_string_new(NULL);
	g_auto(WhyLog) log = { 0 };

	for (unsigned i = 0; i <= LIMIT_WHY_IDS + 1; i++)
		g_string_append_printf(
			text, "Nov 30 10:00:00 mx postfix/cleanup[3]: 4A%u: message-id=<f@x>\n", i);
	why_log_init(&log, now_us);
	log.message_id = g_strdup("<f@x>");
	why_log_read_text(&log, text->str, text->len);
	assert_int_equal(log.lines->len, LIMIT_WHY_IDS);

	g_string_truncate(text, 0);
	for (unsigned i = 0; i <= LIMIT_WHY_LOG_LINES; i++)
		g_string_append(text, "Nov 30 10:00:00 mx postfix/qmgr[3]: 4A1: removed\n");
	g_ptr_array_set_size(log.lines, 0);
	why_log_read_text(&log, text->str, text->len);
	assert_int_equal(log.lines->len, LIMIT_WHY_LOG_LINES);

	g_autofree char *fill = g_strnfill(LIMIT_WHY_LOG_HEAD, 'd');
	g_string_printf(text, "Nov 30 10:00:00 dovecot%s: postfix/qmgr[3]: 4A1: removed\n", fill);
	g_ptr_array_set_size(log.lines, 0);
	why_log_read_text(&log, text->str, text->len);
	assert_int_equal(log.lines->len, 0);
}

/* LIMIT_WHY_LOG_LINE: what is longer is cut. */
static void
test_long_line(void **state)
{
	(void) state;
	g_autofree char *fill = g_strnfill(LIMIT_WHY_LOG_LINE, 'x');
	g_autofree char *text = g_strdup_printf("Nov 30 10:00:00 mx postfix/smtp[3]: 4ABC: %s\n",
	                                        fill);
	g_auto(WhyLog) log = { 0 };

	why_log_init(&log, now_us);
	why_log_add_id(&log, "4ABC");
	why_log_read_text(&log, text, strlen(text));
	assert_int_equal(log.lines->len, 1);
	assert_in_range(strlen(((WhyLogLine *) log.lines->pdata[0])->text),
	                LIMIT_WHY_LOG_LINE - 100, LIMIT_WHY_LOG_LINE);
}

/* What people write, and what it means at noon of 2026-11-30, UTC; -1: nothing. */
typedef struct {
	const char *name;
	gint64 seconds;
} WhenRow;

static const WhenRow whens[] = {
	{ "2026-11-30", 1795996800 },
	{ "2026-11-30 09:15", 1796030100 },
	{ "2026-11-30T09:15:30", 1796030130 },
	{ "2026-11-30T09:15:30Z", 1796030130 },
	{ "09:15", 1796030100 },
	{ "today", 1795996800 },
	{ "yesterday", 1795910400 },
	{ "@1796030100", 1796030100 },
	{ "90s", 1796039910 },
	{ "15m", 1796039100 },
	{ "2h", 1796032800 },
	{ "7d", 1795435200 },
	{ "1w", 1795435200 },
	{ "0s", 1796040000 },
	{ "", -1 },
	{ "7", -1 },
	{ "7x", -1 },
	{ "-7d", -1 },
	{ "soon", -1 },
	{ "2026-13-30", -1 },
	{ "2026-11-31", -1 },
	{ "2026-11-30 9", -1 },
	{ "2026-11-30x", -1 },
	{ "25:00", -1 },
	{ "@x", -1 },
	{ "99999999999d", -1 },
};

static void
test_when(void **state)
{
	const WhenRow *row = *state;
	gint64 us = 9999;
	bool is_time = when_parse(row->name, now_us, &us);

	assert_int_equal(is_time, row->seconds >= 0);
	assert_int_equal(us, is_time ? row->seconds * G_USEC_PER_SEC : 9999);
}

int
main(void)
{
	struct CMUnitTest tests[100];
	size_t n = 0;
	const struct CMUnitTest others[] = {
		cmocka_unit_test(test_user_and_time),
		cmocka_unit_test(test_dovecot_in_syslog),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_long_line),
	};

	assert_int_equal(setenv("TZ", "UTC", 1), 0);
	tzset();
	UNIT_ROWS(tests, n, joins, test_join);
	UNIT_ROWS(tests, n, heads, test_head);
	UNIT_ROWS(tests, n, whens, test_when);
	for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
		tests[n++] = others[i];
	return _cmocka_run_group_tests("why-log", tests, n, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* What one delivery sends: to whom, from whom, once, and what stays here instead. */
#include "agent/run/transact.h"

#include "agent/base/limits.h"
#include "tests/lib/delivery-check.h"
#include "tests/lib/scratch.h"
#include "tests/lib/smtp-peer.h"
#include "tests/unit/unit.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char mail[] = "From: A <a@x.test>\nTo: ann@here.test\nSubject: hello\n"
			   "Message-ID: <1@x.test>\n\nbody\n";

/* A world whose mail leaves to a server that answers as it is told. */
typedef struct {
	DeliveryWorld world;
	pid_t peer;
	unsigned mails;
} Out;

static void
out_begin(Out *out, const char *settings, const char *script, const char *answers)
{
	g_autofree char *all = g_strconcat("submit = smtp:unix:@/smtp\n", settings, NULL);
	*out = (Out){ .peer = -1 };
	delivery_world_init(&out->world, all, script);
	out->peer = smtp_peer_begin(out->world.dir, answers);
}

static void
out_end(Out *out)
{
	smtp_peer_end(out->peer);
	delivery_world_clear(&out->world);
}

/* The server answers otherwise from now on, and what it took is forgotten. */
static void
out_answers(Out *out, const char *answers)
{
	smtp_peer_end(out->peer);
	scratch_write(out->world.dir, "sent", "");
	out->peer = smtp_peer_begin(out->world.dir, answers);
}

/* Another mail comes, not a retry. */
static bool
out_deliver(Out *out, const char *text)
{
	g_free(out->world.envelope->queue_id);
	out->world.envelope->queue_id = g_strdup_printf("4NEW%u", ++out->mails);
	return delivery_world_deliver(&out->world, text);
}

/* What was sent since the last call has these parts, in this order; NULL ends them. */
static void
check_sent(Out *out, const char *const *parts)
{
	g_autofree char *sent = smtp_peer_sent(out->world.dir);
	const char *at = sent;
	for (size_t i = 0; parts[i] != NULL; i++) {
		at = strstr(at, parts[i]);
		if (at == NULL)
			fail_msg("no '%s' in its place in:\n%s", parts[i], sent);
		at += strlen(parts[i]);
	}
	if (parts[0] == NULL)
		assert_string_equal(sent, "");
	scratch_write(out->world.dir, "sent", "");
}

/* Who got what was sent since the last call: the paths, with blanks between. */
static void
check_sent_to(Out *out, const char *want)
{
	static const char command[] = "RCPT TO:";
	g_autofree char *sent = smtp_peer_sent(out->world.dir);
	g_autoptr(GString) got = g_string_new(NULL);
	for (const char *at = sent; (at = strstr(at, command)) != NULL; at++) {
		const char *path = at + strlen(command);
		g_string_append_printf(got, "%s%.*s", got->len > 0 ? " " : "",
		                       (int) strcspn(path, " \r"), path);
	}
	assert_string_equal(got->str, want);
	scratch_write(out->world.dir, "sent", "");
}

static void
test_redirected(void **state)
{
	(void) state;
	Out out;
	out_begin(&out, "", "redirect \"b@y.test\";\n", NULL);
	assert_true(out_deliver(&out, mail));
	assert_string_equal(out.world.done, "redirect");
	delivery_check_log(&out.world, "action", "redirect");
	delivery_check_log(&out.world, "sent_to", "b@y.test");
	delivery_check_log(&out.world, "folder", NULL);
	assert_int_equal(delivery_world_count(&out.world, ""), 0);
	check_sent(&out, (const char *const[]){
				 "MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\n"
				 "X-Todoke-Mark: v=2; k=",
				 "; a=passed; t=1800000000;\r\n\th=",
				 "\r\nFrom: A <a@x.test>\r\nTo: ann@here.test\r\n"
				 "Subject: hello\r\nMessage-ID: <1@x.test>\r\n\r\nbody\r\n",
				 NULL });
	g_autofree char *record = delivery_world_recorded(&out.world);
	assert_non_null(strstr(record, "\"done\":[{\"action\":\"redirect\",\"bytes\":"));
	assert_non_null(
		strstr(record, "\"to\":\"b@y.test\",\"reply\":\"250 2.0.0 queued as 4PEER1\"}]"));

	/* A retry of it sends nothing again. */
	assert_true(delivery_world_deliver(&out.world, mail));
	check_sent(&out, (const char *const[]){ NULL });
	delivery_check_log(&out.world, "earlier", "yes");

	scratch_write(out.world.dir, "sieve", "require \"copy\"; redirect :copy \"b@y.test\";\n");
	assert_true(out_deliver(&out, mail));
	assert_string_equal(out.world.done, "stored in INBOX, redirect");
	check_sent(&out, (const char *const[]){ "RCPT TO:<b@y.test>", "; a=copied; ", NULL });
	out_end(&out);
}

/* Stamps of ours go; those of earlier hops as the setting says, if our mark is there. */
static void
test_stamps_of_redirected_mail(void **state)
{
	(void) state;
	static const char text[] =
		"Return-Path: <a@x.test>\nX-Original-To: o@x.test\n"
		"Delivered-To: d@x.test\nSubject: hello\nMessage-ID: <1@x.test>\n\nbody\n";
	static const struct {
		const char *settings, *want;
	} rows[] = {
		{ "", "\r\nX-Original-To: o@x.test\r\nDelivered-To: d@x.test\r\nSubject" },
		{ "redirect_stamps = rename\n",
		  "\r\nOld-X-Original-To: o@x.test\r\nOld-Delivered-To: d@x.test\r\nSubject" },
		{ "redirect_stamps = strip\n", "\r\nSubject" },
		{ "redirect_stamps = strip\nadd_mark = no\n",
		  "<b@y.test>\r\nX-Original-To: o@x.test\r\nDelivered-To: d@x.test\r\nSubject" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		Out out;
		out_begin(&out, rows[i].settings, "redirect \"b@y.test\";\n", NULL);
		assert_true(out_deliver(&out, text));
		g_autofree char *sent = smtp_peer_sent(out.world.dir);
		const char *head = strstr(sent, rows[i].want);
		if (head == NULL)
			fail_msg("row %zu: %s", i, sent);
		assert_null(strstr(sent, "Return-Path"));
		if (strstr(rows[i].settings, "add_mark") == NULL)
			assert_true(head == strstr(strstr(sent, "\th="), "\r\n"));
		out_end(&out);
	}
}

static void
test_sender_of_redirected_mail(void **state)
{
	(void) state;
	static const struct {
		const char *settings, *script, *sender, *want;
	} rows[] = {
		{ "", "redirect \"b@y.test\";\n", "a@x.test", "MAIL FROM:<a@x.test>\r\n" },
		{ "redirect_sender = owner\n", "redirect \"b@y.test\";\n", "a@x.test",
		  "MAIL FROM:<ann@here.test>\r\n" },
		{ "redirect_sender = owner\n", "redirect \"b@y.test\";\n", "", "MAIL FROM:<>\r\n" },
		{ "redirect_sender = owner\n", "redirect \"b@y.test\";\n", "MAILER-DAEMON",
		  "MAIL FROM:<>\r\n" },
		{ "redirect_sender = recipient\n", "redirect \"b@y.test\";\n", "a@x.test",
		  "MAIL FROM:<ann+x@here.test>\r\n" },
		{ "redirect_sender = original_recipient\n", "redirect \"b@y.test\";\n", "a@x.test",
		  "MAIL FROM:<info@here.test>\r\n" },
		{ "redirect_sender = postmaster\n", "redirect \"b@y.test\";\n", "a@x.test",
		  "MAIL FROM:<postmaster@here.test>\r\n" },
		{ "redirect_sender = postmaster\npostmaster_address = \"P <pm@z.test>\"\n",
		  "redirect \"b@y.test\";\n", "a@x.test", "MAIL FROM:<pm@z.test>\r\n" },
		/* Who asks for notices gets them (RFC 6009 6.1). */
		{ "", "require \"redirect-dsn\"; redirect :notify \"FAILURE\" \"b@y.test\";\n",
		  "a@x.test",
		  "MAIL FROM:<ann@here.test>\r\nRCPT TO:<b@y.test> NOTIFY=FAILURE\r\n" },
		{ "", "require \"redirect-dsn\"; redirect :ret \"HDRS\" \"b@y.test\";\n",
		  "a@x.test", "MAIL FROM:<ann@here.test> RET=HDRS\r\n" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		Out out;
		out_begin(&out, rows[i].settings, rows[i].script, NULL);
		Envelope *envelope = out.world.envelope;
		g_free(envelope->recipient);
		envelope->recipient = g_strdup("ann+x@here.test");
		envelope->original = g_strdup("info@here.test");
		g_free(envelope->sender);
		envelope->sender = g_strdup(rows[i].sender);
		assert_true(out_deliver(&out, mail));
		check_sent(&out, (const char *const[]){ rows[i].want, NULL });
		out_end(&out);
	}
}

/* The sender's wishes for notices go on with the mail, unless the rule has its own. */
static void
test_wishes_go_on(void **state)
{
	(void) state;
	Out out;
	out_begin(&out, "", "redirect \"b@y.test\";\n", NULL);
	Envelope *envelope = out.world.envelope;
	envelope->notify = g_strdup("SUCCESS");
	envelope->ret = g_strdup("FULL");
	envelope->envid = g_strdup("QQ+2B1");
	envelope->orcpt = g_strdup("rfc822;info@here.test");
	assert_true(out_deliver(&out, mail));
	check_sent(&out, (const char *const[]){ "MAIL FROM:<a@x.test> RET=FULL ENVID=QQ+2B1\r\n"
	                                        "RCPT TO:<b@y.test> NOTIFY=SUCCESS "
	                                        "ORCPT=rfc822;info@here.test\r\n",
	                                        NULL });
	scratch_write(
		out.world.dir, "sieve",
		"require \"redirect-dsn\"; redirect :notify \"NEVER\" :ret \"HDRS\" \"b@y.test\";\n");
	assert_true(out_deliver(&out, mail));
	check_sent(&out, (const char *const[]){ " RET=HDRS ENVID", " NOTIFY=NEVER ORCPT", NULL });
	out_end(&out);
}

/* What must not leave is stored, and the log says why. */
static void
test_held_back(void **state)
{
	(void) state;
	static const char bounce[] = "Subject: no\n\nFinal-Recipient: rfc822; B@y.test\n";
	static const char bounce_of_alias[] =
		"Subject: no\n\nOriginal-Recipient: rfc822;b@y.test \n";
	static const char other_bounce[] = "Subject: no\n\nFinal-Recipient: rfc822; c@y.test\n";
	static const char hops[] =
		"Received: by x\nReceived: by y\nReceived: by z\nSubject: x\n\n\n";
	static const struct {
		const char *settings, *to, *text, *sender, *why;
	} rows[] = {
		{ "", "ann@here.test", mail, "a@x.test", "that is the owner" },
		{ "", "Ann+y@HERE.test", mail, "a@x.test", "that is the owner" },
		{ "addresses = { \"me@here.test\" }\n", "me@here.test", mail, "a@x.test",
		  "that is the owner" },
		{ "redirect_hops = 2\n", "b@y.test", hops, "a@x.test",
		  "it has passed 3 hosts, more than 2" },
		{ "redirect_hops = 3\n", "b@y.test", hops, "a@x.test", NULL },
		{ "", "b@y.test", bounce, "", "the mail is a bounce from there" },
		{ "", "b@y.test", bounce_of_alias, "MAILER-DAEMON",
		  "the mail is a bounce from there" },
		{ "", "b@y.test", bounce, "a@x.test", NULL },
		{ "", "b@y.test", other_bounce, "", NULL },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		Out out;
		g_autofree char *script = g_strdup_printf("redirect \"%s\";\n", rows[i].to);
		out_begin(&out, rows[i].settings, script, NULL);
		g_free(out.world.envelope->sender);
		out.world.envelope->sender = g_strdup(rows[i].sender);
		assert_true(out_deliver(&out, rows[i].text));
		bool is_held = rows[i].why != NULL;
		assert_int_equal(delivery_world_count(&out.world, ""), is_held);
		g_autofree char *sent = smtp_peer_sent(out.world.dir);
		assert_int_equal(*sent == '\0', is_held);
		if (is_held) {
			g_autofree char *note = g_strdup_printf(
				"not redirected to <%s> but stored: %s", rows[i].to, rows[i].why);
			delivery_check_note(&out.world, note);
			delivery_check_log(&out.world, "code", "T002");
			g_autofree char *record = delivery_world_recorded(&out.world);
			assert_non_null(
				strstr(record, "\"held\":[{\"action\":\"redirect\",\"target\":\""));
		}
		out_end(&out);
	}
}

/* What is held back is stored as the rules have made it. */
static void
test_edited_and_held_back(void **state)
{
	(void) state;
	static const struct {
		const char *rules, *want, *gone;
	} rows[] = {
		{ "", "Subject: hello\n", "X-New" },
		{ "addheader \"X-New\" \"1\"; ", "X-New: 1\n", "none" },
		{ "deleteheader \"Subject\"; ", "From: A <a@x.test>\n", "Subject: hello" },
		{ "replace \"other\"; ", "other", "\nbody\n" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		Out out;
		g_autofree char *script = g_strdup_printf(
			"require [\"editheader\", \"replace\"];\n%sredirect \"ann@here.test\";\n"
			"addheader \"X-Later\" \"1\";\n",
			rows[i].rules);
		out_begin(&out, "", script, NULL);
		assert_true(out_deliver(&out, mail));
		assert_string_equal(out.world.done, "stored in INBOX");
		g_autofree char *stored = delivery_world_stored(&out.world, "");
		if (strstr(stored, rows[i].want) == NULL || strstr(stored, rows[i].gone) != NULL ||
		    strstr(stored, "X-Later") != NULL)
			fail_msg("row %zu: %s", i, stored);
		out_end(&out);
	}
}

/* So many a day, each counted once, whatever is put off; the next day anew. */
static void
test_limit_of_the_day(void **state)
{
	(void) state;
	Out out;
	out_begin(&out, "redirect_limit = 2\n", "redirect \"b@y.test\";\n", "DOT 451 later");
	for (int i = 0; i < 3; i++) {
		assert_false(delivery_world_deliver(&out.world, mail));
		assert_int_equal(out.world.st.id, STATUS_SUBMIT);
	}
	out_answers(&out, NULL);
	assert_true(delivery_world_deliver(&out.world, mail));
	assert_true(out_deliver(&out, mail));
	assert_int_equal(delivery_world_count(&out.world, ""), 0);
	assert_true(out_deliver(&out, mail));
	assert_int_equal(delivery_world_count(&out.world, ""), 1);
	delivery_check_note(&out.world, "the limit of 2 redirects a day is reached");
	out.world.now += 86400;
	assert_true(out_deliver(&out, mail));
	assert_int_equal(delivery_world_count(&out.world, ""), 1);
	out_end(&out);
}

/* Who is told of a redirect that is refused for good. */
static void
test_refused_there(void **state)
{
	(void) state;
	Out out;
	out_begin(&out, "", "redirect \"b@y.test\";\n", "RCPT 550 5.1.1 who");
	assert_false(out_deliver(&out, mail));
	assert_int_equal(out.world.st.id, STATUS_SUBMIT_REFUSED);
	delivery_check_log(&out.world, "dsn", "5.1.1");
	g_autofree char *refusal = delivery_world_recorded(&out.world);
	assert_non_null(strstr(refusal, "\"outside\":[{\"protocol\":\"smtp\",\"peer\":\"unix:/"));
	assert_non_null(strstr(refusal,
	                       "\"command\":\"RCPT TO:<b@y.test>\",\"reply\":\"550 5.1.1 who\"}]"));
	assert_int_equal(delivery_world_count(&out.world, ""), 0);

	/* The ledger remembers the answer: a retry is refused alike, and asks nobody. */
	out_answers(&out, NULL);
	assert_false(delivery_world_deliver(&out.world, mail));
	assert_int_equal(out.world.st.id, STATUS_SUBMIT_REFUSED);
	delivery_check_log(&out.world, "dsn", "5.1.1");
	assert_non_null(strstr(out.world.st.detail, "refused at an earlier try: "));
	check_sent(&out, (const char *const[]){ NULL });
	out_answers(&out, "RCPT 550 5.1.1 who");

	/* A copy is kept: the sender need not know; the owner gets a mail. */
	scratch_write(out.world.dir, "sieve", "require \"copy\"; redirect :copy \"b@y.test\";\n");
	assert_true(out_deliver(&out, mail));
	assert_int_equal(delivery_world_count(&out.world, ""), 2);
	g_autofree char *record = delivery_world_recorded(&out.world);
	assert_non_null(strstr(record, "\"told\":[\""));

	/* What failed for this mail is not told of the next one. */
	scratch_write(out.world.dir, "sieve", "keep;\n");
	assert_true(out_deliver(&out, mail));
	g_autofree char *after = delivery_world_recorded(&out.world);
	assert_null(strstr(after, "\"outside\""));
	scratch_write(out.world.dir, "sieve", "require \"copy\"; redirect :copy \"b@y.test\";\n");

	/* redirect_refused = bounce: the sender knows, though a copy is kept. */
	delivery_world_set(&out.world, "submit = smtp:unix:@/smtp\nredirect_refused = bounce\n");
	delivery_world_empty(&out.world, "");
	assert_false(out_deliver(&out, mail));
	assert_int_equal(out.world.st.id, STATUS_SUBMIT_REFUSED);
	assert_int_equal(delivery_world_count(&out.world, ""), 1);
	out_end(&out);
}

static const char away[] = "require \"vacation\"; vacation :days 3 \"I am away.\";\n";

static void
test_answered_once(void **state)
{
	(void) state;
	Out out;
	out_begin(&out, "", away, NULL);
	assert_true(out_deliver(&out, mail));
	assert_string_equal(out.world.done, "stored in INBOX, vacation");
	check_sent(&out, (const char *const[]){
				 "MAIL FROM:<>\r\nRCPT TO:<a@x.test> NOTIFY=NEVER\r\n",
				 "From: ann@here.test\r\n", "To: a@x.test\r\n",
				 "Subject: Auto: hello\r\n", "Auto-Submitted: auto-replied",
				 "In-Reply-To: <1@x.test>\r\nReferences: <1@x.test>\r\n",
				 "\r\n\r\nI am away.", NULL });

	/* Neither the retry nor another mail is answered, until the time is over. */
	assert_true(delivery_world_deliver(&out.world, mail));
	assert_true(out_deliver(&out, mail));
	check_sent(&out, (const char *const[]){ NULL });
	delivery_check_note(&out.world, "no vacation reply: <a@x.test> was answered before");
	out.world.now += 3 * 86400 - 1;
	assert_true(out_deliver(&out, mail));
	check_sent(&out, (const char *const[]){ NULL });
	out.world.now += 2;
	assert_true(out_deliver(&out, mail));
	check_sent(&out, (const char *const[]){ "RCPT TO:<a@x.test>", NULL });

	/* Others are, and so is who gets another text. */
	g_free(out.world.envelope->sender);
	out.world.envelope->sender = g_strdup("c@x.test");
	assert_true(out_deliver(&out, mail));
	check_sent(&out, (const char *const[]){ "RCPT TO:<c@x.test>", NULL });
	scratch_write(out.world.dir, "sieve", "require \"vacation\"; vacation \"Still away.\";\n");
	assert_true(out_deliver(&out, mail));
	check_sent(&out, (const char *const[]){ "RCPT TO:<c@x.test>", NULL });
	out_end(&out);
}

/*
 * A retry answers nobody again. From then on the sender counts as answered, as that try may have
 * ended before it could say so.
 */
static void
test_answer_of_an_earlier_try(void **state)
{
	(void) state;
	Out out;
	out_begin(&out, "", away, NULL);
	assert_true(delivery_world_deliver(&out.world, mail));
	check_sent(&out, (const char *const[]){ "RCPT TO:<a@x.test>", NULL });
	out.world.now += 2 * 86400;
	assert_true(delivery_world_deliver(&out.world, mail));
	check_sent(&out, (const char *const[]){ NULL });
	delivery_check_note(&out.world, "vacation was done by an earlier try");

	out.world.now += 3 * 86400 - 1;
	assert_true(out_deliver(&out, mail));
	check_sent(&out, (const char *const[]){ NULL });
	out.world.now += 2;
	assert_true(out_deliver(&out, mail));
	check_sent(&out, (const char *const[]){ "RCPT TO:<a@x.test>", NULL });
	out_end(&out);
}

/*
 * A copy that an earlier try has stored is a copy: nobody is told that the mail failed, and what
 * leaves says that one was kept.
 */
static void
test_copy_of_an_earlier_try(void **state)
{
	(void) state;
	static const char copy[] = "require \"copy\"; redirect :copy \"b@y.test\";\n",
			  file[] = "require [\"copy\", \"fileinto\"]; fileinto \"Work\";\n"
				   "redirect :copy \"b@y.test\";\n";
	static const char *const scripts[] = { copy, file }, *const folders[] = { "", ".Work" };
	for (size_t i = 0; i < G_N_ELEMENTS(scripts); i++)
		for (int is_refused = 0; is_refused < 2; is_refused++) {
			Out out;
			out_begin(&out, "", scripts[i], "DOT 451 later");
			assert_false(delivery_world_deliver(&out.world, mail));
			assert_int_equal(delivery_world_count(&out.world, folders[i]), 1);
			out_answers(&out, is_refused ? "RCPT 550 5.1.1 who" : NULL);
			assert_true(delivery_world_deliver(&out.world, mail));
			unsigned told = is_refused ? 1 : 0;
			assert_int_equal(delivery_world_count(&out.world, folders[i]),
			                 1 + (i == 0 ? told : 0));
			assert_int_equal(delivery_world_count(&out.world, ""),
			                 i == 0 ? 1 + told : told);
			if (!is_refused)
				check_sent(&out, (const char *const[]){ "RCPT TO:<b@y.test>",
				                                        "; a=copied; ", NULL });
			out_end(&out);
		}
}

/* A copy of the answer, with its flags, beside the mail: it is not the mail. */
static void
test_copy_of_the_answer(void **state)
{
	(void) state;
	Out out;
	out_begin(&out, "",
	          "require [\"vacation\", \"fcc\", \"imap4flags\"];\n"
	          "vacation :fcc \"Sent\" :flags [\"\\\\Seen\"] \"I am away.\"; discard;\n",
	          NULL);
	assert_true(out_deliver(&out, mail));
	assert_int_equal(delivery_world_count(&out.world, ""), 0);
	g_autofree char *path = scratch_only(out.world.dir, "mail/ann/.Sent/cur"), *text = NULL;
	assert_true(g_str_has_suffix(path, ":2,S"));
	assert_true(g_file_get_contents(path, &text, NULL, NULL));
	assert_non_null(strstr(text, "\nTo: a@x.test\n"));
	assert_non_null(strstr(text, "I am away."));
	delivery_check_log(&out.world, "note", NULL);
	out_end(&out);

	/* The rule may have its folder made where others may not. */
	static const char made[] = "require [\"vacation\", \"fcc\", \"mailbox\"];\n"
				   "vacation :fcc \"New\" :create \"I am away.\"; discard;\n",
			  not_made[] = "require [\"vacation\", \"fcc\"];\n"
				       "vacation :fcc \"New\" \"I am away.\"; discard;\n";
	for (int is_made = 0; is_made < 2; is_made++) {
		out_begin(&out, "create_folders = no\n", is_made ? made : not_made, NULL);
		assert_true(out_deliver(&out, mail));
		assert_int_equal(delivery_world_count(&out.world, ".New"), is_made);
		assert_int_equal(delivery_world_count(&out.world, ""), !is_made);
		out_end(&out);
	}

	/* One that cannot be kept stops nothing, and is told. */
	static const char too_deep[] =
		"require [\"vacation\", \"fcc\"]; vacation :fcc \"a//b\" \"I am away.\";\n";
	out_begin(&out, "rules_fallback = defer\n", too_deep, NULL);
	assert_true(out_deliver(&out, mail));
	assert_string_equal(out.world.done, "stored in INBOX, vacation");
	delivery_check_note(&out.world, "no copy of what was sent in 'a//b': ");
	out_end(&out);
}

/* Two addresses that an alias makes one are two mails, though the queue id is one. */
static void
test_two_addresses_of_one_mail(void **state)
{
	(void) state;
	Out out;
	out_begin(&out, "", "redirect \"b@y.test\";\n", NULL);
	static const char *const originals[] = { "info@here.test", "sales@here.test" };
	for (size_t i = 0; i < G_N_ELEMENTS(originals); i++)
		for (int again = 0; again < 2; again++) {
			g_free(out.world.envelope->original);
			out.world.envelope->original = g_strdup(originals[i]);
			assert_true(delivery_world_deliver(&out.world, mail));
			g_autofree char *sent = smtp_peer_sent(out.world.dir);
			assert_int_equal(*sent != '\0', again == 0);
			scratch_write(out.world.dir, "sent", "");
		}
	out_end(&out);
}

/* Bounces to the sender that SRS made go on to who sent the mail; nothing else does. */
static void
test_bounces_of_rewritten_senders(void **state)
{
	(void) state;
	Out out;
	out_begin(&out, "redirect_sender = srs\n", "redirect \"b@y.test\";\n", NULL);
	scratch_write(out.world.dir, "site.key",
	              "k1 1111111111111111111111111111111111111111111111111111111111111111\n");
	delivery_world_set(&out.world, "submit = smtp:unix:@/smtp\nredirect_sender = srs\n");
	out.world.now = g_get_real_time() / G_USEC_PER_SEC; /* an address of SRS has its day */
	assert_true(out_deliver(&out, mail));
	g_autofree char *sent = smtp_peer_sent(out.world.dir);
	assert_true(g_str_has_prefix(sent, "MAIL FROM:<SRS0="));
	const char *begin = strchr(sent, '<') + 1;
	g_autofree char *rewritten = g_strndup(begin, strcspn(begin, ">"));
	assert_true(g_str_has_suffix(rewritten, "=x.test=a@here.test"));
	scratch_write(out.world.dir, "sent", "");

	Envelope *envelope = out.world.envelope;
	g_free(envelope->recipient);
	envelope->recipient = g_strdup(rewritten);
	assert_false(out_deliver(&out, mail));
	assert_int_equal(out.world.st.id, STATUS_RULE_REFUSED);
	check_sent(&out, (const char *const[]){ NULL });
	g_free(envelope->sender);
	envelope->sender = g_strdup("");
	assert_true(out_deliver(&out, mail));
	assert_string_equal(out.world.done, "redirect");
	check_sent(&out, (const char *const[]){ "MAIL FROM:<>\r\nRCPT TO:<a@x.test>\r\n",
	                                        "Subject: hello\r\n", NULL });

	/* The domain of a setting, for sites where the owner's has no mail server here. */
	delivery_world_set(
		&out.world,
		"submit = smtp:unix:@/smtp\nredirect_sender = srs\nsrs_domain = b.test\n");
	g_free(envelope->sender);
	envelope->sender = g_strdup("a@x.test");
	g_free(envelope->recipient);
	envelope->recipient = g_strdup("ann@here.test");
	assert_true(out_deliver(&out, mail));
	check_sent(&out,
	           (const char *const[]){ "MAIL FROM:<SRS0=", "=x.test=a@b.test>\r\n", NULL });

	/* What is no domain makes no address: the mail leaves as it came, and that is told. */
	delivery_world_set(
		&out.world,
		"submit = smtp:unix:@/smtp\nredirect_sender = srs\nsrs_domain = \"b c.test\"\n");
	assert_true(out_deliver(&out, mail));
	check_sent(&out, (const char *const[]){ "MAIL FROM:<a@x.test>\r\n", NULL });
	delivery_check_note(&out.world,
	                    "sender of redirected mail not rewritten: no domain (set srs_domain)");

	/* An address that this host has not made is nobody's. */
	rewritten[strlen("SRS0=")] = rewritten[strlen("SRS0=")] == 'A' ? 'B' : 'A';
	g_free(envelope->recipient);
	envelope->recipient = g_strdup(rewritten);
	assert_false(out_deliver(&out, mail));
	assert_int_equal(out.world.st.id, STATUS_UNKNOWN_USER);
	out_end(&out);
}

/* So many answers a day; and of a long thread its begin and its end (RFC 5322 3.6.4). */
static void
test_limits_of_answers(void **state)
{
	(void) state;
	Out out;
	out_begin(&out, "reply_limit = 1\n", away, NULL);
	assert_true(out_deliver(&out, mail));
	check_sent(&out, (const char *const[]){ "RCPT TO:<a@x.test>", NULL });
	g_free(out.world.envelope->sender);
	out.world.envelope->sender = g_strdup("b@x.test");
	assert_true(out_deliver(&out, mail));
	delivery_check_note(&out.world,
	                    "no vacation reply: the limit of 1 replies a day is reached");
	check_sent(&out, (const char *const[]){ NULL });

	delivery_world_set(&out.world, "submit = smtp:unix:@/smtp\n");
	g_autoptr(GString)
		text = g_string_new("To: ann@here.test\nMessage-ID: <own@x.test>\nReferences:");
	g_autoptr(GString) want = g_string_new("References: <1@x.test>");
	for (unsigned i = 1; i <= LIMIT_REFERENCES + 2; i++) {
		g_string_append_printf(text, "\n <%u@x.test>", i);
		if (i > 3)
			g_string_append_printf(want, " <%u@x.test>", i);
	}
	g_string_append(text, "\n\nbody\n");
	g_string_append(want, " <own@x.test>");
	assert_true(out_deliver(&out, text->str));
	g_autoptr(GString) sent = g_string_new(NULL);
	g_autofree char *wire = smtp_peer_sent(out.world.dir);
	g_string_append(sent, wire);
	g_string_replace(sent, "\r\n ", " ", 0);
	g_string_replace(sent, "\r\n\t", " ", 0);
	if (strstr(sent->str, want->str) == NULL)
		fail_msg("%s", sent->str);
	out_end(&out);
}

/* One address gets a mail once, however often it is asked for; what was edited is another. */
static void
test_one_address_twice(void **state)
{
	(void) state;
	static const struct {
		const char *script, *sent_to;
	} rows[] = {
		{ "redirect \"b@y.test\"; redirect \"B@y.test\"; redirect \"b@Y.test\";",
		  "<b@y.test> <B@y.test>" },
		{ "redirect \"b@y.test\"; replace \"one\"; redirect \"b@y.test\";",
		  "<b@y.test> <b@y.test>" },
		{ "redirect \"b@y.test\"; replace \"one\"; redirect \"b@y.test\"; replace \"two\";"
		  "redirect \"b@y.test\";",
		  "<b@y.test> <b@y.test> <b@y.test>" },
		{ "redirect \"b@y.test\"; replace \"one\"; redirect \"c@y.test\"; replace \"two\";"
		  "redirect \"bb@y.test\";",
		  "<b@y.test> <c@y.test> <bb@y.test>" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		Out out;
		g_autofree char *script = g_strdup_printf("require \"replace\"; %s\n",
		                                          rows[i].script);
		out_begin(&out, "", script, NULL);
		for (int again = 0; again < 2; again++) {
			assert_true(delivery_world_deliver(&out.world, mail));
			check_sent_to(&out, again ? "" : rows[i].sent_to);
		}
		out_end(&out);
	}
}

/* Each of a list, as it is written: one redirect, whatever its length. */
static void
test_redirect_to_a_list(void **state)
{
	(void) state;
	for (int is_over = 0; is_over < 2; is_over++) {
		Out out;
		out_begin(&out,
		          is_over ? "sieve_lists = \"us=@/list\"\nsieve_max_redirects = 1\n"
		                  : "sieve_lists = \"us=@/list\"\n",
		          "require \"extlists\"; redirect :list \"us\";\n", NULL);
		scratch_write(out.world.dir, "list", "# us\n\n B@y.test \nc@y.test\n");
		assert_true(out_deliver(&out, mail));
		check_sent_to(&out, "<B@y.test> <c@y.test>");
		assert_int_equal(delivery_world_count(&out.world, ""), 0);
		out_end(&out);
	}
}

/* One handle is one answer; what differs without one is another (RFC 5230 4.2). */
static void
test_what_is_one_answer(void **state)
{
	(void) state;
	static const struct {
		const char *one, *other;
		bool is_same;
	} rows[] = {
		{ ":handle \"h\" \"one\"", ":handle \"h\" :subject \"s\" \"two\"", true },
		{ ":handle \"h\" \"one\"", ":handle \"i\" \"one\"", false },
		{ "\"one\"", "\"two\"", false },
		{ "\"one\"", ":subject \"s\" \"one\"", false },
		{ ":subject \"s\" \"one\"", ":subject \"t\" \"one\"", false },
		{ "\"one\"", ":from \"me@here.test\" \"one\"", false },
		{ ":from \"you@here.test\" \"one\"", ":from \"me@here.test\" \"one\"", false },
		{ "\"A: 1\n\none\n\"", ":mime \"A: 1\n\none\n\"", false },
		{ ":days 1 \"one\"", ":days 2 \"one\"", true },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		Out out;
		g_autofree char *one = g_strdup_printf("require \"vacation\"; vacation %s;\n",
		                                       rows[i].one);
		g_autofree char *other = g_strdup_printf("require \"vacation\"; vacation %s;\n",
		                                         rows[i].other);
		out_begin(&out, "", one, NULL);
		assert_true(out_deliver(&out, mail));
		check_sent(&out, (const char *const[]){ "RCPT TO:<a@x.test>", NULL });
		scratch_write(out.world.dir, "sieve", other);
		assert_true(out_deliver(&out, mail));
		g_autofree char *sent = smtp_peer_sent(out.world.dir);
		if ((*sent == '\0') != rows[i].is_same)
			fail_msg("row %zu: %s", i, sent);
		out_end(&out);
	}
}

/* An answer that cannot go out now is given by the retry, once. */
static void
test_answer_that_is_put_off(void **state)
{
	(void) state;
	Out out;
	out_begin(&out, "", away, "DOT 451 later");
	assert_true(out_deliver(&out, mail));
	delivery_check_log(&out.world, "code", "T002");
	assert_int_equal(delivery_world_count(&out.world, ""), 1);
	out_answers(&out, NULL);
	assert_true(out_deliver(&out, mail));
	check_sent(&out, (const char *const[]){ "RCPT TO:<a@x.test>", NULL });
	out_end(&out);
}

/* What the answer says of the mail, and to whom: settings and the script decide. */
static void
test_form_of_answers(void **state)
{
	(void) state;
	static const char threaded[] =
		"From: \"B, C\" <b@x.test>\nSender: c@x.test\nTo: ann@here.test\n"
		"Message-ID: <3@x.test>\nReferences: <1@x.test> junk <2@x.test>\n\nbody\n";
	static const char replied[] = "From: b@x.test\nTo: ann@here.test\nMessage-ID: <3@x.test>\n"
				      "In-Reply-To: <2@x.test>\n\nbody\n";
	static const char *const ids[] = { "<3 @x.test>", "3@x.test>", "<3@x.test", "<>",
		                           "<3@<x.test>" };
	static const struct {
		const char *settings, *arguments, *text, *want[5];
	} rows[] = {
		{ "",
		  "\"x\"",
		  threaded,
		  { "To: a@x.test\r\n", "In-Reply-To: <3@x.test>\r\n",
		    "References: <1@x.test> <2@x.test> <3@x.test>\r\n" } },
		{ "", "\"x\"", replied, { "References: <2@x.test> <3@x.test>\r\n" } },
		{ "sieve_vacation_to_from_header = yes\n",
		  "\"x\"",
		  threaded,
		  { "RCPT TO:<a@x.test>", "To: c@x.test\r\n" } },
		{ "sieve_vacation_from_recipient = yes\n",
		  "\"x\"",
		  mail,
		  { "MAIL FROM:<ann@here.test>\r\nRCPT TO:<a@x.test>" } },
		{ "",
		  ":subject \"Away\" :from \"Ann <me@here.test>\" \"x\"",
		  mail,
		  { "From: Ann <me@here.test>\r\n", "Subject: Away\r\n" } },
		{ "",
		  ":mime \"Content-Type: text/html\nX-Other: 1\n\n<p>x</p>\n\"",
		  mail,
		  { "Subject: Auto: hello\r\n",
		    "\r\nContent-Type: text/html\r\n\r\n<p>x</p>\r\n" } },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		Out out;
		g_autofree char *script = g_strdup_printf("require \"vacation\"; vacation %s;\n",
		                                          rows[i].arguments);
		out_begin(&out, rows[i].settings, script, NULL);
		assert_true(out_deliver(&out, rows[i].text));
		check_sent(&out, rows[i].want);
		out_end(&out);
	}

	/* What is no id is not repeated. */
	for (size_t i = 0; i < G_N_ELEMENTS(ids); i++) {
		Out out;
		g_autofree char *text = g_strdup_printf(
			"From: b@x.test\nTo: ann@here.test\nMessage-ID: %s\n\nbody\n", ids[i]);
		out_begin(&out, "", away, NULL);
		assert_true(out_deliver(&out, text));
		g_autofree char *sent = smtp_peer_sent(out.world.dir);
		assert_non_null(strstr(sent, "RCPT TO:<a@x.test>"));
		assert_null(strstr(sent, "In-Reply-To"));
		assert_null(strstr(sent, "References"));
		out_end(&out);
	}
}

/* Notices of a machine's mail would go in circles (RFC 5436 2.7.1). */
static void
test_notices(void **state)
{
	(void) state;
	static const struct {
		const char *field;
		bool is_machine;
	} rows[] = {
		{ "", false },
		{ "Auto-Submitted: no\n", false },
		{ "Auto-Submitted: No; x=y\n", false },
		{ "Auto-Submitted: (c) no\n", false },
		{ "Auto-Submitted: auto-generated\n", true },
		{ "Auto-Submitted: notified\n", true },
		{ "Auto-Submitted: no\nAuto-Submitted: auto-replied\n", true },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		Out out;
		out_begin(&out, "", "require \"enotify\"; notify \"mailto:n@y.test\";\n", NULL);
		g_autofree char *text = g_strconcat(rows[i].field, mail, NULL);
		assert_true(out_deliver(&out, text));
		assert_int_equal(delivery_world_count(&out.world, ""), 1);
		g_autofree char *sent = smtp_peer_sent(out.world.dir);
		if ((*sent == '\0') != rows[i].is_machine)
			fail_msg("row %zu: %s", i, sent);
		if (rows[i].is_machine)
			delivery_check_note(&out.world, "no notice: a machine sent the message");
		out_end(&out);
	}
}

/* The text of a message as it came over SMTP, in quoted-printable. Caller frees. */
static char *
notice_text(const char *sent)
{
	const char *begin = strstr(sent, "\r\n\r\n");
	assert_non_null(begin);
	GString *text = g_string_new(begin + strlen("\r\n\r\n"));
	g_string_replace(text, "=\r\n", "", 0);
	g_string_replace(text, "\r\n", "\n", 0);
	return g_string_free(text, FALSE);
}

/* Each of the URI once, with its words; what a stranger could forge is left out, and told. */
static void
test_form_of_notices(void **state)
{
	(void) state;
	static const struct {
		const char *settings, *notify, *want[6];
	} rows[] = {
		{ "",
		  "\"mailto:n@y.test\"",
		  { "MAIL FROM:<ann@here.test>\r\nRCPT TO:<n@y.test> NOTIFY=NEVER\r\n",
		    "From: ann@here.test\r\nTo: n@y.test\r\nSubject: New mail: hello\r\n",
		    "Auto-Submitted: auto-notified; owner-email=\"ann@here.test\"\r\n",
		    "Importance: normal\r\n",
		    "\r\n\r\nFrom: A <a@x.test>\r\nSubject: hello\r\n" } },
		{ "",
		  ":importance \"1\" :message \"Look\" \"mailto:n@y.test?subject=no&body=Text\"",
		  { "Subject: Look\r\n", "Importance: high\r\n", "\r\n\r\nText" } },
		{ "",
		  ":importance \"3\" \"mailto:n@y.test?subject=Mine&X-A=1&importance=x\"",
		  { "Subject: Mine\r\n", "Importance: low\r\n", "X-A: 1\r\n" } },
		{ "",
		  "\"mailto:n@y.test,m@y.test?cc=n@y.test,Z%20%3Co@y.test%3E\"",
		  { "RCPT TO:<n@y.test>",
		    "To: n@y.test, m@y.test\r\nCc: n@y.test, Z <o@y.test>\r\n",
		    "RCPT TO:<m@y.test>", "RCPT TO:<o@y.test>" } },
		{ "sieve_notify_sender = null\n", "\"mailto:n@y.test\"", { "MAIL FROM:<>\r\n" } },
		{ "sieve_notify_sender = sender\n",
		  "\"mailto:n@y.test\"",
		  { "MAIL FROM:<a@x.test>\r\n" } },
		{ "sieve_notify_sender = original_recipient\n",
		  "\"mailto:n@y.test\"",
		  { "MAIL FROM:<info@here.test>\r\n" } },
		{ "sieve_notify_sender = from\n",
		  ":from \"Me <me@here.test>\" \"mailto:n@y.test\"",
		  { "MAIL FROM:<me@here.test>\r\n", "From: Me <me@here.test>\r\n" } },
		{ "sieve_notify_sender = recipient\n",
		  ":from \"Me <me@here.test>\" \"mailto:n@y.test\"",
		  { "MAIL FROM:<ann@here.test>\r\n", "From: Me <me@here.test>\r\n" } },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		Out out;
		g_autofree char *script = g_strdup_printf("require \"enotify\"; notify %s;\n",
		                                          rows[i].notify);
		out_begin(&out, rows[i].settings, script, NULL);
		out.world.envelope->original = g_strdup("info@here.test");
		assert_true(out_deliver(&out, mail));
		assert_int_equal(delivery_world_count(&out.world, ""), 1);
		check_sent(&out, rows[i].want);
		out_end(&out);
	}

	/* What a stranger wrote at length is cut; the subject has a limit of its own. */
	Out out;
	out_begin(&out, "sieve_vacation_subject_length = 16\n",
	          "require \"enotify\"; notify \"mailto:n@y.test\";\n", NULL);
	g_autofree char *name = g_strnfill(LIMIT_NOTICE_FIELD, 'n'),
			*subject = g_strnfill(LIMIT_NOTICE_FIELD, 's');
	g_autofree char *text = g_strdup_printf("From: %sN\nSubject: %sS\n\nbody\n", name, subject),
			*body = g_strdup_printf("From: %s\nSubject: %s\n", name, subject);
	assert_true(out_deliver(&out, text));
	g_autofree char *sent = smtp_peer_sent(out.world.dir);
	assert_non_null(strstr(sent, "Subject: New mail: ssssss\r\n"));
	g_autofree char *got = notice_text(sent);
	assert_string_equal(got, body);
	out_end(&out);

	/* An address that would end the quotes is left out; so it is where nobody has one. */
	static const char *const owners[] = { "\"an n\"@here.test", "\"an\\\\n\"@here.test" };
	for (size_t i = 0; i < G_N_ELEMENTS(owners); i++) {
		out_begin(&out, "", "require \"enotify\"; notify \"mailto:n@y.test\";\n", NULL);
		g_free(out.world.envelope->recipient);
		out.world.envelope->recipient = g_strdup(owners[i]);
		assert_true(out_deliver(&out, mail));
		check_sent(&out,
		           (const char *const[]){ "\r\nAuto-Submitted: auto-notified\r\n", NULL });
		out_end(&out);
	}
}

/* A notice with an address of the owner in it goes to nobody; beyond the limit none does. */
static void
test_notices_held(void **state)
{
	(void) state;
	static const struct {
		const char *settings, *notify, *why, *sent_to; /* "": nobody */
	} rows[] = {
		{ "", "\"mailto:ann@here.test\"", "no notice: <ann@here.test> is the owner", "" },
		{ "", "\"mailto:n@y.test,Ann+x@here.test\"",
		  "no notice: <Ann+x@here.test> is the owner", "" },
		{ "notice_limit = 1\n", "\"mailto:n@y.test\"; notify \"mailto:m@y.test\"",
		  "no notice: the limit of 1 notices a day is reached", "<n@y.test>" },
		{ "", "\"mailto:n@y.test?from=x@y.test\"",
		  "notice does not set 'from': not allowed", "<n@y.test>" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		Out out;
		g_autofree char *script = g_strdup_printf("require \"enotify\"; notify %s;\n",
		                                          rows[i].notify);
		out_begin(&out, rows[i].settings, script, NULL);
		assert_true(out_deliver(&out, mail));
		delivery_check_note(&out.world, rows[i].why);
		check_sent_to(&out, rows[i].sent_to);
		out_end(&out);
	}

	/* Other words are another notice. */
	Out both;
	out_begin(&both, "",
	          "require \"enotify\"; notify :message \"one\" \"mailto:n@y.test\";"
	          "notify :message \"two\" \"mailto:n@y.test\";\n",
	          NULL);
	assert_true(out_deliver(&both, mail));
	assert_string_equal(both.world.done, "stored in INBOX, notify, notify");
	delivery_check_log(&both.world, "sent_to2", "n@y.test");
	check_sent(&both, (const char *const[]){ "Subject: one\r\n", "Subject: two\r\n", NULL });
	out_end(&both);

	/* What is asked for twice is done once. */
	Out twice;
	out_begin(&twice, "",
	          "require \"enotify\"; notify \"mailto:n@y.test\"; notify \"mailto:n@y.test\";\n",
	          NULL);
	assert_true(out_deliver(&twice, mail));
	check_sent_to(&twice, "<n@y.test>");
	out_end(&twice);

	/* Who is refused does not keep the mail from its owner. */
	Out out;
	out_begin(&out, "", "require \"enotify\"; notify \"mailto:n@y.test,m@y.test\";\n",
	          "RCPT 550 5.1.1 who");
	assert_true(out_deliver(&out, mail));
	assert_string_equal(out.world.done, "stored in INBOX");
	delivery_check_note(&out.world, "no notice to <n@y.test>: ");
	delivery_check_note(&out.world, "no notice to <m@y.test>: ");
	delivery_check_note(&out.world, "550 5.1.1 who");
	delivery_check_log(&out.world, "status", "sent");
	out_end(&out);
}

/* Abuse reports (RFC 5965): what they are about, from whom, and who gets none. */
static void
test_reports(void **state)
{
	(void) state;
	static const struct {
		const char *settings, *report, *sender, *text, *want[8];
	} rows[] = {
		{ "",
		  "\"abuse\" \"Spam.\" \"abuse@y.test\"",
		  "a@x.test",
		  mail,
		  { "MAIL FROM:<>\r\nRCPT TO:<abuse@y.test> NOTIFY=NEVER\r\n",
		    "From: ann@here.test\r\nTo: abuse@y.test\r\nSubject: Report: hello\r\n",
		    "Spam.",
		    "Feedback-Type: abuse\r\nUser-Agent: todoke/1\r\nVersion: 1\r\n"
		    "Original-Mail-From: <a@x.test>\r\nOriginal-Rcpt-To: <ann@here.test>\r\n"
		    "Source-IP: 192.0.2.1\r\n",
		    "message/rfc822", "Message-ID: <1@x.test>\r\n\r\nbody\r\n" } },
		{ "",
		  ":headers_only \"abuse\" \"Spam.\" \"abuse@y.test\"",
		  "a@x.test",
		  mail,
		  { "text/rfc822-headers", "Message-ID: <1@x.test>\r\n" } },
		{ "sieve_report_sender = postmaster\n",
		  "\"abuse\" \"x\" \"abuse@y.test\"",
		  "a@x.test",
		  mail,
		  { "From: postmaster@here.test\r\n" } },
		{ "sieve_report_sender = sender\n",
		  "\"abuse\" \"x\" \"abuse@y.test\"",
		  "a@x.test",
		  mail,
		  { "From: a@x.test\r\n" } },
		/* a bounce has no sender who could speak: the owner does */
		{ "sieve_report_sender = sender\n",
		  "\"abuse\" \"x\" \"abuse@y.test\"",
		  "",
		  mail,
		  { "From: ann@here.test\r\n", "Original-Mail-From: <>\r\n" } },
		{ "",
		  "\"abuse\" \"x\" \"abuse@y.test\"",
		  "a@x.test",
		  "From: a@x.test\n\nbody\n",
		  { "Subject: Report:" } },
		{ "",
		  "\"abuse\" \"x\" \"abuse@y.test\"",
		  "a@b c.test",
		  mail,
		  { "Version: 1\r\nOriginal-Rcpt-To: <ann@here.test>\r\n" } },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		Out out;
		g_autofree char *script = g_strdup_printf(
			"require \"vnd.dovecot.report\"; report %s;\n", rows[i].report);
		g_autofree char *settings = g_strconcat(
			"sieve_extensions = \"+vnd.dovecot.report\"\n", rows[i].settings, NULL);
		out_begin(&out, settings, script, NULL);
		out.world.envelope->client_address = g_strdup("192.0.2.1");
		g_free(out.world.envelope->sender);
		out.world.envelope->sender = g_strdup(rows[i].sender);
		assert_true(out_deliver(&out, rows[i].text));
		assert_string_equal(out.world.done, "stored in INBOX, report");
		delivery_check_log(&out.world, "sent_to2", "abuse@y.test");
		delivery_check_log(&out.world, "note", NULL);
		if (strstr(rows[i].report, "headers_only") != NULL) {
			g_autofree char *sent = smtp_peer_sent(out.world.dir);
			assert_null(strstr(sent, "\r\nbody\r\n"));
		}
		check_sent(&out, rows[i].want);
		out_end(&out);
	}
}

/* One that is not taken is not told as sent. */
static void
test_report_that_is_refused(void **state)
{
	(void) state;
	Out out;
	out_begin(&out, "sieve_extensions = \"+vnd.dovecot.report\"\n",
	          "require \"vnd.dovecot.report\"; report \"abuse\" \"x\" \"abuse@y.test\";\n",
	          "RCPT 550 5.1.1 who");
	assert_true(out_deliver(&out, mail));
	assert_string_equal(out.world.done, "stored in INBOX");
	delivery_check_log(&out.world, "code", "T002");
	delivery_check_log(&out.world, "action2", NULL);
	out_end(&out);

	Out limited;
	out_begin(&limited, "notice_limit = 1\nsieve_extensions = \"+vnd.dovecot.report\"\n",
	          "require \"vnd.dovecot.report\"; report \"abuse\" \"x\" \"abuse@y.test\";"
	          "report \"abuse\" \"x\" \"other@y.test\";\n",
	          NULL);
	assert_true(out_deliver(&limited, mail));
	delivery_check_note(&limited.world, "no report: the limit of 1 notices a day is reached");
	out_end(&limited);
}

/* Mail for user+detail: who the owner is, and to whom it came. */
static void
test_sender_of_notices(void **state)
{
	(void) state;
	static const struct {
		const char *settings, *want;
	} rows[] = {
		{ "sieve_notify_sender = owner\n", "MAIL FROM:<ann@here.test>\r\n" },
		{ "sieve_notify_sender = recipient\n", "MAIL FROM:<ann+x@here.test>\r\n" },
		{ "sieve_notify_sender = original_recipient\n", "MAIL FROM:<ann+x@here.test>\r\n" },
		{ "sieve_notify_sender = postmaster\n", "MAIL FROM:<postmaster@here.test>\r\n" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		Out out;
		out_begin(&out, rows[i].settings,
		          "require \"enotify\"; notify \"mailto:n@y.test\";\n", NULL);
		g_free(out.world.envelope->recipient);
		out.world.envelope->recipient = g_strdup("ann+x@here.test");
		assert_true(out_deliver(&out, mail));
		check_sent(&out, (const char *const[]){ rows[i].want, NULL });
		out_end(&out);
	}
}

/* A program of the site: what it gets, and what its end means. */
static void
test_programs(void **state)
{
	(void) state;
	static const struct {
		const char *program;
		StatusId want;
		const char *done, *note;
	} rows[] = {
		{ "cat >@/got", STATUS_OK, "pipe", NULL },
		{ "exit 0", STATUS_OK, "pipe", NULL },
		{ "cat >/dev/null; echo such luck >&2; exit 3", STATUS_OK, "stored in INBOX",
		  "program 'take' ended with exit code 3: such luck" },
		{ "exit 75", STATUS_PROGRAM, NULL, NULL },
		{ NULL, STATUS_OK, "stored in INBOX", "take" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		Out out;
		out_begin(&out,
		          "program_folder = @/bin\nsieve_extensions = \"+vnd.dovecot.pipe\"\n",
		          "require \"vnd.dovecot.pipe\"; pipe \"take\" [\"one\", \"two words\"];\n",
		          NULL);
		const char *dir = out.world.dir;
		g_autofree char *folder = g_build_filename(dir, "bin", NULL);
		g_autofree char *path = g_build_filename(folder, "take", NULL);
		assert_int_equal(mkdir(folder, 0755), 0);
		g_autoptr(GString) text = g_string_new("#!/bin/sh\nprintf '%s|' \"$@\" >@/args\n");
		g_string_append_printf(text, "%s\n", rows[i].program);
		g_autofree char *below = g_strconcat(dir, "/", NULL);
		g_string_replace(text, "@/", below, 0);
		if (rows[i].program != NULL) {
			scratch_write(dir, "bin/take", text->str);
			assert_int_equal(chmod(path, 0755), 0);
		}

		assert_int_equal(out_deliver(&out, mail), rows[i].want == STATUS_OK);
		assert_int_equal(out.world.st.id, rows[i].want);
		if (rows[i].done != NULL)
			assert_string_equal(out.world.done, rows[i].done);
		if (rows[i].note != NULL)
			delivery_check_note(&out.world, rows[i].note);
		else
			delivery_check_log(&out.world, "note", NULL);
		if (rows[i].program != NULL) {
			g_autofree char *args = scratch_read(dir, "args");
			assert_string_equal(args, "one|two words|");
		}
		if (i == 0) {
			g_autofree char *got = scratch_read(dir, "got");
			assert_true(g_str_has_suffix(got, mail));
			assert_non_null(strstr(got, "; a=passed; "));
			delivery_check_log(&out.world, "sent_to", "take");
		}
		out_end(&out);
	}
}

/* A retry runs no program again, unless the rule has other words for it by now. */
static void
test_program_of_a_retry(void **state)
{
	(void) state;
	static const struct {
		const char *first, *second, *want;
	} rows[] = {
		{ "[\"one\"]", "[\"one\"]", "one|\n" },
		{ "[\"one\"]", "[\"two\"]", "one|\ntwo|\n" },
		{ "[\"one\", \"x\"]", "[\"one\", \"y\"]", "one|x|\none|y|\n" },
		{ "[\"one\", \"x\"]", "[\"onex\"]", "one|x|\nonex|\n" },
		{ "[\"one\"]", "[\"one\", \"\"]", "one|\none||\n" },
		{ "[\"one\"]", "", "one|\n|\n" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		Out out;
		out_begin(&out,
		          "program_folder = @/bin\nsieve_extensions = \"+vnd.dovecot.pipe\"\n",
		          NULL, NULL);
		const char *dir = out.world.dir;
		g_autofree char *folder = g_build_filename(dir, "bin", NULL),
				*path = g_build_filename(folder, "take", NULL);
		g_autofree char *text = g_strdup_printf(
			"#!/bin/sh\ncat >/dev/null\n{ printf '%%s|' \"$@\"; echo; } >>%s/args\n",
			dir);
		assert_int_equal(mkdir(folder, 0755), 0);
		scratch_write(dir, "bin/take", text);
		assert_int_equal(chmod(path, 0755), 0);

		const char *const words[] = { rows[i].first, rows[i].second };
		for (size_t n = 0; n < G_N_ELEMENTS(words); n++) {
			g_autofree char *script = g_strdup_printf(
				"require \"vnd.dovecot.pipe\"; pipe \"take\" %s;\n", words[n]);
			scratch_write(dir, "sieve", script);
			assert_true(delivery_world_deliver(&out.world, mail));
		}
		g_autofree char *args = scratch_read(dir, "args");
		assert_string_equal(args, rows[i].want);
		out_end(&out);
	}
}

/* A try that is killed between two steps: what had left by then does not leave again. */
static void
test_killed_between(void **state)
{
	(void) state;
	static const struct {
		const char *script, *answers, *want;
		unsigned sent;
	} rows[] = {
		{ "redirect \"b@y.test\"; pipe \"take\";", NULL, "redirect by an earlier try, pipe",
		  1 },
		{ "redirect \"b@y.test\"; redirect \"c@y.test\"; pipe \"take\";", NULL,
		  "redirect by an earlier try, redirect by an earlier try, pipe", 2 },
		/* a refusal is remembered as such */
		{ "redirect :copy \"b@y.test\"; pipe \"take\";", "RCPT 550 5.1.1 who", NULL, 0 },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		Out out;
		g_autofree char *script = g_strdup_printf(
			"require [\"copy\", \"vnd.dovecot.pipe\"]; %s\n", rows[i].script);
		out_begin(&out,
		          "program_folder = @/bin\nsieve_extensions = \"+vnd.dovecot.pipe\"\n",
		          script, rows[i].answers);
		g_autofree char *folder = g_build_filename(out.world.dir, "bin", NULL),
				*path = g_build_filename(folder, "take", NULL);
		g_autofree char *text = g_strdup_printf(
			"#!/bin/sh\ncat >/dev/null\n"
			"[ -e %s/killed ] || { : >%s/killed; kill -9 `cat %s/victim`; }\n",
			out.world.dir, out.world.dir, out.world.dir);
		assert_int_equal(mkdir(folder, 0755), 0);
		scratch_write(out.world.dir, "bin/take", text);
		assert_int_equal(chmod(path, 0755), 0);

		pid_t child = fork();
		if (child == 0) {
			g_autofree char *number = g_strdup_printf("%d", (int) getpid());
			scratch_write(out.world.dir, "victim", number);
			_exit(delivery_world_deliver(&out.world, mail) ? 1 : 2);
		}
		int status = 0;
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));

		if (rows[i].answers != NULL)
			out_answers(&out, NULL);
		assert_int_equal(delivery_world_deliver(&out.world, mail), rows[i].want != NULL);
		if (rows[i].want != NULL)
			assert_string_equal(out.world.done, rows[i].want);
		else
			assert_int_equal(out.world.st.id, STATUS_SUBMIT_REFUSED);
		g_autofree char *sent = smtp_peer_sent(out.world.dir);
		unsigned n = 0;
		for (const char *at = sent; (at = strstr(at, "RCPT TO:")) != NULL; at++)
			n++;
		assert_int_equal(n, rows[i].sent);
		out_end(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_redirected),
		cmocka_unit_test(test_stamps_of_redirected_mail),
		cmocka_unit_test(test_sender_of_redirected_mail),
		cmocka_unit_test(test_wishes_go_on),
		cmocka_unit_test(test_held_back),
		cmocka_unit_test(test_edited_and_held_back),
		cmocka_unit_test(test_limit_of_the_day),
		cmocka_unit_test(test_refused_there),
		cmocka_unit_test(test_answered_once),
		cmocka_unit_test(test_what_is_one_answer),
		cmocka_unit_test(test_redirect_to_a_list),
		cmocka_unit_test(test_one_address_twice),
		cmocka_unit_test(test_limits_of_answers),
		cmocka_unit_test(test_bounces_of_rewritten_senders),
		cmocka_unit_test(test_answer_of_an_earlier_try),
		cmocka_unit_test(test_copy_of_an_earlier_try),
		cmocka_unit_test(test_copy_of_the_answer),
		cmocka_unit_test(test_two_addresses_of_one_mail),
		cmocka_unit_test(test_answer_that_is_put_off),
		cmocka_unit_test(test_form_of_answers),
		cmocka_unit_test(test_notices),
		cmocka_unit_test(test_form_of_notices),
		cmocka_unit_test(test_notices_held),
		cmocka_unit_test(test_reports),
		cmocka_unit_test(test_report_that_is_refused),
		cmocka_unit_test(test_sender_of_notices),
		cmocka_unit_test(test_programs),
		cmocka_unit_test(test_program_of_a_retry),
		cmocka_unit_test(test_killed_between),
	};
	return _cmocka_run_group_tests("transact-out", tests, G_N_ELEMENTS(tests), NULL, NULL);
}

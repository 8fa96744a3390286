/* SPDX-License-Identifier: MIT */
/* The grammar of the door: addresses, parameters, and the reply to each kind of mistake. */
#include "agent/base/limits.h"
#include "agent/lmtp/lmtp-command.h"

#include "tests/unit/unit.h"

#include <string.h>

typedef struct {
	const char *name;
	const char *in;
	const char *want; /* printed command, or the code and enhanced code of the refusal */
} Row;

static const Row rows[] = {
	{ "plain sender", "MAIL FROM:<a@b>", "MAIL a@b" },
	{ "null sender", "MAIL FROM:<>", "MAIL " },
	{ "blank after the colon", "MAIL FROM: <a@b>", "MAIL a@b" },
	{ "quotes go", "MAIL FROM:<\"two words\"@b>", "MAIL two words@b" },
	{ "escapes in quotes", "MAIL FROM:<\"a\\\"\\\\b\"@c>", "MAIL a\"\\b@c" },
	{ "'@' in quotes", "MAIL FROM:<\"x@y\"@b>", "MAIL x@y@b" },
	{ "'@' in quotes without a domain would read as another address", "RCPT TO:<\"x@y\">",
	  "501 5.1.3" },
	{ "'>' in quotes", "RCPT TO:<\"a>b\"@c>", "RCPT a>b@c" },
	{ "no end of quotes", "RCPT TO:<\"a@c>", "501 5.1.3" },
	{ "escape at the end", "RCPT TO:<\"a\\", "501 5.1.3" },
	{ "source route is dropped", "RCPT TO:<@x.test,@y.test:a@b>", "RCPT a@b" },
	{ "source route without an end", "RCPT TO:<@x.test,a@b>", "501 5.1.3" },
	{ "local name", "RCPT TO:<postmaster>", "RCPT postmaster" },
	{ "dots that Postfix lets through", "RCPT TO:<a..b.@c>", "RCPT a..b.@c" },
	{ "detail", "RCPT TO:<a+b@c>", "RCPT a+b@c" },
	{ "address literal", "RCPT TO:<a@[IPv6:::1]>", "RCPT a@[IPv6:::1]" },
	{ "UTF-8", "RCPT TO:<\xe3\x81\x82@\xe4\xbe\x8b.jp>", "RCPT \xe3\x81\x82@\xe4\xbe\x8b.jp" },
	{ "not UTF-8", "RCPT TO:<\xe9@b>", "501 5.1.3" },
	{ "null recipient", "RCPT TO:<>", "501 5.1.3" },
	{ "no brackets", "RCPT TO:a@b", "501 5.1.3" },
	{ "no brackets around a sender", "MAIL FROM:a@b", "501 5.1.7" },
	{ "no closing bracket", "RCPT TO:<a@b", "501 5.1.3" },
	{ "empty domain", "MAIL FROM:<a@>", "501 5.1.7" },
	{ "empty local part", "MAIL FROM:<@b>", "501 5.1.7" },
	{ "blank in the address", "MAIL FROM:<a b@c>", "501 5.1.7" },
	{ "something behind the bracket", "MAIL FROM:<a@b>x", "501 5.1.7" },
	{ "keyword of the other", "MAIL TO:<a@b>", "501 5.5.4" },
	{ "no argument", "MAIL", "501 5.5.4" },
	{ "lower case", "rcpt to:<a@b> notify=never", "RCPT a@b notify=NEVER" },

	{ "all of MAIL", "MAIL FROM:<a@b> SIZE=12 BODY=8BITMIME SMTPUTF8 RET=full ENVID=x+2By",
	  "MAIL a@b size=12 body=1 utf8 ret=FULL envid=x+2By" },
	{ "unknown parameter", "MAIL FROM:<a@b> FROB=1", "555 5.5.4" },
	{ "parameter of the other", "RCPT TO:<a@b> SIZE=1", "555 5.5.4" },
	{ "twice", "MAIL FROM:<a@b> SIZE=1 SIZE=2", "501 5.5.4" },
	{ "SIZE without value", "MAIL FROM:<a@b> SIZE", "501 5.5.4" },
	{ "SIZE below zero", "MAIL FROM:<a@b> SIZE=-1", "501 5.5.4" },
	{ "SIZE at its end", "MAIL FROM:<a@b> SIZE=18446744073709551615",
	  "MAIL a@b size=18446744073709551615" },
	{ "SIZE over its end", "MAIL FROM:<a@b> SIZE=18446744073709551616", "501 5.5.4" },
	{ "BODY unknown", "MAIL FROM:<a@b> BODY=9BIT", "501 5.5.4" },
	{ "SMTPUTF8 with a value", "MAIL FROM:<a@b> SMTPUTF8=1", "501 5.5.4" },
	{ "ENVID with a hidden line end", "MAIL FROM:<a@b> ENVID=x+0Ay", "501 5.5.4" },
	{ "ENVID with half a code", "MAIL FROM:<a@b> ENVID=x+2", "501 5.5.4" },
	{ "RET unknown", "MAIL FROM:<a@b> RET=BODY", "501 5.5.4" },
	{ "NOTIFY list", "RCPT TO:<a@b> NOTIFY=failure,DELAY,success",
	  "RCPT a@b notify=FAILURE,DELAY,SUCCESS" },
	{ "NOTIFY never and more", "RCPT TO:<a@b> NOTIFY=NEVER,DELAY", "501 5.5.4" },
	{ "NOTIFY the same twice", "RCPT TO:<a@b> NOTIFY=DELAY,DELAY", "501 5.5.4" },
	{ "NOTIFY empty", "RCPT TO:<a@b> NOTIFY=", "501 5.5.4" },
	{ "ORCPT", "RCPT TO:<a@b> ORCPT=rfc822;c+2Bd@b",
	  "RCPT a@b original=c+d@b orcpt=rfc822;c+2Bd@b" },
	{ "ORCPT that is no mailbox stays as it is", "RCPT TO:<a@b> ORCPT=x400;/C=de/S=x+20y/",
	  "RCPT a@b original=/C=de/S=x y/ orcpt=x400;/C=de/S=x+20y/" },
	{ "ORCPT utf-8", "RCPT TO:<a@b> ORCPT=utf-8;\\x{E9}@b",
	  "RCPT a@b original=\xc3\xa9@b orcpt=utf-8;\\x{E9}@b" },
	{ "ORCPT utf-8 with a line end", "RCPT TO:<a@b> ORCPT=utf-8;\\x{A}@b", "501 5.5.4" },
	{ "ORCPT utf-8 with a surrogate", "RCPT TO:<a@b> ORCPT=utf-8;\\x{D800}@b", "501 5.5.4" },
	{ "ORCPT without a type", "RCPT TO:<a@b> ORCPT=a@b", "501 5.5.4" },

	{ "LHLO", "LHLO mail.test", "LHLO mail.test" },
	{ "LHLO without a name", "LHLO", "501 5.5.4" },
	{ "LHLO with two names", "LHLO a b", "501 5.5.4" },
	{ "DATA", "DATA", "DATA" },
	{ "DATA with an argument", "DATA now", "501 5.5.4" },
	{ "DATA with blanks", "DATA  ", "DATA" },
	{ "BDAT", "BDAT 0", "BDAT size=0" },
	{ "BDAT LAST", "BDAT 7 last", "BDAT size=7 last" },
	{ "BDAT without a size", "BDAT", "501 5.5.4" },
	{ "BDAT hexadecimal", "BDAT 0x10", "501 5.5.4" },
	{ "BDAT signed", "BDAT +5", "501 5.5.4" },
	{ "BDAT LAST and more", "BDAT 5 LAST x", "501 5.5.4" },
	{ "BDAT FIRST", "BDAT 5 FIRST", "501 5.5.4" },
	{ "NOOP", "NOOP x y", "NOOP" },
	{ "HELO", "HELO x", "502 5.5.1" },
	{ "STARTTLS", "STARTTLS", "502 5.5.1" },
	{ "nothing", "", "500 5.5.1" },
	{ "blanks only", "   ", "500 5.5.1" },
	{ "a word", "FROB", "500 5.5.1" },
	{ "word that begins like another", "MAILX FROM:<a@b>", "500 5.5.1" },
	{ "control character", "NOOP \x01", "500 5.5.2" },
	{ "bare CR", "NOOP\rQUIT", "500 5.5.2" },

	{ "XFORWARD", "XFORWARD NAME=a.test ADDR=IPv6:::1 IDENT=4ABC",
	  "XFORWARD name=a.test addr=::1 ident=4ABC" },
	{ "XFORWARD unavailable", "XFORWARD NAME=[UNAVAILABLE] HELO=", "XFORWARD name= helo=" },
	{ "XFORWARD of what is not its own", "XFORWARD LOGIN=x", "501 5.5.4" },
	{ "XCLIENT", "XCLIENT LOGIN=me@b PORT=1", "XCLIENT login=me@b" },
	{ "XCLIENT of what is not its own", "XCLIENT IDENT=x", "501 5.5.4" },
	{ "XFORWARD with nothing", "XFORWARD", "501 5.5.4" },
};

/* Where brackets need not be. */
static const Row bare_rows[] = {
	{ "no brackets, where they need not be", "RCPT TO:a@b", "RCPT a@b" },
	{ "no brackets, and a parameter", "MAIL FROM: a@b  SIZE=12", "MAIL a@b size=12" },
	{ "no brackets around quotes", "RCPT TO:\"two words\"@b NOTIFY=NEVER",
	  "RCPT two words@b notify=NEVER" },
	{ "brackets where they need not be", "MAIL FROM:<a@b> SIZE=12", "MAIL a@b size=12" },
	{ "null sender where brackets need not be", "MAIL FROM:<>", "MAIL " },
	{ "nothing at all is no null sender", "MAIL FROM:", "501 5.1.7" },
	{ "half of the brackets", "RCPT TO:a@b>", "501 5.1.3" },
};

static const char *const verb_names[] = {
	"LHLO", "MAIL", "RCPT", "DATA",     "BDAT",    "RSET",
	"NOOP", "VRFY", "QUIT", "XFORWARD", "XCLIENT",
};

static void
append(GString *out, const char *name, const char *value)
{
	if (value != NULL)
		g_string_append_printf(out, " %s=%s", name, value);
}

/* What was said, as the rows write it. */
static char *
print(const LmtpCommand *command)
{
	static const char *const attr_names[] = { "name", "addr", "helo", "ident", "login" };
	GString *out = g_string_new(verb_names[command->verb]);

	if (command->address != NULL)
		g_string_append_printf(out, " %s", command->address);
	if (command->size > 0 || command->verb == LMTP_BDAT)
		g_string_append_printf(out, " size=%" G_GUINT64_FORMAT, command->size);
	if (command->body != LMTP_BODY_7BIT)
		g_string_append_printf(out, " body=%u", (unsigned) command->body);
	g_string_append(out, command->utf8 ? " utf8" : "");
	g_string_append(out, command->last ? " last" : "");
	append(out, "ret", command->ret);
	append(out, "envid", command->envid);
	append(out, "notify", command->notify);
	append(out, "original", command->original);
	append(out, "orcpt", command->orcpt);

	for (size_t i = 0; i < LMTP_ATTR_COUNT; i++)
		if (command->said[i])
			append(out, attr_names[i],
			       command->attr[i] != NULL ? command->attr[i] : "");

	return g_string_free(out, FALSE);
}

static char *
run(const char *line, size_t len, LmtpPaths paths)
{
	/* An allocation of its own, so that a sanitizer sees a step over the end. */
	g_autofree char *copy = g_memdup2(line, len);
	g_auto(LmtpCommand) command = { .verb = LMTP_QUIT };
	LmtpReplyId refusal = LMTP_REPLY_COUNT;

	if (lmtp_command_parse(copy, len, paths, &command, &refusal)) {
		assert_int_equal(refusal, LMTP_REPLY_COUNT);
		return print(&command);
	}

	const LmtpReplyRow *reply = lmtp_reply_row(refusal);
	return g_strdup_printf("%d %s", reply->code, reply->dsn);
}

static void
test_parse(void **state)
{
	const Row *row = *state;
	g_autofree char *got = run(row->in, strlen(row->in), LMTP_PATHS_STRICT);
	assert_string_equal(got, row->want);
}

static void
test_parse_bare(void **state)
{
	const Row *row = *state;
	g_autofree char *got = run(row->in, strlen(row->in), LMTP_PATHS_BARE);
	assert_string_equal(got, row->want);
}

static void
test_nul(void **state)
{
	(void) state;
	g_autofree char *got = run("RCPT TO:<a@b>\0", 14, LMTP_PATHS_STRICT);
	assert_string_equal(got, "500 5.5.2");
}

/* Each bound: what just fits passes, one over does not. */
static void
test_limits(void **state)
{
	(void) state;
	static const struct {
		const char *format;
		size_t fits;
		const char *refusal;
	} bounds[] = {
		{ "RCPT TO:<%s@b>", LIMIT_ADDRESS_BYTES - 2, "501 5.1.3" },
		{ "MAIL FROM:<a@b> ENVID=%s", LIMIT_LMTP_ENVID, "501 5.5.4" },
		{ "RCPT TO:<a@b> ORCPT=rfc822;%s", LIMIT_LMTP_ORCPT - 7, "501 5.5.4" },
		{ "XFORWARD HELO=%s", LIMIT_LMTP_ATTRIBUTE, "501 5.5.4" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(bounds); i++)
		for (size_t over = 0; over <= 1; over++) {
			g_autofree char *filler = g_strnfill(bounds[i].fits + over, 'x');
			g_auto(GStrv) parts = g_strsplit(bounds[i].format, "%s", 2);
			g_autofree char *line = g_strconcat(parts[0], filler, parts[1], NULL);
			g_autofree char *got = run(line, strlen(line), LMTP_PATHS_STRICT);
			assert_int_equal(strcmp(got, bounds[i].refusal) == 0, over);
		}
}

static void
test_reply_table(void **state)
{
	(void) state;
	for (LmtpReplyId id = 0; id < LMTP_REPLY_COUNT; id++) {
		const LmtpReplyRow *row = lmtp_reply_row(id);
		if (*row->dsn != '\0')
			assert_int_equal(row->code / 100, row->dsn[0] - '0');
		g_autoptr(GString) out = g_string_new(NULL);
		lmtp_reply_append(out, id);
		assert_true(out->len <= LIMIT_LMTP_REPLY_LINE &&
		            g_str_has_suffix(out->str, "\r\n"));
	}
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + G_N_ELEMENTS(bare_rows) + 3];
	size_t n = 0;

	UNIT_ROWS(tests, n, rows, test_parse);
	UNIT_ROWS(tests, n, bare_rows, test_parse_bare);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_nul);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_limits);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_reply_table);

	return _cmocka_run_group_tests("lmtp-command", tests, n, NULL, NULL);
}

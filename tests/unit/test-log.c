/* SPDX-License-Identifier: MIT */
/* What a log line looks like, whatever strangers put into it. */
#define _GNU_SOURCE
#include "agent/base/log.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"

#include "tests/unit/unit.h"

#include <jansson.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

/* A value, and what stands behind "key=" in text form. */
typedef struct {
	const char *name;
	const char *value;
	const char *want;
} Row;

static const Row rows[] = {
	{ "plain", "taro", "taro" },
	{ "address", "a+b@example.jp", "a+b@example.jp" },
	{ "empty stands in quotes", "", "\"\"" },
	{ "blank", "two words", "\"two words\"" },
	{ "comma and equal sign cannot forge a pair", "x, status=sent", "\"x, status=sent\"" },
	{ "quote and backslash", "a\"b\\c", "\"a\\\"b\\\\c\"" },
	{ "line end", "a\nNOQUEUE: to=b", "\"a\\u000aNOQUEUE: to=b\"" },
	{ "escape sequence", "\x1b[31m", "\"\\u001b[31m\"" },
	{ "UTF-8", "\xe5\xb1\x8a\xe3\x81\x91", "\"\xe5\xb1\x8a\xe3\x81\x91\"" },
	{ "invalid UTF-8 is replaced",
	  "a\xff"
	  "b",
	  "\"a\xef\xbf\xbd"
	  "b\"" },
	{ "separator of lines",
	  "a\xe2\x80\xa8"
	  "b",
	  "\"a\\u2028b\"" },
};

/* What `send` wrote into a log file of the given form, without time and name. Caller frees. */
static char *
logged(LogForm form, void (*send)(const void *data), const void *data)
{
	int fd = memfd_create("log", MFD_CLOEXEC);

	assert_true(fd >= 0);
	log_open("todoke", fd, form);
	send(data);
	log_open("todoke", -1, LOG_FORM_TEXT);

	char text[3 * LIMIT_LOG_LINE];
	ssize_t len = pread(fd, text, sizeof text - 1, 0);
	assert_true(len > 0);
	(void) close(fd);
	text[len] = '\0';
	assert_int_equal(text[len - 1], '\n');
	assert_ptr_equal(strchr(text, '\n'), text + len - 1); /* one line, whatever is in it */

	const char *start = strstr(text, "]: ");
	assert_non_null(start);
	return g_strndup(start + 3, strlen(start + 3) - 1);
}

static void
send_value(const void *data)
{
	LogLine *line = log_line_new("4ABC12");
	log_line_add(line, "key", data);
	log_line_send(line, LOG_INFO);
}

static void
test_value(void **state)
{
	const Row *row = *state;
	g_autofree char *got = logged(LOG_FORM_TEXT, send_value, row->value);
	g_autofree char *want = g_strconcat("4ABC12: key=", row->want, NULL);
	assert_string_equal(got, want);
}

/* The JSON form has the value itself, but for what is not UTF-8. */
static void
test_value_in_json(void **state)
{
	const Row *row = *state;
	g_autofree char *got = logged(LOG_FORM_JSON, send_value, row->value);
	json_t *object = json_loads(got, 0, NULL);

	assert_non_null(object);
	g_autofree char *want = g_utf8_make_valid(row->value, -1);
	assert_string_equal(json_string_value(json_object_get(object, "queue_id")), "4ABC12");
	assert_string_equal(json_string_value(json_object_get(object, "key")), want);
	json_decref(object);
}

static void
send_pairs(const void *data)
{
	LogLine *line = log_line_new(data);
	log_line_add(line, "to", "a@b");
	log_line_add(line, "absent", NULL);
	log_line_add_int(line, "bytes", -7);
	log_line_send(line, LOG_INFO);
}

static void
test_pairs(void **state)
{
	(void) state;
	g_autofree char *text = logged(LOG_FORM_TEXT, send_pairs, NULL);
	assert_string_equal(text, "NOQUEUE: to=a@b, bytes=-7");
	g_autofree char *json = logged(LOG_FORM_JSON, send_pairs, "");
	assert_string_equal(json, "{\"queue_id\":\"NOQUEUE\",\"to\":\"a@b\",\"bytes\":-7}");
}

/*
 * One octet over each bound: the value is cut at a character and says so; the line stays below its
 * limit.
 */
static void
test_bounds(void **state)
{
	(void) state;
	g_autofree char *fits = g_strnfill(LIMIT_LOG_VALUE, 'x'),
			*over = g_strnfill(LIMIT_LOG_VALUE + 1, 'x');
	g_autofree char *whole = logged(LOG_FORM_TEXT, send_value, fits),
			*cut = logged(LOG_FORM_TEXT, send_value, over);
	assert_true(g_str_has_suffix(whole, "xxx"));
	assert_true(g_str_has_suffix(cut, "...\""));
	assert_true(strlen(cut) <= strlen("4ABC12: key=\"\"...") + LIMIT_LOG_VALUE);

	g_autofree char *json = logged(LOG_FORM_JSON, send_value, over);
	assert_true(g_str_has_suffix(json, "...\"}"));
}

static void
send_many(const void *data)
{
	LogLine *line = log_line_new("4ABC12");
	for (unsigned i = 0; i < 2 * LIMIT_LOG_LINE / LIMIT_LOG_VALUE + 2; i++)
		log_line_add(line, "key", data);
	log_line_send(line, LOG_INFO);
}

static void
test_line_bound(void **state)
{
	(void) state;
	g_autofree char *value = g_strnfill(LIMIT_LOG_VALUE, 'y');
	g_autofree char *got = logged(LOG_FORM_TEXT, send_many, value);
	assert_true(strlen(got) <= LIMIT_LOG_LINE);
	assert_true(strlen(got) + LIMIT_LOG_VALUE > LIMIT_LOG_LINE);
}

static void
send_event(const void *data)
{
	log_event(EVENT_SERVER_READY, LOG_INFO, "at %s", (const char *) data);
}

static void
test_event(void **state)
{
	(void) state;
	g_autofree char *got = logged(LOG_FORM_TEXT, send_event, "a\nb\xff");
	assert_string_equal(got, "NOQUEUE: code=T301, event=server-ready, "
	                         "text=\"at a\\u000ab\xef\xbf\xbd\"");
	g_autofree char *json = logged(LOG_FORM_JSON, send_event, "two");
	assert_string_equal(json, "{\"queue_id\":\"NOQUEUE\",\"code\":\"T301\",\"event\":"
	                          "\"server-ready\",\"text\":\"at two\"}");

	/* LIMIT_LOG_TEXT octets of it, and no more than LIMIT_LOG_LINE in all */
	g_autofree char *much = g_strnfill(2 * LIMIT_LOG_LINE, 'x');
	g_autofree char *cut = logged(LOG_FORM_TEXT, send_event, much);
	assert_true(strlen(cut) > LIMIT_LOG_TEXT && strlen(cut) < LIMIT_LOG_LINE);
	assert_true(g_str_has_suffix(cut, "x...\""));
}

static void
send_mail(const void *data)
{
	LogLine *line = log_line_new("4ABC");
	(void) data;
	log_line_mask(line, "to", "ann+x@d.test");
	log_line_mask(line, "from", "s@x.test");
	log_line_mask(line, "message-id", "<1.2@x.test>");
	log_line_add(line, "to", "ann+x@d.test");
	log_line_add(line, "from", "s@x.test");
	log_line_add(line, "message-id", "<1.2@x.test>");
	log_line_add(line, "action", "keep");
	log_line_add(line, "action2", "redirect");
	log_line_add(line, "detail", "<ann+x@d.test>: no");
	log_line_add_int(line, "size", 7);
	log_line_send(line, LOG_INFO);
}

/* What is chosen, and what is masked. */
static const struct ChoiceRow {
	const char *name;
	const char *fields[3], *masked[3];
	const char *want;
} choices[] = {
	{ "all keys",
	  { NULL },
	  { NULL },
	  "to=ann+x@d.test, from=s@x.test, message-id=<1.2@x.test>, action=keep, "
	  "action2=redirect, detail=\"<ann+x@d.test>: no\", size=7" },
	{ "some keys",
	  { "to", "action", NULL },
	  { NULL },
	  "to=ann+x@d.test, action=keep, action2=redirect" },
	{ "all but some",
	  { "-action", "-size", NULL },
	  { NULL },
	  "to=ann+x@d.test, from=s@x.test, message-id=<1.2@x.test>, detail=\"<ann+x@d.test>: no\"" },
	{ "both: the plain names count, less the others",
	  { "to", "-to", NULL },
	  { NULL },
	  "to=ann+x@d.test" },
	{ "a masked recipient, wherever it stands",
	  { "-action", NULL },
	  { "to", NULL },
	  "to=*@d.test, from=s@x.test, message-id=<1.2@x.test>, detail=\"<*@d.test>: no\", size=7" },
	{ "a masked Message-ID",
	  { "message-id", "from", NULL },
	  { "message-id", "from", NULL },
	  "from=*@x.test, message-id=<*@x.test>" },
};

static void
test_choice(void **state)
{
	const struct ChoiceRow *row = *state;
	log_choose(row->fields, row->masked);
	g_autofree char *got = logged(LOG_FORM_TEXT, send_mail, NULL);
	g_autofree char *json = logged(LOG_FORM_JSON, send_mail, NULL);
	log_choose(NULL, NULL);

	g_autofree char *want = g_strconcat("4ABC: ", row->want, NULL);
	assert_string_equal(got, want);
	assert_int_equal(strstr(json, "ann+x") != NULL, strstr(want, "ann+x") != NULL);
	assert_int_equal(strstr(json, "\"size\":7") != NULL, strstr(want, "size") != NULL);
}

static void
test_fields_are_known(void **state)
{
	(void) state;
	assert_true(log_field_is_known("message-id"));
	assert_true(log_field_can_be_masked("message-id"));
	assert_true(log_field_is_known("dsn"));
	assert_false(log_field_can_be_masked("dsn"));
	assert_false(log_field_is_known("subject"));
}

/* A journal of our own: each pair is a field, a line end in a value is framed. */
static void
test_journal(void **state)
{
	(void) state;
	g_autofree char *folder = g_dir_make_tmp("todoke-log-XXXXXX", NULL);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	g_snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", folder);
	auto_fd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof address), 0);

	log_use_journal(address.sun_path);
	log_open("todoke", -1, LOG_FORM_TEXT);
	assert_true(log_is_heard());
	LogLine *line = log_line_new("4ABC");
	log_line_add(line, "message-id", "<a@b>");
	log_line_add(line, "detail", "x\ny=1");
	log_line_send(line, LOG_WARNING);
	log_use_journal("");
	(void) unlink(address.sun_path);
	(void) rmdir(folder);

	char got[1024];
	ssize_t len = recv(fd, got, sizeof got, 0);
	static const char want[] = "MESSAGE=4ABC: message-id=<a@b>, detail=\"x\\u000ay=1\"\n"
				   "PRIORITY=4\nSYSLOG_FACILITY=2\nSYSLOG_IDENTIFIER=todoke\n"
				   "TODOKE_QUEUE_ID=4ABC\nTODOKE_MESSAGE_ID=<a@b>\n"
				   "TODOKE_DETAIL\n\5\0\0\0\0\0\0\0x\ny=1\n";
	assert_int_equal(len, sizeof want - 1);
	assert_memory_equal(got, want, sizeof want - 1);
}

int
main(void)
{
	struct CMUnitTest tests[2 * G_N_ELEMENTS(rows) + G_N_ELEMENTS(choices) + 6];
	size_t n = 0;

	UNIT_ROWS(tests, n, rows, test_value);
	UNIT_ROWS(tests, n, rows, test_value_in_json);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_pairs);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_bounds);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_line_bound);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_event);
	UNIT_ROWS(tests, n, choices, test_choice);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_fields_are_known);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_journal);

	return _cmocka_run_group_tests("log", tests, n, NULL, NULL);
}

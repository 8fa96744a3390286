/* SPDX-License-Identifier: MIT */
/* What a log line looks like, whatever strangers put into it. */
#define _GNU_SOURCE
#include "agent/base/log.h"

#include "agent/base/limits.h"

#include "tests/unit/unit.h"

#include <jansson.h>
#include <string.h>
#include <sys/mman.h>
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
send_note(const void *data)
{
	log_note(LOG_INFO, "note: %s", (const char *) data);
}

static void
test_note(void **state)
{
	(void) state;
	g_autofree char *got = logged(LOG_FORM_TEXT, send_note, "a\nb\xff");
	assert_string_equal(got, "note: a b\xef\xbf\xbd");
}

int
main(void)
{
	struct CMUnitTest tests[2 * G_N_ELEMENTS(rows) + 4];
	size_t n = 0;

	UNIT_ROWS(tests, n, rows, test_value);
	UNIT_ROWS(tests, n, rows, test_value_in_json);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_pairs);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_bounds);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_line_bound);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_note);

	return _cmocka_run_group_tests("log", tests, n, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* The one line that Postfix reads: how it looks, and that nothing else gets to the pipe. */
#define _GNU_SOURCE
#include "agent/base/answer.h"

#include "agent/base/limits.h"
#include "tests/lib/answer-child.h"

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* A text, and the line of a deferral (4.3.0) about queue id 4ABC12 that has it. */
typedef struct {
	const char *name;
	const char *text;
	const char *want;
} Row;

static const Row rows[] = {
	{ "plain", "the disk is gone", "4.3.0 the disk is gone [4ABC12]" },
	{ "line ends", "a\nb\r\nc", "4.3.0 a b  c [4ABC12]" },
	{ "control characters",
	  "a\x01\x7f"
	  "b\tc",
	  "4.3.0 a  b c [4ABC12]" },
	{ "UTF-8 stays", "Nein, \xc3\xbc", "4.3.0 Nein, \xc3\xbc [4ABC12]" },
	{ "invalid UTF-8", "a\xc3", "4.3.0 a\xef\xbf\xbd [4ABC12]" },
};

static void
test_line(void **state)
{
	const Row *row = *state;
	g_auto(Status) st = STATUS_INIT;
	(void) status_fail(&st, STATUS_INTERNAL, "%s", row->text);
	g_autofree char *line = answer_line(&st, "4ABC12");
	assert_string_equal(line, row->want);
}

static void
test_bounds(void **state)
{
	(void) state;
	g_autofree char *text = g_strnfill(2 * LIMIT_ANSWER_BYTES, 'x');
	g_auto(Status) st = STATUS_INIT;
	(void) status_fail(&st, STATUS_INTERNAL, "%s", text);

	g_autofree char *line = answer_line(&st, "4ABC12");
	assert_true(g_str_has_suffix(line, "x [4ABC12]"));
	assert_int_equal(strlen(line), LIMIT_ANSWER_BYTES + strlen(" [4ABC12]"));

	/* A character that does not fit whole is left out. */
	g_auto(Status) wide = STATUS_INIT;
	text[LIMIT_ANSWER_BYTES - strlen("4.3.0 ") - 1] = '\0';
	(void) status_fail(&wide, STATUS_INTERNAL, "%s\xc3\xbc", text);

	g_autofree char *cut = answer_line(&wide, NULL);
	assert_true(g_utf8_validate(cut, -1, NULL));
	assert_int_equal(strlen(cut), LIMIT_ANSWER_BYTES - 1);
}

static void
refuse(void)
{
	g_auto(Status) st = STATUS_INIT;
	(void) status_fail(&st, STATUS_LOOP, "loop");
	(void) !write(STDOUT_FILENO, "noise", 5);
	(void) !write(STDERR_FILENO, "noise", 5);
	_exit(answer_finish(&st, NULL, "4ABC12"));
}

static void
succeed(void)
{
	Status st = STATUS_INIT;
	_exit(answer_finish(&st, "stored in INBOX\n and more", "4ABC12"));
}

static void
abort_delivery(void)
{
	answer_abort("4.3.0 late\n", 11, EX_TEMPFAIL);
}

static void
test_pipe(void **state)
{
	(void) state;
	char text[256];

	/*
	 * As Postfix's, it is non-blocking: no line end, which would become a blank in its log and
	 * bounces.
	 */
	assert_int_equal(answer_child_run(refuse, O_NONBLOCK, text, sizeof text), EX_UNAVAILABLE);
	assert_string_equal(text, "5.4.6 loop [4ABC12]");
	assert_int_equal(answer_child_run(succeed, O_NONBLOCK, text, sizeof text), EX_OK);
	assert_string_equal(text, "stored in INBOX  and more");
	assert_int_equal(answer_child_run(abort_delivery, O_NONBLOCK, text, sizeof text),
	                 EX_TEMPFAIL);
	assert_string_equal(text, "4.3.0 late");
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + 2];
	size_t n = 0;

	UNIT_ROWS(tests, n, rows, test_line);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_bounds);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_pipe);

	return _cmocka_run_group_tests("answer", tests, n, NULL, NULL);
}

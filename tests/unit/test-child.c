/* SPDX-License-Identifier: MIT */
/* Programs that end well, badly, late, or never; each within its bounds. */
#include "agent/base/child.h"

#include "agent/base/limits.h"
#include "agent/base/starter.h"
#include "tests/unit/unit.h"

#include <signal.h>
#include <string.h>

typedef struct {
	const char *name;
	const char *script;
	const char *input;
	bool want_run;
	int want_code;
	const char *want_output; /* NULL: any */
	const char *want_detail; /* of the fault */
	bool want_unread;
	size_t input_times; /* the input so often; 0: once */
} Row;

static const Row rows[] = {
	{ .name = "output and exit code",
	  .script = "echo out; echo err >&2; exit 3",
	  .want_run = true,
	  .want_code = 3,
	  .want_output = "out\n" },
	{ .name = "input reaches it",
	  .script = "cat",
	  .input = "a\nb",
	  .want_run = true,
	  .want_output = "a\nb" },
	{ .name = "long input",
	  .script = "wc -c | tr -d ' '",
	  .input = "0123456789",
	  .input_times = 100000,
	  .want_run = true,
	  .want_output = "1000000\n" },
	{ .name = "input that nobody reads",
	  .script = "exec <&-; exit 0",
	  .input = "0123456789",
	  .input_times = 100000,
	  .want_run = true,
	  .want_unread = true },
	{ .name = "input of which a part is read",
	  .script = "head -c 9 >/dev/null",
	  .input = "0123456789",
	  .input_times = 100000,
	  .want_run = true,
	  .want_unread = true },
	{ .name = "as much as a pipe holds",
	  .script = "exec <&-; exit 0",
	  .input = "0123456789abcdef",
	  .input_times = CHILD_PIPE_OCTETS / 16,
	  .want_run = true },
	{ .name = "one octet line more",
	  .script = "exec <&-; exit 0",
	  .input = "0123456789abcdef",
	  .input_times = CHILD_PIPE_OCTETS / 16 + 1,
	  .want_run = true,
	  .want_unread = true },
	{ .name = "killed by a signal",
	  .script = "kill -SEGV $$",
	  .want_run = true,
	  .want_code = -1 },
	{ .name = "clean environment",
	  .script = "echo $HOME$SECRET$A",
	  .want_run = true,
	  .want_output = "1\n" },
	/* 3: the list itself */
	{ .name = "no descriptors but three",
	  .script = "exec ls /proc/self/fd",
	  .want_run = true,
	  .want_output = "0\n1\n2\n3\n" },
	{ .name = "as much output as allowed",
	  .script = "head -c 1000 /dev/zero | tr '\\0' x",
	  .want_run = true },
	{ .name = "one octet more",
	  .script = "head -c 1001 /dev/zero | tr '\\0' x",
	  .want_detail = "said more than 1000" },
	{ .name = "hangs", .script = "sleep 1000", .want_detail = "took longer than 1 seconds" },
	{ .name = "its child hangs with our pipe",
	  .script = "sleep 1000 & exit 0",
	  .want_run = true,
	  .want_output = "" },
	{ .name = "much on standard error",
	  .script = "yes | head -c 100000 >&2",
	  .want_run = true,
	  .want_output = "" },
};

static void
test_child(void **state)
{
	const Row *row = *state;
	g_autoptr(GString) input = g_string_new(row->input);

	for (size_t i = 1; i < row->input_times; i++)
		g_string_append(input, row->input);
	const char *argv[] = { "sh", "-c", row->script, NULL },
		   *envp[] = { "PATH=/usr/bin:/bin", "A=1", NULL };
	ChildCall call = {
		.program.path = "/bin/sh",
		.program.argv = argv,
		.program.envp = envp,
		.head = input->str,
		.head_len = input->len,
		.body_fd = -1,
		.output_limit = row->want_output != NULL && row->input_times > 0 ? 10000 : 1000,
		.seconds = row->want_detail != NULL && strstr(row->want_detail, "took") ? 1 : 60,
	};
	g_auto(ChildResult) result = { .exit_code = 9999 };
	g_auto(Status) st = STATUS_INIT;
	bool ran = child_run(&call, &result, &st);
	assert_int_equal(ran, row->want_run);

	if (!ran) {
		assert_int_equal(st.id, STATUS_PROGRAM);
		assert_non_null(strstr(st.detail, row->want_detail));
		assert_int_equal(result.exit_code, 9999);
		return;
	}

	assert_int_equal(result.exit_code, row->want_code);
	assert_int_equal(result.unread, row->want_unread);
	assert_true(strlen(result.errors) <= LIMIT_CHILD_ERRORS);

	size_t len;
	const char *output = g_bytes_get_data(result.output, &len);
	if (row->want_output != NULL) {
		assert_int_equal(len, strlen(row->want_output));
		assert_memory_equal(output != NULL ? output : "", row->want_output, len);
	}
}

static void
test_not_there(void **state)
{
	(void) state;
	const char *argv[] = { "x", NULL }, *envp[] = { NULL };
	ChildCall call = { .program.path = "/nonexistent/x",
		           .program.argv = argv,
		           .program.envp = envp,
		           .body_fd = -1,
		           .output_limit = 1,
		           .seconds = 60 };
	g_auto(ChildResult) result = { 0 };
	g_auto(Status) st = STATUS_INIT;
	assert_false(child_run(&call, &result, &st));
	assert_non_null(strstr(st.detail, "cannot run '/nonexistent/x'"));
}

/* From now on programs are started as for a process in a box. */
static void
test_outside(void **state)
{
	(void) state;
	const StarterPolicy policy = { .any = true, .seconds = 600 };
	assert_false(starter_is_there());
	assert_true(starter_fork(&policy));
	assert_true(starter_is_there());
}

static int
finish(void **state)
{
	(void) state;
	starter_finish();
	return 0;
}

int
main(void)
{
	(void) signal(SIGPIPE, SIG_IGN);
	static char names[G_N_ELEMENTS(rows)][100];
	struct CMUnitTest tests[2 * G_N_ELEMENTS(rows) + 3];
	size_t n = 0;
	UNIT_ROWS(tests, n, rows, test_child);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_not_there);

	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_outside);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		(void) g_snprintf(names[i], sizeof names[i], "%s, outside", rows[i].name);
		tests[n++] = (struct CMUnitTest){ names[i], test_child, NULL, NULL,
			                          (void *) &rows[i] };
	}
	tests[n++] = (struct CMUnitTest){ "not there, outside", test_not_there, NULL, NULL, NULL };

	return _cmocka_run_group_tests("child", tests, n, NULL, finish);
}

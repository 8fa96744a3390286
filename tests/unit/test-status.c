/* SPDX-License-Identifier: MIT */
/*
 * The table of faults must not contradict itself: Postfix believes the code, LMTP the reply, a
 * wrapper the exit code.
 */
#include "agent/base/status.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

static void
test_row(void **state)
{
	const StatusRow *row = *state;
	char class = row->dsn[0];

	assert_int_equal(strlen(row->dsn), 5);
	assert_true(row->dsn[1] == '.' && row->dsn[3] == '.');
	assert_int_equal(row->lmtp / 100, class - '0');

	switch (class) {
	case '2':
		assert_int_equal(row->exit_code, EX_OK);
		break;
	case '4':
		assert_int_equal(row->exit_code, EX_TEMPFAIL);
		break;
	default:
		assert_int_equal(class, '5');
		assert_true(row->exit_code == EX_DATAERR || row->exit_code == EX_NOUSER ||
		            row->exit_code == EX_UNAVAILABLE || row->exit_code == EX_NOPERM ||
		            row->exit_code == EX_CANTCREAT);
	}
}

static void
test_first_fault_stays(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	assert_false(status_fail_errno(&st, ENOSPC, "cannot write '%s'", "tmp/1"));
	assert_false(status_fail(&st, STATUS_LOOP, NULL));
	assert_int_equal(st.id, STATUS_DISK_FULL);
	assert_string_equal(st.detail, "cannot write 'tmp/1': No space left on device");
	assert_string_equal(status_text(&st), "mail system full");
}

static void
test_prefix_says_where(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	status_fail_detail(&st, STATUS_IO, "cannot flush 'new'");
	status_prefix(&st, "folder '%s'", "Work");
	assert_string_equal(st.detail, "folder 'Work': cannot flush 'new'");

	/* what has a text alone keeps it: whoever prints the detail would say only where */
	g_auto(Status) plain = STATUS_INIT;
	status_fail(&plain, STATUS_UNKNOWN_USER, NULL);
	status_prefix(&plain, "'%s'", "ann");
	assert_string_equal(plain.detail, "'ann': no such user here");
}

static void
test_errno_is_never_permanent(void **state)
{
	(void) state;
	for (int err = 1; err < 200; err++)
		assert_int_equal(status_row(status_from_errno(err))->exit_code, EX_TEMPFAIL);
}

int
main(void)
{
	struct CMUnitTest tests[STATUS_COUNT + 3];
	size_t n = 0;

	for (StatusId id = 0; id < STATUS_COUNT; id++)
		tests[n++] = (struct CMUnitTest){ status_row(id)->name, test_row, NULL, NULL,
			                          (void *) (uintptr_t) status_row(id) };
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_first_fault_stays);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_prefix_says_where);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_errno_is_never_permanent);

	return _cmocka_run_group_tests("status", tests, n, NULL, NULL);
}

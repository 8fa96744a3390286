/* SPDX-License-Identifier: MIT */
/* The table of kinds of log lines: each fault has one, codes and keys are unique, and found. */
#include "agent/base/event.h"

#include "tests/unit/unit.h"

#include <string.h>

static void
test_rows(void **state)
{
	(void) state;
	for (EventId id = 0; id < EVENT_COUNT; id++) {
		const EventRow *row = event_row(id);
		assert_int_equal(strlen(row->code), 4);
		assert_int_equal(row->code[0], 'T');
		assert_int_equal(strspn(row->code + 1, "0123456789"), 3);
		/* found by both names, so no other row has them */
		assert_int_equal(event_find(row->code), id);
		assert_int_equal(event_find(event_key(id)), id);
		assert_true((event_cause(id) != NULL) == (row->fault == STATUS_OK));
		assert_true((event_remedy(id) != NULL) == (row->fault == STATUS_OK));
	}
	assert_int_equal(event_find("T999"), EVENT_COUNT);
	assert_int_equal(event_find(""), EVENT_COUNT);
}

/* What is put off has T1xx, what is sent back T2xx. */
static void
test_faults(void **state)
{
	(void) state;
	assert_int_equal(event_of_fault(STATUS_OK), EVENT_COUNT);
	for (StatusId id = STATUS_OK + 1; id < STATUS_COUNT; id++) {
		EventId event = event_of_fault(id);
		assert_true(event < EVENT_COUNT);
		const EventRow *row = event_row(event);
		assert_int_equal(row->fault, id);
		assert_string_equal(event_key(event), status_row(id)->name);
		assert_int_equal(row->code[1], status_row(id)->dsn[0] == '4' ? '1' : '2');
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_faults),
	};
	return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Dates of fields (RFC 5322 3.3, 4.3) and their parts (RFC 5260 4.2). Weekdays, Julian days and
 * shifts were worked out with Python's datetime.
 */
#include "filters/sieve/run/sieve-date.h"

#include "tests/unit/unit.h"

#include <string.h>

static SieveText
text_of(const char *text)
{
	return (SieveText){ text, strlen(text) };
}

typedef struct {
	const char *name;
	const char *field;
	const char *zone; /* to shift to; NULL: the date's own */
	const char *part;
	const char *want; /* NULL: no date */
} Row;

#define RFC5322 "Fri, 21 Nov 1997 09:55:06 -0600"
#define LEAP "Tue, 29 Feb 2000 23:30:00 +0000"

static const Row rows[] = {
	{ "year", RFC5322, NULL, "year", "1997" },
	{ "month", RFC5322, NULL, "month", "11" },
	{ "day", RFC5322, NULL, "day", "21" },
	{ "date", RFC5322, NULL, "date", "1997-11-21" },
	{ "hour", RFC5322, NULL, "hour", "09" },
	{ "minute", RFC5322, NULL, "minute", "55" },
	{ "second", RFC5322, NULL, "second", "06" },
	{ "time", RFC5322, NULL, "time", "09:55:06" },
	{ "iso8601", RFC5322, NULL, "iso8601", "1997-11-21T09:55:06-06:00" },
	{ "std11", RFC5322, NULL, "std11", "Fri, 21 Nov 1997 09:55:06 -0600" },
	{ "zone", RFC5322, NULL, "zone", "-0600" },
	{ "weekday: Friday is 5", RFC5322, NULL, "weekday", "5" },
	{ "julian: days since 1858-11-17", LEAP, NULL, "julian", "51603" },
	{ "a part's name has no case", RFC5322, NULL, "ISO8601", "1997-11-21T09:55:06-06:00" },

	{ "julian: its first day", "17 Nov 1858 00:00:00 +0000", NULL, "julian", "0" },
	{ "julian: before 1970", "31 Dec 1969 23:59:59 +0000", NULL, "julian", "40586" },
	{ "weekday: before 1970", "31 Dec 1969 23:59:59 +0000", NULL, "weekday", "3" },
	{ "weekday: Sunday is 0", "1 Mar 2026 12:00:00 +0000", NULL, "weekday", "0" },
	{ "weekday: the date counts, not the name", "Mon, 1 Mar 2026 12:00:00 +0000", NULL,
	  "weekday", "0" },

	{ "zone: to the next day", LEAP, "+0100", "date", "2000-03-01" },
	{ "zone: ... at half past midnight", LEAP, "+0100", "time", "00:30:00" },
	{ "zone: ... which is a Wednesday", LEAP, "+0100", "weekday", "3" },
	{ "zone: to the day before", "1 Mar 2026 00:30:00 +0900", "+0000", "date", "2026-02-28" },
	{ "zone: to the year before", "1 Jan 2000 00:00:00 +0530", "+0000", "iso8601",
	  "1999-12-31T18:30:00Z" },
	{ "zone: half hours", RFC5322, "+0530", "std11", "Fri, 21 Nov 1997 21:25:06 +0530" },
	{ "zone: west, with minutes", LEAP, "-0330", "iso8601", "2000-02-29T20:00:00-03:30" },
	{ "zone: by name", "21 Nov 1997 09:55:06 EDT", NULL, "zone", "-0400" },
	{ "zone: PST", "21 Nov 1997 09:55:06 PST", "+0000", "time", "17:55:06" },
	{ "zone: GMT", "21 Nov 1997 09:55:06 GMT", NULL, "zone", "+0000" },
	{ "zone: UT", "21 Nov 1997 09:55:06 UT", NULL, "zone", "+0000" },
	{ "zone: a military one says nothing", "21 Nov 1997 09:55:06 A", "+0000", "time",
	  "09:55:06" },
	{ "zone: a wrong one makes no date", "21 Nov 1997 09:55:06 +0960", NULL, "zone", NULL },

	{ "behind the last semicolon", "from a by b; x; 21 Nov 1997 09:55:06 -0600", NULL, "date",
	  "1997-11-21" },
	{ "a semicolon in a comment is none", "21 Nov 1997 09:55:06 -0600 (a; b)", NULL, "date",
	  "1997-11-21" },
	{ "RFC 5322 A.5: comments and folds",
	  "Thu,\r\n 13\r\n Feb\r\n 1969\r\n 23:32\r\n "
	  "-0330 (Newfoundland Time)",
	  NULL, "iso8601", "1969-02-13T23:32:00-03:30" },
	{ "RFC 5322 A.6.2: a year of two digits", "21 Nov 97 09:55:06 GMT", NULL, "year", "1997" },
	{ "RFC 5322 4.3: 49 is 2049", "21 Nov 49 09:55:06 GMT", NULL, "year", "2049" },
	{ "RFC 5322 4.3: 50 is 1950", "21 Nov 50 09:55:06 GMT", NULL, "year", "1950" },
	{ "RFC 5322 4.3: three digits", "21 Nov 100 09:55:06 GMT", NULL, "year", "2000" },
	{ "a day of one digit", "1 Nov 1997 09:55:06 GMT", NULL, "day", "01" },
	{ "no seconds", "21 Nov 1997 09:55 GMT", NULL, "second", "00" },
	{ "a leap second", "31 Dec 1998 23:59:60 +0000", NULL, "julian", "51179" },
	{ "29 February of a leap year", LEAP, NULL, "day", "29" },

	{ "29 February of 1900", "29 Feb 1900 12:00:00 +0000", NULL, "day", NULL },
	{ "29 February of 1999", "29 Feb 1999 12:00:00 +0000", NULL, "day", NULL },
	{ "32 January", "32 Jan 2000 12:00:00 +0000", NULL, "day", NULL },
	{ "day 0", "0 Jan 2000 12:00:00 +0000", NULL, "day", NULL },
	{ "31 April", "31 Apr 2000 12:00:00 +0000", NULL, "day", NULL },
	{ "hour 24", "1 Jan 2000 24:00:00 +0000", NULL, "day", NULL },
	{ "minute 60", "1 Jan 2000 12:60:00 +0000", NULL, "day", NULL },
	{ "second 61", "1 Jan 2000 12:00:61 +0000", NULL, "day", NULL },
	{ "a month that is none", "1 Foo 2000 12:00:00 +0000", NULL, "day", NULL },
	{ "no time", "1 Jan 2000", NULL, "day", NULL },
	{ "no text", "", NULL, "day", NULL },
	{ "another order", "2000-01-01 12:00:00", NULL, "day", NULL },
};

static void
test_part(void **state)
{
	const Row *row = *state;
	SieveDate date = { 9999, 99 };
	bool is_date = sieve_date_parse(text_of(row->field), &date);

	assert_int_equal(is_date, row->want != NULL);
	if (!is_date) {
		assert_int_equal(date.seconds, 9999);
		return;
	}

	if (row->zone != NULL)
		assert_true(sieve_date_parse_zone(text_of(row->zone), &date.offset));
	assert_true(sieve_date_has_part(text_of(row->part)));
	g_autofree char *part = sieve_date_part(&date, text_of(row->part));
	assert_string_equal(part, row->want);
}

typedef struct {
	const char *name;
	const char *zone;
	int minutes; /* 9999: it is none */
} ZoneRow;

static const ZoneRow zone_rows[] = {
	{ "east", "+0900", 540 },
	{ "west", "-0330", -210 },
	{ "UTC", "+0000", 0 },
	{ "the biggest", "+2359", 1439 },
	{ "no sign", "0900", 9999 },
	{ "three digits", "+900", 9999 },
	{ "five digits", "+09000", 9999 },
	{ "a colon", "+09:0", 9999 },
	{ "minute 60", "+0060", 9999 },
	{ "hour 24", "+2400", 9999 },
	{ "a name", "GMT", 9999 },
	{ "nothing", "", 9999 },
};

static void
test_zone(void **state)
{
	const ZoneRow *row = *state;
	int minutes = 9999;

	assert_int_equal(sieve_date_parse_zone(text_of(row->zone), &minutes), row->minutes != 9999);
	assert_int_equal(minutes, row->minutes);
}

static void
test_no_part(void **state)
{
	(void) state;
	SieveDate date = { 0, 0 };

	assert_false(sieve_date_has_part(text_of("century")));
	assert_false(sieve_date_has_part(text_of("")));
	assert_false(sieve_date_has_part(text_of("yea")));
	assert_null(sieve_date_part(&date, text_of("century")));
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + G_N_ELEMENTS(zone_rows) + 1];
	size_t n = 0;

	UNIT_ROWS(tests, n, rows, test_part);
	UNIT_ROWS(tests, n, zone_rows, test_zone);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_no_part);

	return _cmocka_run_group_tests("sieve-date", tests, n, NULL, NULL);
}

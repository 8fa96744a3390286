/* SPDX-License-Identifier: MIT */
/* when: one form after the other. */
#include "agent/cmd/when.h"

#include <stdio.h>
#include <string.h>

enum { MINUTE = 60, HOUR = 3600, DAY = 86400, WEEK = 604800, YEAR_1900 = 1900, YEAR_LAST = 9999 };

static bool
parse_ago(const char *text, gint64 now_us, gint64 *ret_us)
{
	static const struct {
		char letter;
		gint64 seconds;
	} units[] = { { 's', 1 }, { 'm', MINUTE }, { 'h', HOUR }, { 'd', DAY }, { 'w', WEEK } };
	char *end = NULL;
	guint64 count = g_ascii_strtoull(text, &end, 10);
	if (!g_ascii_isdigit(*text) || end == text || end[0] == '\0' || end[1] != '\0' ||
	    count > G_MAXINT32)
		return false;

	for (size_t i = 0; i < G_N_ELEMENTS(units); i++)
		if (units[i].letter == *end) {
			*ret_us = now_us - (gint64) count * units[i].seconds * G_USEC_PER_SEC;
			return true;
		}
	return false;
}

static bool
take(GDateTime *taken, gint64 *ret_us)
{
	if (taken == NULL)
		return false;
	*ret_us = g_date_time_to_unix(taken) * G_USEC_PER_SEC;
	g_date_time_unref(taken);
	return true;
}

/* The day of `now` in local time, `back` days before, at that time. */
static bool
on_day(gint64 now_us, int back, int hour, int minute, int second, gint64 *ret_us)
{
	g_autoptr(GDateTime) now = g_date_time_new_from_unix_local(now_us / G_USEC_PER_SEC),
			     day = g_date_time_add_days(now, -back);
	return take(g_date_time_new_local(g_date_time_get_year(day), g_date_time_get_month(day),
	                                  g_date_time_get_day_of_month(day), hour, minute, second),
	            ret_us);
}

/* "09:15" or "09:15:30", and nothing behind it but perhaps a Z. */
static bool
parse_clock(const char *text, int *hour, int *minute, int *second, bool *is_utc)
{
	int used = 0;

	*second = 0;
	if (sscanf(text, "%2d:%2d%n", hour, minute, &used) != 2)
		return false;
	text += used;
	if (*text == ':') {
		if (sscanf(text, ":%2d%n", second, &used) != 1)
			return false;
		text += used;
	}

	*is_utc = strcmp(text, "Z") == 0;
	return *is_utc || *text == '\0';
}

static bool
parse_date(const char *text, gint64 *ret_us)
{
	int year, month, day, used = 0, hour = 0, minute = 0, second = 0;
	bool is_utc = false;

	if (sscanf(text, "%4d-%2d-%2d%n", &year, &month, &day, &used) != 3 || year < YEAR_1900 ||
	    year > YEAR_LAST)
		return false;
	text += used;
	if (*text != '\0' && ((*text != ' ' && *text != 'T') ||
	                      !parse_clock(text + 1, &hour, &minute, &second, &is_utc)))
		return false;

	return take(is_utc ? g_date_time_new_utc(year, month, day, hour, minute, second)
	                   : g_date_time_new_local(year, month, day, hour, minute, second),
	            ret_us);
}

bool
when_parse(const char *text, gint64 now_us, gint64 *ret_us)
{
	int hour, minute, second;
	bool is_utc = false;
	gint64 seconds;

	if (text[0] == '@') {
		if (!g_ascii_string_to_signed(text + 1, 10, 0, G_MAXINT32 * (gint64) 1000, &seconds,
		                              NULL))
			return false;
		*ret_us = seconds * G_USEC_PER_SEC;
		return true;
	}

	if (strcmp(text, "today") == 0)
		return on_day(now_us, 0, 0, 0, 0, ret_us);
	if (strcmp(text, "yesterday") == 0)
		return on_day(now_us, 1, 0, 0, 0, ret_us);
	if (parse_ago(text, now_us, ret_us) || parse_date(text, ret_us))
		return true;

	return parse_clock(text, &hour, &minute, &second, &is_utc) && !is_utc &&
	       on_day(now_us, 0, hour, minute, second, ret_us);
}

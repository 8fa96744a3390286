/* SPDX-License-Identifier: MIT */
/*
 * sieve-date: a scanner over words, and the calendar by arithmetic: no locale, no time zone files.
 */
#define _GNU_SOURCE
#include "filters/sieve/run/sieve-date.h"

#include "agent/base/blank.h"
#include "agent/message/address.h"
#include "filters/sieve/lang/sieve-compare.h"

#include <string.h>

static const char *const months[] = { "January",   "February", "March",    "April",
	                              "May",       "June",     "July",     "August",
	                              "September", "October",  "November", "December" };
static const char *const weekdays[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };

/* RFC 5322 4.3: zones by name; others are "-0000". */
static const struct {
	const char *name;
	int hours;
} zones[] = {
	{ "EDT", -4 }, { "EST", -5 }, { "CDT", -5 }, { "CST", -6 },
	{ "MDT", -6 }, { "MST", -7 }, { "PDT", -7 }, { "PST", -8 },
};

/* A point of the calendar. */
typedef struct {
	gint64 year;
	int month; /* 1 to 12 */
	int day;
	int hour;
	int minute;
	int second;
	int weekday;
	gint64 julian;
} Calendar;

/*
 * Days from 1970-01-01 to a date of the Gregorian calendar; years begin in March here, so that leap
 * days come last.
 */
static gint64
days_of(gint64 year, int month, int day)
{
	year -= month <= 2;
	gint64 era = (year >= 0 ? year : year - 399) / 400;
	gint64 of_era = year - era * 400;
	gint64 of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static Calendar
calendar_of(const SieveDate *date)
{
	gint64 local = date->seconds + date->offset * 60;
	gint64 days = local / 86400 - (local % 86400 < 0), left = local - days * 86400;
	gint64 shifted = days + 719468, era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	gint64 of_era = shifted - era * 146097;
	gint64 year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	gint64 of_year = of_era - (365 * year + year / 4 - year / 100);
	int month = (int) ((5 * of_year + 2) / 153);
	Calendar calendar = {
		.month = month < 10 ? month + 3 : month - 9,
		.day = (int) (of_year - (153 * month + 2) / 5 + 1),
		.hour = (int) (left / 3600),
		.minute = (int) (left / 60 % 60),
		.second = (int) (left % 60),
		.weekday = (int) (((days + 4) % 7 + 7) % 7),
		.julian = days + 40587,
	};

	calendar.year = year + era * 400 + (calendar.month <= 2);
	return calendar;
}

static int
days_in_month(gint64 year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return month == 2 && leap ? 29 : days[month - 1];
}

/* The text without comments, NUL-terminated: blanks stand for them. */
static char *
drop_comments(SieveText text)
{
	g_autofree char *copy = g_strndup(text.data, text.len);
	GString *out = g_string_sized_new(text.len);

	for (const char *c = copy; *c != '\0';) {
		if (*c == '(') {
			c = address_skip_comment(c);
			g_string_append_c(out, ' ');
		} else {
			g_string_append_c(out, *c++);
		}
	}

	return g_string_free(out, FALSE);
}

/* A number of `least` to `most` digits. */
static bool
take_number(const char **at, int least, int most, int *ret_value)
{
	int n = 0, value = 0;

	*at = blank_skip_lines(*at);
	for (; g_ascii_isdigit(**at) && n < most; n++, (*at)++)
		value = value * 10 + (**at - '0');
	if (n < least || g_ascii_isdigit(**at))
		return false;

	*ret_value = value;
	return true;
}

static bool
take_sign(const char **at, char sign)
{
	*at = blank_skip_lines(*at);
	if (**at != sign)
		return false;
	(*at)++;
	return true;
}

/* The name of the day says nothing that the date does not, in whatever language it is. */
static void
skip_weekday(const char **at)
{
	*at = blank_skip_lines(*at);
	while (g_ascii_isalpha(**at) || **at == '.' || (guchar) * *at >= 0x80)
		(*at)++;
	(void) take_sign(at, ',');
}

/* "Dec", "December" and what lies between ("Sept"), with or without hyphens around it. */
static bool
take_month(const char **at, int *ret_month)
{
	(void) take_sign(at, '-');
	*at = blank_skip_lines(*at);
	size_t len = 0;
	while (g_ascii_isalpha((*at)[len]))
		len++;

	for (int i = 0; i < 12; i++) {
		if (len < 3 || len > strlen(months[i]) ||
		    g_ascii_strncasecmp(*at, months[i], len) != 0)
			continue;
		*at += len;
		*ret_month = i + 1;
		return true;
	}

	return false;
}

/* RFC 5322 4.3: years of two and three digits. */
static bool
take_year(const char **at, gint64 *ret_year)
{
	int year;

	(void) take_sign(at, '.');
	(void) take_sign(at, '-');
	*at = blank_skip_lines(*at);

	const char *start = *at;
	if (!take_number(at, 2, 4, &year))
		return false;

	ptrdiff_t digits = *at - start;
	*ret_year = digits == 4 ? year : digits == 3 || year >= 50 ? 1900 + year : 2000 + year;
	return true;
}

static bool
take_time(const char **at, Calendar *calendar)
{
	if (!take_number(at, 1, 2, &calendar->hour))
		return false;
	char sign = **at == '.' ? '.' : ':'; /* some programs write 13.30.57 */
	if (!take_sign(at, sign) || !take_number(at, 2, 2, &calendar->minute))
		return false;

	return !take_sign(at, sign) || take_number(at, 2, 2, &calendar->second);
}

bool
sieve_date_parse_zone(SieveText text, int *ret_offset)
{
	if (text.len != 5 || (text.data[0] != '+' && text.data[0] != '-'))
		return false;
	int value = 0;
	for (size_t i = 1; i < 5; i++) {
		if (!g_ascii_isdigit(text.data[i]))
			return false;
		value = value * 10 + (text.data[i] - '0');
	}

	if (value % 100 > 59 || value / 100 > 23)
		return false;
	int minutes = value / 100 * 60 + value % 100;
	*ret_offset = text.data[0] == '-' ? -minutes : minutes;

	return true;
}

/* What programs write for "+0900" besides: "+900", "+09:00", "+9", "GMT+0900". */
static bool
parse_written_zone(SieveText word, int *ret_offset)
{
	char digits[6] = { word.data[0], '0', '0', '0', '0', '\0' };
	size_t colon = 0, n = 0;
	char found[4];

	for (size_t i = 1; i < word.len; i++) {
		bool is_colon = word.data[i] == ':' && colon == 0 && n > 0;
		if (!is_colon && (n == sizeof found || !g_ascii_isdigit(word.data[i])))
			return false;
		if (is_colon)
			colon = n;
		else
			found[n++] = word.data[i];
	}

	size_t hours = colon > 0 ? colon : n <= 2 ? n : n - 2;
	if (n == 0 || hours > 2 || (n != hours && n - hours != 2))
		return false;

	memcpy(digits + 3 - hours, found, hours);
	memcpy(digits + 3, found + hours, n - hours);
	return sieve_date_parse_zone((SieveText){ digits, 5 }, ret_offset);
}

/* A zone in digits, by name, or none, which is taken for UTC. */
static bool
take_zone(const char **at, int *ret_offset)
{
	*at = blank_skip_lines(*at);
	size_t len = strcspn(*at, " \t\r\n");
	SieveText word = { *at, len };
	*at += len;
	*ret_offset = 0;

	bool universal = len > 3 && (g_ascii_strncasecmp(word.data, "GMT", 3) == 0 ||
	                             g_ascii_strncasecmp(word.data, "UTC", 3) == 0);
	if (universal)
		word = (SieveText){ word.data + 3, len - 3 };
	if (word.len > 0 && (word.data[0] == '+' || word.data[0] == '-'))
		return parse_written_zone(word, ret_offset);

	for (size_t i = 0; i < G_N_ELEMENTS(zones); i++)
		if (sieve_text_is(word, zones[i].name))
			*ret_offset = zones[i].hours * 60;
	return true;
}

static bool
is_of_calendar(const Calendar *calendar)
{
	return calendar->day >= 1 &&
	       calendar->day <= days_in_month(calendar->year, calendar->month) &&
	       calendar->hour < 24 && calendar->minute < 60 && calendar->second <= 60;
}

static bool
parse(const char *at, SieveDate *ret_date)
{
	Calendar calendar = { 0 };
	int offset;

	skip_weekday(&at);
	if (!take_number(&at, 1, 2, &calendar.day) || !take_month(&at, &calendar.month) ||
	    !take_year(&at, &calendar.year))
		return false;
	if (!take_time(&at, &calendar) || !take_zone(&at, &offset) || !is_of_calendar(&calendar))
		return false;

	gint64 local = days_of(calendar.year, calendar.month, calendar.day) * 86400 +
	               calendar.hour * 3600 + calendar.minute * 60;
	*ret_date = (SieveDate){ local + calendar.second - offset * 60, offset };
	return true;
}

bool
sieve_date_parse(SieveText text, SieveDate *ret_date)
{
	if (text.len == 0 || text.len > G_MAXINT16)
		return false;
	g_autofree char *plain = drop_comments(text);
	const char *last = strrchr(plain, ';');
	if (parse(last != NULL ? last + 1 : plain, ret_date))
		return true;

	/* A comment that somebody left open hides the rest of a Received field, the date too. */
	const char *written = memrchr(text.data, ';', text.len);
	if (written == NULL)
		return false;

	SieveText rest = { written + 1, text.len - (size_t) (written + 1 - text.data) };
	g_autofree char *behind = drop_comments(rest);
	return parse(behind, ret_date);
}

static char *
print_zone(int offset, const char *separator)
{
	int minutes = ABS(offset);
	return g_strdup_printf("%c%02d%s%02d", offset < 0 ? '-' : '+', minutes / 60, separator,
	                       minutes % 60);
}

static char *
print_iso8601(const SieveDate *date, const Calendar *c)
{
	g_autofree char *zone = date->offset == 0 ? g_strdup("Z") : print_zone(date->offset, ":");
	return g_strdup_printf("%04d-%02d-%02dT%02d:%02d:%02d%s", (int) c->year, c->month, c->day,
	                       c->hour, c->minute, c->second, zone);
}

static char *
print_std11(const SieveDate *date, const Calendar *c)
{
	g_autofree char *zone = print_zone(date->offset, "");
	return g_strdup_printf("%s, %02d %.3s %04d %02d:%02d:%02d %s", weekdays[c->weekday], c->day,
	                       months[c->month - 1], (int) c->year, c->hour, c->minute, c->second,
	                       zone);
}

typedef enum {
	PART_YEAR,
	PART_MONTH,
	PART_DAY,
	PART_DATE,
	PART_JULIAN,
	PART_HOUR,
	PART_MINUTE,
	PART_SECOND,
	PART_TIME,
	PART_ISO8601,
	PART_STD11,
	PART_ZONE,
	PART_WEEKDAY,
	PART_COUNT
} Part;

static const char *const parts[PART_COUNT] = { "year",  "month",  "day",    "date", "julian",
	                                       "hour",  "minute", "second", "time", "iso8601",
	                                       "std11", "zone",   "weekday" };

static Part
find_part(SieveText name)
{
	Part part = 0;
	while (part < PART_COUNT && !sieve_text_is(name, parts[part]))
		part++;
	return part;
}

bool
sieve_date_has_part(SieveText name)
{
	return find_part(name) != PART_COUNT;
}

char *
sieve_date_part(const SieveDate *date, SieveText name)
{
	Calendar c = calendar_of(date);
	switch (find_part(name)) {
	case PART_YEAR:
		return g_strdup_printf("%04d", (int) c.year);
	case PART_MONTH:
		return g_strdup_printf("%02d", c.month);
	case PART_DAY:
		return g_strdup_printf("%02d", c.day);
	case PART_DATE:
		return g_strdup_printf("%04d-%02d-%02d", (int) c.year, c.month, c.day);
	case PART_JULIAN:
		return g_strdup_printf("%" G_GINT64_FORMAT, c.julian);
	case PART_HOUR:
		return g_strdup_printf("%02d", c.hour);
	case PART_MINUTE:
		return g_strdup_printf("%02d", c.minute);
	case PART_SECOND:
		return g_strdup_printf("%02d", c.second);
	case PART_TIME:
		return g_strdup_printf("%02d:%02d:%02d", c.hour, c.minute, c.second);
	case PART_ISO8601:
		return print_iso8601(date, &c);
	case PART_STD11:
		return print_std11(date, &c);
	case PART_ZONE:
		return print_zone(date->offset, "");
	case PART_WEEKDAY:
		return g_strdup_printf("%d", c.weekday);
	default:
		return NULL;
	}
}

/* SPDX-License-Identifier: MIT */
/*
 * date: RFC 5260 4 and 5, complete: date and currentdate. The local zone is the offset that the
 * agent gives. A date without zone is taken for UTC.
 */
#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/lang/sieve-text.h"
#include "filters/sieve/run/sieve-date.h"
#include "filters/sieve/run/sieve-match.h"
#include "filters/sieve/run/sieve-run.h"

#include <string.h>

static bool
check_zone(SieveCheck *check, SieveCall *call, SieveTag *tag)
{
	(void) call;
	const SieveString *zone = &tag->value->strings[0];
	int offset;
	if (zone->template != NULL || sieve_date_parse_zone(zone->text, &offset))
		return true;

	return sieve_check_error(check, zone->span, "bad-zone", "such as \"+0900\"",
	                         "\"%.*s\" is not a time zone", (int) zone->text.len,
	                         zone->text.data);
}

static bool
check_part(SieveCheck *check, const SieveString *part)
{
	if (part->template != NULL || sieve_date_has_part(part->text))
		return true;
	return sieve_check_error(
		check, part->span, "unknown-date-part",
		"year, month, day, date, julian, hour, minute, second, time, iso8601, std11, zone, "
		"weekday",
		"unknown part of a date \"%.*s\"", (int) part->text.len, part->text.data);
}

static bool
check_date(SieveCheck *check, SieveCall *call)
{
	return check_part(check, &call->positional[1]->strings[0]);
}

static bool
check_currentdate(SieveCheck *check, SieveCall *call)
{
	return check_part(check, &call->positional[0]->strings[0]);
}

/* Shift to the zone that the test asks for. A zone that variables made wrong is a fault. */
static bool
shift(SieveRun *run, const SieveCall *call, SieveDate *date)
{
	const SieveTag *zone = sieve_call_tag(call, "zone");
	if (sieve_call_tag(call, "originalzone") != NULL)
		return true;

	date->offset = filter_utc_offset(run->env);
	if (zone == NULL)
		return true;

	SieveText text = sieve_run_text(run, &zone->value->strings[0]);
	if (sieve_date_parse_zone(text, &date->offset))
		return true;

	return sieve_run_fail(run, call, STATUS_SCRIPT, "\"%.*s\" is not a time zone",
	                      sieve_text_shown(text, 100), text.data);
}

/* Hold the part of the date (NULL: there is none) against the keys. */
static bool
match_part(SieveRun *run, const SieveCall *call, SieveDate *date, const SieveString *part,
           bool *ret_result)
{
	SieveMatch match;
	if (!sieve_match_begin(&match, run, call))
		return false;

	if (date != NULL) {
		if (!shift(run, call, date))
			return false;
		g_autofree char *value = sieve_date_part(date, sieve_run_text(run, part));
		if (value != NULL && !sieve_match_add(&match, (SieveText){ value, strlen(value) }))
			return false;
	}

	return sieve_match_end(&match, ret_result);
}

/* Only the first field counts, or the one that :index names. */
static bool
test_date(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	size_t n;
	SieveDate date;
	const guint *fields = sieve_run_fields(run, call, &call->positional[0]->strings[0], &n);
	bool found = n > 0 && sieve_date_parse(sieve_run_field_value(run, fields[0]), &date);

	return match_part(run, call, found ? &date : NULL, &call->positional[1]->strings[0],
	                  ret_result);
}

static bool
test_currentdate(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	SieveDate now = { run->env->now, filter_utc_offset(run->env) };
	return match_part(run, call, &now, &call->positional[0]->strings[0], ret_result);
}

static const SieveTagDef date_tags[] = {
	{ .name = "zone", .value = SIEVE_STRING, .group = "zone", .check = check_zone },
	{ .name = "originalzone", .group = "zone" },
	{ .name = NULL }
};

static const SieveTagDef currentdate_tags[] = {
	{ .name = "zone", .value = SIEVE_STRING, .group = "zone", .check = check_zone },
	{ .name = NULL }
};

static const SieveCallDef tests[] = { { .name = "date",
	                                .positional = { SIEVE_STRING | SIEVE_HEADER, SIEVE_STRING,
	                                                SIEVE_STRINGS },
	                                .flags = SIEVE_USES_MATCH,
	                                .tags = date_tags,
	                                .check = check_date,
	                                .test = test_date },
	                              { .name = "currentdate",
	                                .positional = { SIEVE_STRING, SIEVE_STRINGS },
	                                .flags = SIEVE_USES_MATCH,
	                                .tags = currentdate_tags,
	                                .check = check_currentdate,
	                                .test = test_currentdate },
	                              { .name = NULL } };

const SieveExt sieve_ext_date = { .capability = "date", .rfc = "RFC 5260", .tests = tests };

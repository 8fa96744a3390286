/* SPDX-License-Identifier: MIT */
/* stats-print: counts for people, on a terminal with bars, and as JSON. */
#ifndef TODOKE_STATS_PRINT_H
#define TODOKE_STATS_PRINT_H

#include "agent/cmd/stats-count.h"

#include <jansson.h>

/* How much is shown. */
typedef struct {
	guint64 top;   /* rows of a table */
	bool has_bars; /* a terminal reads it */
} StatsStyle;

/*
 * A name out of a record as one line that any terminal can show: what is not printable becomes '?'.
 * Caller frees.
 */
char *stats_print_name(const char *name);

/* A time as people read it, in local time; 0 is "-". Caller frees. */
char *stats_print_time(gint64 time_us);

/* The words for a result, and for a bucket of delays (caller frees). */
const char *stats_print_result(MetricsResult result);
char *stats_print_bucket(unsigned bucket);

/* How many decisions of which time are counted. Caller frees. */
char *stats_print_about(const Stats *stats);

/* What stands behind the name of a row: " (last TIME)", or nothing. Caller frees. */
char *stats_print_more(const StatsRow *row, bool has_time);

/* Print on stdout. */
void stats_print(const Stats *stats, const StatsStyle *style);

/* The schema todoke.stats/1; all rows. Caller owns the reference. */
json_t *stats_print_json(const Stats *stats);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * stats-count: the record counted: how deliveries ended and why, where mail went, by which rule,
 * from which domains, and how long it took.
 *
 * Whatever a record holds, memory is bounded: results are fixed tables, and of names (folders,
 * rules, domains) the first LIMIT_STATS_NAMES different ones of a kind are kept; the rest is
 * counted together.
 */
#ifndef TODOKE_STATS_COUNT_H
#define TODOKE_STATS_COUNT_H

#include "agent/base/metrics.h"

#include <glib.h>
#include <stdbool.h>

/* What is known of a name. */
typedef struct {
	char *name;
	guint64 count;
	guint64 bytes;  /* of a folder: octets that were stored */
	gint64 last_us; /* newest time, microseconds since 1970; 0: not known */
} StatsRow;

/* Names of one kind. */
typedef struct {
	GHashTable *rows; /* name to StatsRow, which it owns */
	guint64 left_out; /* hits of names for which there was no room */
} StatsTable;

typedef struct {
	/* what is counted: from `since_us` (0: the beginning) to before `until_us` (0: the end) */
	gint64 since_us, until_us;

	guint64 records;
	gint64 first_us, last_us; /* 0: no record told its time */
	MetricsDeliveries results;
	StatsTable folders;
	StatsTable rules; /* "FILE:LINE"; once a decision */
	StatsTable domains;
	StatsTable known; /* rules that scripts have, fired or not: stats_add_script */
	MetricsDelays delays;
	guint64 n_delays;
} Stats;

void stats_init(Stats *stats);
void stats_clear(Stats *stats);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Stats, stats_clear)

/* Count one line of a record; a RecordReaderVisit. Lines of another time are left out. */
bool stats_add_line(void *stats, const char *text, size_t len);

/*
 * Learn which rules a script has, so that those that never fired are known: the actions of a Sieve
 * script, the recipes with a folder or an address. What cannot be read
 * or parsed, or has more than `max_bytes`, adds nothing.
 */
void stats_add_script(Stats *stats, const char *path, bool is_recipes, size_t max_bytes);

/* Sums of results: [result], and over all doors [result][reason]. */
guint64 stats_result_count(const Stats *stats, MetricsResult result);
guint64 stats_reason_count(const Stats *stats, MetricsResult result, unsigned reason);

/*
 * The rows (StatsRow, borrowed) of a table, those with the highest count first. Caller frees the
 * array.
 */
GPtrArray *stats_table_sorted(const StatsTable *table);

/*
 * Rules of scripts that did not fire (StatsRow, borrowed), by name. NULL: not known, as there were
 * more rules than are kept. Caller frees the array.
 */
GPtrArray *stats_unused_rules(const Stats *stats);

#endif

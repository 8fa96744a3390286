/* SPDX-License-Identifier: MIT */
/* stats-prometheus: metrics written, and the earlier ones read back. */
#define _GNU_SOURCE
#include "agent/cmd/stats-prometheus.h"

#include "agent/base/fs.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Octets of our file: all label values together make some 800 lines. */
enum { FILE_BYTES = 1024 * 1024 };

#define UNTIL "todoke_stats_until_timestamp_seconds"

static const char first_line[] = "# HELP " METRICS_DELIVERIES " " METRICS_DELIVERIES_HELP "\n";

char *
stats_prometheus_text(const Stats *stats, gint64 until_us)
{
	GString *out = g_string_new(NULL);

	metrics_append_deliveries(out, METRICS_FORM_FILE, stats->results, 0);
	metrics_append_delays(out, METRICS_FORM_FILE, &stats->delays);
	metrics_append_head(out, METRICS_FORM_FILE, METRICS_GAUGE, UNTIL,
	                    "Up to which time decisions are counted.");
	g_string_append_printf(out, UNTIL " %" G_GINT64_FORMAT "\n", until_us / G_USEC_PER_SEC);
	return g_string_free(out, FALSE);
}

static unsigned
find_result(const char *name)
{
	unsigned i = 0;
	while (i < METRICS_STRANGE && strcmp(metrics_result_name(i), name) != 0)
		i++;
	return i;
}

static unsigned
find_door(const char *name)
{
	unsigned i = 0;
	while (i < METRICS_OTHER_DOOR && strcmp(metrics_door_name(i), name) != 0)
		i++;
	return i;
}

/* What was read, before all of it is known to be good. */
typedef struct {
	guint64 cumulated[METRICS_BUCKETS];
	gint64 until_s;
	bool has_until;
} Earlier;

static bool
read_bucket(const char *line, Earlier *earlier)
{
	for (unsigned i = 0; i < METRICS_BUCKETS; i++) {
		g_autofree char *head = g_strdup_printf(METRICS_SECONDS "_bucket{le=\"%s\"} ",
		                                        metrics_bucket_name(i));
		if (g_str_has_prefix(line, head))
			return g_ascii_string_to_unsigned(line + strlen(head), 10, 0, G_MAXINT64,
			                                  &earlier->cumulated[i], NULL);
	}
	return false;
}

static bool
read_delivery(const char *line, Stats *stats)
{
	char result[16], reason[40], door[16];
	int at = 0;
	guint64 count;

	if (sscanf(line,
	           METRICS_DELIVERIES
	           "{result=\"%15[a-z]\",reason=\"%39[a-z0-9-]\",door=\"%15[a-z]\"} %n",
	           result, reason, door, &at) != 3 ||
	    at == 0 || !g_ascii_string_to_unsigned(line + at, 10, 0, G_MAXINT64, &count, NULL))
		return false;

	stats->results[find_result(result)][status_find_name(reason)][find_door(door)] += count;
	return true;
}

static bool
read_line(const char *line, Stats *stats, Earlier *earlier)
{
	guint64 until;

	if (*line == '#' || *line == '\0' || g_str_has_prefix(line, METRICS_SECONDS "_count "))
		return true;
	if (g_str_has_prefix(line, METRICS_DELIVERIES "{"))
		return read_delivery(line, stats);
	if (g_str_has_prefix(line, METRICS_SECONDS "_bucket"))
		return read_bucket(line, earlier);
	if (g_str_has_prefix(line, METRICS_SECONDS "_sum ")) {
		double sum = g_ascii_strtod(line + strlen(METRICS_SECONDS "_sum "), NULL);
		stats->delays.sum += sum > 0 ? sum : 0;
		return true;
	}

	earlier->has_until = g_str_has_prefix(line, UNTIL " ") &&
	                     g_ascii_string_to_unsigned(line + strlen(UNTIL " "), 10, 0, G_MAXINT32,
	                                                &until, NULL);
	earlier->until_s = earlier->has_until ? (gint64) until : 0;
	return earlier->has_until;
}

static bool
add_buckets(Stats *stats, const Earlier *earlier)
{
	guint64 before = 0;

	for (unsigned i = 0; i < METRICS_BUCKETS; i++) {
		if (earlier->cumulated[i] < before)
			return false;
		stats->delays.counts[i] += earlier->cumulated[i] - before;
		before = earlier->cumulated[i];
	}
	stats->n_delays += before;
	return true;
}

bool
stats_prometheus_add_file(Stats *stats, const char *path, gint64 *ret_until_us, Status *st)
{
	g_autofree char *text = NULL;
	size_t len;
	Earlier earlier = { 0 };

	if (!g_file_test(path, G_FILE_TEST_EXISTS))
		return true;
	if (!fs_read_file(AT_FDCWD, path, FILE_BYTES, &text, &len, st))
		return false;

	bool is_ours = g_str_has_prefix(text, first_line) && strlen(text) == len;
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (size_t i = 0; is_ours && lines[i] != NULL; i++)
		is_ours = read_line(lines[i], stats, &earlier);
	if (!is_ours || !earlier.has_until || !add_buckets(stats, &earlier))
		return status_fail_detail(st, STATUS_CONFIG,
		                          "'%s' was not written by todoke stats: name another "
		                          "file, or remove it",
		                          path);

	*ret_until_us = earlier.until_s * G_USEC_PER_SEC;
	return true;
}

bool
stats_prometheus_write(const char *path, const char *text, Status *st)
{
	g_autoptr(GError) error = NULL;

	/* The collector is another user; root's umask often lets nobody else read. */
	mode_t before = umask(S_IWGRP | S_IWOTH);
	bool good = g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644,
	                                     &error);
	(void) umask(before);

	if (good)
		return true;
	return status_fail_detail(st, STATUS_IO, "cannot write '%s': %s", path, error->message);
}

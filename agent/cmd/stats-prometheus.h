/* SPDX-License-Identifier: MIT */
/*
 * stats-prometheus: counts in Prometheus's text format, for the text-file collector of its node
 * exporter.
 */
#ifndef TODOKE_STATS_PROMETHEUS_H
#define TODOKE_STATS_PROMETHEUS_H

#include "agent/cmd/stats-count.h"

/* The metrics, and up to which time (microseconds since 1970) they count. Caller frees. */
char *stats_prometheus_text(const Stats *stats, gint64 until_us);

/*
 * Add the metrics that `path` holds since the last time, so that counters only grow, whatever the
 * record has lost meanwhile. *ret_until_us: up to which time it counted; untouched where there is
 * no such file. Faults: those of reading; STATUS_CONFIG: the file is not one of ours.
 */
bool stats_prometheus_add_file(Stats *stats, const char *path, gint64 *ret_until_us, Status *st);

/*
 * Put the text into `path`, mode 0644 whatever the umask, in the place of what was there, at once.
 * False: `st` says why.
 */
bool stats_prometheus_write(const char *path, const char *text, Status *st);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * metrics: what is counted of deliveries, and its text for Prometheus: in the form of a text file
 * (its node exporter collects it), or as OpenMetrics over HTTP.
 *
 * Labels have few values: result, reason (a name of status-table.def, "ok" or "other") and door. No
 * address, folder or rule is one.
 */
#ifndef TODOKE_METRICS_H
#define TODOKE_METRICS_H

#include "agent/base/status.h"

#include <glib.h>

/* "sent", "deferred" and "bounced" of the record; and whatever else stands there. */
typedef enum {
	METRICS_DELIVERED,
	METRICS_DEFERRED,
	METRICS_REFUSED,
	METRICS_STRANGE
} MetricsResult;
enum { METRICS_RESULTS = METRICS_STRANGE + 1 };

/* Doors; the last is whatever else a record says. */
enum { METRICS_PIPE, METRICS_LOCAL, METRICS_LMTP, METRICS_OTHER_DOOR, METRICS_DOORS };

/* Reasons: rows of status-table.def (STATUS_OK: there was no fault), and any other text. */
enum { METRICS_REASON_OTHER = STATUS_COUNT, METRICS_REASONS };

/* Buckets of delays; the last has no upper bound. */
enum { METRICS_BUCKETS = 16 };

typedef guint64 MetricsDeliveries[METRICS_RESULTS][METRICS_REASONS][METRICS_DOORS];

/* Delays: how many in each bucket, and their sum in seconds. */
typedef struct {
	guint64 counts[METRICS_BUCKETS];
	double sum;
} MetricsDelays;

/* Names of the above, for programs: lower case, no blanks, never translated. */
const char *metrics_result_name(MetricsResult result);
const char *metrics_door_name(unsigned door);
const char *metrics_reason_name(unsigned reason);

/* The upper bound of a bucket in seconds, as text; of the last "+Inf". */
const char *metrics_bucket_name(unsigned bucket);

/* The bucket of a delay. */
unsigned metrics_bucket(double seconds);

/* What a fault makes of a delivery. STATUS_OK: METRICS_DELIVERED. */
MetricsResult metrics_result_of(StatusId id);

/* The two forms differ in the names that HELP and TYPE give to counters. */
typedef enum { METRICS_FORM_FILE, METRICS_FORM_OPEN } MetricsForm;

typedef enum { METRICS_COUNTER, METRICS_GAUGE, METRICS_HISTOGRAM } MetricsKind;

#define METRICS_DELIVERIES_NAME "todoke_deliveries"
#define METRICS_DELIVERIES METRICS_DELIVERIES_NAME "_total"
#define METRICS_DELIVERIES_HELP "Decisions about messages for a recipient."
#define METRICS_SECONDS "todoke_delivery_seconds"

/*
 * Append the lines HELP and TYPE of a metric. `name` of a counter is without "_total", which its
 * samples have.
 */
void metrics_append_head(GString *out, MetricsForm form, MetricsKind kind, const char *name,
                         const char *help);

/*
 * Append METRICS_DELIVERIES. A counter that first shows up with a value has not increased, as
 * Prometheus sees it: so what may come by a door that is in use begins at 0. Such are the doors
 * that have counts, and `doors`, a bit (1 << METRICS_LMTP) each.
 */
void metrics_append_deliveries(GString *out, MetricsForm form, const MetricsDeliveries counts,
                               unsigned doors);

/* Append METRICS_SECONDS. */
void metrics_append_delays(GString *out, MetricsForm form, const MetricsDelays *delays);

#endif

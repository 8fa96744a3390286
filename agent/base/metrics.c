/* SPDX-License-Identifier: MIT */
/* metrics: names, buckets, and lines of text. */
#include "agent/base/metrics.h"

#include <math.h>

static const char *const result_names[METRICS_RESULTS] = { "delivered", "deferred", "refused",
	                                                   "other" };
static const char *const door_names[METRICS_DOORS] = { "pipe", "local", "lmtp", "other" };
static const char *const kind_names[] = { "counter", "gauge", "histogram" };

static const struct {
	const char *name;
	double seconds;
} buckets[METRICS_BUCKETS] = {
	{ "0.001", 0.001 }, { "0.0025", 0.0025 }, { "0.005", 0.005 }, { "0.01", 0.01 },
	{ "0.025", 0.025 }, { "0.05", 0.05 },     { "0.1", 0.1 },     { "0.25", 0.25 },
	{ "0.5", 0.5 },     { "1.0", 1 },         { "2.5", 2.5 },     { "5.0", 5 },
	{ "10.0", 10 },     { "30.0", 30 },       { "60.0", 60 },     { "+Inf", HUGE_VAL },
};

const char *
metrics_result_name(MetricsResult result)
{
	return result_names[result];
}

const char *
metrics_door_name(unsigned door)
{
	return door_names[door];
}

const char *
metrics_reason_name(unsigned reason)
{
	return reason == METRICS_REASON_OTHER ? "other" : status_row((StatusId) reason)->name;
}

const char *
metrics_bucket_name(unsigned bucket)
{
	return buckets[bucket].name;
}

unsigned
metrics_bucket(double seconds)
{
	unsigned bucket = 0;
	while (bucket < METRICS_BUCKETS - 1 && seconds > buckets[bucket].seconds)
		bucket++;
	return bucket;
}

MetricsResult
metrics_result_of(StatusId id)
{
	char kind = status_row(id)->dsn[0];
	return kind == '2' ? METRICS_DELIVERED : kind == '4' ? METRICS_DEFERRED : METRICS_REFUSED;
}

void
metrics_append_head(GString *out, MetricsForm form, MetricsKind kind, const char *name,
                    const char *help)
{
	const char *tail = form == METRICS_FORM_FILE && kind == METRICS_COUNTER ? "_total" : "";
	g_string_append_printf(out, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, tail, help, name,
	                       tail, kind_names[kind]);
}

static bool
has_door(const MetricsDeliveries counts, unsigned door)
{
	for (unsigned result = 0; result < METRICS_RESULTS; result++)
		for (unsigned reason = 0; reason < METRICS_REASONS; reason++)
			if (counts[result][reason][door] > 0)
				return true;
	return false;
}

static bool
is_expected(MetricsResult result, unsigned reason)
{
	return reason != METRICS_REASON_OTHER && result == metrics_result_of((StatusId) reason);
}

static void
append_delivery(GString *out, unsigned result, unsigned reason, unsigned door, guint64 count)
{
	g_string_append_printf(out,
	                       METRICS_DELIVERIES "{result=\"%s\",reason=\"%s\",door=\"%s\"} "
	                                          "%" G_GUINT64_FORMAT "\n",
	                       metrics_result_name(result), metrics_reason_name(reason),
	                       metrics_door_name(door), count);
}

void
metrics_append_deliveries(GString *out, MetricsForm form, const MetricsDeliveries counts,
                          unsigned doors)
{
	for (unsigned door = 0; door < METRICS_DOORS; door++)
		doors |= has_door(counts, door) ? 1U << door : 0;

	metrics_append_head(out, form, METRICS_COUNTER, METRICS_DELIVERIES_NAME,
	                    METRICS_DELIVERIES_HELP);
	for (unsigned result = 0; result < METRICS_RESULTS; result++)
		for (unsigned reason = 0; reason < METRICS_REASONS; reason++)
			for (unsigned door = 0; door < METRICS_DOORS; door++) {
				guint64 count = counts[result][reason][door];
				if (count > 0 ||
				    ((doors & 1U << door) != 0 && is_expected(result, reason)))
					append_delivery(out, result, reason, door, count);
			}
}

void
metrics_append_delays(GString *out, MetricsForm form, const MetricsDelays *delays)
{
	char sum[G_ASCII_DTOSTR_BUF_SIZE];
	guint64 count = 0;

	metrics_append_head(out, form, METRICS_HISTOGRAM, METRICS_SECONDS,
	                    "Time that a delivery took, in seconds.");
	for (unsigned i = 0; i < METRICS_BUCKETS; i++) {
		count += delays->counts[i];
		g_string_append_printf(out,
		                       METRICS_SECONDS "_bucket{le=\"%s\"} %" G_GUINT64_FORMAT "\n",
		                       metrics_bucket_name(i), count);
	}
	g_string_append_printf(
		out, METRICS_SECONDS "_sum %s\n" METRICS_SECONDS "_count %" G_GUINT64_FORMAT "\n",
		g_ascii_formatd(sum, sizeof sum, "%.6f", delays->sum), count);
}

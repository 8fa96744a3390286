/* SPDX-License-Identifier: MIT */
/* lmtp-counts: atomic words in shared memory, and their text. */
#define _GNU_SOURCE
#include "agent/lmtp/lmtp-counts.h"

#include "agent/base/metrics.h"
#include "agent/base/outside.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

typedef _Atomic guint64 Count;

/* Next hops: those that outside_reach tells of when they are back. */
static const char *const hops[] = { OUTSIDE_SMTP, OUTSIDE_SENDMAIL };

enum { HOPS = G_N_ELEMENTS(hops) };

struct LmtpCounts {
	unsigned workers;
	gint64 started_us; /* since 1970 */
	Count events[LMTP_COUNTS_EVENTS];
	Count idle, busy; /* workers, now */
	Count outcomes[STATUS_COUNT];
	Count refusals[STATUS_COUNT];
	Count delays[METRICS_BUCKETS];
	Count delay_us;
	Count is_down[HOPS]; /* 1: the last mail that needed it found nobody */
	Count put_off[HOPS]; /* mails that found nobody */
	Count processes[];   /* of each worker, now */
};

static size_t
size_of(unsigned workers)
{
	return sizeof(LmtpCounts) + workers * sizeof(Count);
}

LmtpCounts *
lmtp_counts_new(unsigned workers)
{
	LmtpCounts *counts = mmap(NULL, size_of(workers), PROT_READ | PROT_WRITE,
	                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counts == MAP_FAILED)
		return NULL;

	counts->workers = workers;
	counts->started_us = g_get_real_time();
	return counts;
}

static void
add(Count *count, guint64 number)
{
	(void) atomic_fetch_add_explicit(count, number, memory_order_relaxed);
}

static void
set(Count *count, guint64 number)
{
	atomic_store_explicit(count, number, memory_order_relaxed);
}

static guint64
get(const Count *count)
{
	return atomic_load_explicit(count, memory_order_relaxed);
}

void
lmtp_counts_add(LmtpCounts *counts, LmtpCountsEvent event)
{
	if (counts != NULL)
		add(&counts->events[event], 1);
}

void
lmtp_counts_add_outcome(LmtpCounts *counts, const Status *st)
{
	if (counts != NULL)
		add(&counts->outcomes[st->id], 1);
}

void
lmtp_counts_add_refusal(LmtpCounts *counts, const Status *st)
{
	if (counts != NULL)
		add(&counts->refusals[st->id], 1);
}

/* Is it among what failed since the delivery began? */
static bool
was_down(const char *protocol)
{
	const GPtrArray *seen = outside_seen();
	for (guint i = 0; i < seen->len; i++) {
		const Outside *outside = seen->pdata[i];
		if (outside->is_down && strcmp(outside->protocol, protocol) == 0)
			return true;
	}
	return false;
}

void
lmtp_counts_add_time(LmtpCounts *counts, gint64 took_us)
{
	if (counts == NULL)
		return;

	guint64 took = (guint64) MAX(took_us, 0);
	add(&counts->delays[metrics_bucket((double) took / G_USEC_PER_SEC)], 1);
	add(&counts->delay_us, took);
}

static bool
was_reached(const char *protocol)
{
	const GPtrArray *reached = outside_reached();
	for (guint i = 0; i < reached->len; i++)
		if (strcmp(((const OutsideReached *) reached->pdata[i])->protocol, protocol) == 0)
			return true;
	return false;
}

void
lmtp_counts_add_peers(LmtpCounts *counts)
{
	if (counts == NULL)
		return;

	for (unsigned i = 0; i < HOPS; i++) {
		if (was_down(hops[i])) {
			add(&counts->put_off[i], 1);
			set(&counts->is_down[i], 1);
		} else if (was_reached(hops[i])) {
			set(&counts->is_down[i], 0);
		}
	}
}

void
lmtp_counts_set_processes(LmtpCounts *counts, unsigned slot, unsigned processes)
{
	if (counts != NULL && slot < counts->workers)
		set(&counts->processes[slot], processes);
}

void
lmtp_counts_set_workers(LmtpCounts *counts, unsigned idle, unsigned busy)
{
	if (counts == NULL)
		return;
	set(&counts->idle, idle);
	set(&counts->busy, busy);
}

void
lmtp_counts_keep(LmtpCounts *counts)
{
	if (counts != NULL)
		(void) madvise(counts, size_of(counts->workers), MADV_DONTFORK);
}

void
lmtp_counts_only_read(LmtpCounts *counts)
{
	if (counts != NULL)
		(void) mprotect(counts, size_of(counts->workers), PROT_READ);
}

void
lmtp_counts_forget(LmtpCounts *counts)
{
	if (counts != NULL)
		(void) munmap(counts, size_of(counts->workers));
}

static void
append_number(GString *out, const char *name, const char *label, const char *value, guint64 number)
{
	g_string_append(out, name);
	if (label != NULL)
		g_string_append_printf(out, "{%s=\"%s\"}", label, value);
	g_string_append_printf(out, " %" G_GUINT64_FORMAT "\n", number);
}

static void
append_deliveries(GString *out, const LmtpCounts *counts)
{
	g_autofree MetricsDeliveries *table = g_malloc0(sizeof *table);
	MetricsDelays delays = { .sum = (double) get(&counts->delay_us) / G_USEC_PER_SEC };

	for (StatusId id = 0; id < STATUS_COUNT; id++)
		(*table)[metrics_result_of(id)][id][METRICS_LMTP] = get(&counts->outcomes[id]);
	for (unsigned i = 0; i < METRICS_BUCKETS; i++)
		delays.counts[i] = get(&counts->delays[i]);

	metrics_append_deliveries(out, METRICS_FORM_OPEN, *table, 1U << METRICS_LMTP);
	metrics_append_delays(out, METRICS_FORM_OPEN, &delays);
}

static void
append_refusals(GString *out, const LmtpCounts *counts)
{
	metrics_append_head(out, METRICS_FORM_OPEN, METRICS_COUNTER, "todoke_lmtp_rcpt_refused",
	                    "Recipients that were refused or deferred at RCPT.");
	for (StatusId id = STATUS_OK + 1; id < STATUS_COUNT; id++)
		append_number(out, "todoke_lmtp_rcpt_refused_total", "reason",
		              metrics_reason_name(id), get(&counts->refusals[id]));
}

static void
append_clients(GString *out, const LmtpCounts *counts)
{
	static const char refused[] = "todoke_lmtp_clients_refused";

	metrics_append_head(out, METRICS_FORM_OPEN, METRICS_COUNTER, "todoke_lmtp_sessions",
	                    "Clients that a worker talked with.");
	append_number(out, "todoke_lmtp_sessions_total", NULL, NULL,
	              get(&counts->events[LMTP_COUNTS_SESSION]));

	metrics_append_head(out, METRICS_FORM_OPEN, METRICS_COUNTER, refused,
	                    "Clients that were sent away.");
	append_number(out, "todoke_lmtp_clients_refused_total", "reason", "busy",
	              get(&counts->events[LMTP_COUNTS_BUSY]));
	append_number(out, "todoke_lmtp_clients_refused_total", "reason", "not-allowed",
	              get(&counts->events[LMTP_COUNTS_NOT_ALLOWED]));
}

static void
append_processes(GString *out, const LmtpCounts *counts)
{
	guint64 processes = 0;
	for (unsigned i = 0; i < counts->workers; i++)
		processes += get(&counts->processes[i]);

	metrics_append_head(out, METRICS_FORM_OPEN, METRICS_GAUGE, "todoke_lmtp_workers",
	                    "Workers that wait for a client, or talk with one.");
	append_number(out, "todoke_lmtp_workers", "state", "idle", get(&counts->idle));
	append_number(out, "todoke_lmtp_workers", "state", "busy", get(&counts->busy));

	metrics_append_head(out, METRICS_FORM_OPEN, METRICS_COUNTER, "todoke_lmtp_workers_lost",
	                    "Workers that ended before they had answered their client.");
	append_number(out, "todoke_lmtp_workers_lost_total", "reason", "deadline",
	              get(&counts->events[LMTP_COUNTS_WORKER_LATE]));
	append_number(out, "todoke_lmtp_workers_lost_total", "reason", "internal",
	              get(&counts->events[LMTP_COUNTS_WORKER_LOST]));

	metrics_append_head(out, METRICS_FORM_OPEN, METRICS_GAUGE, "todoke_lmtp_delivery_processes",
	                    "Processes with the rights of a mailbox owner, of all workers.");
	append_number(out, "todoke_lmtp_delivery_processes", NULL, NULL, processes);
}

static void
append_hops(GString *out, const LmtpCounts *counts)
{
	metrics_append_head(out, METRICS_FORM_OPEN, METRICS_GAUGE, "todoke_next_hop_down",
	                    "1: the last mail that needed the next hop found nobody there.");
	for (unsigned i = 0; i < HOPS; i++)
		append_number(out, "todoke_next_hop_down", "protocol", hops[i],
		              get(&counts->is_down[i]));

	metrics_append_head(out, METRICS_FORM_OPEN, METRICS_COUNTER, "todoke_next_hop_unanswered",
	                    "Mails that needed the next hop and found nobody there.");
	for (unsigned i = 0; i < HOPS; i++)
		append_number(out, "todoke_next_hop_unanswered_total", "protocol", hops[i],
		              get(&counts->put_off[i]));
}

char *
lmtp_counts_print(const LmtpCounts *counts)
{
	GString *out = g_string_new(NULL);
	if (counts != NULL) {
		append_deliveries(out, counts);
		append_refusals(out, counts);
		append_clients(out, counts);
		append_processes(out, counts);
		append_hops(out, counts);
		metrics_append_head(out, METRICS_FORM_OPEN, METRICS_GAUGE,
		                    "todoke_lmtpd_start_timestamp_seconds",
		                    "When lmtpd began to count.");
		append_number(out, "todoke_lmtpd_start_timestamp_seconds", NULL, NULL,
		              (guint64) (counts->started_us / G_USEC_PER_SEC));
	}

	g_string_append(out, "# EOF\n");
	return g_string_free(out, FALSE);
}

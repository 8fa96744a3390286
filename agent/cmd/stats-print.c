/* SPDX-License-Identifier: MIT */
/* stats-print: tables of counts, each row with a bar where there is a terminal. */
#include "agent/cmd/stats-print.h"

#include "agent/base/words.h"
#include "agent/cmd/cmd-common.h"

#include <stdio.h>

/* Signs of the longest bar. */
enum { BAR_WIDTH = 30 };

char *
stats_print_name(const char *name)
{
	GString *out = g_string_new(NULL);

	for (const char *at = name; *at != '\0'; at = g_utf8_next_char(at)) {
		gunichar sign = g_utf8_get_char_validated(at, -1);
		if (sign == (gunichar) -1 || sign == (gunichar) -2) {
			g_string_append_c(out, '?');
			break;
		}
		if (g_unichar_isprint(sign) && g_unichar_type(sign) != G_UNICODE_FORMAT)
			g_string_append_unichar(out, sign);
		else
			g_string_append_c(out, '?');
	}

	return g_string_free(out, FALSE);
}

char *
stats_print_time(gint64 time_us)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_local(time_us / G_USEC_PER_SEC);
	return time_us == 0 || time == NULL ? g_strdup("-")
	                                    : g_date_time_format(time, "%Y-%m-%d %H:%M:%S");
}

const char *
stats_print_result(MetricsResult result)
{
	static const char *const words[METRICS_RESULTS] = { N_("delivered"), N_("deferred"),
		                                            N_("refused"), N_("not known") };
	return _(words[result]);
}

char *
stats_print_bucket(unsigned bucket)
{
	if (bucket == METRICS_BUCKETS - 1)
		return g_strdup_printf(_("longer than %s s"), metrics_bucket_name(bucket - 1));
	return g_strdup_printf(_("up to %s s"), metrics_bucket_name(bucket));
}

/* One line: the count, the bar, the name, what is said besides. */
static void
print_row(const StatsStyle *style, guint64 count, guint64 most, const char *name, const char *more)
{
	printf("%10" G_GUINT64_FORMAT "  ", count);
	if (style->has_bars) {
		double share = most > 0 ? (double) count / (double) most : 0;
		int width = (int) (share * BAR_WIDTH);
		for (int i = 0; i < BAR_WIDTH; i++)
			putchar(i < width || (i == 0 && count > 0) ? '#' : ' ');
		printf("  ");
	}

	g_autofree char *shown = stats_print_name(name);
	printf("%s%s\n", shown, more);
}

static void
print_results(const Stats *stats, const StatsStyle *style)
{
	printf("\n%s\n", _("Results"));
	for (unsigned result = 0; result < METRICS_RESULTS; result++) {
		guint64 count = stats_result_count(stats, result);
		if (count == 0 && result == METRICS_STRANGE)
			continue;
		print_row(style, count, stats->records, stats_print_result(result), "");
		for (unsigned reason = 0; reason < METRICS_REASONS; reason++) {
			guint64 part = stats_reason_count(stats, result, reason);
			g_autofree char *name = g_strdup_printf("  %s",
			                                        metrics_reason_name(reason));
			if (part > 0 && reason != STATUS_OK)
				print_row(style, part, stats->records, name, "");
		}
	}
}

char *
stats_print_more(const StatsRow *row, bool has_time)
{
	if (!has_time)
		return g_strdup("");
	g_autofree char *time = stats_print_time(row->last_us);
	return g_strdup_printf(_(" (last %s)"), time);
}

static void
print_table(const char *title, const StatsTable *table, const StatsStyle *style, bool has_time)
{
	g_autoptr(GPtrArray) rows = stats_table_sorted(table);
	const StatsRow *first = rows->len > 0 ? rows->pdata[0] : NULL;
	guint64 rest = table->left_out;

	if (first == NULL)
		return;
	printf("\n%s\n", title);
	for (guint i = 0; i < rows->len; i++) {
		const StatsRow *row = rows->pdata[i];
		g_autofree char *more = stats_print_more(row, has_time);
		if (i < style->top)
			print_row(style, row->count, first->count, row->name, more);
		else
			rest += row->count;
	}
	if (rest > 0)
		print_row(style, rest, first->count, _("(all others)"), "");
}

static void
print_unused(const Stats *stats, const StatsStyle *style)
{
	g_autoptr(GPtrArray) unused = stats_unused_rules(stats);
	if (unused == NULL || unused->len == 0)
		return;

	printf("\n%s\n", _("Rules that never fired in these records"));
	for (guint i = 0; i < unused->len && i < style->top; i++) {
		const StatsRow *row = unused->pdata[i];
		print_row(style, 0, 0, row->name, "");
	}
	if (unused->len > style->top)
		printf(_("%10s  and %u more (--top N shows more)\n"), "",
		       unused->len - (guint) style->top);
}

static void
print_delays(const Stats *stats, const StatsStyle *style)
{
	guint64 most = 0;
	if (stats->n_delays == 0)
		return;

	printf("\n%s\n", _("Time of a delivery"));
	for (unsigned i = 0; i < METRICS_BUCKETS; i++)
		most = MAX(most, stats->delays.counts[i]);
	for (unsigned i = 0; i < METRICS_BUCKETS; i++) {
		g_autofree char *name = stats_print_bucket(i);
		if (stats->delays.counts[i] > 0)
			print_row(style, stats->delays.counts[i], most, name, "");
	}
}

char *
stats_print_about(const Stats *stats)
{
	g_autofree char *first = stats_print_time(stats->first_us),
			*last = stats_print_time(stats->last_us);
	return g_strdup_printf(_("%llu decisions, from %s to %s"),
	                       (unsigned long long) stats->records, first, last);
}

void
stats_print(const Stats *stats, const StatsStyle *style)
{
	g_autofree char *about = stats_print_about(stats);
	puts(about);
	print_results(stats, style);
	print_table(_("Folders"), &stats->folders, style, false);
	print_table(_("Rules"), &stats->rules, style, true);
	print_unused(stats, style);
	print_table(_("Domains of senders"), &stats->domains, style, false);
	print_delays(stats, style);
}

static json_t *
time_json(gint64 time_us)
{
	return time_us == 0 ? json_null() : json_real((double) time_us / G_USEC_PER_SEC);
}

static json_t *
results_json(const Stats *stats)
{
	json_t *list = json_array();

	for (unsigned result = 0; result < METRICS_RESULTS; result++)
		for (unsigned reason = 0; reason < METRICS_REASONS; reason++)
			for (unsigned door = 0; door < METRICS_DOORS; door++) {
				guint64 count = stats->results[result][reason][door];
				if (count > 0)
					json_array_append_new(
						list,
						json_pack("{s:s,s:s,s:s,s:I}", "result",
					                  metrics_result_name(result), "reason",
					                  metrics_reason_name(reason), "door",
					                  metrics_door_name(door), "count",
					                  (json_int_t) count));
			}
	return list;
}

static json_t *
table_json(const StatsTable *table, const char *key)
{
	g_autoptr(GPtrArray) rows = stats_table_sorted(table);
	json_t *list = json_array();

	for (guint i = 0; i < rows->len; i++) {
		const StatsRow *row = rows->pdata[i];
		json_t *object = json_object();
		json_object_set_new(object, key, cmd_json_text(row->name));
		json_object_set_new(object, "count", json_integer((json_int_t) row->count));
		if (row->bytes > 0)
			json_object_set_new(object, "bytes", json_integer((json_int_t) row->bytes));
		json_object_set_new(object, "last", time_json(row->last_us));
		json_array_append_new(list, object);
	}

	return list;
}

static json_t *
unused_json(const Stats *stats)
{
	g_autoptr(GPtrArray) unused = stats_unused_rules(stats);
	if (unused == NULL)
		return json_null();

	json_t *list = json_array();
	for (guint i = 0; i < unused->len; i++) {
		const StatsRow *row = unused->pdata[i];
		json_array_append_new(list, cmd_json_text(row->name));
	}
	return list;
}

static json_t *
delays_json(const Stats *stats)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < METRICS_BUCKETS; i++)
		json_array_append_new(list,
		                      json_pack("{s:s,s:I}", "le", metrics_bucket_name(i), "count",
		                                (json_int_t) stats->delays.counts[i]));
	return json_pack("{s:o,s:I,s:f}", "buckets", list, "count", (json_int_t) stats->n_delays,
	                 "sum", stats->delays.sum);
}

json_t *
stats_print_json(const Stats *stats)
{
	json_t *object = json_object();

	json_object_set_new(object, "schema", json_string("todoke.stats/1"));
	json_object_set_new(object, "since", time_json(stats->since_us));
	json_object_set_new(object, "first", time_json(stats->first_us));
	json_object_set_new(object, "last", time_json(stats->last_us));
	json_object_set_new(object, "records", json_integer((json_int_t) stats->records));
	json_object_set_new(object, "results", results_json(stats));
	json_object_set_new(object, "folders", table_json(&stats->folders, "folder"));
	json_object_set_new(object, "rules", table_json(&stats->rules, "at"));
	json_object_set_new(object, "unused_rules", unused_json(stats));
	json_object_set_new(object, "domains", table_json(&stats->domains, "domain"));
	json_object_set_new(object, "delay_seconds", delays_json(stats));
	json_object_set_new(object, "left_out",
	                    json_pack("{s:I,s:I,s:I}", "folders",
	                              (json_int_t) stats->folders.left_out, "rules",
	                              (json_int_t) stats->rules.left_out, "domains",
	                              (json_int_t) stats->domains.left_out));
	return object;
}

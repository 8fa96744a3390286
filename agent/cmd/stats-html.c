/* SPDX-License-Identifier: MIT */
/* stats-html: a plot a table; each row is a bar with its name and count. */
#include "agent/cmd/stats-html.h"

#include "agent/base/words.h"
#include "agent/cmd/stats-print.h"

/* Places in a plot, in pixels; and the signs of a name that are shown. */
enum { ROW = 22, BAR_LEFT = 410, BAR_WIDTH = 380, PLOT_WIDTH = 1020, NAME_SIGNS = 56 };

static const char style_text[] =
	"body{font:15px sans-serif;max-width:60em;margin:2em auto;padding:0 1em;"
	"color:#222;background:#fff}"
	"h1{font-size:1.4em}h2{font-size:1.1em;margin:1.6em 0 .4em}"
	"svg{width:100%;height:auto}text{font:12px sans-serif;fill:#222}"
	".delivered,.plain{fill:#2f7d4f}.deferred{fill:#c98a00}.refused{fill:#b3372f}.other{fill:#777}"
	"@media(prefers-color-scheme:dark){body{color:#ddd;background:#1b1b1b}text{fill:#ddd}}";

/* The page in the making: a plot's rows are gathered first, as its height is not known before. */
typedef struct {
	GString *page, *rows;
	unsigned n_rows;
	guint64 most; /* the count of the longest bar */
} Html;

/* A bar; the whole name shows when the pointer rests on it. `more`: behind the count. */
static void
add_row(Html *html, const char *kind, const char *name, guint64 count, const char *more)
{
	unsigned y = html->n_rows++ * ROW;
	double width = html->most > 0 ? (double) count / (double) html->most * BAR_WIDTH : 0;
	g_autofree char *shown = stats_print_name(name);
	g_autofree char *whole = g_markup_escape_text(shown, -1);
	bool is_long = g_utf8_strlen(shown, -1) > NAME_SIGNS;

	/* The end of a path says more than its beginning. */
	const char *tail = is_long ? g_utf8_offset_to_pointer(shown,
	                                                      g_utf8_strlen(shown, -1) - NAME_SIGNS)
	                           : shown;
	g_autofree char *part = g_markup_escape_text(tail, -1);
	g_autofree char *behind = g_markup_escape_text(more, -1);

	g_string_append_printf(html->rows,
	                       "<g><title>%s</title><text x=\"%d\" y=\"%u\" "
	                       "text-anchor=\"end\">%s%s</text>",
	                       whole, BAR_LEFT - 10, y + ROW - 7, is_long ? "…" : "", part);
	g_string_append_printf(html->rows,
	                       "<rect class=\"%s\" x=\"%d\" y=\"%u\" width=\"%d\" height=\"%d\"/>"
	                       "<text x=\"%d\" y=\"%u\">%" G_GUINT64_FORMAT "%s</text></g>\n",
	                       kind, BAR_LEFT, y + 4, (int) width, ROW - 6,
	                       BAR_LEFT + (int) width + 6, y + ROW - 7, count, behind);
}

static void
begin_plot(Html *html, guint64 most)
{
	g_string_truncate(html->rows, 0);
	html->n_rows = 0;
	html->most = most;
}

/* A plot without rows is left out. */
static void
end_plot(Html *html, const char *title)
{
	if (html->n_rows == 0)
		return;
	g_autofree char *text = g_markup_escape_text(title, -1);
	g_string_append_printf(
		html->page,
		"<h2>%s</h2>\n<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" "
		"viewBox=\"0 0 %d %u\">\n%s</svg>\n",
		text, PLOT_WIDTH, html->n_rows * ROW, html->rows->str);
}

static void
add_results(Html *html, const Stats *stats)
{
	begin_plot(html, stats->records);
	for (unsigned result = 0; result < METRICS_RESULTS; result++) {
		const char *kind = metrics_result_name(result);
		guint64 count = stats_result_count(stats, result);
		if (count > 0 || result != METRICS_STRANGE)
			add_row(html, kind, stats_print_result(result), count, "");
		for (unsigned reason = 0; reason < METRICS_REASONS; reason++) {
			guint64 part = stats_reason_count(stats, result, reason);
			if (part > 0 && reason != STATUS_OK)
				add_row(html, kind, metrics_reason_name(reason), part, "");
		}
	}
	end_plot(html, _("Results"));
}

static void
add_table(Html *html, const char *title, const StatsTable *table, guint64 top, bool has_time)
{
	g_autoptr(GPtrArray) rows = stats_table_sorted(table);
	guint64 rest = table->left_out;

	begin_plot(html, rows->len > 0 ? ((const StatsRow *) rows->pdata[0])->count : 0);
	for (guint i = 0; i < rows->len; i++) {
		const StatsRow *row = rows->pdata[i];
		g_autofree char *more = stats_print_more(row, has_time);
		if (i < top)
			add_row(html, "plain", row->name, row->count, more);
		else
			rest += row->count;
	}
	if (rest > 0) {
		html->most = MAX(html->most, rest);
		add_row(html, "other", _("(all others)"), rest, "");
	}
	end_plot(html, title);
}

static void
add_unused(Html *html, const Stats *stats, guint64 top)
{
	g_autoptr(GPtrArray) unused = stats_unused_rules(stats);

	begin_plot(html, 0);
	for (guint i = 0; unused != NULL && i < unused->len && i < top; i++) {
		const StatsRow *row = unused->pdata[i];
		add_row(html, "plain", row->name, 0, "");
	}
	end_plot(html, _("Rules that never fired in these records"));
}

static void
add_delays(Html *html, const Stats *stats)
{
	guint64 most = 0;
	for (unsigned i = 0; i < METRICS_BUCKETS; i++)
		most = MAX(most, stats->delays.counts[i]);

	begin_plot(html, most);
	for (unsigned i = 0; i < METRICS_BUCKETS && most > 0; i++) {
		g_autofree char *name = stats_print_bucket(i);
		add_row(html, "plain", name, stats->delays.counts[i], "");
	}
	end_plot(html, _("Time of a delivery"));
}

char *
stats_html_text(const Stats *stats, guint64 top)
{
	Html html = { .page = g_string_new(NULL), .rows = g_string_new(NULL) };
	g_autofree char *about = stats_print_about(stats);

	g_string_append_printf(
		html.page,
		"<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"%s\">\n"
		"<head><meta charset=\"UTF-8\"/>"
		"<meta http-equiv=\"Content-Security-Policy\" "
		"content=\"default-src 'none'; style-src 'unsafe-inline'\"/>"
		"<title>%s</title><style>%s</style></head>\n<body>\n<h1>%s</h1>\n<p>%s</p>\n",
		words_language(), _("Deliveries of todoke"), style_text, _("Deliveries of todoke"),
		about);
	add_results(&html, stats);
	add_table(&html, _("Folders"), &stats->folders, top, false);
	add_table(&html, _("Rules"), &stats->rules, top, true);
	add_unused(&html, stats, top);
	add_table(&html, _("Domains of senders"), &stats->domains, top, false);
	add_delays(&html, stats);
	g_string_append(html.page, "</body>\n</html>\n");

	g_string_free(html.rows, TRUE);
	return g_string_free(html.page, FALSE);
}

bool
stats_html_write(const char *path, const char *text, Status *st)
{
	g_autoptr(GError) error = NULL;

	if (g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error))
		return true;
	return status_fail_detail(st, STATUS_IO, "cannot write '%s': %s", path, error->message);
}

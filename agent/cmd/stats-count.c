/* SPDX-License-Identifier: MIT */
/* stats-count: a record line into counters, a script into the places of its rules. */
#define _GNU_SOURCE
#include "agent/cmd/stats-count.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/state/record-reader.h"
#include "filters/recipe/lang/recipe-parser.h"
#include "filters/sieve/lang/sieve-parser.h"

#include <fcntl.h>
#include <string.h>

static const char *const record_words[METRICS_RESULTS] = { "sent", "deferred", "bounced", NULL };

static void
row_free(gpointer data)
{
	StatsRow *row = data;
	g_free(row->name);
	g_free(row);
}

static void
table_init(StatsTable *table)
{
	*table = (StatsTable){ .rows = g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
		                                             row_free) };
}

void
stats_init(Stats *stats)
{
	*stats = (Stats){ 0 };
	table_init(&stats->folders);
	table_init(&stats->rules);
	table_init(&stats->domains);
	table_init(&stats->known);
}

void
stats_clear(Stats *stats)
{
	g_clear_pointer(&stats->folders.rows, g_hash_table_destroy);
	g_clear_pointer(&stats->rules.rows, g_hash_table_destroy);
	g_clear_pointer(&stats->domains.rows, g_hash_table_destroy);
	g_clear_pointer(&stats->known.rows, g_hash_table_destroy);
}

/* The row of the name; NULL: there is no room for it, which is counted. */
static StatsRow *
table_row(StatsTable *table, const char *name)
{
	StatsRow *row = g_hash_table_lookup(table->rows, name);
	if (row != NULL)
		return row;
	if (g_hash_table_size(table->rows) >= LIMIT_STATS_NAMES) {
		table->left_out++;
		return NULL;
	}

	row = g_new0(StatsRow, 1);
	row->name = g_strndup(name, LIMIT_RECORD_VALUE);
	g_hash_table_insert(table->rows, row->name, row);
	return row;
}

/* Once more, at this time. NULL: there is no room. */
static StatsRow *
table_hit(StatsTable *table, const char *name, gint64 time_us)
{
	StatsRow *row = table_row(table, name);
	if (row == NULL)
		return NULL;
	row->count++;
	row->last_us = MAX(row->last_us, time_us);
	return row;
}

static unsigned
find_word(const char *const *words, unsigned last, const char *word)
{
	for (unsigned i = 0; i < last; i++)
		if (g_strcmp0(words[i], word) == 0)
			return i;
	return last;
}

static unsigned
find_door(const char *word)
{
	unsigned door = 0;
	while (door < METRICS_OTHER_DOOR && g_strcmp0(metrics_door_name(door), word) != 0)
		door++;
	return door;
}

static const char *
text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text != NULL && strlen(text) <= LIMIT_RECORD_VALUE ? text : NULL;
}

static void
add_result(Stats *stats, const json_t *record)
{
	unsigned result = find_word(record_words, METRICS_STRANGE, text_of(record, "status"));
	unsigned door = find_door(text_of(record, "door"));
	const json_t *fault = json_object_get(record, "fault");
	const char *name = text_of(record, "fault");
	unsigned reason = STATUS_OK;

	if (fault != NULL)
		reason = name != NULL ? (unsigned) status_find_name(name) : METRICS_REASON_OTHER;
	stats->results[result][reason][door]++;
}

/* What an earlier try stored stands in the line of that try. */
static void
add_folders(Stats *stats, const json_t *record, gint64 time_us)
{
	const json_t *done;
	size_t i;

	json_array_foreach(json_object_get(record, "done"), i, done)
	{
		const char *folder = text_of(done, "folder");
		json_int_t bytes = json_integer_value(json_object_get(done, "bytes"));
		if (folder == NULL || json_is_true(json_object_get(done, "earlier")))
			continue;
		StatsRow *row = table_hit(&stats->folders, folder, time_us);
		if (row != NULL && bytes > 0)
			row->bytes += (guint64) bytes;
	}
}

/* A rule that asks for several things fired once. */
static void
add_rules(Stats *stats, const json_t *record, gint64 time_us)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	const json_t *action;
	size_t i;

	json_array_foreach(json_object_get(record, "plan"), i, action)
	{
		const char *at = text_of(action, "at");
		if (at != NULL && g_hash_table_add(seen, (gpointer) at))
			(void) table_hit(&stats->rules, at, time_us);
	}
}

static void
add_domain(Stats *stats, const json_t *record, gint64 time_us)
{
	const char *from = text_of(record, "from");
	const char *at = from != NULL ? strrchr(from, '@') : NULL;
	if (from == NULL)
		return;

	g_autofree char *domain = g_ascii_strdown(at != NULL ? at + 1 : "", -1);
	const char *name = *from == '\0' ? "<>" : *domain == '\0' ? "(none)" : domain;
	(void) table_hit(&stats->domains, name, time_us);
}

static void
add_delay(Stats *stats, const json_t *record)
{
	const json_t *total = json_object_get(json_object_get(record, "delay_us"), "total");
	double seconds = (double) json_integer_value(total) / G_USEC_PER_SEC;

	if (!json_is_integer(total) || seconds < 0)
		return;
	stats->delays.counts[metrics_bucket(seconds)]++;
	stats->n_delays++;
	stats->delays.sum += seconds;
}

/* Mail that was moved had been delivered before; a shadow script delivers nothing. */
static bool
is_delivery(const json_t *record)
{
	const char *door = text_of(record, "door");
	return g_strcmp0(door, RECORD_DOOR_REFILTER) != 0 &&
	       g_strcmp0(door, RECORD_DOOR_SHADOW) != 0;
}

bool
stats_add_line(void *user, const char *text, size_t len)
{
	Stats *stats = user;
	gint64 time_us = record_reader_time(text, len);
	if (time_us < stats->since_us || (stats->until_us != 0 && time_us >= stats->until_us))
		return true;

	json_t *record = record_reader_parse(text, len);
	if (record == NULL)
		return true;
	if (!is_delivery(record)) {
		json_decref(record);
		return true;
	}

	stats->records++;
	if (time_us != 0 && (stats->first_us == 0 || time_us < stats->first_us))
		stats->first_us = time_us;
	stats->last_us = MAX(stats->last_us, time_us);
	add_result(stats, record);
	add_folders(stats, record, time_us);
	add_rules(stats, record, time_us);
	add_domain(stats, record, time_us);
	add_delay(stats, record);

	json_decref(record);
	return true;
}

/* The place as a record has it. */
static void
know_rule(Stats *stats, const char *path, unsigned line)
{
	g_autofree char *at = g_strdup_printf("%s:%u", path, line);
	(void) table_row(&stats->known, at);
}

static void
know_recipes(Stats *stats, const char *path, const GPtrArray *nodes)
{
	for (guint i = 0; nodes != NULL && i < nodes->len; i++) {
		const RecipeNode *node = nodes->pdata[i];
		if (node->kind != RECIPE_RULE)
			continue;
		if (node->action_kind == RECIPE_ACTION_BLOCK)
			know_recipes(stats, path, node->block);
		else if (node->action_kind == RECIPE_ACTION_FOLDER ||
		         node->action_kind == RECIPE_ACTION_FORWARD)
			know_rule(stats, path, node->line);
	}
}

/* Commands that leave an action in the plan, and so in the record. */
static bool
is_action(const char *name)
{
	static const char *const actions[] = { "fileinto", "keep",    "discard", "redirect",
		                               "reject",   "ereject", "notify",  "vacation",
		                               "pipe",     NULL };
	g_autofree char *lower = g_ascii_strdown(name, -1);
	return g_strv_contains(actions, lower);
}

static void
know_calls(Stats *stats, const char *path, const SieveCall *call)
{
	for (; call != NULL; call = call->next) {
		if (!call->is_test && is_action(call->name))
			know_rule(stats, path, call->span.line);
		know_calls(stats, path, call->block);
	}
}

static bool
is_no_word(const char *word)
{
	(void) word;
	return false;
}

static void
note_fault(void *user, SieveSpan span, const char *code, const char *hint, const char *text)
{
	bool *is_wrong = user;
	(void) span, (void) code, (void) hint, (void) text;
	*is_wrong = true;
}

static void
know_sieve(Stats *stats, const char *path, const char *text, size_t len)
{
	static const SieveParserWords words = { is_no_word, is_no_word };
	g_autoptr(SieveArena) arena = sieve_arena_new();
	bool is_wrong = false;
	const SieveCall *first = sieve_parser_parse(text, len, arena, &words, note_fault,
	                                            &is_wrong);

	if (!is_wrong)
		know_calls(stats, path, first);
}

void
stats_add_script(Stats *stats, const char *path, bool is_recipes, size_t max_bytes)
{
	g_auto(Status) unread = STATUS_INIT;
	g_autofree char *text = NULL;
	size_t len;

	if (!fs_read_file(AT_FDCWD, path, max_bytes, &text, &len, &unread))
		return;
	if (!is_recipes) {
		know_sieve(stats, path, text, len);
		return;
	}

	FilterSource source = { .file = path, .text = text, .len = len };
	g_autoptr(GPtrArray)
		problems = g_ptr_array_new_with_free_func((GDestroyNotify) problem_free);
	g_autoptr(GPtrArray) nodes = recipe_parse(&source, problems);
	know_recipes(stats, path, nodes);
}

guint64
stats_reason_count(const Stats *stats, MetricsResult result, unsigned reason)
{
	guint64 sum = 0;
	for (unsigned door = 0; door < METRICS_DOORS; door++)
		sum += stats->results[result][reason][door];
	return sum;
}

guint64
stats_result_count(const Stats *stats, MetricsResult result)
{
	guint64 sum = 0;
	for (unsigned reason = 0; reason < METRICS_REASONS; reason++)
		sum += stats_reason_count(stats, result, reason);
	return sum;
}

static gint
compare_rows(gconstpointer a, gconstpointer b)
{
	const StatsRow *one = *(const StatsRow *const *) a, *two = *(const StatsRow *const *) b;
	if (one->count != two->count)
		return one->count > two->count ? -1 : 1;
	return strcmp(one->name, two->name);
}

GPtrArray *
stats_table_sorted(const StatsTable *table)
{
	GPtrArray *rows = g_ptr_array_new();
	GHashTableIter iter;
	gpointer row;

	g_hash_table_iter_init(&iter, table->rows);
	while (g_hash_table_iter_next(&iter, NULL, &row))
		g_ptr_array_add(rows, row);
	g_ptr_array_sort(rows, compare_rows);
	return rows;
}

GPtrArray *
stats_unused_rules(const Stats *stats)
{
	if (stats->rules.left_out > 0 || stats->known.left_out > 0)
		return NULL;

	GPtrArray *unused = g_ptr_array_new();
	GHashTableIter iter;
	gpointer name, row;
	g_hash_table_iter_init(&iter, stats->known.rows);
	while (g_hash_table_iter_next(&iter, &name, &row))
		if (!g_hash_table_contains(stats->rules.rows, name))
			g_ptr_array_add(unused, row);
	g_ptr_array_sort(unused, compare_rows);
	return unused;
}

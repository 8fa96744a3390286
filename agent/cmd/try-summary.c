/* SPDX-License-Identifier: MIT */
/* try-summary: see the header. */
#include "agent/cmd/try-summary.h"

#include "agent/cmd/cmd-common.h"
#include "agent/cmd/try-print.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct TrySummary {
	const char *folder;
	GHashTable *places; /* of what becomes of them to how many, as pointers */
	unsigned messages;
	unsigned elsewhere;
	bool is_of_rules_alone; /* no mailbox, no place: where "elsewhere" is cannot be said */
};

TrySummary *
try_summary_new(const char *folder)
{
	TrySummary *summary = g_new0(TrySummary, 1);

	summary->folder = folder;
	summary->places = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	return summary;
}

void
try_summary_free(TrySummary *summary)
{
	if (summary == NULL)
		return;
	g_hash_table_unref(summary->places);
	g_free(summary);
}

/* The regular files of a folder. */
static bool
add_files(GPtrArray *paths, const char *folder, Status *st)
{
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	if (dir == NULL)
		return status_fail_errno(st, errno, "cannot list '%s'", folder);

	for (const char *name; (name = g_dir_read_name(dir)) != NULL;) {
		g_autofree char *path = g_build_filename(folder, name, NULL);
		struct stat sb;
		if (*name != '.' && lstat(path, &sb) == 0 && S_ISREG(sb.st_mode))
			g_ptr_array_add(paths, g_steal_pointer(&path));
	}

	return true;
}

static int
compare_paths(gconstpointer one, gconstpointer other)
{
	return strcmp(*(const char *const *) one, *(const char *const *) other);
}

char **
try_summary_list(const char *folder, Status *st)
{
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *new = g_build_filename(folder, "new", NULL),
			*cur = g_build_filename(folder, "cur", NULL);
	bool is_maildir = g_file_test(cur, G_FILE_TEST_IS_DIR);

	if (is_maildir ? !add_files(paths, new, st) || !add_files(paths, cur, st)
	               : !add_files(paths, folder, st))
		return NULL;

	g_ptr_array_sort(paths, compare_paths);
	g_ptr_array_add(paths, NULL);
	return (char **) g_ptr_array_free(g_steal_pointer(&paths), FALSE);
}

/* Takes the name. */
static void
count(TrySummary *summary, char *taken_place)
{
	guint before = GPOINTER_TO_UINT(g_hash_table_lookup(summary->places, taken_place));
	g_hash_table_insert(summary->places, taken_place, GUINT_TO_POINTER(before + 1));
}

static bool
is_same_place(const struct stat *one, const char *path)
{
	struct stat other;
	return stat(path, &other) == 0 && one->st_dev == other.st_dev &&
	       one->st_ino == other.st_ino;
}

/*
 * Is it the folder that the message at `path` lies in? A recipe names its folder whole, and a
 * rehearsal gives no name to the file in it.
 */
static bool
is_folder_of(const char *path, const char *maildir, const DeliverDone *done)
{
	g_autofree char *place = g_path_get_dirname(path),
			*target = g_build_filename(maildir, done->file, NULL);
	g_autofree char *in = g_path_get_basename(place), *above = g_path_get_dirname(place);
	g_autofree char *target_place = g_path_get_dirname(target);
	g_autofree char *target_folder = g_path_get_dirname(target_place);
	struct stat here;

	bool in_maildir = strcmp(in, "new") == 0 || strcmp(in, "cur") == 0;
	if (stat(in_maildir ? above : place, &here) < 0)
		return false;
	return is_same_place(&here, target_folder) ||
	       (*done->folder == '/' && is_same_place(&here, done->folder));
}

/* The names of actions that store nothing, as a log line would say them. Caller frees. */
static char *
action_names(const Plan *plan)
{
	GString *names = g_string_new(NULL);

	for (size_t i = 0; i < plan_count(plan); i++)
		g_string_append_printf(names, "%s%s", i > 0 ? ", " : "",
		                       plan_kind_row(plan_get(plan, i)->kind)->name);
	if (names->len == 0)
		g_string_append(names, "nothing");

	return g_string_free(names, FALSE);
}

/* Of rules alone nothing is stored, rehearsed or not: the places are those that they name. */
static void
count_plan(TrySummary *summary, const Plan *plan)
{
	bool is_stored = false;

	for (size_t i = 0; i < plan_count(plan); i++) {
		const PlanAction *action = plan_get(plan, i);
		if (!plan_kind_stores(action->kind))
			continue;
		is_stored = true;
		count(summary, g_strdup(action->mailbox != NULL ? action->mailbox : "INBOX"));
	}

	if (!is_stored)
		count(summary, action_names(plan));
}

void
try_summary_add(TrySummary *summary, const char *path, const char *maildir,
                const Transact *transact, const Status *st)
{
	const GPtrArray *all = transact_report(transact)->done;
	bool is_here = false, is_stored = false;

	summary->messages++;
	summary->is_of_rules_alone = transact_is_rules_alone(transact);
	if (st->id == STATUS_OK && summary->is_of_rules_alone) {
		count_plan(summary, transact_planned(transact));
		return;
	}

	for (guint i = 0; st->id == STATUS_OK && i < all->len; i++) {
		const DeliverDone *done = all->pdata[i];
		if (done->file == NULL)
			continue;
		is_stored = true;
		is_here = is_here || is_folder_of(path, maildir, done);
		count(summary, g_strdup(done->folder));
	}

	if (st->id != STATUS_OK)
		count(summary,
		      g_strdup_printf("%s: %s", status_is_temporary(st) ? "deferred" : "refused",
		                      status_dsn(st)));
	else if (!is_stored)
		count(summary, transact_done_text(transact));
	summary->elsewhere += !is_here;
}

void
try_summary_add_unread(TrySummary *summary)
{
	summary->messages++;
	count(summary, g_strdup("cannot be read"));
}

/* The places, those of most messages first. Caller frees the array. */
static GPtrArray *
sorted_places(const TrySummary *summary)
{
	GHashTableIter iter;
	gpointer place;
	GPtrArray *places = g_ptr_array_new();

	g_hash_table_iter_init(&iter, summary->places);
	while (g_hash_table_iter_next(&iter, &place, NULL))
		g_ptr_array_add(places, place);
	g_ptr_array_sort(places, compare_paths);

	for (guint i = 1; i < places->len; i++)
		for (guint n = i; n > 0; n--) {
			gpointer one = places->pdata[n - 1], other = places->pdata[n];
			if (GPOINTER_TO_UINT(g_hash_table_lookup(summary->places, one)) >=
			    GPOINTER_TO_UINT(g_hash_table_lookup(summary->places, other)))
				break;
			places->pdata[n - 1] = other;
			places->pdata[n] = one;
		}

	return places;
}

static void
print_as_json(const TrySummary *summary, const GPtrArray *places)
{
	json_t *counts = json_object();

	for (guint i = 0; i < places->len; i++) {
		g_autofree char *name = g_utf8_make_valid(places->pdata[i], -1);
		guint number = GPOINTER_TO_UINT(
			g_hash_table_lookup(summary->places, places->pdata[i]));
		json_object_set_new(counts, name, json_integer(number));
	}

	json_t *elsewhere = summary->is_of_rules_alone ? json_null()
	                                               : json_integer(summary->elsewhere);
	json_t *object = json_pack("{s:s, s:o, s:i, s:o, s:o}", "schema", "todoke.try-summary/1",
	                           "folder", cmd_json_text(summary->folder), "messages",
	                           (int) summary->messages, "elsewhere", elsewhere, "places",
	                           counts);
	cmd_print_json_line(object);
}

void
try_summary_print(const TrySummary *summary, bool as_json)
{
	g_autoptr(GPtrArray) places = sorted_places(summary);

	if (as_json) {
		print_as_json(summary, places);
		return;
	}

	cmd_print(stdout, "%u message%s in %s\n", summary->messages,
	          summary->messages == 1 ? "" : "s", summary->folder);
	for (guint i = 0; i < places->len; i++)
		cmd_print(stdout, "%7u  %s\n",
		          GPOINTER_TO_UINT(g_hash_table_lookup(summary->places, places->pdata[i])),
		          (const char *) places->pdata[i]);
	if (!summary->is_of_rules_alone)
		cmd_print(stdout, "%u would lie elsewhere\n", summary->elsewhere);
}

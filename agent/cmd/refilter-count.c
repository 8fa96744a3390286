/* SPDX-License-Identifier: MIT */
/* refilter-count: see the header. */
#include "agent/cmd/refilter-count.h"

#include "agent/base/words.h"
#include "agent/cmd/cmd-common.h"

#include <stdio.h>
#include <string.h>

/* Folders that the one line names. */
enum { PLACES_IN_LINE = 5 };

void
refilter_count_init(RefilterCount *count)
{
	*count = (RefilterCount){ .places = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
		                                                  NULL) };
}

void
refilter_count_clear(RefilterCount *count)
{
	g_clear_pointer(&count->places, g_hash_table_unref);
}

void
refilter_count_place(RefilterCount *count, const char *name)
{
	guint before = GPOINTER_TO_UINT(g_hash_table_lookup(count->places, name));
	g_hash_table_insert(count->places, g_strdup(name), GUINT_TO_POINTER(before + 1));
}

void
refilter_count_add(RefilterCount *count, const RefilterVerdict *verdict)
{
	count->read++;
	count->outcomes[verdict->outcome]++;
	count->redirects += verdict->redirects;
	count->replies += verdict->replies;
	count->programs += verdict->programs;
	count->copies += verdict->copies;
	count->edited += verdict->is_edited;
}

char *
refilter_count_number(guint64 number)
{
	g_autofree char *digits = g_strdup_printf("%" G_GUINT64_FORMAT, number);
	GString *text = g_string_new(NULL);
	size_t len = strlen(digits);

	for (size_t i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			g_string_append_c(text, ' ');
		g_string_append_c(text, digits[i]);
	}
	return g_string_free(text, FALSE);
}

static unsigned
count_of(const RefilterCount *count, const char *place)
{
	return GPOINTER_TO_UINT(g_hash_table_lookup(count->places, place));
}

static int
by_count(gconstpointer one, gconstpointer other, gpointer user)
{
	const char *a = *(const char *const *) one, *b = *(const char *const *) other;
	unsigned na = count_of(user, a), nb = count_of(user, b);
	return na != nb ? (na < nb ? 1 : -1) : strcmp(a, b);
}

/* The names of the folders, those of most messages first. Caller unrefs. */
static GPtrArray *
sorted_places(const RefilterCount *count)
{
	GHashTableIter iter;
	gpointer place;
	GPtrArray *places = g_ptr_array_new();

	g_hash_table_iter_init(&iter, count->places);
	while (g_hash_table_iter_next(&iter, &place, NULL))
		g_ptr_array_add(places, place);
	g_ptr_array_sort_with_data(places, by_count, (gpointer) count);

	return places;
}

/* " (Lists 4 102, Bills 811, 3 more)" */
static char *
places_in_line(const RefilterCount *count)
{
	g_autoptr(GPtrArray) places = sorted_places(count);
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < places->len && i < PLACES_IN_LINE; i++) {
		g_autofree char *number = refilter_count_number(count_of(count, places->pdata[i]));
		g_string_append_printf(text, "%s%s %s", i == 0 ? " (" : ", ",
		                       (const char *) places->pdata[i], number);
	}
	if (places->len > PLACES_IN_LINE)
		g_string_append_printf(text, _(", %u more folders"), places->len - PLACES_IN_LINE);
	if (places->len > 0)
		g_string_append_c(text, ')');

	return g_string_free(text, FALSE);
}

static void
print_table(const RefilterCount *count)
{
	g_autoptr(GPtrArray) places = sorted_places(count);
	for (guint i = 0; i < places->len; i++) {
		g_autofree char *number = refilter_count_number(count_of(count, places->pdata[i]));
		cmd_print(stdout, "%9s  %s\n", number, (const char *) places->pdata[i]);
	}
}

static void
print_line(const RefilterCount *count, const RefilterSummary *summary)
{
	unsigned moves = summary->is_dry ? count->outcomes[REFILTER_MOVES] : count->moved;
	g_autofree char *read = refilter_count_number(count->read),
			*number = refilter_count_number(moves),
			*redirects = refilter_count_number(count->redirects),
			*replies = refilter_count_number(count->replies),
			*places = summary->is_table ? g_strdup("") : places_in_line(count);

	if (summary->is_dry)
		cmd_print(stdout,
		          _("%s messages read, %s would move%s, %s redirects, %s replies "
		            "(dry run)\n"),
		          read, number, places, redirects, replies);
	else
		cmd_print(stdout,
		          _("%s messages read, %s moved%s, %s redirects and %s replies not "
		            "sent\n"),
		          read, number, places, redirects, replies);
}

/* A line for what the rules want and refilter does not do. */
static void
print_more(unsigned number, const char *text)
{
	g_autofree char *digits = refilter_count_number(number);
	if (number > 0)
		cmd_print(stdout, "%9s  %s\n", digits, text);
}

static void
print_rest(const RefilterCount *count, const RefilterSummary *summary)
{
	if (!summary->discard_moves)
		print_more(count->outcomes[REFILTER_DISCARDED],
		           _("discarded by rules: they stay (--discard-to FOLDER moves them)"));
	print_more(count->outcomes[REFILTER_REFUSED], _("refused by rules: they stay"));
	print_more(count->outcomes[REFILTER_PASSED_ON],
	           _("only passed on by rules: they stay, and nothing is sent"));
	print_more(count->programs, _("programs of rules, which are not run"));
	print_more(count->copies, _("copies in further folders, which are not made"));
	print_more(count->edited, _("changed by rules, which is not done"));
	print_more(count->outcomes[REFILTER_LEFT],
	           _("cannot go where the rules want them: they stay"));
	print_more(count->gone, _("gone meanwhile: another program moved or removed them"));
}

static void
print_compared(const RefilterCount *count)
{
	g_autofree char *read = refilter_count_number(count->read),
			*differ = refilter_count_number(count->differ);
	cmd_print(stdout, _("%s messages read, the outcome of %s changes (dry run)\n"), read,
	          differ);
}

void
refilter_count_print(const RefilterCount *count, const RefilterSummary *summary)
{
	if (summary->compares) {
		print_compared(count);
		return;
	}

	print_line(count, summary);
	if (summary->is_table)
		print_table(count);
	print_rest(count, summary);
	if (count->is_interrupted)
		cmd_print(stdout, "%s\n",
		          _("interrupted: the same command goes on with what is left"));
	if (summary->run != NULL && count->moved > 0)
		cmd_print(stdout, _("to take it back: todoke refilter%s --undo %s\n"),
		          summary->whose, summary->run);
}

void
refilter_count_print_json(const RefilterCount *count, const RefilterSummary *summary)
{
	json_t *places = json_object(), *outcomes = json_object();
	g_autoptr(GPtrArray) sorted = sorted_places(count);

	for (guint i = 0; i < sorted->len; i++) {
		g_autofree char *name = g_utf8_make_valid(sorted->pdata[i], -1);
		json_object_set_new(places, name, json_integer(count_of(count, sorted->pdata[i])));
	}
	for (unsigned i = 0; i < REFILTER_OUTCOMES; i++)
		json_object_set_new(outcomes, refilter_outcome_name(i),
		                    json_integer(count->outcomes[i]));

	json_t *object = json_pack(
		"{s:s, s:o, s:b, s:i, s:i, s:o, s:o, s:i, s:i, s:i, s:i, s:i, s:i, s:b}", "schema",
		"todoke.refilter-summary/1", "folder", cmd_json_text(summary->folder), "dry_run",
		summary->is_dry, "messages", (int) count->read, "moved", (int) count->moved,
		"outcomes", outcomes, "places", places, "redirects", (int) count->redirects,
		"replies", (int) count->replies, "programs", (int) count->programs, "copies",
		(int) count->copies, "edited", (int) count->edited, "gone", (int) count->gone,
		"interrupted", count->is_interrupted);
	if (summary->compares)
		json_object_set_new(object, "differ", json_integer(count->differ));
	if (summary->run != NULL && count->moved > 0)
		json_object_set_new(object, "run", json_string(summary->run));
	cmd_print_json_line(object);
}

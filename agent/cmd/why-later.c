/* SPDX-License-Identifier: MIT */
/* why-later: the last answer of Postfix's log for an id, if it is one for good. */
#include "agent/cmd/why-later.h"

#include "agent/base/words.h"
#include "agent/cmd/cmd-common.h"

#include <string.h>

void
why_later_clear(WhyLater *later)
{
	g_clear_pointer(&later->answers, g_ptr_array_unref);
	g_clear_pointer(&later->why_not, g_free);
	why_log_clear(&later->log);
}

static bool
is_put_off(const WhyFound *found)
{
	return g_strcmp0(why_text(found->record, "status"), "deferred") == 0 &&
	       why_text(found->record, "queue_id") != NULL;
}

/* The same mail for the same recipient. */
static bool
is_same(const WhyFound *one, const WhyFound *other)
{
	return g_strcmp0(why_text(one->record, "queue_id"), why_text(other->record, "queue_id")) ==
	               0 &&
	       g_strcmp0(why_text(one->record, "to"), why_text(other->record, "to")) == 0;
}

/* Is no later decision about it told? */
static bool
is_last(const GPtrArray *found, const WhyFound *one)
{
	for (guint i = 0; i < found->len; i++) {
		const WhyFound *other = found->pdata[i];
		if (other != one && other->time_us > one->time_us && is_same(one, other))
			return false;
	}
	return true;
}

void
why_later_find(const GPtrArray *found, const char *const *places, gint64 now_us, WhyLater *ret)
{
	gint64 since_us = G_MAXINT64;

	ret->found = found;
	why_log_init(&ret->log, now_us);
	for (guint i = 0; i < found->len; i++) {
		const WhyFound *one = found->pdata[i];
		if (!is_put_off(one) || !is_last(found, one))
			continue;
		why_log_add_id(&ret->log, why_text(one->record, "queue_id"));
		since_us = MIN(since_us, MAX(one->time_us - G_USEC_PER_SEC, 1));
	}
	if (since_us == G_MAXINT64)
		return;

	ret->log.after_us = since_us;
	for (; *places != NULL; places++) {
		g_auto(Status) st = STATUS_INIT;
		if (!why_log_read(&ret->log, *places, since_us, &st) && ret->why_not == NULL)
			ret->why_not = g_strdup(status_why(&st));
	}
	why_log_sort(&ret->log);
	ret->answers = why_answer_find(&ret->log);
}

/* For good, about this mail, and not before it was put off. */
static bool
settles(const WhyAnswer *answer, const WhyFound *found)
{
	const char *to = why_text(found->record, "to");
	bool is_to = answer->to == NULL || (to != NULL && g_ascii_strcasecmp(answer->to, to) == 0);

	return is_to && strcmp(answer->status, "deferred") != 0 &&
	       g_strcmp0(answer->line->id, why_text(found->record, "queue_id")) == 0 &&
	       answer->line->time_us + G_USEC_PER_SEC > found->time_us;
}

const WhyAnswer *
why_later_answer(const WhyLater *later, const WhyFound *found)
{
	if (later->answers == NULL || !is_put_off(found) || !is_last(later->found, found))
		return NULL;

	for (guint i = later->answers->len; i > 0; i--)
		if (settles(later->answers->pdata[i - 1], found))
			return later->answers->pdata[i - 1];
	return NULL;
}

void
why_later_print(const WhyLater *later, const WhyFound *found)
{
	const WhyAnswer *answer = why_later_answer(later, found);
	if (answer == NULL)
		return;

	g_autofree char *time = why_story_print_time(answer->line->time_us);
	why_story_say(_("later"), _("%s, by Postfix's log"), time);
	why_answer_print_fate(answer);
}

void
why_later_print_doubt(const WhyLater *later)
{
	if (later->why_not != NULL)
		cmd_print(stdout,
		          _("\nWhether Postfix still keeps what was put off, its log knows: %s\n"),
		          later->why_not);
}

/* SPDX-License-Identifier: MIT */
/* why-newer: the answers of a log, without those that a record is about. */
#include "agent/cmd/why-newer.h"

#include "agent/base/words.h"
#include "agent/cmd/cmd-common.h"
#include "agent/cmd/user-address.h"
#include "agent/cmd/why-wait.h"

#include <string.h>

/*
 * How much older than the newest record a log is read, as the mail of that record has lines of
 * before; and how far apart lmtpd's reply to RCPT and Postfix's line about it may be.
 */
static const gint64 earlier_us = (gint64) 3600 * G_USEC_PER_SEC,
		    apart_us = (gint64) 5 * G_USEC_PER_SEC;

void
why_newer_clear(WhyNewer *newer)
{
	g_clear_pointer(&newer->answers, g_ptr_array_unref);
	g_clear_pointer(&newer->waiting, g_ptr_array_unref);
	g_clear_pointer(&newer->place, g_free);
	g_clear_pointer(&newer->why_not, g_free);
	why_log_clear(&newer->log);
}

const char *
why_newer_place(const char *place)
{
	if (strcmp(place, "auto") == 0)
		place = why_log_usual_place();
	return strcmp(place, "journal") == 0 ? _("the journal") : place;
}

static bool
is_about(const json_t *record, const char *key, const char *recipient, const char *delimiters)
{
	const char *text = why_text(record, key);
	return text != NULL && recipient != NULL &&
	       (user_address_is(recipient, text, delimiters) ||
	        user_address_is(text, recipient, delimiters));
}

/* Is the record about this recipient? */
static bool
is_of_recipient(const json_t *record, const char *recipient, const Conf *conf)
{
	static const char *const keys[] = { "to", "orig_to", "user" };
	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
		if (is_about(record, keys[i], recipient, conf->delimiters))
			return true;
	return false;
}

/* Did a copy go out by this id, of which the record knows? */
static bool
is_of_id(const json_t *record, const WhyAnswer *answer, const Conf *conf)
{
	const char *id = why_text(record, "queue_id"), *origin = why_text(record, "origin_id");
	bool is_same = g_strcmp0(id, answer->line->id) == 0 ||
	               g_strcmp0(origin, answer->line->id) == 0;
	g_auto(WhyQuery) query = { 0 };
	if (is_same)
		return is_of_recipient(record, answer->to, conf);

	why_query_init(&query);
	why_query_add_id(&query, answer->line->id);
	return query.names->len > 0 && why_query_fits(&query, record);
}

/* lmtpd's answer at RCPT: it has no queue id, and stands some moments before Postfix's line. */
static bool
is_without_id(const json_t *record, const WhyAnswer *answer, const Conf *conf)
{
	gint64 apart = answer->line->time_us - why_time(record);
	return why_text(record, "queue_id") == NULL && ABS(apart) <= apart_us &&
	       is_of_recipient(record, answer->to, conf);
}

GPtrArray *
why_newer_without_id(const GPtrArray *answers, const Conf *conf, GPtrArray *owners)
{
	g_auto(WhyQuery) query = { 0 };
	unsigned left;
	why_query_init(&query);
	query.since_us = G_MAXINT64;
	for (guint i = 0; i < answers->len; i++) {
		const WhyAnswer *answer = answers->pdata[i];
		query.since_us = MIN(query.since_us, MAX(answer->line->time_us - apart_us, 1));
	}

	GPtrArray *found = why_find(&query, conf, owners, &left);
	for (guint i = found->len; i > 0; i--) {
		const WhyFound *one = found->pdata[i - 1];
		bool fits = false;
		for (guint k = 0; k < answers->len && !fits; k++)
			fits = is_without_id(one->record, answers->pdata[k], conf);
		if (!fits)
			g_ptr_array_remove_index(found, i - 1);
	}

	return found;
}

/* The records that have one of the ids. */
static GPtrArray *
find_by_ids(const WhyNewerAsk *ask, const GPtrArray *ids)
{
	g_auto(WhyQuery) query = { 0 };
	unsigned left;
	why_query_init(&query);
	for (guint i = 0; i < ids->len; i++)
		why_query_add_id(&query, ids->pdata[i]);
	return query.names->len > 0 ? why_find(&query, ask->conf, ask->owners, &left)
	                            : g_ptr_array_new();
}

/* A record says "put off", and the log what Postfix made of the mail later. */
static bool
is_overtaken(const json_t *record, const WhyAnswer *answer)
{
	return g_strcmp0(why_text(record, "status"), "deferred") == 0 &&
	       (strcmp(answer->status, "bounced") == 0 || strcmp(answer->status, "expired") == 0);
}

/* Is the mail of the record among the stories that are told? */
static bool
is_told(const WhyNewerAsk *ask, const WhyAnswer *answer)
{
	for (guint i = 0; i < ask->told->len; i++) {
		const WhyFound *one = ask->told->pdata[i];
		if (g_strcmp0(why_text(one->record, "queue_id"), answer->line->id) == 0)
			return true;
	}
	return false;
}

static bool
is_recorded(const WhyNewerAsk *ask, const WhyAnswer *answer, const GPtrArray *by_id,
            const GPtrArray *without_id)
{
	bool is_later = false;
	for (guint i = 0; i < by_id->len; i++) {
		const json_t *record = ((const WhyFound *) by_id->pdata[i])->record;
		bool is_its = is_of_id(record, answer, ask->conf) ||
		              (answer->to == NULL &&
		               g_strcmp0(why_text(record, "queue_id"), answer->line->id) == 0);
		if (is_its && !is_overtaken(record, answer))
			return true;
		is_later = is_later || is_its;
	}
	if (is_later)
		return is_told(ask, answer);
	for (guint i = 0; i < without_id->len; i++)
		if (is_without_id(((const WhyFound *) without_id->pdata[i])->record, answer,
		                  ask->conf))
			return true;
	return false;
}

/* A stage of the mail's way, which has another id behind it; or one to another host. */
static bool
is_on_its_way(const WhyAnswer *answer)
{
	bool is_sent = g_strcmp0(answer->status, "sent") == 0;
	bool goes_on = strstr(answer->reason, "queued as ") != NULL ||
	               g_str_has_prefix(answer->reason, "forwarded as ");
	bool is_remote = strcmp(answer->line->program, "smtp") == 0 && answer->relay != NULL;
	return (is_sent && goes_on) || is_remote;
}

/* Stands the line before the last one of this queue id? */
static bool
stands_before(const WhyLog *log, const WhyLogLine *line, const char *id)
{
	bool is_passed = false;
	for (guint i = 0; i < log->lines->len && id != NULL; i++) {
		const WhyLogLine *other = log->lines->pdata[i];
		is_passed = is_passed || other == line;
		if (is_passed && other != line && g_strcmp0(other->id, id) == 0)
			return true;
	}
	return false;
}

/* Of a line without fractions of a second only that second is known; then their order tells. */
static bool
is_newer(const WhyLog *log, const WhyAnswer *answer, const WhyFound *newest)
{
	gint64 time = answer->line->time_us;
	if (time > newest->time_us)
		return true;
	return time % G_USEC_PER_SEC == 0 && time + G_USEC_PER_SEC > newest->time_us &&
	       !stands_before(log, answer->line, why_text(newest->record, "queue_id"));
}

static void
drop_known(const WhyNewerAsk *ask, const WhyLog *log, GPtrArray *answers, const WhyFound *newest)
{
	for (guint i = answers->len; i > 0; i--) {
		const WhyAnswer *answer = answers->pdata[i - 1];
		if (!is_newer(log, answer, newest) || is_on_its_way(answer))
			g_ptr_array_remove_index(answers, i - 1);
	}
	if (answers->len == 0)
		return;

	g_autoptr(GPtrArray) ids = g_ptr_array_new();
	for (guint i = 0; i < answers->len; i++)
		g_ptr_array_add(ids, ((const WhyAnswer *) answers->pdata[i])->line->id);

	g_autoptr(GPtrArray) by_id = find_by_ids(ask, ids),
			     without_id = why_newer_without_id(answers, ask->conf, ask->owners);
	for (guint i = answers->len; i > 0; i--)
		if (is_recorded(ask, answers->pdata[i - 1], by_id, without_id))
			g_ptr_array_remove_index(answers, i - 1);
}

/* Is one of the records about this id, or is it none that could be looked for? */
static bool
is_known_id(const GPtrArray *found, const char *id)
{
	g_auto(WhyQuery) query = { 0 };
	why_query_init(&query);
	why_query_add_id(&query, id);

	bool is_known = query.names->len == 0;
	for (guint i = 0; i < found->len && !is_known; i++)
		is_known = why_query_fits(&query, ((const WhyFound *) found->pdata[i])->record);
	return is_known;
}

/* Mail that waits in the queue, and of which no record is. */
static GPtrArray *
find_waiting(const WhyNewerAsk *ask)
{
	GPtrArray *waiting = why_wait_find(ask->user, ask->conf->delimiters);
	g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
	for (guint i = 0; i < waiting->len; i++) {
		const char *text = waiting->pdata[i];
		g_ptr_array_add(ids, g_strndup(text, strcspn(text, ":")));
	}

	g_autoptr(GPtrArray) found = find_by_ids(ask, ids);
	for (guint i = waiting->len; i > 0; i--)
		if (is_known_id(found, ids->pdata[i - 1]))
			g_ptr_array_remove_index(waiting, i - 1);

	return waiting;
}

static void
begin_search(const WhyNewerAsk *ask, gint64 since_us, WhyLog *log)
{
	why_log_init(log, ask->now_us);
	why_log_want(log, ask->query->from, ask->query->to, ask->user, ask->conf->delimiters);
	log->after_us = since_us;
}

/* Does the log reach back to the newest record? */
static char *
why_incomplete(const WhyNewer *newer, gint64 than_us)
{
	if (newer->log.first_us == 0)
		return g_strdup_printf(_("%s has no line of Postfix of that time"), newer->place);
	if (newer->log.first_us <= than_us + G_USEC_PER_SEC)
		return NULL;

	g_autofree char *begin = why_story_print_time(newer->log.first_us);
	return g_strdup_printf(_("%s begins at %s"), newer->place, begin);
}

void
why_newer_find(const WhyNewerAsk *ask, const WhyFound *newest, WhyNewer *ret)
{
	gint64 since_us = MAX(newest->time_us - earlier_us, 1);
	g_autoptr(GString) names = g_string_new(NULL);

	begin_search(ask, since_us, &ret->log);
	ret->records = ask->owners->len;
	for (const char *const *place = ask->places; *place != NULL; place++) {
		g_auto(Status) st = STATUS_INIT;
		g_string_append_printf(names, "%s%s", names->len > 0 ? ", " : "",
		                       why_newer_place(*place));
		if (!why_log_read(&ret->log, *place, since_us, &st) && ret->why_not == NULL)
			ret->why_not = g_strdup(status_why(&st));
	}
	ret->place = g_string_free(g_steal_pointer(&names), FALSE);

	why_log_sort(&ret->log);
	ret->answers = why_answer_find(&ret->log);
	drop_known(ask, &ret->log, ret->answers, newest);
	if (ret->why_not == NULL)
		ret->why_not = why_incomplete(ret, newest->time_us);
	if (ret->why_not != NULL && ask->user != NULL)
		ret->waiting = find_waiting(ask);
}

static void
print_doubt(const WhyNewer *newer, gint64 now_us)
{
	g_autofree char *now = why_story_print_time(now_us);
	cmd_print(stdout,
	          _("That is the newest of the records (%u, read at %s). Postfix's log has what it "
	            "refused or bounced itself, and was not looked through: %s\n"),
	          newer->records, now, newer->why_not);
}

void
why_newer_print(const WhyStyle *style, const WhyNewerAsk *ask, const WhyNewer *newer, unsigned most)
{
	guint count = newer->answers->len, first = most > 0 && count > most ? count - most : 0;

	puts("");
	if (count > 0)
		cmd_print(stdout,
		          _("NEWER than that, in no record, and in Postfix's log (%s): %u\n"),
		          newer->place, count);
	for (guint i = first; i < count; i++)
		why_answer_print_story(style, newer->answers->pdata[i]);
	if (count > 0)
		return;

	if (newer->why_not != NULL)
		print_doubt(newer, style->now_us);
	else if (ask->user != NULL)
		cmd_print(stdout, _("Postfix's log (%s) has no newer mail for '%s'.\n"),
		          newer->place, ask->user);
	else if (!newer->log.is_any)
		cmd_print(stdout, _("Postfix's log (%s) has no newer mail that fits.\n"),
		          newer->place);
	else
		cmd_print(stdout,
		          _("Postfix's log (%s) has no newer delivery. What it refused at the door "
		            "is shown with --user, --to or --from.\n"),
		          newer->place);
	if (newer->waiting != NULL && newer->waiting->len > 0)
		why_newer_print_waiting(ask->user, newer->waiting);
}

void
why_newer_print_waiting(const char *user, const GPtrArray *waiting)
{
	enum { MOST_SHOWN = 5 };
	if (waiting->len > 0)
		cmd_print(stdout, _("In Postfix's queue mail for '%s' waits (%u):\n"), user,
		          waiting->len);
	for (guint i = 0; i < waiting->len && i < MOST_SHOWN; i++)
		cmd_print(stdout, "  %s\n", (const char *) waiting->pdata[i]);
}

void
why_newer_add_json(json_t *object, const WhyNewer *newer)
{
	json_t *read = json_object();

	json_object_set_new(read, "place", cmd_json_text(newer->place));
	json_object_set_new(read, "complete", json_boolean(newer->why_not == NULL));
	if (newer->why_not != NULL)
		json_object_set_new(read, "why_not", cmd_json_text(newer->why_not));
	json_object_set_new(object, "unrecorded", why_answer_list_json(newer->answers));
	json_object_set_new(object, "log_read", read);
}

/* SPDX-License-Identifier: MIT */
/* transact-record: a finished transaction as a line of the record (agent/state/record-line.h). */
#include "agent/run/record-parts.h"
#include "agent/run/transact-parts.h"

#include "agent/base/limits.h"
#include "agent/state/record-line.h"

#include <string.h>

/* A stage that was reached: from the moment before to this one. */
static void
add_stage(RecordLine *line, const char *name, gint64 from, gint64 to)
{
	if (from > 0 && to > 0)
		record_line_int(line, name, MAX(to - from, 0));
}

static void
add_delays(RecordLine *line, const Transact *transact, double seconds)
{
	const gint64 *at = transact->moments;
	gint64 stored = transact->report.stored_at;
	bool was_read = at[TRANSACT_READ] > 0;

	record_line_open(line, "delay_us", '{');
	record_line_int(line, "total", (gint64) (seconds * G_USEC_PER_SEC));
	add_stage(line, "judge", at[TRANSACT_BEGUN], at[TRANSACT_JUDGED]);
	add_stage(line, "read", at[TRANSACT_JUDGED], at[TRANSACT_READ]);
	add_stage(line, "rules", was_read ? at[TRANSACT_READ] : 0, at[TRANSACT_PLANNED]);
	add_stage(line, "store", at[TRANSACT_PLANNED], stored);
	add_stage(line, "send", stored, at[TRANSACT_ENDED]);
	record_line_close(line, '{');
}

static void
add_mail(RecordLine *line, const Transact *transact)
{
	const Envelope *envelope = transact->envelope;
	const BodyPrint *print = message_known_print(transact->message);

	record_line_text(line, "message_id", transact->names.message_id);
	record_line_text(line, "from", envelope->sender);
	record_line_text(line, "to", envelope->recipient);
	record_line_text(line, "orig_to", envelope->original);
	record_line_text(line, "user", transact->account->user);
	record_line_int(line, message_size_is_known(transact->message) ? "size" : "size_read",
	                (gint64) message_size(transact->message));
	if (print == NULL)
		return;

	BodyPrint word = *print;
	char *blank = strchr(word.text, ' ');
	if (blank != NULL)
		*blank = '.';
	record_line_text(line, "body", word.text);
}

static void
add_names(RecordLine *line, const Transact *transact)
{
	record_line_text(line, "queue_id", transact->names.queue_id);
	record_line_text(line, "origin_id", transact->names.origin_id);
	add_mail(line, transact);
}

static void
add_envelope(RecordLine *line, const Transact *transact)
{
	record_line_text(line, "door", record_parts_door(transact->envelope->door));
	add_names(line, transact);
}

static void
add_evidence(RecordLine *line, const GPtrArray *evidence, bool with_values)
{
	record_line_open(line, "evidence", '[');
	for (guint i = 0; i < evidence->len && record_line_has_room(line); i++) {
		const LoopEvidence *item = evidence->pdata[i];
		record_line_open(line, NULL, '{');
		record_line_int(line, "line", item->line);
		record_line_text(line, "writer", loop_writer_name(item->writer));
		record_line_text(line, "how", item->how);
		record_line_text(line, "text", with_values ? item->text : NULL);
		record_line_close(line, '{');
	}
	record_line_close(line, '[');
}

static void
add_loop(RecordLine *line, const LoopVerdict *verdict, bool with_values)
{
	if (verdict == NULL || (verdict->kind == LOOP_NONE && verdict->evidence->len == 0))
		return;

	record_line_open(line, "loop", '{');
	record_line_text(line, "kind", loop_kind_name(verdict->kind));
	record_line_text(line, "answer", loop_answer_name(verdict->answer));
	record_line_text(line, "why", verdict->why);
	if (verdict->returns > 0)
		record_line_int(line, "returns", verdict->returns);
	if (verdict->evidence->len > 0)
		add_evidence(line, verdict->evidence, with_values);
	record_line_close(line, '{');
}

static void
add_header_rules(RecordLine *line, const HeaderRuleResult *rules)
{
	if (rules == NULL || rules->events->len == 0)
		return;

	record_line_open(line, "header_rules", '[');
	for (guint i = 0; i < rules->events->len && record_line_has_room(line); i++) {
		const HeaderRuleEvent *event = rules->events->pdata[i];
		record_line_open(line, NULL, '{');
		record_line_text(line, "rule", event->rule);
		record_line_text(line, "action", event->action);
		record_line_int(line, "line", event->line);
		record_line_close(line, '{');
	}
	record_line_close(line, '[');
}

static void
add_test(RecordLine *line, const char *key, const PlanTest *test, bool with_values)
{
	record_line_open(line, key, '{');
	record_line_int(line, "line", test->line);
	if (test->is_negated)
		record_line_true(line, "not");
	record_line_text(line, "name", test->name);
	record_line_text(line, "field", test->field);
	record_line_text(line, "part", test->part);
	record_line_text(line, "match", test->match);
	record_line_text(line, "key", test->key);
	record_line_text(line, "value", with_values ? test->value : NULL);
	record_line_close(line, '{');
}

/* The test that led to the action, and those around it. */
static void
add_tests(RecordLine *line, const PlanAction *action, bool with_values)
{
	const GPtrArray *within = action->within;
	if (action->test.line == 0)
		return;

	add_test(line, "test", &action->test, with_values);
	if (within == NULL)
		return;

	record_line_open(line, "within", '[');
	for (guint i = 0; i < within->len && record_line_has_room(line); i++)
		add_test(line, NULL, within->pdata[i], with_values);
	record_line_close(line, '[');
}

static void
add_place(RecordLine *line, const char *key, const PlanSource *at)
{
	char place[LIMIT_RECORD_VALUE];
	if (at->file == NULL)
		return;
	if (at->line > 0)
		(void) g_snprintf(place, sizeof place, "%s:%u", at->file, at->line);
	record_line_text(line, key, at->line > 0 ? place : at->file);
}

static void
add_action(RecordLine *line, const PlanAction *action, bool with_values)
{
	record_line_open(line, NULL, '{');
	record_line_text(line, "action", plan_kind_row(action->kind)->name);
	add_place(line, "at", &action->at);
	record_line_text(line, "target", plan_action_target(action));
	if (action->flags != NULL && action->flags->len > 0) {
		record_line_open(line, "flags", '[');
		for (guint i = 0; i < action->flags->len && record_line_has_room(line); i++)
			record_line_text(line, NULL, action->flags->pdata[i]);
		record_line_close(line, '[');
		add_place(line, "flags_at", &action->flags_at);
	}

	record_line_text(line, "edited_at", action->edited_at);
	if (action->implicit)
		record_line_true(line, "implicit");
	if (action->copy)
		record_line_true(line, "copy");
	add_tests(line, action, with_values);
	record_line_close(line, '{');
}

void
transact_record_actions(RecordLine *line, const char *key, const Plan *plan, bool with_values)
{
	if (plan == NULL || plan_count(plan) == 0)
		return;

	record_line_open(line, key, '[');
	for (size_t i = 0; i < plan_count(plan) && record_line_has_room(line); i++)
		add_action(line, plan_get(plan, i), with_values);
	record_line_close(line, '[');
}

static void
add_plan(RecordLine *line, const Transact *transact, bool with_values)
{
	record_line_text(line, "script", transact->scripts.decided_by);
	transact_record_actions(line, "plan", transact->plan, with_values);
}

static void
add_done(RecordLine *line, const GPtrArray *all)
{
	if (all->len == 0)
		return;

	record_line_open(line, "done", '[');
	for (guint i = 0; i < all->len && record_line_has_room(line); i++) {
		const DeliverDone *done = all->pdata[i];
		record_line_open(line, NULL, '{');
		record_line_text(line, "action", done->action);
		record_line_text(line, "folder", done->folder);
		record_line_text(line, "file", done->file);
		if (done->bytes > 0)
			record_line_int(line, "bytes", (gint64) done->bytes);
		record_line_text(line, "to", done->to);
		record_line_text(line, "reply", done->reply);
		if (done->earlier)
			record_line_true(line, "earlier");
		record_line_close(line, '{');
	}
	record_line_close(line, '[');
}

/* It is here already: the folder is all that is known. */
static void
add_here(RecordLine *line, const char *here)
{
	record_line_open(line, "done", '[');
	record_line_open(line, NULL, '{');
	record_line_text(line, "action", "here");
	record_line_text(line, "folder", *here != '\0' ? here : NULL);
	record_line_close(line, '{');
	record_line_close(line, '[');
}

static void
add_held(RecordLine *line, const GPtrArray *all)
{
	if (all->len == 0)
		return;

	record_line_open(line, "held", '[');
	for (guint i = 0; i < all->len && record_line_has_room(line); i++) {
		const DeliverHeld *held = all->pdata[i];
		record_line_open(line, NULL, '{');
		record_line_text(line, "action", plan_kind_row(held->action->kind)->name);
		record_line_text(line, "target", plan_action_target(held->action));
		record_line_text(line, "why", held->why);
		record_line_close(line, '{');
	}
	record_line_close(line, '[');
}

static void
add_notes(RecordLine *line, const Transact *transact)
{
	const GPtrArray *const lists[] = { transact->scripts.notes, transact->report.notes };
	const char *rule_note = transact->rules != NULL ? transact->rules->note : NULL;
	if (lists[0]->len + lists[1]->len == 0 && rule_note == NULL)
		return;

	record_line_open(line, "notes", '[');
	for (size_t n = 0; n < G_N_ELEMENTS(lists); n++)
		for (guint i = 0; i < lists[n]->len && record_line_has_room(line); i++)
			record_line_text(line, NULL, lists[n]->pdata[i]);
	record_line_text(line, NULL, rule_note);
	record_line_close(line, '[');
}

/* What the owner was told by mail, besides. */
static void
add_told(RecordLine *line, const GPtrArray *told)
{
	if (told->len == 0)
		return;

	record_line_open(line, "told", '[');
	for (guint i = 0; i < told->len && record_line_has_room(line); i++)
		record_line_text(line, NULL, told->pdata[i]);
	record_line_close(line, '[');
}

/* The outcome before the lists: a line that is too long loses the end of those. */
static void
fill(RecordLine *line, const Transact *transact, const Status *st, double seconds)
{
	bool with_values = transact->site->conf->record_values;

	record_line_time(line, "time", g_get_real_time());
	add_envelope(line, transact);
	record_parts_outcome(line, st, transact_event(transact, st));
	add_delays(line, transact, seconds);
	add_loop(line, transact->verdict, with_values);
	add_header_rules(line, transact->rules);
	add_plan(line, transact, with_values);
	if (transact->here != NULL)
		add_here(line, transact->here);
	else
		add_done(line, transact->report.done);
	add_held(line, transact->report.held);
	add_told(line, transact->told);
	if (with_values)
		add_notes(line, transact);
}

void
transact_record_rules(const Transact *transact, RecordLine *line)
{
	add_mail(line, transact);
	add_header_rules(line, transact->rules);
	add_plan(line, transact, transact->site->conf->record_values);
}

void
transact_record_shadow(const Transact *transact, RecordLine *line)
{
	record_line_time(line, "time", g_get_real_time());
	record_line_text(line, "door", RECORD_DOOR_SHADOW);
	add_names(line, transact);
	add_plan(line, transact, transact->site->conf->record_values);
}

/*
 * Where it goes; NULL: nowhere, as it is no account's mail, or a fault. Caller frees.
 */
static char *
find_path(const Transact *transact, Status *st)
{
	const Account *account = transact->account;
	return account->returns_to == NULL ? account_record_path(account, transact->site->conf, st)
	                                   : NULL;
}

void
transact_record(const Transact *transact, const Status *st, double seconds)
{
	const Conf *conf = transact->site->conf;
	g_auto(Status) fault = STATUS_INIT;
	if (!conf->record)
		return;

	g_autofree char *path = find_path(transact, &fault);
	if (path == NULL && fault.id == STATUS_OK)
		return;

	g_auto(RecordLine) line = { 0 };
	const RecordLineBounds bounds = { transact->now, conf->record_max_size,
		                          conf->record_max_age };
	record_line_init(&line);
	fill(&line, transact, st, seconds);
	record_line_end(&line);
	if (path == NULL || !record_line_append(path, &line, &bounds, &fault))
		g_ptr_array_add(transact->report.notes,
		                g_strdup_printf("no record: %s", fault.detail));
}

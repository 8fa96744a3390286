/* SPDX-License-Identifier: MIT */
/* transact-log: the log line of a finished transaction. */
#include "agent/run/transact-parts.h"

#include "agent/base/event.h"
#include "agent/base/log.h"
#include "agent/base/problem.h"
#include "agent/message/headers.h"
#include "agent/state/outage.h"
#include "conf/conf-choices.h"

#include <string.h>
#include <syslog.h>

/*
 * Everything that was done, as pairs of the log line; several actions are numbered from the second
 * on.
 */
static void
log_done(LogLine *line, const DeliverReport *report)
{
	for (guint i = 0; i < report->done->len; i++) {
		const DeliverDone *done = report->done->pdata[i];
		g_autofree char *number = i > 0 ? g_strdup_printf("%u", i + 1) : g_strdup("");
		g_autofree char *action = g_strconcat("action", number, NULL);
		g_autofree char *folder = g_strconcat("folder", number, NULL);
		g_autofree char *file = g_strconcat("file", number, NULL);
		g_autofree char *to = g_strconcat("sent_to", number, NULL);
		g_autofree char *earlier = g_strconcat("earlier", number, NULL);
		log_line_add(line, action, done->action);
		log_line_add(line, folder, done->folder);
		log_line_add(line, file, done->file);
		log_line_add(line, to, done->to);
		log_line_add(line, earlier, done->earlier ? "yes" : NULL);
	}
}

/* Which script and line asked for what was done. */
static void
log_decision(LogLine *line, const Plan *plan, const ScriptChainReport *scripts)
{
	log_line_add(line, "script", scripts->decided_by);
	if (plan == NULL || plan_count(plan) == 0 || plan_get(plan, 0)->at.file == NULL)
		return;

	const PlanSource *at = &plan_get(plan, 0)->at;
	g_autofree char *rule = problem_place_print(at->file, at->line);
	log_line_add(line, "by", rule);
}

/* All that is worth knowing and no fault, as one value: a key stands in a line once. */
static void
log_notes(LogLine *line, const Transact *transact)
{
	g_autoptr(GString) all = g_string_new(NULL);
	const GPtrArray *const lists[] = { transact->scripts.notes, transact->report.notes };

	for (size_t n = 0; n < G_N_ELEMENTS(lists); n++)
		for (guint i = 0; i < lists[n]->len; i++)
			g_string_append_printf(all, "%s%s", all->len > 0 ? "; " : "",
			                       (const char *) lists[n]->pdata[i]);

	if (transact->rules != NULL && transact->rules->note != NULL)
		g_string_append_printf(all, "%s%s", all->len > 0 ? "; " : "",
		                       transact->rules->note);
	log_line_add(line, "note", all->len > 0 ? all->str : NULL);
}

static void
log_rules(LogLine *line, const HeaderRuleResult *rules)
{
	for (guint i = 0; rules != NULL && i < rules->events->len; i++) {
		const HeaderRuleEvent *event = rules->events->pdata[i];
		g_autofree char *text = g_strdup_printf("%s (%s, line %u)", event->rule,
		                                        event->action, event->line);
		g_autofree char *key = i > 0 ? g_strdup_printf("rule%u", i + 1) : g_strdup("rule");
		log_line_add(line, key, text);
	}
}

static const char *
outcome(const Status *st)
{
	if (st->id == STATUS_OK)
		return "sent";
	return status_is_temporary(st) ? "deferred" : "bounced";
}

bool
transact_is_disposed(const DeliverReport *report)
{
	for (guint i = 0; i < report->done->len; i++) {
		const DeliverDone *done = report->done->pdata[i];
		if (strcmp(done->action, "discard") != 0)
			return false;
	}
	return report->done->len > 0;
}

/* Which kind of line it is. */
EventId
transact_event(const Transact *transact, const Status *st)
{
	if (st->id != STATUS_OK)
		return event_of_fault(st->id);
	if (transact->here != NULL)
		return EVENT_NOT_STORED_AGAIN;
	if (transact->scripts.notes->len > 0 || transact->report.notes->len > 0)
		return EVENT_DELIVERED_NOTED;

	return transact_is_disposed(&transact->report) ? EVENT_DISCARDED : EVENT_DELIVERED;
}

/* Of an address or a name at the head of a trace. */
enum { SHOWN_OCTETS = 1000 };

/* Who sent what to whom, and what the agent said before the scripts. */
static char *
trace_head(const Transact *transact)
{
	const Envelope *envelope = transact->envelope;
	GString *head = g_string_new(NULL);
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(transact->now);
	g_autofree char *stamp = time != NULL ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ")
	                                      : g_strdup("");

	const struct {
		const char *key, *value;
	} pairs[] = {
		{ "time", stamp },
		{ "queue id", envelope->told_id },
		{ "from", envelope->sender },
		{ "to", envelope->recipient },
		{ "original to", envelope->original },
		{ "user", transact->account->user },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++) {
		g_autofree char *value = pairs[i].value != NULL
		                                 ? header_text_print(pairs[i].value, SHOWN_OCTETS)
		                                 : NULL;
		if (value != NULL)
			g_string_append_printf(head, "%s: %s\n", pairs[i].key, value);
	}

	g_autofree char *verdict = transact->verdict != NULL ? loop_verdict_print(transact->verdict)
	                                                     : g_strdup("");
	g_autofree char *rules = transact->rules != NULL ? header_rule_result_print(transact->rules)
	                                                 : g_strdup("");
	g_string_append_printf(head, "%s%s\nscripts:\n", verdict, rules);

	return g_string_free(head, FALSE);
}

/* What was decided and done. */
static char *
trace_tail(const Transact *transact, const Status *st)
{
	GString *tail = g_string_new(NULL);
	g_autofree char *plan = transact->plan != NULL ? plan_print(transact->plan) : g_strdup("");
	g_autofree char *done = transact_done_text(transact);

	g_string_append_printf(tail, "\nplan:\n%s\n", plan);
	if (transact->scripts.decided_by != NULL)
		g_string_append_printf(tail, "decided by: %s\n", transact->scripts.decided_by);
	const GPtrArray *const lists[] = { transact->scripts.notes, transact->report.notes };
	for (size_t n = 0; n < G_N_ELEMENTS(lists); n++)
		for (guint i = 0; i < lists[n]->len; i++)
			g_string_append_printf(tail, "note: %s\n",
			                       (const char *) lists[n]->pdata[i]);

	g_string_append_printf(tail, "answer: %s %s\n", status_row(st->id)->dsn,
	                       st->id == STATUS_OK ? done : status_text(st));
	if (st->detail != NULL)
		g_string_append_printf(tail, "detail: %s\n", st->detail);
	return g_string_free(tail, FALSE);
}

/* A trace that cannot be written is a note, and nothing else. */
static void
write_trace(const Transact *transact, const Status *st)
{
	g_auto(Status) fault = STATUS_INIT;
	if (transact->trace == NULL)
		return;

	g_autofree char *head = trace_head(transact), *tail = trace_tail(transact, st);
	if (!delivery_trace_write(transact->trace, transact->now, transact->envelope->told_id, head,
	                          tail, &fault))
		g_ptr_array_add(transact->report.notes,
		                g_strdup_printf("no trace: %s", fault.detail));
}

/* Is the mail put off by a peer that is down, of which the log tells elsewhere? */
static bool
tell_outages(const Transact *transact, const Status *st)
{
	bool is_by_outage = st->outside != NULL && st->outside->is_down;
	if (transact->leaves_outages)
		return is_by_outage;
	return outage_tell(transact->site->conf->outage_folder, transact->state_path,
	                   transact->now) &&
	       is_by_outage;
}

/* What the settings may mask, before anything of it is said. */
static void
mask_all(LogLine *line, const Transact *transact)
{
	const Envelope *envelope = transact->envelope;

	log_line_mask(line, "to", envelope->recipient);
	log_line_mask(line, "orig_to", envelope->original);
	log_line_mask(line, "from", envelope->sender);
	log_line_mask(line, "user", transact->account->user);
	log_line_mask(line, "message-id", transact->names.message_id);
	for (size_t i = 0; transact->plan != NULL && i < plan_count(transact->plan); i++)
		log_line_mask(line, "sent_to", plan_get(transact->plan, i)->address);
	for (guint i = 0; i < transact->report.done->len; i++)
		log_line_mask(line, "sent_to",
		              ((const DeliverDone *) transact->report.done->pdata[i])->to);
}

void
transact_log(const Transact *transact, const Status *st, double seconds)
{
	const Envelope *envelope = transact->envelope;
	const Conf *conf = transact->site->conf;

	write_trace(transact, st);
	bool is_quiet = tell_outages(transact, st);
	transact_record(transact, st, seconds);
	LogLine *line = log_line_new(envelope->told_id);
	mask_all(line, transact);
	log_line_add(line, "to", envelope->recipient);
	log_line_add(line, "orig_to", envelope->original);
	log_line_add(line, "from", envelope->sender);
	log_line_add(line, "user", transact->account->user);
	log_line_add(line, "message-id", transact->names.message_id);
	log_line_add(line, "origin_id", transact->names.origin_id);

	/* The outcome before the reasons: a line that is too long loses its end. */
	g_autofree char *delay = g_strdup_printf("%.3f", seconds);
	log_line_add(line, "delay", delay);
	log_line_add(line, "dsn", status_dsn(st));
	log_line_add(line, "status", outcome(st));
	log_line_add_event(line, transact_event(transact, st));

	if (st->id != STATUS_OK) {
		log_line_add(line, "fault", status_row(st->id)->name);
		log_line_add(line, "text", status_text(st));
		log_line_add(line, "detail", st->detail);
	}
	log_line_add_outside(line, outside_seen());

	if (transact->verdict != NULL && transact->verdict->kind != LOOP_NONE) {
		log_line_add(line, "loop", loop_kind_name(transact->verdict->kind));
		log_line_add(line, "why", transact->verdict->why);
	}

	log_rules(line, transact->rules);
	log_decision(line, transact->plan, &transact->scripts);
	log_done(line, &transact->report);
	log_notes(line, transact);
	log_line_add_int(line, "size", (gint64) message_size(transact->message));
	g_autofree char *durability = conf->durability != CONF_DURABILITY_FULL
	                                      ? conf_choice(conf_find_row("durability"),
	                                                    conf->durability)
	                                      : NULL;
	log_line_add(line, "durability", durability);
	log_line_add(line, "key", transact->site->key_problem);
	log_line_send(line, is_quiet || st->id == STATUS_OK ? LOG_INFO : LOG_WARNING);
}

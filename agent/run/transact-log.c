/* transact-log: the log line of a finished transaction. */
#include "agent/run/transact-parts.h"

#include "agent/base/log.h"
#include "conf/conf-choices.h"

#include <syslog.h>

/* Everything that was done, as pairs of the log line; several actions are numbered from the second on. */
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
log_decision(LogLine *line, const Plan *plan, const ScriptReport *scripts)
{
	log_line_add(line, "script", scripts->decided_by);
	if (plan == NULL || plan_count(plan) == 0 || plan_get(plan, 0)->at.file == NULL)
		return;
	const PlanSource *at = &plan_get(plan, 0)->at;
	g_autofree char *rule = g_strdup_printf("%s:%u", at->file, at->line);
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
			g_string_append_printf(all, "%s%s", all->len > 0 ? "; " : "", (const char *) lists[n]->pdata[i]);
	if (transact->rules != NULL && transact->rules->note != NULL)
		g_string_append_printf(all, "%s%s", all->len > 0 ? "; " : "", transact->rules->note);
	log_line_add(line, "note", all->len > 0 ? all->str : NULL);
}

static void
log_rules(LogLine *line, const HeaderRuleResult *rules)
{
	for (guint i = 0; rules != NULL && i < rules->events->len; i++) {
		const HeaderRuleEvent *event = rules->events->pdata[i];
		g_autofree char *text = g_strdup_printf("%s (%s, line %u)", event->rule, event->action, event->line);
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

void
transact_log(const Transact *transact, const Status *st, double seconds)
{
	const Envelope *envelope = transact->envelope;
	const Conf *conf = transact->site->conf;
	LogLine *line = log_line_new(envelope->queue_id);
	log_line_add(line, "to", envelope->recipient);
	log_line_add(line, "orig_to", envelope->original);
	log_line_add(line, "from", envelope->sender);
	log_line_add(line, "user", transact->account->user);
	/* The outcome before the reasons: a line that is too long loses its end. */
	g_autofree char *delay = g_strdup_printf("%.3f", seconds);
	log_line_add(line, "delay", delay);
	log_line_add(line, "dsn", status_dsn(st));
	log_line_add(line, "status", outcome(st));
	if (st->id != STATUS_OK) {
		log_line_add(line, "fault", status_row(st->id)->name);
		log_line_add(line, "text", status_text(st));
		log_line_add(line, "detail", st->detail);
	}
	if (transact->verdict != NULL && transact->verdict->kind != LOOP_NONE) {
		log_line_add(line, "loop", loop_kind_name(transact->verdict->kind));
		log_line_add(line, "why", transact->verdict->why);
	}
	log_rules(line, transact->rules);
	log_decision(line, transact->plan, &transact->scripts);
	log_done(line, &transact->report);
	log_notes(line, transact);
	log_line_add_int(line, "size", (gint64) message_size(transact->message));
	if (conf->durability != DURABILITY_FULL)
		log_line_add(line, "durability", conf->durability == DURABILITY_FILE ? "file" : "none");
	log_line_add(line, "key", transact->site->key_problem);
	log_line_send(line, st->id == STATUS_OK ? LOG_INFO : LOG_WARNING);
}

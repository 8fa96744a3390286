/* transact: the steps of one delivery, in their order. */
#define _GNU_SOURCE
#include "agent/run/transact.h"

#include "agent/base/deadline.h"
#include "agent/base/log.h"
#include "conf/conf-choices.h"

#include <string.h>
#include <syslog.h>

struct Transact {
	const Site *site;
	const Account *account;
	const Envelope *envelope;
	Message *message;
	const char *folder;
	gint64 now;
	const TransactDescription *described;
	const RecipeCall *recipes; /* NULL: by the settings */
	LoopVerdict *verdict;
	HeaderRuleResult *rules;
	Headers *headers;        /* as it will be stored: after rules, with stamps */
	const char *file_into;   /* where a verdict or a rule wants the message; before any filter */
	bool discard;            /* return_action = discard */
	Plan *plan;
	ScriptReport scripts;
	DeliverReport report;
	StateOnce *state;        /* what is remembered of the owner; opened when something asks */
};

static const TransactDescription as_it_is = { .world = { .trace_level = -1 } };

Transact *
transact_new(const Site *site, const Account *account, const Envelope *envelope, Message *message, const char *folder,
             gint64 now)
{
	Transact *transact = g_new0(Transact, 1);
	transact->site = site;
	transact->account = account;
	transact->envelope = envelope;
	transact->message = message_ref(message);
	transact->folder = folder;
	transact->now = now;
	transact->described = &as_it_is;
	scripts_report_init(&transact->scripts);
	deliver_report_init(&transact->report);
	return transact;
}

void
transact_free(Transact *transact)
{
	if (transact == NULL)
		return;
	plan_free(transact->plan);
	headers_unref(transact->headers);
	header_rule_result_free(transact->rules);
	loop_verdict_free(transact->verdict);
	deliver_report_clear(&transact->report);
	scripts_report_clear(&transact->scripts);
	state_once_free(transact->state);
	message_unref(transact->message);
	g_free(transact);
}

void
transact_describe(Transact *transact, const TransactDescription *description)
{
	transact->described = description;
}

void
transact_set_recipes(Transact *transact, const RecipeCall *recipes)
{
	transact->recipes = recipes;
}

/* The sentence that a sender reads in the bounce. */
static bool
refuse(const Transact *transact, StatusId id, const char *why, Status *st)
{
	return status_fail(st, id, "<%s>: %s: %s - see todoke code %s", transact->envelope->recipient,
	                   status_row(id)->text, why, status_row(id)->name);
}

/* A proven loop: what the site wants done with it. */
static bool
answer_loop(Transact *transact, Status *st)
{
	const Conf *conf = transact->site->conf;
	switch (conf->loop_action) {
	case LOOP_ACTION_KEEP:
		return true;
	case LOOP_ACTION_FILE:
		transact->file_into = conf->loop_folder;
		return true;
	case LOOP_ACTION_DEFER:
		return refuse(transact, STATUS_LOOP_DEFER, transact->verdict->why, st);
	default:
		return refuse(transact, loop_verdict_status(transact->verdict), transact->verdict->why, st);
	}
}

/* Our own copy came back more often than it may. */
static bool
answer_return(Transact *transact, Status *st)
{
	const Conf *conf = transact->site->conf;
	switch (conf->return_action) {
	case RETURN_ACTION_DELIVER:
		return true;
	case RETURN_ACTION_FILE:
		transact->file_into = conf->loop_folder;
		return true;
	case RETURN_ACTION_DISCARD:
		transact->discard = true;
		return true;
	default:
		return refuse(transact, STATUS_LOOP, transact->verdict->why, st);
	}
}

static bool
judge_loop(Transact *transact, Status *st)
{
	LoopSettings settings = site_loop_settings(transact->site, transact->now);
	transact->verdict = loop_judge(message_headers(transact->message), transact->envelope, &settings);
	switch (transact->verdict->answer) {
	case LOOP_IS_LOOP:
		return answer_loop(transact, st);
	case LOOP_IS_RETURN:
		return answer_return(transact, st);
	default:
		return true;
	}
}

static bool
apply_rules(Transact *transact, Status *st)
{
	HeaderRuleInput input = {
		.envelope = transact->envelope,
		.rules = site_address_rules(transact->site),
		.fetched = transact->verdict->fetched,
		.forwarded = transact->verdict->forwarded,
	};
	transact->rules = header_rules_apply(transact->site->rules, message_headers(transact->message), &input);
	switch (transact->rules->answer) {
	case HEADER_RULE_DELIVER:
		return true;
	case HEADER_RULE_FILE:
		transact->file_into = transact->rules->folder;
		return true;
	default:
		return refuse(transact, header_rule_result_status(transact->rules), transact->rules->why, st);
	}
}

/* Does this hop's part of the header, above the newest Received, have the field already? */
static bool
has_stamp(const Headers *headers, const char *name)
{
	for (size_t i = 0; i < headers_count(headers); i++) {
		const HeaderField *field = headers_get(headers, i);
		if (header_field_is(field, name))
			return true;
		if (header_field_is(field, "Received"))
			return false;
	}
	return false;
}

/* The mark of a stored copy, over the header that it stands in. */
static void
append_mark(const Transact *transact, Headers *stamped, const Headers *headers)
{
	if (!transact->site->conf->add_mark || transact->site->keys == NULL)
		return;
	AddressRules rules = site_loop_rules(transact->site);
	g_autofree char *subject = mark_subject(transact->envelope->recipient, &rules, headers);
	Mark mark = { .kind = MARK_STORED, .returns = transact->verdict->returns, .time = transact->now };
	g_autofree char *value = mark_make(transact->site->keys, &mark, subject);
	headers_append_text(stamped, MARK_FIELD, value);
}

/* Put our stamps on top of the header. */
static void
stamp(Transact *transact)
{
	const Conf *conf = transact->site->conf;
	const Envelope *envelope = transact->envelope;
	Headers *old = transact->rules->headers;
	Headers *stamped = headers_new(old, headers_newline(old));
	size_t top = headers_top(old);
	for (size_t i = 0; i < top; i++)
		headers_append(stamped, headers_get(old, i));
	if (conf->add_return_path && envelope->sender != NULL && !has_stamp(old, "Return-Path")) {
		g_autofree char *path = g_strdup_printf("<%s>", envelope_is_bounce(envelope) ? "" : envelope->sender);
		headers_append_text(stamped, "Return-Path", path);
	}
	if (conf->add_original_to && envelope->original != NULL && !has_stamp(old, "X-Original-To"))
		headers_append_text(stamped, "X-Original-To", envelope->original);
	if (conf->add_delivered_to && !has_stamp(old, "Delivered-To"))
		headers_append_text(stamped, "Delivered-To", envelope->recipient);
	append_mark(transact, stamped, old);
	headers_append_from(stamped, old, top);
	transact->headers = stamped;
}

bool
transact_judge(Transact *transact, Status *st)
{
	if (transact->described->script != NULL) {
		transact->headers = headers_ref(message_headers(transact->message));
		return true;
	}
	deadline_waiting_for("judging the header");
	if (!judge_loop(transact, st) || !apply_rules(transact, st))
		return false;
	stamp(transact);
	return true;
}

/* What a verdict or a header rule decided, before any filter. */
static bool
plan_verdict(Transact *transact, Status *st)
{
	if (transact->discard)
		return plan_add(transact->plan, plan_action_new(PLAN_DISCARD, NULL, 0), st);
	PlanAction *action = plan_action_new(PLAN_FILEINTO, NULL, 0);
	action->mailbox = g_strdup(transact->file_into);
	action->create = true;
	return plan_add(transact->plan, action, st);
}

static bool
list_scripts(const Transact *transact, ScriptList *ret_list, Status *st)
{
	const TransactDescription *described = transact->described;
	if (described->script == NULL)
		return scripts_find(transact->site->conf, transact->account, transact->recipes, ret_list, st);
	scripts_list_given(ret_list, described->before, described->script, described->after);
	return true;
}

/* Let the scripts fill the plan; `inbox` (may be NULL) answers which mailboxes there are. */
static bool
run_scripts(Transact *transact, Maildir *inbox, Status *st)
{
	g_auto(ScriptList) list = { NULL, NULL };
	if (!list_scripts(transact, &list, st))
		return false;
	if (list.scripts->len == 0 && list.left_out == NULL)
		return true;
	FilterInput input = {
		.message = transact->message,
		.headers = transact->headers,
		.envelope = transact->envelope,
		.user = transact->account->user,
		.addresses = transact->account->addresses,
		.delimiters = transact->site->conf->delimiters,
	};
	WorldLive live = { transact->state, transact->report.notes };
	g_autoptr(World) world = world_new(transact->site, transact->account, transact->envelope, inbox, transact->now,
	                                   &transact->described->world, transact->state != NULL ? &live : NULL);
	if (transact->recipes != NULL)
		world_set_recipes(world, transact->recipes);
	deadline_waiting_for("running the scripts");
	scripts_run(&list, &input, world, transact->plan, &transact->scripts);
	return true;
}

static bool
make_plan(Transact *transact, Maildir *inbox, Status *st)
{
	transact->plan = plan_new();
	plan_set_keep_mailbox(transact->plan, transact->folder);
	bool decided = transact->discard || transact->file_into != NULL;
	if (decided ? !plan_verdict(transact, st) : !run_scripts(transact, inbox, st))
		return false;
	plan_finish(transact->plan);
	return true;
}

bool
transact_plan(Transact *transact, Status *st)
{
	g_auto(Status) absent = STATUS_INIT;
	MaildirOptions look_only = { .umask = (mode_t) transact->site->conf->umask, .durability = DURABILITY_NONE };
	g_autoptr(Maildir) inbox = maildir_open(transact->account->maildir, &look_only, &absent);
	return make_plan(transact, inbox, st);
}

/* Where the owner's state lies. Beside the mail for virtual users: they may share a home. */
static char *
state_folder(const Transact *transact, Status *st)
{
	const Account *account = transact->account;
	const char *setting = transact->site->conf->state_folder;
	if (*setting != '\0')
		return account_expand(account, setting, st);
	if (account->is_system && account->home != NULL)
		return g_build_filename(account->home, ".local/state/todoke", NULL);
	return g_build_filename(account->maildir, "todoke-state", NULL);
}

bool
transact_deliver(Transact *transact, Status *st)
{
	const Conf *conf = transact->site->conf;
	g_autofree char *folder = state_folder(transact, st);
	if (folder == NULL)
		return false;
	transact->state = state_once_new(folder, transact->now);
	deadline_waiting_for("opening the mailbox");
	g_autoptr(Maildir) inbox = deliver_open_inbox(transact->account->maildir, conf, st);
	if (inbox == NULL)
		return false;
	g_autoptr(MaildirDraft) draft = maildir_draft_new(inbox, st);
	if (draft == NULL)
		return false;
	deadline_waiting_for("reading the message");
	if (!maildir_draft_write(draft, transact->message, transact->headers, st) || !make_plan(transact, inbox, st))
		return false;
	deadline_waiting_for("storing the message");
	DeliverOwner owner = {
		.user = transact->account->user,
		.home = transact->account->home,
		.addresses = transact->account->addresses,
		.state = transact->state,
		.keys = transact->site->keys,
		.host = transact->site->host,
		.now = transact->now,
	};
	DeliverJob job = {
		.message = transact->message,
		.headers = transact->headers,
		.inbox = inbox,
		.draft = g_steal_pointer(&draft),
		.conf = conf,
		.envelope = transact->envelope,
		.owner = &owner,
	};
	return deliver_run(transact->plan, &job, &transact->report, st);
}

const LoopVerdict *
transact_verdict(const Transact *transact)
{
	return transact->verdict;
}

const HeaderRuleResult *
transact_rules(const Transact *transact)
{
	return transact->rules;
}

Headers *
transact_headers(const Transact *transact)
{
	return transact->headers;
}

const Plan *
transact_planned(const Transact *transact)
{
	return transact->plan;
}

const ScriptReport *
transact_scripts(const Transact *transact)
{
	return &transact->scripts;
}

char *
transact_done_text(const Transact *transact)
{
	GString *text = g_string_new(NULL);
	for (guint i = 0; i < transact->report.done->len; i++) {
		const DeliverDone *done = transact->report.done->pdata[i];
		g_string_append(text, i > 0 ? ", " : "");
		if (done->folder != NULL)
			g_string_append_printf(text, "stored in %s", done->folder);
		else if (done->to != NULL)
			g_string_append_printf(text, "%s to %s", done->action, done->to);
		else
			g_string_append(text, done->action);
	}
	return g_string_free(text, FALSE);
}

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
		log_line_add(line, action, done->action);
		log_line_add(line, folder, done->folder);
		log_line_add(line, file, done->file);
		log_line_add(line, to, done->to);
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
	log_line_add(line, "dsn", status_row(st->id)->dsn);
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

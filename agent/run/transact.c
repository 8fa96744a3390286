/* SPDX-License-Identifier: MIT */
/* transact: the steps of one delivery, in their order. */
#define _GNU_SOURCE
#include "agent/run/transact-parts.h"

#include "agent/run/quota-notice.h"
#include "agent/base/crash.h"
#include "agent/base/deadline.h"
#include "agent/base/fs.h"
#include "agent/base/handover.h"
#include "agent/base/limits.h"
#include "agent/base/log.h"
#include "agent/base/problem.h"
#include "agent/base/texts.h"
#include "agent/message/address-print.h"
#include "agent/run/account-admit.h"
#include "agent/run/owner-settings.h"
#include "agent/store/dotlock.h"
#include "agent/store/folder.h"
#include "agent/state/arrival.h"
#include "agent/state/id-cache.h"
#include "conf/conf-choices.h"
#include "filters/sieve/run/sieve-date.h"

#include <string.h>

static const TransactDescription as_it_is = { .services = { .trace_level = -1 } };

static void
lock_free(gpointer lock)
{
	dotlock_release(lock);
}

static void
id_free(gpointer entry)
{
	id_cache_entry_free(entry);
}

Transact *
transact_new(const Site *site, const Account *account, const Envelope *envelope, Message *message,
             const char *folder, gint64 now)
{
	Transact *transact = g_new0(Transact, 1);

	transact->site = site;
	deliver_report_init(&transact->report);
	transact->own_conf = owner_settings_read(account, site->conf, transact->report.notes);
	if (transact->own_conf != NULL) {
		transact->own_site = *site;
		transact->own_site.conf = transact->own_conf;
		transact->site = &transact->own_site;
	}

	transact->account = account;
	transact->own_envelope = *envelope;
	transact->envelope = &transact->own_envelope;
	transact->message = message_ref(message);
	transact->folder = folder;
	transact->now = now;
	transact->described = &as_it_is;
	transact->locks = g_ptr_array_new_with_free_func(lock_free);
	transact->ids = g_ptr_array_new_with_free_func(id_free);
	transact->told = g_ptr_array_new_with_free_func(g_free);
	script_chain_report_init(&transact->scripts);
	transact_reach(transact, TRANSACT_BEGUN);

	const MailHosts hosts = { (const char *const *) site->conf->hostnames,
		                  site->conf->myhostname, fs_host_name() };
	mail_ids_init(&transact->names, envelope, message_headers(message), &hosts);
	transact->own_envelope.told_id = transact->names.queue_id;
	outside_forget();

	return transact;
}

void
transact_reach(Transact *transact, TransactMoment moment)
{
	transact->moments[moment] = g_get_monotonic_time();
}

void
transact_let_go(Transact *transact)
{
	g_ptr_array_set_size(transact->locks, 0);
	g_clear_pointer(&transact->state, state_once_free);
}

void
transact_free(Transact *transact)
{
	if (transact == NULL)
		return;
	g_ptr_array_unref(transact->locks);
	g_ptr_array_unref(transact->ids);
	g_ptr_array_unref(transact->told);
	delivery_trace_free(transact->trace);
	plan_free(transact->plan);
	headers_unref(transact->headers);
	header_rule_result_free(transact->rules);
	loop_verdict_free(transact->verdict);
	mail_ids_clear(&transact->names);
	g_free(transact->state_path);
	mark_keys_free(transact->keys);
	mark_keys_free(transact->late_keys);
	g_free(transact->subject);
	g_free(transact->mark);
	g_free(transact->arrival);
	g_free(transact->here);
	deliver_report_clear(&transact->report);
	script_chain_report_clear(&transact->scripts);
	state_once_free(transact->state);
	message_unref(transact->message);
	conf_free(transact->own_conf);
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

bool
transact_refuse(const Transact *transact, StatusId id, const char *why, Status *st)
{
	g_autofree char *recipient = address_print_path(transact->envelope->recipient);
	const TextValue values[] = {
		{ "recipient", recipient },
		{ "text", status_row(id)->text },
		{ "reason", why },
		{ "name", status_row(id)->name },
		{ NULL, NULL },
	};
	g_autofree char *text = texts_for_sender(TEXT_BOUNCE_REFUSAL, values);

	return status_fail(st, id, "%s", text);
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
	transact->rules = header_rules_apply(transact->site->rules,
	                                     message_headers(transact->message), &input);
	switch (transact->rules->answer) {
	case HEADER_RULE_DELIVER:
		return true;
	case HEADER_RULE_FILE:
		transact->file_into = transact->rules->folder;
		return true;
	default:
		return transact_refuse(transact, header_rule_result_status(transact->rules),
		                       transact->rules->why, st);
	}
}

/* Its size is asked when it has been read: where the mailbox is missing, that comes first. */
static bool
is_admitted(const Transact *transact, Status *st)
{
	const Conf *conf = transact->site->conf;
	if (transact->own_conf != NULL)
		message_limit_size(transact->message, (guint64) conf->message_size_limit);
	return account_admit(conf, transact->envelope->sender, 0, st);
}

/*
 * What header rules do with it. Whether it was here before was asked at its delivery: of the
 * verdict they get what the header tells of the mail's way.
 */
static bool
judge_stored(Transact *transact, Status *st)
{
	const LoopSettings settings = site_loop_settings(transact->site, transact->now);
	transact->verdict = loop_judge(message_headers(transact->message), transact->envelope,
	                               &settings);
	transact->verdict->kind = LOOP_NONE;
	transact->verdict->answer = LOOP_DELIVER;

	bool goes_on = apply_rules(transact, st);
	transact->headers = headers_ref(transact->rules->headers);
	return goes_on;
}

bool
transact_judge(Transact *transact, Status *st)
{
	if (transact->described->script != NULL) {
		transact->headers = headers_ref(message_headers(transact->message));
		return true;
	}
	if (transact->described->is_stored)
		return judge_stored(transact, st);
	if (!is_admitted(transact, st))
		return false;

	deadline_waiting_for("judging the header");
	transact_read_keys(transact);
	if (!transact_judge_loop(transact, st))
		return false;

	bool goes_on = transact->here != NULL || apply_rules(transact, st);
	transact_reach(transact, TRANSACT_JUDGED);
	return goes_on;
}

/* What a verdict or a header rule decided, before any filter. */
static bool
plan_verdict(Transact *transact, Status *st)
{
	if (transact->discard)
		return plan_add(transact->plan, plan_action_new(PLAN_DISCARD, NULL, 0), st);
	if (transact->inbox_only)
		return plan_add(transact->plan, plan_action_new(PLAN_KEEP, NULL, 0), st);

	PlanAction *action = plan_action_new(PLAN_FILEINTO, NULL, 0);
	action->mailbox = g_strdup(transact->file_into);
	action->create = true;

	return plan_add(transact->plan, action, st);
}

static bool
list_scripts(const Transact *transact, ScriptChain *ret_list, Status *st)
{
	const TransactDescription *described = transact->described;

	if (described->script == NULL) {
		if (!script_chain_find(transact->site->conf, transact->account, transact->recipes,
		                       ret_list, st))
			return false;
		if (transact->shadow != NULL)
			script_chain_replace_own(ret_list, transact->account, transact->shadow);
		return true;
	}

	script_chain_given(ret_list, described->before, described->script, described->after);
	return true;
}

/*
 * Have faults of rules put the mail off for as long as they may? The newest Received line has the
 * time when the queue took it; where there is none, nobody knows, and the sender's queue has its
 * own end.
 */
static bool
is_overdue(const Transact *transact)
{
	size_t pos = 0;
	const HeaderField *field = headers_next(message_headers(transact->message), "Received",
	                                        &pos);
	SieveDate date;

	if (field == NULL || !sieve_date_parse((SieveText){ field->bytes, field->len }, &date))
		return false;
	return date.seconds + transact->site->conf->defer_at_most < transact->now;
}

const char *
transact_arrival(Transact *transact)
{
	if (transact->arrival == NULL && arrival_is_certain(transact->envelope, transact->message))
		transact->arrival = arrival_key(transact->envelope, transact->message);
	return transact->arrival;
}

/* Where crashes of rules over this message are counted: nowhere, where it is only looked at. */
static CrashPlace
crash_place(const Transact *transact)
{
	bool is_delivery = !transact->rehearsal && transact->described == &as_it_is;
	CrashPlace place = { .folder = is_delivery ? transact->state_path : NULL };
	place.octets = message_header_octets(transact->message, &place.len);
	return place;
}

/*
 * A message that kills the rules again and again is delivered without them: it must not wait in the
 * queue until it bounces. Otherwise a crash will be counted from now on.
 */
static bool
gives_up_rules(Transact *transact)
{
	const CrashPlace place = crash_place(transact);
	unsigned crashes = crash_count(&place);
	if (crashes < LIMIT_CRASHES) {
		if (place.folder != NULL)
			crash_watch(&place, transact->names.queue_id);
		return false;
	}

	g_ptr_array_add(transact->report.notes,
	                g_strdup_printf("no rules ran: they crashed or took too long "
	                                "%u times over this message",
	                                crashes));
	transact->gave_up_rules = true;
	return true;
}

/* Let the scripts fill the plan; `inbox` (may be NULL) answers which mailboxes there are. */
static bool
run_scripts(Transact *transact, Maildir *inbox, Status *st)
{
	g_auto(ScriptChain) list = { 0 };
	if (!list_scripts(transact, &list, st))
		return false;
	script_chain_report_absent(&transact->scripts, &list);
	if (list.scripts->len == 0 || gives_up_rules(transact))
		return true;

	transact_settle_mark(transact);
	FilterInput input = {
		.message = transact->message,
		.headers = transact->headers,
		.envelope = transact->envelope,
		.user = transact->account->user,
		.addresses = transact->account->addresses,
		.delimiters = transact->site->conf->delimiters,
	};
	ServicesLive live = {
		.state = transact->state,
		.notes = transact->report.notes,
		.locks = transact->locks,
		.ids = transact->ids,
		.arrival = transact_arrival(transact),
		.no_programs = transact->described != &as_it_is,
	};
	ServicesDescription description = transact->described->services;
	if (transact->trace != NULL) {
		description.trace_level = TRACE_MATCHING;
		description.trace = delivery_trace_add;
		description.trace_user = transact->trace;
		description.is_delivered = true;
	}

	g_autoptr(Services)
		services = services_new(transact->site, transact->account, transact->envelope,
	                                inbox, transact->now, &description, &live);
	if (transact->recipes != NULL)
		services_set_recipes(services, transact->recipes);
	deadline_waiting_for("running the scripts");
	transact->scripts.is_overdue = is_overdue(transact);

	bool done = script_chain_run(&list, &input, services, transact->plan, &transact->scripts,
	                             st);
	crash_rules_ended();
	return done;
}

/*
 * A bounce that came back to the sender that SRS made goes on to who sent the mail, root's mail to
 * whom the site named.
 */
static bool
plan_return(Transact *transact, Status *st)
{
	if (!transact->account->forwards_all && !envelope_is_bounce(transact->envelope)) {
		return status_fail(st, STATUS_RULE_REFUSED,
		                   "only bounces are taken for this address");
	}

	PlanAction *action = plan_action_new(PLAN_REDIRECT, NULL, 0);
	action->address = g_strdup(transact->account->returns_to);
	return plan_add(transact->plan, action, st);
}

/* Has a verdict, a header rule or a setting decided where the message goes? */
static bool
is_decided(const Transact *transact)
{
	return transact->discard || transact->inbox_only || transact->file_into != NULL;
}

/* Mail for user+detail goes into the folder of that name, where the site wants it so. */
static void
choose_detail_folder(Transact *transact, Maildir *inbox)
{
	const Conf *conf = transact->site->conf;
	const char *detail = transact->account->detail;
	bool has_detail = detail != NULL && *detail != '\0' && transact->folder == NULL;
	if (!has_detail || conf->detail_folder == CONF_DETAIL_FOLDER_NO)
		return;

	FolderRules rules = folder_rules_of(conf);
	bool is_made = conf->detail_folder == CONF_DETAIL_FOLDER_CREATE;
	if (!is_made && (inbox == NULL || !folder_exists(inbox, &rules, detail)))
		return;
	plan_set_keep_mailbox(transact->plan, detail);
	if (is_made)
		plan_create_keep_mailbox(transact->plan);
}

bool
transact_run_scripts(Transact *transact, Maildir *inbox, Status *st)
{
	transact->plan = plan_new();
	plan_set_keep_mailbox(transact->plan, transact->folder);
	if (!run_scripts(transact, inbox, st))
		return false;
	plan_finish(transact->plan);
	return true;
}

static bool
make_plan(Transact *transact, Maildir *inbox, Status *st)
{
	plan_free(transact->plan);
	transact->plan = plan_new();
	if (transact->account->returns_to != NULL)
		return plan_return(transact, st);

	plan_set_keep_mailbox(transact->plan, transact->folder);
	choose_detail_folder(transact, inbox);
	if (is_decided(transact) ? !plan_verdict(transact, st) : !run_scripts(transact, inbox, st))
		return false;

	plan_finish(transact->plan);
	bool was_decided = is_decided(transact);
	if (!transact_check_passed(transact, st))
		return false;

	return was_decided == is_decided(transact) || make_plan(transact, inbox, st);
}

const char *
transact_state_folder(Transact *transact, Status *st)
{
	if (transact->state_path == NULL)
		transact->state_path = account_state_folder(transact->account, transact->site->conf,
		                                            st);
	return transact->state_path;
}

/*
 * What a rehearsal remembers: what was described, or what the owner's deliveries do, which it does
 * not change.
 */
static bool
find_copied_state(Transact *transact, Status *st)
{
	const TransactDescription *described = transact->described;

	if (described->state != NULL) {
		transact->state = state_once_new(described->state, transact->now);
		return true;
	}

	bool has_account = described->script == NULL;
	const char *folder = has_account ? transact_state_folder(transact, st) : NULL;
	transact->state = state_once_new_copy_shared(has_account ? transact->site->state : NULL,
	                                             transact->account->user, folder,
	                                             transact->now);

	return folder != NULL || !has_account;
}

static bool
open_state(Transact *transact, Status *st)
{
	if (transact->rehearsal)
		return find_copied_state(transact, st);
	const char *folder = transact_state_folder(transact, st);
	if (folder != NULL)
		transact->state = state_once_new_shared(
			transact->site->state, transact->account->user, folder, transact->now);

	return folder != NULL;
}

/* A rehearsal has the whole message already. */
static bool
stamp_for_looking(Transact *transact, Status *st)
{
	if (transact->headers != NULL)
		return true;
	const BodyPrint *print = message_print(transact->message, st);
	if (print != NULL)
		transact_stamp(transact, print);

	return print != NULL;
}

NoticeFrame
transact_notice_frame(const Transact *transact)
{
	return (NoticeFrame){ transact->account, transact->site->conf, transact->site->host,
		              transact->now, transact->told };
}

static ScriptMemory
script_memory(const Transact *transact)
{
	return (ScriptMemory){ transact->state, transact->account->user, transact->now,
		               transact->report.notes };
}

/* Remember the scripts and tell of the broken ones, unless all comes again. */
static void
settle_scripts(Transact *transact, Maildir *inbox)
{
	const ScriptMemory memory = script_memory(transact);
	const NoticeFrame frame = transact_notice_frame(transact);
	script_chain_settle(&transact->scripts, &memory, &frame, inbox);
}

/*
 * The mail lies safely: from now on another copy is a duplicate. Any earlier, a try that fails
 * would make one of the retry; formail does that.
 */
static void
remember_ids(Transact *transact)
{
	for (guint i = 0; i < transact->ids->len && !transact->rehearsal; i++) {
		g_auto(Status) fault = STATUS_INIT;
		if (!id_cache_add(transact->ids->pdata[i], &fault))
			g_ptr_array_add(transact->report.notes,
			                g_strdup_printf("formail -D: %s", fault.detail));
	}
}

/* Is it delivered although it was here before? Then that counts. */
static bool
has_returned(const LoopVerdict *verdict)
{
	return verdict != NULL && verdict->recall &&
	       (verdict->kind == LOOP_RETURNED || verdict->kind == LOOP_RETURNED_OFTEN ||
	        verdict->kind == LOOP_PASSED);
}

/* What the loop check found, if that is why the mail is kept or filed; NULL: it is not. */
static const char *
loop_reason(const Transact *transact)
{
	const LoopVerdict *verdict = transact->verdict;
	return verdict != NULL && verdict->kind != LOOP_NONE ? loop_kind_name(verdict->kind) : NULL;
}

/* The header rule that filed it; NULL: none did. */
static const char *
filing_rule(const Transact *transact)
{
	const HeaderRuleResult *rules = transact->rules;
	return rules != NULL && rules->answer == HEADER_RULE_FILE ? rules->decided_by : NULL;
}

static DeliverOwner
describe_owner(Transact *transact)
{
	return (DeliverOwner){
		.user = transact->account->user,
		.home = transact->account->home,
		.addresses = transact->account->addresses,
		.state = transact->state,
		.state_folder = transact->described->state != NULL ? transact->described->state
		                                                   : transact->state_path,
		.keys = transact->keys,
		.site_keys = transact->site->keys,
		.mark = transact->mark,
		.mark_subject = transact->subject,
		.arrival = transact->account->returns_to == NULL ? transact_arrival(transact)
		                                                 : NULL,
		.returned = has_returned(transact->verdict),
		.host = transact->site->host,
		.now = transact->now,
		.capture = transact->capture,
		.capture_user = transact->capture_user,
	};
}

/* What is delivered; the INBOX is its door's matter. */
static DeliverJob
describe_job(const Transact *transact, const DeliverOwner *owner)
{
	return (DeliverJob){
		.message = transact->message,
		.headers = transact->headers,
		.conf = transact->site->conf,
		.envelope = transact->envelope,
		.flag = transact->flags_duplicate ? transact->site->conf->duplicates_flag : NULL,
		.loop = loop_reason(transact),
		.header_rule = filing_rule(transact),
		.owner = owner,
		.is_overdue = transact->scripts.is_overdue,
		.rehearsal = transact->rehearsal,
	};
}

/* Without an INBOX, and without a state: a try that fails half-way may send the bounce twice. */
static bool
deliver_return(Transact *transact, Status *st)
{
	if (transact->rehearsal ? !stamp_for_looking(transact, st)
	                        : (transact_stamp(transact, NULL), false))
		return false;
	DeliverOwner owner = describe_owner(transact);
	DeliverJob job = describe_job(transact, &owner);
	return make_plan(transact, NULL, st) &&
	       deliver_run(transact->plan, &job, &transact->report, st);
}

/* What the delivery has left for the owner to know. The mail itself is safe: a fault is noted. */
static void
tell_owner(Transact *transact, Maildir *inbox)
{
	const GPtrArray *sentences = transact->report.for_owner;
	const NoticeFrame frame = transact_notice_frame(transact);

	for (guint i = 0; i < sentences->len; i++) {
		g_auto(Status) fault = STATUS_INIT;
		g_autofree char *subject = texts_for_owner(TEXT_NOTICE_REFUSED_SUBJECT, NULL);
		if (!notice_store(&frame, inbox, subject, sentences->pdata[i], &fault))
			g_ptr_array_add(transact->report.notes,
			                g_strdup_printf("the owner is not told: %s", fault.detail));
	}
}

/* Read the message into the draft, with our stamps. */
static bool
write_draft(Transact *transact, MaildirDraft *draft, Status *st)
{
	const BodyPrint *print = message_is_in_memory(transact->message)
	                                 ? message_print(transact->message, st)
	                                 : NULL;

	if (transact->rehearsal)
		return message_check_size(transact->message, st) &&
		       stamp_for_looking(transact, st) &&
		       maildir_draft_write(draft, transact->message, transact->headers, st);

	transact_stamp(transact, print);
	deadline_waiting_for("reading the message");
	MessageSeal seal;
	bool sealed = transact_seal(transact, &seal);

	return maildir_draft_write_sealed(draft, transact->message, transact->headers,
	                                  sealed ? &seal : NULL, st);
}

/* All lies where it belongs. */
static void
settle_delivered(Transact *transact, Maildir *inbox)
{
	remember_ids(transact);
	transact_notify_loop(transact, inbox);
	tell_owner(transact, inbox);
}

static void
warn_of_quota(Transact *transact, Maildir *inbox, const char *state, const Status *st)
{
	const NoticeFrame frame = transact_notice_frame(transact);
	if (quota_notice_fits(st))
		quota_notice_tell(&frame, inbox, state, &transact->report.fill, st,
		                  transact->report.notes);
}

static Maildir *
open_inbox(const Transact *transact, Status *st)
{
	const char *path = transact->account->maildir;
	const Conf *conf = transact->site->conf;
	return transact->rehearsal ? deliver_rehearse_inbox(path, conf, st)
	                           : deliver_open_inbox(path, conf, st);
}

/* Where a message that lies in the mailbox belongs. */
static bool
decide_stored(Transact *transact, Status *st)
{
	g_autoptr(Maildir) inbox = open_inbox(transact, st);
	if (inbox == NULL)
		return false;

	transact->state = state_once_new_copy(NULL, transact->now);
	if (!make_plan(transact, inbox, st))
		return false;

	DeliverOwner owner = describe_owner(transact);
	DeliverJob job = describe_job(transact, &owner);
	job.inbox = inbox;
	job.is_stored = true;

	return deliver_run(transact->plan, &job, &transact->report, st);
}

bool
transact_give_back(void *user, int *ret_head, int *ret_rest, Status *st)
{
	Transact *transact = user;
	maildir_draft_free(g_steal_pointer(&transact->draft));
	return message_give_back(transact->message, ret_head, ret_rest, st);
}

/* Does the plan do no more than store the mail in folders, or discard it? */
static bool
only_stores(const Plan *plan)
{
	for (size_t i = 0; i < plan_count(plan); i++) {
		PlanRole role = plan_kind_row(plan_get(plan, i)->kind)->role;
		if (role != PLAN_ROLE_STORES && role != PLAN_ROLE_DISPOSES)
			return false;
	}

	return true;
}

/*
 * The last moment for a handover. What leaves needs programs, the state and composed mail; so do
 * notices to the owner, and scripts that are remembered.
 */
static void
hand_over_or_store(Transact *transact, const Maildir *inbox, const MaildirDraft *draft)
{
	const ScriptMemory memory = script_memory(transact);
	transact->scripts_settled = script_chain_is_settled(&transact->scripts, &memory);
	if (!only_stores(transact->plan))
		handover_go("what the plan sends");
	if (transact->must_notify || !transact->scripts_settled ||
	    quota_may_reach(inbox, transact->site->conf, transact->state_path,
	                    maildir_draft_size(draft).bytes, plan_count(transact->plan)))
		handover_go("what is told or remembered");
	if (transact_has_shadow(transact))
		handover_go("a shadow script");
	handover_close();
}

static bool
deliver(Transact *transact, Status *st)
{
	if (transact->here != NULL)
		return transact_take(transact, st);
	if (transact->described->is_stored)
		return decide_stored(transact, st);
	if (transact->account->returns_to != NULL)
		return deliver_return(transact, st);
	if (!open_state(transact, st))
		return false;

	if (!transact->rehearsal)
		transact->trace = delivery_trace_new(transact->site->conf, transact->account,
		                                     transact->report.notes);
	deadline_waiting_for("opening the mailbox");

	g_autoptr(Maildir) inbox = open_inbox(transact, st);
	if (inbox == NULL)
		return false;

	g_autoptr(MaildirDraft) draft = maildir_draft_new(inbox, st);
	transact->draft = draft;
	if (draft == NULL)
		return false;

	transact_make_key(transact);
	if (!write_draft(transact, draft, st))
		return false;

	transact_reach(transact, TRANSACT_READ);
	transact_check_duplicate(transact);
	if (!make_plan(transact, inbox, st))
		return false;

	if (state_once_must_wait(transact->state, st))
		return false;

	transact_reach(transact, TRANSACT_PLANNED);
	hand_over_or_store(transact, inbox, draft);
	transact->draft = NULL;
	deadline_waiting_for("storing the message");
	DeliverOwner owner = describe_owner(transact);
	DeliverJob job = describe_job(transact, &owner);
	job.inbox = inbox;
	job.draft = g_steal_pointer(&draft);

	bool done = deliver_run(transact->plan, &job, &transact->report, st);
	transact_reach(transact, TRANSACT_ENDED);
	g_ptr_array_set_size(transact->locks, 0);
	if (done)
		settle_delivered(transact, inbox);
	if (done && transact->gave_up_rules) {
		const CrashPlace place = crash_place(transact);
		crash_forget(&place);
	}
	warn_of_quota(transact, inbox, owner.state_folder, st);
	if (!transact->scripts_settled && (done || !status_is_temporary(st)))
		settle_scripts(transact, inbox);
	crash_unwatch();
	if (done && !transact->rehearsal && !is_decided(transact))
		transact_shadow(transact, inbox);

	return done;
}

bool
transact_deliver(Transact *transact, Status *st)
{
	bool done = deliver(transact, st);
	crash_unwatch(); /* the header may end before this process does */
	return done;
}

/* Rules alone: there is no mailbox, and only its plan and what it sends are looked at. */
static bool
rehearse_rules(Transact *transact, Status *st)
{
	if (!stamp_for_looking(transact, st) || !make_plan(transact, NULL, st))
		return false;

	DeliverOwner owner = describe_owner(transact);
	DeliverJob job = describe_job(transact, &owner);
	job.rules_alone = true;

	return deliver_run(transact->plan, &job, &transact->report, st);
}

bool
transact_rehearse(Transact *transact,
                  bool (*capture)(void *, const PlanAction *, const RouteMail *, Status *),
                  void *user, Status *st)
{
	transact->rehearsal = true;
	transact->capture = capture;
	transact->capture_user = user;
	if (!transact->described->rules_alone)
		return transact_deliver(transact, st);

	return open_state(transact, st) && rehearse_rules(transact, st);
}

const LoopVerdict *
transact_verdict(const Transact *transact)
{
	return transact->verdict;
}

void
transact_leave_outages(Transact *transact)
{
	transact->leaves_outages = true;
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

bool
transact_is_rules_alone(const Transact *transact)
{
	return transact->described->rules_alone;
}

const GPtrArray *
transact_told(const Transact *transact)
{
	return transact->told;
}

const ScriptChainReport *
transact_scripts(const Transact *transact)
{
	return &transact->scripts;
}

const DeliverReport *
transact_report(const Transact *transact)
{
	return &transact->report;
}

const char *
transact_queue_id(const Transact *transact)
{
	const MailIds *names = &transact->names;
	if (names->queue_id != NULL)
		return names->queue_id;
	bool is_id = names->origin_id != NULL && mail_ids_is_queue_id(names->origin_id);
	return is_id ? names->origin_id : NULL;
}

/* By which rule: the sender may be told, so there is no path. */
static void
append_discard(GString *text, const Plan *plan)
{
	g_string_append(text, "discarded");

	for (size_t i = 0; plan != NULL && i < plan_count(plan); i++) {
		const PlanAction *action = plan_get(plan, i);
		if (action->kind != PLAN_DISCARD || action->at.file == NULL)
			continue;
		g_autofree char *file = g_path_get_basename(action->at.file);
		g_autofree char *place = problem_place_print(file, action->at.line);
		g_string_append_printf(text, " by %s", place);
		return;
	}
}

/* Where it is, and if that is not where a rule wanted it: the log says why. */
static void
append_folder(GString *text, const DeliverDone *done)
{
	const char *wanted = done->wanted != NULL ? done->wanted->mailbox : NULL;
	bool gave_way = wanted != NULL && strcmp(done->folder, "INBOX") == 0 &&
	                g_ascii_strcasecmp(wanted, "INBOX") != 0;

	g_string_append_printf(text, "stored in %s", done->folder);
	if (gave_way)
		g_string_append_printf(text, " instead of %s", wanted);
}

char *
transact_done_text(const Transact *transact)
{
	if (transact->here != NULL)
		return *transact->here != '\0'
		               ? g_strdup_printf("not stored again, it is in %s", transact->here)
		               : g_strdup("not stored again, a rule disposed of it before");

	GString *text = g_string_new(NULL);
	/* beside what keeps the mail or passes it on it only cancels the implicit keep */
	bool is_disposed = transact_is_disposed(&transact->report);
	for (guint i = 0; i < transact->report.done->len; i++) {
		const DeliverDone *done = transact->report.done->pdata[i];
		bool is_discard = strcmp(done->action, "discard") == 0;
		if (is_discard && !is_disposed)
			continue;
		g_string_append(text, text->len > 0 ? ", " : "");
		if (done->folder != NULL)
			append_folder(text, done);
		else if (is_discard)
			append_discard(text, transact->plan);
		else /* not to whom: a sender who asks for notices of success gets this text */
			g_string_append(text, done->action);
		g_string_append(text, done->earlier ? " by an earlier try" : "");
	}

	if (text->len == 0)
		g_string_append(text, "taken; nothing had to be stored");
	return g_string_free(text, FALSE);
}

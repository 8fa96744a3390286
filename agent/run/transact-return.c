/* SPDX-License-Identifier: MIT */
/*
 * transact-return: mail that was here before. Mail that its owner already has is never bounced, and
 * a mark alone makes no mail vanish: what is not known to be here is delivered.
 */
#define _GNU_SOURCE
#include "agent/run/transact-parts.h"

#include "agent/base/deadline.h"
#include "agent/base/texts.h"
#include "agent/plan/plan-program.h"
#include "agent/store/folder.h"
#include "conf/conf-choices.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

enum { DAY_SECONDS = 86400 };

/* Whose file the history of marks is; NULL: no other host shares it. */
static const char *
history_host(const Transact *transact)
{
	return transact->site->state != NULL ? transact->site->host : NULL;
}

static bool
refuse(const Transact *transact, StatusId id, Status *st)
{
	return transact_refuse(transact, id, transact->verdict->why, st);
}

/* A proven loop: what the site wants done with it. */
static bool
answer_loop(Transact *transact, Status *st)
{
	const Conf *conf = transact->site->conf;
	switch (conf->loop_action) {
	case CONF_LOOP_ACTION_NOTICE:
		transact->must_notify = true;
		transact->inbox_only = true;
		return true;
	case CONF_LOOP_ACTION_KEEP:
		transact->inbox_only = true;
		return true;
	case CONF_LOOP_ACTION_FILE:
		transact->file_into = conf->loop_folder;
		return true;
	case CONF_LOOP_ACTION_DEFER:
		return refuse(transact, STATUS_LOOP_DEFER, st);
	default:
		return refuse(transact, loop_verdict_status(transact->verdict), st);
	}
}

/* It came back more often than it may. */
static bool
answer_return(Transact *transact, Status *st)
{
	const Conf *conf = transact->site->conf;
	switch (conf->return_action) {
	case CONF_RETURN_ACTION_DELIVER:
		return true;
	case CONF_RETURN_ACTION_FILE:
		transact->file_into = conf->loop_folder;
		return true;
	case CONF_RETURN_ACTION_DISCARD:
		transact->discard = true;
		return true;
	default:
		return refuse(transact, STATUS_LOOP, st);
	}
}

/*
 * The body, so that marks can be checked: read into the INBOX's tmp, where nothing is left of it,
 * or into memory where there is no INBOX.
 */
static bool
hold_body(Transact *transact, Status *st)
{
	MessageBody body;
	if (message_body(transact->message, &body))
		return message_check_size(transact->message, st);
	if (message_is_in_memory(transact->message))
		return true;

	deadline_waiting_for("reading the message");
	const Headers *headers = message_headers(transact->message);
	if (transact->account->returns_to == NULL) {
		g_autoptr(Maildir) inbox = deliver_open_inbox(transact->account->maildir,
		                                              transact->site->conf, st);
		g_autoptr(MaildirDraft) draft = inbox != NULL ? maildir_draft_new(inbox, st) : NULL;
		return draft != NULL && maildir_draft_write(draft, transact->message, headers, st);
	}

	int fd = memfd_create("message", MFD_CLOEXEC);
	if (fd < 0)
		return status_fail_errno(st, errno, "cannot make a file in memory");

	bool held = message_write(transact->message, headers, fd, NULL, st);
	(void) close(fd); /* the message has its own descriptor */
	return held;
}

/* Path of the folder for thrown-away mail; NULL: none is known. Caller frees. */
static char *
trash_path(const Transact *transact, Maildir *inbox)
{
	const Conf *conf = transact->site->conf;
	const char *folder = folder_of_special_use(conf, inbox, "\\Trash", NULL), *why = NULL;
	FolderRules rules = folder_rules_of(conf);
	return folder != NULL ? folder_path(&rules, inbox, folder, &why) : NULL;
}

/*
 * Note anew where the copy is, before its line in the history gets too old: it may be asked for as
 * long as it is here.
 */
static void
renew(Transact *transact, const MarkTag *tag, const KeptCopy *copy, const char *path)
{
	gint64 lifetime = transact->site->conf->mark_lifetime;
	if (transact->envelope->door == DOOR_TRY || copy->time + lifetime / 2 > transact->now)
		return;

	g_auto(Status) fault = STATUS_INIT;
	g_autoptr(GString) line = g_string_new(NULL);
	if (copy->sign != NULL)
		mark_history_kept_in_mbox(line, tag, path, copy->sign);
	else
		mark_history_kept(line, tag, path, copy->bytes);

	/* or the next time */
	(void) mark_history_append(transact->state_path, history_host(transact), line,
	                           transact->now, lifetime, &fault);
}

/* Is there a copy in another folder than this one's? */
static bool
is_kept_besides(Maildir *inbox, const MarkHistory *history, KeptWanted wanted, const KeptCopy *copy,
                const char *path)
{
	g_autofree char *folder = kept_folder_path(copy, path), *other_path = NULL;
	const KeptCopy *other = NULL;
	wanted.besides = folder;
	return kept_find(inbox, history->kept, &wanted, &other, &other_path);
}

/*
 * The folder in which one of the copies still is; NULL: none is found. Caller frees. *ret_twice: is
 * there one in another folder, too? Asked only of a copy that was stored here.
 */
static char *
find_kept(Transact *transact, const MarkTag *tag, const MarkHistory *history, bool *ret_twice)
{
	g_auto(Status) absent = STATUS_INIT;
	AddressRules rules = site_loop_rules(transact->site);
	MaildirOptions look_only = { .umask = (mode_t) transact->site->conf->umask,
		                     .durability = CONF_DURABILITY_NONE };
	g_autoptr(Maildir) inbox = history->kept->len > 0 ? maildir_open(transact->account->maildir,
	                                                                 &look_only, &absent)
	                                                  : NULL;

	if (inbox == NULL)
		return NULL;

	deadline_waiting_for("looking for the copy that was kept");
	g_autofree char *trash = trash_path(transact, inbox), *path = NULL;
	const KeptWanted wanted = { tag->subject, tag->print,
		                    tag->whole,   transact->envelope->recipient,
		                    &rules,       trash,
		                    NULL };
	const KeptCopy *copy = NULL;
	if (!kept_find(inbox, history->kept, &wanted, &copy, &path))
		return NULL;

	renew(transact, tag, copy, path);
	*ret_twice = transact->verdict->claims.stored &&
	             is_kept_besides(inbox, history, wanted, copy, path);
	return kept_folder(copy, path);
}

/*
 * Is this the beginning of a wait? Where no queue holds the mail the program that fetches it brings
 * it anew each time, perhaps with a Received line of its own: then all tries are one wait.
 */
static bool
begins_wait(const Transact *transact, const MarkTag *tag, const MarkHistory *history)
{
	bool is_told_apart = tag->arrival != NULL && transact->verdict->claims.queued;

	return transact->verdict->kind == LOOP_TAKEN_OUT &&
	       (is_told_apart ? history->waits == 0 : history->put_off == 0);
}

/*
 * Remember that mail which was taken out of its own mailbox waits from now on, or waits no longer
 * as its copy stayed. False: it cannot be remembered, so the wait would never end. An end that
 * cannot be is only noted: the mail is here, and the next one waits less.
 */
static bool
remember_wait(Transact *transact, const MarkTag *tag, const MarkHistory *history, Status *st)
{
	g_auto(Status) fault = STATUS_INIT;
	g_autoptr(GString) line = g_string_new(NULL);
	bool begins = begins_wait(transact, tag, history);

	if (transact->envelope->door == DOOR_TRY)
		return true;
	if (begins)
		mark_history_waits(line, tag);
	if (transact->verdict->kind == LOOP_KEPT && history->put_off != 0)
		mark_history_taken(line, tag);

	if (mark_history_append(transact->state_path, history_host(transact), line, transact->now,
	                        transact->site->conf->mark_lifetime, &fault))
		return true;
	if (begins) {
		status_move(st, &fault);
		return false;
	}

	g_ptr_array_add(transact->report.notes,
	                g_strdup_printf("the end of its wait is not remembered: %s", fault.detail));
	return true;
}

/* -1: there is no such time. */
static gint64
seconds_since(const Transact *transact, gint64 time)
{
	return time != 0 ? transact->now - time : -1;
}

/* Ask the owner's state, and let the verdict be what it makes of it. */
static bool
recall(Transact *transact, const LoopSettings *settings, Status *st)
{
	g_auto(Status) unknown = STATUS_INIT;
	g_auto(MarkHistory) history = { 0 };
	bool has_state = transact->account->returns_to == NULL;
	const char *folder = has_state ? transact_state_folder(transact, &unknown) : NULL;
	const BodyPrint *print = message_print(transact->message, &unknown);
	LoopHistory known = { .waited = -1, .put_off = -1 };
	g_autofree char *kept = NULL;
	bool kept_twice = false;
	AddressRules rules = site_loop_rules(transact->site);
	g_autofree char *subject = mark_subject(transact->envelope->recipient, &rules,
	                                        message_headers(transact->message));

	BodyPrint whole;
	const MarkTag tag = { transact->now, subject, print, &whole, transact_arrival(transact) };
	bool has_history = folder != NULL && print != NULL &&
	                   message_whole_print(transact->message, &whole, &unknown);
	if (has_history) {
		mark_history_read(folder, &tag, &history);
		kept = find_kept(transact, &tag, &history, &kept_twice);
		known = (LoopHistory){
			.known = history.known,
			.kept = kept,
			.kept_twice = kept_twice,
			.kept_before = history.kept->len > 0,
			.kept_other = history.kept_any,
			.disposed = history.disposed,
			.passed = history.passed,
			.returns = history.returns,
			.waited = seconds_since(transact, history.waits),
			.put_off = seconds_since(transact, history.put_off),
		};
	}

	loop_settle(transact->verdict, &known, settings);
	if (has_history && !remember_wait(transact, &tag, &history, st))
		return false;

	if (transact->verdict->kind == LOOP_KEPT)
		transact->here = g_steal_pointer(&kept);
	else if (transact->verdict->kind == LOOP_DISPOSED)
		transact->here = g_strdup("");
	return true;
}

bool
transact_judge_loop(Transact *transact, Status *st)
{
	const Headers *headers = message_headers(transact->message);
	LoopSettings settings = site_loop_settings(transact->site, transact->now);

	settings.keys = transact->keys;
	settings.addresses = transact->account->addresses;
	if (loop_wants_body(headers, transact->keys)) {
		if (!hold_body(transact, st))
			return false;
		settings.print = message_print(transact->message, st);
		if (settings.print == NULL)
			return false;
	}

	LoopVerdict *verdict = transact->verdict = loop_judge(headers, transact->envelope,
	                                                      &settings);
	if (verdict->recall && settings.print == NULL && !hold_body(transact, st))
		return false;

	if (verdict->recall && !recall(transact, &settings, st))
		return false;
	transact->inbox_only = verdict->to_inbox;

	/* What was only passed on may be kept by the rules now: they decide, once. */
	bool again = verdict->kind != LOOP_PASSED || verdict->returns > 1;
	switch (verdict->answer) {
	case LOOP_IS_LOOP:
		return !again || answer_loop(transact, st);
	case LOOP_IS_RETURN:
		return answer_return(transact, st);
	case LOOP_PUT_OFF:
		return refuse(transact, STATUS_OWN_MAILBOX, st);
	default:
		return true;
	}
}

/* Does the plan keep a copy, or dispose of the message, or refuse it? Then it goes in no circle. */
static bool
ends_here(const Plan *plan)
{
	for (size_t i = 0; i < plan_count(plan); i++) {
		PlanKind kind = plan_get(plan, i)->kind;
		if (plan_kind_cancels_keep(kind) &&
		    plan_kind_row(kind)->role != PLAN_ROLE_PASSES_ON)
			return true;
	}
	return false;
}

/* Has everything that passes it on run already, as recipes have it that wait for their programs? */
static bool
has_left_already(const Plan *plan)
{
	bool left = false;
	for (size_t i = 0; i < plan_count(plan); i++) {
		const PlanAction *action = plan_get(plan, i);
		if (plan_kind_row(action->kind)->role != PLAN_ROLE_PASSES_ON)
			continue;

		const PlanProgram *program = plan_program_of(action);
		if (program == NULL || !program->done)
			return false;
		left = true;
	}

	return left;
}

/* A try that is refused here is the last but for one that is under way already. */
static void
remember_refusal(Transact *transact)
{
	g_auto(Status) fault = STATUS_INIT;
	AddressRules rules = site_loop_rules(transact->site);
	const BodyPrint *print = message_print(transact->message, &fault);
	g_autofree char *subject = mark_subject(transact->envelope->recipient, &rules,
	                                        message_headers(transact->message));

	if (transact->state == NULL || print == NULL || transact->envelope->door == DOOR_TRY)
		return;
	g_autoptr(GString) line = g_string_new(NULL);
	const MarkTag tag = { transact->now, subject, print, NULL, transact_arrival(transact) };
	mark_history_returned(line, &tag);

	if (!mark_history_append(transact->state_path, history_host(transact), line, transact->now,
	                         transact->site->conf->mark_lifetime, &fault))
		g_ptr_array_add(transact->report.notes,
		                g_strdup_printf("the loop is not remembered: %s", fault.detail));
}

bool
transact_check_passed(Transact *transact, Status *st)
{
	const LoopVerdict *verdict = transact->verdict;
	if (verdict == NULL || verdict->kind != LOOP_PASSED || transact->inbox_only ||
	    transact->file_into != NULL)
		return true;
	if (ends_here(transact->plan) || has_left_already(transact->plan))
		return true;

	remember_refusal(transact);
	return answer_loop(transact, st);
}

bool
transact_take(Transact *transact, Status *st)
{
	bool kept = transact->verdict->kind == LOOP_KEPT;

	deadline_waiting_for("reading the message");
	if (!message_drain(transact->message, st) || !message_check_size(transact->message, st))
		return false;

	deliver_report_add(
		&transact->report, kept ? "none, it is here" : "none, it was disposed of",
		kept ? g_strdup(transact->here) : NULL, NULL, message_size(transact->message));
	return true;
}

static bool
was_notified(Transact *transact)
{
	g_autofree char *day = g_strdup_printf("%" G_GINT64_FORMAT, transact->now / DAY_SECONDS);
	g_autofree char *key = state_key("loop notice", transact->account->user, day, NULL);
	State *state = state_once_get(transact->state, transact->report.notes);
	gint64 total = 0;
	g_auto(Status) unknown = STATUS_INIT;

	/*
	 * A counter, as two deliveries may find it at once. Where nothing can be counted nobody is
	 * told: better than each time.
	 */
	return state == NULL ||
	       !state_count(state, key, 1, transact->now + 2 * DAY_SECONDS, &total, &unknown) ||
	       total != 1;
}

void
transact_notify_loop(Transact *transact, Maildir *inbox)
{
	if (!transact->must_notify || was_notified(transact))
		return;
	const NoticeFrame frame = transact_notice_frame(transact);
	const TextValue values[] = {
		{ "recipient", transact->envelope->recipient },
		{ "reason", transact->verdict->why },
		{ NULL, NULL },
	};
	g_autofree char *subject = texts_for_owner(TEXT_NOTICE_LOOP_SUBJECT, values),
			*text = texts_for_owner(TEXT_NOTICE_LOOP_BODY, values);
	g_auto(Status) fault = STATUS_INIT;
	if (!notice_store(&frame, inbox, subject, text, &fault))
		g_ptr_array_add(
			transact->report.notes,
			g_strdup_printf("the owner is not told of the loop: %s", fault.detail));
}

/* SPDX-License-Identifier: MIT */
/* deliver: prepare all, commit, or take it back; then hand out what leaves, and report. */
#define _GNU_SOURCE
#include "agent/deliver/deliver.h"

#include "agent/base/deadline.h"
#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/base/texts.h"
#include "agent/state/arrival.h"
#include "agent/store/mbox.h"
#include "conf/conf-choices.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PLAN(id, name, role, data, repeats) extern const DeliverAction deliver_##name;
#include "agent/plan/plan-table.def"
#undef PLAN

static const DeliverAction *const actions[PLAN_KIND_COUNT] = {
#define PLAN(id, name, role, data, repeats) [PLAN_##id] = &deliver_##name,
#include "agent/plan/plan-table.def"
#undef PLAN
};

/*
 * What the commit has at least, however late it is: the answer must come before Postfix's own
 * limit.
 */
enum { COMMIT_SECONDS = 5 };

/* An action of the plan and what its prepare made. */
typedef struct {
	const DeliverAction *action;
	const PlanAction *wanted;
	void *state;
	LedgerMark before; /* what the ledger knew when the sending began */
	bool repeats;      /* the plan asks for the same twice */
} Step;

static void
step_free(gpointer data)
{
	Step *step = data;
	if (step->state != NULL)
		step->action->free(step->state);
	g_free(step);
}

static void
action_destroy(gpointer action)
{
	plan_action_free(action);
}

static void
done_free(gpointer data)
{
	DeliverDone *done = data;
	g_free(done->folder);
	g_free(done->file);
	g_free(done->to);
	g_free(done->reply);
	g_free(done);
}

static void
held_free(gpointer data)
{
	DeliverHeld *held = data;
	g_free(held->why);
	g_free(held);
}

void
deliver_report_init(DeliverReport *report)
{
	report->done = g_ptr_array_new_with_free_func(done_free);
	report->notes = g_ptr_array_new_with_free_func(g_free);
	report->held = g_ptr_array_new_with_free_func(held_free);
	report->for_owner = g_ptr_array_new_with_free_func(g_free);
	report->reply = NULL;
	report->stored_at = 0;
	report->fill = (QuotaFill){ .is_known = false };
}

void
deliver_report_clear(DeliverReport *report)
{
	g_clear_pointer(&report->done, g_ptr_array_unref);
	g_clear_pointer(&report->notes, g_ptr_array_unref);
	g_clear_pointer(&report->held, g_ptr_array_unref);
	g_clear_pointer(&report->for_owner, g_ptr_array_unref);
	g_clear_pointer(&report->reply, g_free);
}

void
deliver_report_add(DeliverReport *report, const char *action, char *folder, char *file,
                   guint64 bytes)
{
	DeliverDone *done = g_new(DeliverDone, 1);
	*done = (DeliverDone){ .action = action, .folder = folder, .file = file, .bytes = bytes };
	g_ptr_array_add(report->done, done);
}

void
deliver_report_sent(DeliverReport *report, const char *action, const char *to, guint64 bytes)
{
	DeliverDone *done = g_new(DeliverDone, 1);
	*done = (DeliverDone){ .action = action,
		               .bytes = bytes,
		               .to = g_strdup(to),
		               .reply = g_steal_pointer(&report->reply) };
	g_ptr_array_add(report->done, done);
}

void
deliver_report_earlier(DeliverReport *report, const char *action, const char *folder,
                       const char *to)
{
	DeliverDone *done = g_new(DeliverDone, 1);
	*done = (DeliverDone){
		.action = action, .folder = g_strdup(folder), .to = g_strdup(to), .earlier = true
	};
	g_ptr_array_add(report->done, done);
}

void
deliver_note(DeliverRun *run, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);

	/* Much of it is said by strangers. */
	g_ptr_array_add(run->report->notes, header_text_print(text, LIMIT_ANSWER_BYTES));
}

void
deliver_hold(DeliverRun *run, const PlanAction *action, const char *lead, const char *why)
{
	DeliverHeld *held = g_new(DeliverHeld, 1);
	*held = (DeliverHeld){ action, header_text_print(why, LIMIT_ANSWER_BYTES) };
	g_ptr_array_add(run->report->held, held);
	deliver_note(run, "%s: %s", lead, why);
}

Maildir *
deliver_open_inbox(const char *path, const Conf *conf, Status *st)
{
	MaildirOptions options = {
		.umask = (mode_t) conf->umask,
		.durability = conf->durability,
		.create = conf->create_maildir,
	};
	return maildir_open(path, &options, st);
}

Maildir *
deliver_rehearse_inbox(const char *path, const Conf *conf, Status *st)
{
	MaildirOptions options = {
		.umask = (mode_t) conf->umask,
		.durability = conf->durability,
		.create = conf->create_maildir,
		.rehearsal = true,
	};
	return maildir_open(path, &options, st);
}

/*
 * What a rehearsal leaves out: without a mailbox what is done here, not sent; of stored mail what
 * is not done here.
 */
static bool
is_left_out(const DeliverJob *job, PlanKind kind)
{
	if (job->is_stored)
		return !plan_kind_stores(kind);
	return job->rules_alone && (actions[kind] == NULL || !actions[kind]->rehearses);
}

/* Will there be another try that must know what this one has done? */
static bool
needs_ledger(const DeliverAction *action)
{
	return action->key != NULL || action->comes_again;
}

/* Can all of the plan be carried out by this program, and for this owner? */
static bool
check_plan(const Plan *plan, const DeliverJob *job, Status *st)
{
	for (size_t i = 0; i < plan_count(plan); i++) {
		PlanKind kind = plan_get(plan, i)->kind;
		if (is_left_out(job, kind))
			continue;
		if (needs_ledger(actions[kind]) && job->owner == NULL)
			return status_fail_detail(
				st, STATUS_CONFIG,
				"action '%s' is not possible here: nothing may leave",
				plan_kind_row(kind)->name);
	}
	return true;
}

static bool
leaves(const Plan *plan, const DeliverJob *job)
{
	for (size_t i = 0; i < plan_count(plan); i++) {
		PlanKind kind = plan_get(plan, i)->kind;
		if (!is_left_out(job, kind) && needs_ledger(actions[kind]))
			return true;
	}
	return false;
}

/*
 * What leaves is made from the body's home: where nothing is stored here, that is a file in memory.
 */
static bool
need_body(Message *message, const Headers *headers, Status *st)
{
	MessageBody body;
	if (message_body(message, &body))
		return true;

	auto_fd int fd = memfd_create("todoke", MFD_CLOEXEC);
	if (fd < 0)
		return status_fail_errno(st, errno, "cannot make a file in memory");

	return message_write(message, headers, fd, NULL, st);
}

/*
 * SHA-256 of the whole message, for deliveries without a queue id. NULL: its body cannot be read.
 */
static char *
content_hash(const Message *message, Status *st)
{
	enum { PIECE = 64 * 1024 };
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	const Headers *headers = message_headers(message);
	for (size_t i = 0; i < headers_count(headers); i++) {
		const HeaderField *field = headers_get(headers, i);
		g_checksum_update(sum, (const guchar *) field->bytes, field->len);
	}

	MessageBody body = { 0 };
	(void) message_body(message, &body); /* need_body has seen to it */
	g_autofree guchar *buffer = g_malloc(PIECE);
	for (off_t at = 0; at < body.size; at += PIECE) {
		size_t len = (size_t) MIN(body.size - at, PIECE);
		if (!fs_read_exactly_at(body.fd, body.offset + at, buffer, len, "message body", st))
			return NULL;
		g_checksum_update(sum, buffer, (gssize) len);
	}

	return g_strdup(g_checksum_get_string(sum));
}

static bool
has_queue_id(const DeliverJob *job)
{
	return job->envelope->queue_id != NULL && *job->envelope->queue_id != '\0';
}

/*
 * Queue ids come again some day; with the message's own words they do not. NULL: the message cannot
 * be read.
 */
static char *
ledger_key(const DeliverJob *job, Status *st)
{
	const Envelope *envelope = job->envelope;
	AddressRules rules = { .delimiters = "", .fold_local = job->conf->fold_local };
	g_autofree char *subject = mark_subject(envelope->recipient, &rules,
	                                        message_headers(job->message));
	g_autofree char *which = has_queue_id(job) ? g_strconcat("id ", envelope->queue_id, NULL)
	                                           : content_hash(job->message, st);

	if (which == NULL)
		return NULL;

	/* Two addresses that an alias makes one are two deliveries of one queue id. */
	return state_key("ledger", job->owner->user, which, subject,
	                 envelope->sender != NULL ? envelope->sender : "",
	                 envelope->original != NULL ? envelope->original : "", NULL);
}

/* Is there a state that other hosts share, and does something of the plan need it to leave? */
static bool
needs_state(const Plan *plan, const DeliverJob *job)
{
	for (size_t i = 0; state_once_is_shared(job->owner->state) && i < plan_count(plan); i++) {
		PlanKind kind = plan_get(plan, i)->kind;
		if (!is_left_out(job, kind) && needs_ledger(actions[kind]) &&
		    !actions[kind]->optional)
			return true;
	}
	return false;
}

/*
 * A server that has not said what is known of this mail will say so later: what must leave waits,
 * for another host may have sent it. What may stay away (an automatic reply) stays away.
 */
static bool
may_go_on(DeliverRun *run, const Plan *plan, const Status *fault, Status *st)
{
	StateOnce *once = run->job->owner->state;
	if ((run->state != NULL && fault->id == STATUS_OK) || !needs_state(plan, run->job))
		return true;

	state_once_miss(once, fault);
	return !state_once_must_wait(once, st);
}

enum { CLAIM_AGAIN_MS = 100, CLAIM_MARGIN_SECONDS = 30 };

/*
 * In the state that the hosts share, other tries are kept away for as long as this one can last: a
 * host that dies says nothing. False: another try is at work (STATUS_BUSY), or a fault.
 */
static bool
claim_try(DeliverRun *run, const char *key, unsigned patience_ms, Status *st)
{
	g_autofree char *token = g_uuid_string_random();
	const StateItem item = { .kind = STATE_CLAIM,
		                 .key = key,
		                 .value = token,
		                 .len = strlen(token),
		                 .until = run->job->owner->now + run->job->conf->deadline +
		                          CLAIM_MARGIN_SECONDS };

	for (unsigned waited_ms = 0;; waited_ms += CLAIM_AGAIN_MS) {
		bool taken = false;
		if (!state_take(run->state, &item, &taken, st))
			return false;
		if (taken)
			break;
		if (waited_ms >= patience_ms)
			return status_fail(st, STATUS_BUSY,
			                   "an earlier try of this message is still at work");
		g_usleep(CLAIM_AGAIN_MS * 1000);
	}

	run->claim = g_steal_pointer(&token);
	return true;
}

/* A claim that cannot be given back ends by itself. */
static void
drop_claim(DeliverRun *run)
{
	g_auto(Status) ignored = STATUS_INIT;
	if (run->claim == NULL)
		return;

	const StateItem item = { .kind = STATE_CLAIM,
		                 .key = run->ledger_key,
		                 .value = run->claim,
		                 .len = strlen(run->claim) };
	(void) state_drop(run->state, &item, &ignored);
	g_free(run->claim);
}

/*
 * False: another try of this message is at work. Where no lock can be made the mail goes on, and
 * that is noted.
 */
static bool
lock_try(DeliverRun *run, const char *key, Status *st)
{
	const DeliverOwner *owner = run->job->owner;
	const char *folder = run->state != NULL ? state_once_folder(owner->state) : NULL;
	if (folder == NULL || run->job->rehearsal || owner->capture != NULL)
		return true;

	g_auto(Status) fault = STATUS_INIT;
	unsigned patience = MIN(LIMIT_TRY_WAIT_SECONDS,
	                        (unsigned) MAX(run->job->conf->deadline / 2, 1));
	if (state_once_is_shared(owner->state))
		return claim_try(run, key, patience * 1000, st);
	run->lock = try_lock_take(folder, key, patience * 1000, &fault);
	if (run->lock != NULL)
		return true;

	if (fault.id != STATUS_BUSY) {
		deliver_note(run, "another try at the same time would send twice: %s",
		             fault.detail);
		return true;
	}

	status_move(st, &fault);
	return false;
}

/* What an earlier try could not tell the server; and files of mail that never came again. */
static void
read_spare(DeliverRun *run)
{
	const DeliverOwner *owner = run->job->owner;
	const char *folder = state_once_folder(owner->state);

	ledger_read_spare(run->ledger, folder);
	if (!run->job->rehearsal)
		ledger_sweep_spare(run->ledger, folder,
		                   owner->now - run->job->conf->journal_lifetime);
}

/*
 * Where something leaves, get ready to remember it. A state that cannot be used is noted and stops
 * nothing.
 */
static bool
open_ledger(DeliverRun *run, const Plan *plan, Status *st)
{
	const DeliverJob *job = run->job;
	if (!leaves(plan, job))
		return true;
	if (!need_body(job->message, job->headers, st))
		return false;

	run->ledger_key = ledger_key(job, st);
	if (run->ledger_key == NULL)
		return false;

	g_auto(Status) fault = STATUS_INIT;
	run->state = state_once_get(job->owner->state, run->report->notes);
	if (!lock_try(run, run->ledger_key, &fault)) {
		if (fault.id == STATUS_BUSY) {
			status_move(st, &fault);
			return false;
		}
		if (!may_go_on(run, plan, &fault, st))
			return false;
	}

	status_clear(&fault);
	run->ledger = ledger_open(run->state, run->ledger_key,
	                          job->owner->now + job->conf->journal_lifetime, &fault);
	if (!may_go_on(run, plan, &fault, st))
		return false;
	if (fault.id != STATUS_OK)
		deliver_note(run, "a retry may repeat things: %s", fault.detail);
	if (state_once_is_shared(job->owner->state))
		read_spare(run);
	return true;
}

/* One more step at the end of the list. */
static bool
prepare(DeliverRun *run, const PlanAction *wanted, Status *st)
{
	if (is_left_out(run->job, wanted->kind))
		return true;
	Step *step = g_new0(Step, 1);
	step->action = actions[wanted->kind];
	step->wanted = wanted;
	g_ptr_array_add(run->steps, step);
	if (!step->action->prepare(run, wanted, &step->state, st))
		return status_prefix(st, "action '%s'", step->action->name);

	return true;
}

static bool
prepare_all(DeliverRun *run, const Plan *plan, Status *st)
{
	for (size_t i = 0; i < plan_count(plan); i++) {
		const PlanAction *action = plan_get(plan, i);
		if (!prepare(run, action, st))
			return false;
		if (plan_kind_row(action->kind)->role == PLAN_ROLE_DISPOSES)
			run->disposes = action;
	}
	return true;
}

bool
deliver_prepare_more(DeliverRun *run, PlanAction *action, Status *st)
{
	g_ptr_array_add(run->extra, action);
	return prepare(run, action, st);
}

static bool
commit_from(DeliverRun *run, guint first, Status *st)
{
	GPtrArray *steps = run->steps;

	for (guint i = first; i < steps->len; i++) {
		Step *step = steps->pdata[i];
		if (step->state != NULL && step->action->commit != NULL &&
		    !step->action->commit(run, step->state, st))
			return status_prefix(st, "action '%s'", step->action->name);
	}

	for (guint i = first; i < steps->len; i++) {
		Step *step = steps->pdata[i];
		if (step->state != NULL && step->action->flush != NULL &&
		    !step->action->flush(run, step->state, st))
			return status_prefix(st, "action '%s'", step->action->name);
	}

	return true;
}

static void
take_back_from(GPtrArray *steps, guint first)
{
	for (guint i = first; i < steps->len; i++) {
		Step *step = steps->pdata[i];
		if (step->state != NULL && step->action->take_back != NULL)
			step->action->take_back(step->state);
	}
}

void
deliver_remember_step(DeliverRun *run, guint i, GString *lines)
{
	const Step *step = run->steps->pdata[i];
	if (step->state != NULL && step->action->remember != NULL)
		step->action->remember(run, step->state, lines);
}

/* What the run has asked for itself, such as a keep in place of a program, ends with the run. */
static const PlanAction *
wanted_of_plan(const DeliverRun *run, const Step *step)
{
	bool is_extra = g_ptr_array_find(run->extra, step->wanted, NULL);
	return is_extra ? NULL : step->wanted;
}

static void
report_from(DeliverRun *run, guint first)
{
	for (guint i = first; i < run->steps->len; i++) {
		Step *step = run->steps->pdata[i];
		guint before = run->report->done->len;
		if (step->state != NULL && step->action->report != NULL)
			step->action->report(run, step->state, run->report);
		for (guint n = before; n < run->report->done->len; n++)
			((DeliverDone *) run->report->done->pdata[n])->wanted = wanted_of_plan(
				run, step);
	}
}

/* Remember the ledger; mail goes on without it. */
static bool
write_ledger(DeliverRun *run)
{
	g_auto(Status) st = STATUS_INIT;
	if (run->ledger == NULL || ledger_write(run->ledger, &st))
		return true;
	deliver_note(run, "a retry may repeat things: %s", st.detail);
	return false;
}

/* Steps that failed hold no claim that the next attempt of this run would wait for. */
static void
drop_from(DeliverRun *run, guint first)
{
	for (guint i = first; i < run->steps->len; i++)
		(void) g_ptr_array_remove(run->stores, ((Step *) run->steps->pdata[i])->state);
	g_ptr_array_set_size(run->steps, (gint) first);
}

bool
deliver_store_now(DeliverRun *run, PlanAction *action, Status *st)
{
	guint first = run->steps->len;
	if (!deliver_prepare_more(run, action, st)) {
		drop_from(run, first);
		return false;
	}

	(void) write_ledger(run);
	if (!commit_from(run, first, st)) {
		take_back_from(run->steps, first);
		drop_from(run, first);
		return false;
	}

	report_from(run, first);
	deliver_remember(run, first);
	return true;
}

bool
deliver_keep_now(DeliverRun *run, const char *why, Status *st)
{
	if (run->has_local) {
		deliver_note(run, "%s", why);
		return true;
	}

	deliver_note(run, "stored in the INBOX instead: %s", why);
	return deliver_store_now(run, plan_action_new(PLAN_KEEP, NULL, 0), st);
}

bool
deliver_fallback_waits(const DeliverRun *run)
{
	return run->job->conf->rules_fallback == CONF_RULES_FALLBACK_DEFER && !run->job->is_overdue;
}

static const struct {
	const char *name;
	size_t offset; /* of the setting in Conf */
} limits[DELIVER_LIMITS] = {
	[DELIVER_REDIRECTS] = { "redirects", offsetof(Conf, redirect_limit) },
	[DELIVER_REPLIES] = { "replies", offsetof(Conf, reply_limit) },
	[DELIVER_NOTICES] = { "notices", offsetof(Conf, notice_limit) },
};

enum { DAY_SECONDS = 86400 };

/* Add to the owner's counter of today, and read it. */
static bool
count_today(const DeliverRun *run, DeliverLimit limit, gint64 by, gint64 *ret_total, Status *st)
{
	const DeliverOwner *owner = run->job->owner;
	gint64 day = owner->now / DAY_SECONDS;
	g_autofree char *day_text = g_strdup_printf("%" G_GINT64_FORMAT, day);
	g_autofree char *key = state_key("count", owner->user, limits[limit].name, day_text, NULL);
	return state_count(run->state, key, by, (day + 2) * DAY_SECONDS, ret_total, st);
}

char *
deliver_why_not_send(DeliverRun *run, DeliverLimit limit, const char *key)
{
	gint64 most = limit == DELIVER_UNLIMITED
	                      ? 0
	                      : G_STRUCT_MEMBER(gint64, run->job->conf, limits[limit].offset);
	if (most == 0 || run->state == NULL || ledger_find(run->ledger, key, NULL) != LEDGER_NEW)
		return NULL;

	gint64 total = 0;
	g_auto(Status) st = STATUS_INIT;
	if (!count_today(run, limit, 0, &total, &st))
		deliver_note(run, "nobody counts %s: %s", limits[limit].name, st.detail);

	if (total + run->promised[limit] >= most)
		return g_strdup_printf("the limit of %" G_GINT64_FORMAT " %s a day is reached",
		                       most, limits[limit].name);

	run->promised[limit]++;
	return NULL;
}

/* Does a step before number `n` do the same? */
static bool
repeats_earlier(const DeliverRun *run, guint n, const char *key)
{
	for (guint i = 0; i < n; i++) {
		const Step *step = run->steps->pdata[i];
		if (step->state != NULL && step->action->key != NULL &&
		    strcmp(step->action->key(step->state), key) == 0)
			return true;
	}
	return false;
}

char *
deliver_own_key(const DeliverRun *run, const char *key)
{
	static const char again[] = ", again ";
	size_t len = strlen(key);
	unsigned before = 0;

	for (guint i = 0; i < run->steps->len; i++) {
		const Step *step = run->steps->pdata[i];
		const char *other = step->state != NULL && step->action->key != NULL
		                            ? step->action->key(step->state)
		                            : NULL;
		before += other != NULL && strncmp(other, key, len) == 0 &&
		          (other[len] == '\0' || g_str_has_prefix(other + len, again));
	}

	return before == 0 ? g_strdup(key) : g_strdup_printf("%s%s%u", key, again, before);
}

/* Add to the counters of today; a number below 0 takes back. */
static void
count_all(DeliverRun *run, const gint64 by[DELIVER_LIMITS])
{
	for (DeliverLimit limit = DELIVER_UNLIMITED + 1;
	     limit < DELIVER_LIMITS && run->state != NULL; limit++) {
		gint64 total;
		g_auto(Status) st = STATUS_INIT;
		if (by[limit] != 0 && !count_today(run, limit, by[limit], &total, &st))
			deliver_note(run, "nobody counts %s: %s", limits[limit].name, st.detail);
	}
}

/*
 * What leaves is known to the ledger and counted before the first of it leaves. False: nobody will
 * remember.
 */
static bool
begin_sending(DeliverRun *run)
{
	gint64 count[DELIVER_LIMITS] = { 0 };

	for (guint i = 0; i < run->steps->len; i++) {
		Step *step = run->steps->pdata[i];
		if (step->state == NULL || step->action->key == NULL)
			continue;
		const char *key = step->action->key(step->state);
		step->before = ledger_find(run->ledger, key, NULL);
		step->repeats = repeats_earlier(run, i, key);
		if (step->repeats || step->before != LEDGER_NEW)
			continue;
		if (!step->action->optional)
			ledger_set(run->ledger, key, LEDGER_SENDING, NULL);
		count[step->action->limit]++;
	}

	count_all(run, count);
	return run->ledger == NULL || (write_ledger(run) && run->state != NULL);
}

/* What could not leave. */
typedef struct {
	Status again;
	Status refused;
	gint64 uncount[DELIVER_LIMITS]; /* below 0: counted, did not leave, and is counted again */
} Failures;

/* One line of the message's header for a notice; "-": it has none. Caller frees. */
static char *
header_line(const DeliverRun *run, const char *name)
{
	size_t pos = 0;
	const HeaderField *field = headers_next(message_headers(run->job->message), name, &pos);
	return field != NULL ? header_field_print(field, LIMIT_ANSWER_BYTES)
	                     : g_strdup_printf("%s: -", name);
}

/*
 * Once a day for each step: whatever refuses one mail may refuse a thousand. Nobody is told where
 * that cannot be remembered.
 */
static void
tell_owner(DeliverRun *run, const Step *step, const char *why)
{
	const DeliverOwner *owner = run->job->owner;
	g_autofree char *seen = state_key("told", owner->user, step->action->key(step->state),
	                                  NULL);
	g_auto(Status) fault = STATUS_INIT;

	if (run->state == NULL || state_seen(run->state, seen, &fault) || fault.id != STATUS_OK)
		return;
	g_autofree char *subject = header_line(run, "Subject"), *from = header_line(run, "From"),
			*id = header_line(run, "Message-ID");
	g_autofree char *header = g_strdup_printf("%s\n%s\n%s", from, subject, id);
	const TextValue values[] = {
		{ "action", step->action->name },
		{ "header", header },
		{ "answer", why },
		{ NULL, NULL },
	};
	char *text = texts_for_owner(TEXT_NOTICE_REFUSED_BODY, values);
	g_ptr_array_add(run->report->for_owner, text);
	state_once_will_see(owner->state, seen, NULL, owner->now + DAY_SECONDS);
}

/*
 * The mail was refused elsewhere, for good. Whoever has the mail is not told that it failed. What
 * our own server holds against the mail itself is no news for the sender either: then the mail
 * stays here; so it does where nobody would get the bounce.
 */
static void
take_refusal(DeliverRun *run, const Step *step, Status *fault, Failures *failures)
{
	bool is_mail = fault->id == STATUS_SUBMIT_MAIL,
	     is_quiet = run->job->conf->redirect_refused == CONF_REDIRECT_REFUSED_QUIET;
	g_autofree char *why = g_strdup(status_why(fault));
	bool can_stay = run->job->inbox != NULL &&
	                (is_mail || envelope_is_bounce(run->job->envelope));

	if (run->has_local ? is_mail || is_quiet : can_stay) {
		tell_owner(run, step, why);
		(void) deliver_keep_now(run, why, &failures->again); /* or its fault is there */
		return;
	}

	status_move(&failures->refused, fault);
}

/*
 * What the answer to Postfix and the log have in common: the answer says no more than a stranger
 * may know.
 */
static void
add_reference(const DeliverRun *run, const Step *step, Status *fault)
{
	g_autofree char *hash = state_key("reference", run->ledger_key,
	                                  step->action->key(step->state), NULL);
	g_autofree char *detail = g_strdup(fault->detail != NULL ? fault->detail : ""),
			*text = g_strdup(status_text(fault));

	g_free(fault->detail);
	g_free(fault->text);
	fault->detail = g_strdup_printf("reference %.10s: %s", hash, detail);
	fault->text = g_strdup_printf("%s - reference %.10s", text, hash);
}

/* For the ledger: row, code, text. */
static char *
print_refusal(const Status *fault)
{
	return g_strdup_printf("%s %s %s", status_row(fault->id)->name, status_dsn(fault),
	                       status_text(fault));
}

/* Earlier versions wrote the other side's words alone, which are not for everybody. */
static void
read_refusal(const char *text, Status *ret_fault)
{
	g_auto(GStrv) words = g_strsplit(text != NULL ? text : "", " ", 3);
	StatusId id = g_strv_length(words) == 3 ? status_find_name(words[0]) : STATUS_COUNT;

	if (id == STATUS_COUNT) {
		status_fail_detail(ret_fault, STATUS_SUBMIT_REFUSED,
		                   "refused at an earlier try: %s", text);
		return;
	}

	status_fail(ret_fault, id, "%s", words[2]);
	ret_fault->detail = g_strdup_printf("refused at an earlier try: %s", words[2]);
	status_set_dsn(ret_fault, words[1]);
}

/* A step could not be sent. */
static void
take_fault(DeliverRun *run, Step *step, Status *fault, Failures *failures)
{
	const DeliverAction *action = step->action;
	bool again = status_is_temporary(fault);

	if (action->key != NULL && !action->optional)
		add_reference(run, step, fault);
	if (action->key != NULL) {
		g_autofree char *text = print_refusal(fault);
		ledger_set(run->ledger, action->key(step->state),
		           again || action->optional ? LEDGER_NEW : LEDGER_REFUSED, text);
	}

	/* An outage would use up the day's limit: each try would count, and nothing leave. */
	if (again && action->key != NULL && step->before == LEDGER_NEW)
		failures->uncount[action->limit]--;

	if (action->optional)
		deliver_note(run, "%s not sent: %s", action->name, status_why(fault));
	else if (again)
		status_move(&failures->again, fault);
	else if (action->key == NULL)
		status_move(&failures->refused, fault);
	else
		take_refusal(run, step, fault, failures);
}

/*
 * An answer goes out at most once: the ledger says so before it is on its way, and not much
 * earlier.
 */
static bool
begin_optional(DeliverRun *run, const Step *step)
{
	ledger_set(run->ledger, step->action->key(step->state), LEDGER_SENDING, NULL);
	if (run->remembers && write_ledger(run))
		return true;
	deliver_note(run, "%s not sent: it cannot be remembered", step->action->name);
	return false;
}

static void
send_step(DeliverRun *run, Step *step, Failures *failures)
{
	const DeliverAction *action = step->action;
	g_auto(Status) fault = STATUS_INIT;
	if (action->optional && !begin_optional(run, step))
		return;

	run->sending = step->wanted;
	run->sending_key = action->key != NULL ? action->key(step->state) : NULL;
	if (!action->send(run, step->state, &fault)) {
		take_fault(run, step, &fault, failures);
		(void) write_ledger(run);
		return;
	}

	if (action->key != NULL)
		ledger_set(run->ledger, action->key(step->state), LEDGER_DONE, NULL);
	(void) write_ledger(run);
	if (action->sent != NULL)
		action->sent(run, step->state);
}

/* A step that an earlier try has begun. True: that is the end of it. */
static bool
was_sent(DeliverRun *run, Step *step, Failures *failures)
{
	const DeliverAction *action = step->action;
	const char *text = NULL;
	g_auto(Status) fault = STATUS_INIT;

	switch (step->before) {
	case LEDGER_SENDING:
		if (!action->optional)
			return false;
		deliver_note(run, "%s not sent again: an earlier try may have sent it",
		             action->name);
		break;
	case LEDGER_DONE:
		deliver_note(run, "%s was done by an earlier try", action->name);
		deliver_report_earlier(run->report, action->name, NULL, NULL);
		break;
	case LEDGER_REFUSED:
		(void) ledger_find(run->ledger, action->key(step->state), &text);
		read_refusal(text, &fault);
		take_refusal(run, step, &fault, failures);
		return true;
	default:
		return false;
	}

	if (action->sent != NULL)
		action->sent(run, step->state);
	return true;
}

/* Must something leave that a retry, perhaps on another host, has to know of? */
static bool
must_remember(const DeliverRun *run)
{
	const DeliverOwner *owner = run->job->owner;
	for (guint i = 0;
	     owner != NULL && state_once_is_shared(owner->state) && i < run->steps->len; i++) {
		const Step *step = run->steps->pdata[i];
		if (step->state != NULL && step->action->key != NULL && !step->action->optional)
			return true;
	}
	return false;
}

/*
 * The mail comes again, and the server of the state does not know what has left: a file beside the
 * mailbox says so until it does.
 */
static void
save_spare(DeliverRun *run)
{
	g_auto(Status) fault = STATUS_INIT;
	const StateOnce *once = run->job->owner->state;
	if (state_once_is_shared(once) &&
	    !ledger_write_spare(run->ledger, state_once_folder(once), &fault))
		deliver_note(run, "a retry may repeat things: %s", fault.detail);
}

/* All that leaves, one after the other: what fails does not stop the others. */
static bool
send_all(DeliverRun *run, Status *st)
{
	Failures failures = { STATUS_INIT, STATUS_INIT, { 0 } };
	/* steps that sending adds have been done when they were added */
	guint planned = run->steps->len;

	run->remembers = begin_sending(run);
	if (!run->remembers && must_remember(run))
		return status_fail_detail(st, STATUS_STATE,
		                          "what would be sent cannot be remembered");
	for (guint i = 0; i < planned; i++) {
		Step *step = run->steps->pdata[i];
		if (step->state == NULL || step->action->send == NULL || step->repeats ||
		    was_sent(run, step, &failures))
			continue;
		send_step(run, step, &failures);
	}

	bool is_written = write_ledger(run);
	count_all(run, failures.uncount);
	if (!is_written && failures.again.id != STATUS_OK)
		save_spare(run);
	/* What can be tried again comes first: the next try finds the refusal in the ledger. */
	bool done = failures.again.id == STATUS_OK && failures.refused.id == STATUS_OK;
	status_move(st, failures.again.id != STATUS_OK ? &failures.again : &failures.refused);
	status_clear(&failures.again);
	status_clear(&failures.refused);

	return done;
}

/* Where the same message may come again on purpose, only an unfinished try is remembered. */
static void
forget_if_finished(DeliverRun *run)
{
	const DeliverJob *job = run->job;
	if (run->ledger == NULL || run->state == NULL || has_queue_id(job) ||
	    arrival_is_certain(job->envelope, job->message))
		return;

	g_auto(Status) st = STATUS_INIT;
	StateItem item = { .kind = STATE_JOURNAL, .key = run->ledger_key, .until = 0 };
	if (!state_put(run->state, &item, 1, &st))
		deliver_note(run, "the same message will be taken for a retry: %s", st.detail);
}

/* What leaves has no more time than the whole delivery. */
static void
set_end(DeliverRun *run)
{
	gint64 left = MIN((gint64) deadline_left(), MAX(run->job->conf->deadline, 1));
	run->ends = g_get_monotonic_time() + left * G_USEC_PER_SEC;
}

/*
 * A flush that hangs is answered before Postfix's limit; whatever is visible then, its claim tells
 * the retry.
 */
static bool
commit_in_time(DeliverRun *run, Status *st)
{
	deadline_outlast_termination();
	deadline_grant(COMMIT_SECONDS);
	deadline_waiting_for("storing the message");

	bool done = commit_from(run, 0, st);
	if (!done)
		take_back_from(run->steps, 0);
	deadline_stop();

	return done;
}

static void
finish(DeliverRun *run)
{
	forget_if_finished(run);
	deliver_remember_return(run);
	for (guint i = 0; i < run->steps->len; i++) {
		Step *step = run->steps->pdata[i];
		if (step->state != NULL && step->action->finish != NULL)
			step->action->finish(run, step->state);
	}
}

static bool
is_shared(const DeliverRun *run)
{
	const DeliverOwner *owner = run->job->owner;
	return owner != NULL && state_once_is_shared(owner->state);
}

static bool
run_steps(DeliverRun *run, const Plan *plan, Status *st)
{
	if (!prepare_all(run, plan, st))
		return false;
	set_end(run);
	(void) write_ledger(run);
	if (!commit_in_time(run, st))
		return false;

	run->report->stored_at = g_get_monotonic_time();
	report_from(run, 0);
	deliver_remember(run, 0);
	if (!send_all(run, st)) {
		/*
		 * Who cannot remember that copies are stored would store them again at every try.
		 * But a server may have heard it and its answer be lost: then the retry takes them
		 * for stored, so they stay, and their claims tell the retry.
		 */
		if (!run->remembers && status_is_temporary(st) && !is_shared(run))
			take_back_from(run->steps, 0);
		return false;
	}

	finish(run);
	return true;
}

Quota *
deliver_quota(DeliverRun *run)
{
	const DeliverOwner *owner = run->job->owner;
	if (run->quota_asked || run->job->inbox == NULL)
		return run->quota;

	run->quota_asked = true;
	run->quota_owner = (QuotaOwner){
		.user = owner != NULL ? owner->user : NULL,
		.state = owner != NULL ? owner->state_folder : NULL,
		.now = owner != NULL ? owner->now : g_get_real_time() / G_USEC_PER_SEC,
	};
	run->quota = quota_open(run->job->inbox, run->job->conf, &run->quota_owner,
	                        run->report->notes);
	return run->quota;
}

static void
folder_destroy(gpointer maildir)
{
	maildir_free(maildir);
}

static void
box_destroy(gpointer mbox)
{
	mbox_free(mbox);
}

bool
deliver_run(const Plan *plan, DeliverJob *job, DeliverReport *report, Status *st)
{
	DeliverRun run = {
		.job = job,
		.report = report,
		.folders = g_ptr_array_new_with_free_func(folder_destroy),
		.boxes = g_ptr_array_new_with_free_func(box_destroy),
		.places = g_ptr_array_new_with_free_func(g_free),
		.stores = g_ptr_array_new(),
		.steps = g_ptr_array_new_with_free_func(step_free),
		.extra = g_ptr_array_new_with_free_func(action_destroy),
	};
	bool done = check_plan(plan, job, st) && open_ledger(&run, plan, st) &&
	            run_steps(&run, plan, st);

	report->fill = quota_fill(run.quota);
	if (run.quota != NULL)
		quota_settle(run.quota, done);
	g_ptr_array_unref(run.steps);
	g_ptr_array_unref(run.stores);
	g_ptr_array_unref(run.folders);
	g_ptr_array_unref(run.boxes);
	g_ptr_array_unref(run.places);
	g_ptr_array_unref(run.extra);
	drop_claim(&run);
	ledger_free(run.ledger);
	try_lock_free(run.lock);
	quota_free(run.quota);
	g_free(run.ledger_key);
	g_free(run.arrival);
	g_clear_pointer(&job->draft, maildir_draft_free);
	if (done && job->owner != NULL)
		state_once_succeeded(job->owner->state, report->notes);

	return done;
}

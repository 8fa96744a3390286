/* SPDX-License-Identifier: MIT */
/*
 * deliver-keep: keep and fileinto.
 *
 * Copies with the same bytes are written once: the first takes the draft that is there, the others
 * are hard links to it.
 */
#include "agent/deliver/deliver-reason.h"

#include "agent/base/deadline.h"
#include "agent/base/limits.h"
#include "agent/state/arrival.h"
#include "agent/store/claim.h"
#include "agent/store/folder-id.h"
#include "agent/store/folder.h"
#include "agent/store/maildir-flags.h"

#include <stdint.h>
#include <string.h>

/* One copy on its way. */
typedef struct {
	const PlanAction *action; /* borrowed */
	const char *folder;       /* as people read it; borrowed */
	Message *message;         /* borrowed */
	Headers *headers;         /* borrowed */
	const Maildir *maildir;   /* where it belongs; borrowed */
	MaildirDraft *draft;      /* NULL: an earlier copy is this one */
	GString *letters;
	/* an earlier try has left the copy in this folder, perhaps not flushed; borrowed */
	Maildir *there;
	bool earlier; /* an earlier try has stored it */
	char *step;   /* its name in the ledger; NULL: there is none */
	Claim *claim; /* NULL: a retry will not be known */
	bool committed;
	Quota *quota; /* the one that this copy counts for; NULL: none; borrowed */
	bool counted;
} Store;

static void
store_free(void *step)
{
	Store *store = step;

	/*
	 * Before the draft: see claim.h. A claim without its draft would say that the mail was
	 * stored.
	 */
	if (store->claim != NULL && !store->committed && !claim_drop(store->claim) &&
	    store->draft != NULL)
		maildir_draft_leave(store->draft);

	claim_free(store->claim);
	maildir_draft_free(store->draft);
	g_string_free(store->letters, TRUE);
	g_free(store->step);
	g_free(store);
}

static Maildir *
find_open_folder(const DeliverRun *run, const char *path)
{
	for (guint i = 0; i < run->folders->len; i++)
		if (strcmp(maildir_path(run->folders->pdata[i]), path) == 0)
			return run->folders->pdata[i];
	return NULL;
}

/* The folder that is the same place as `maildir`, which is opened already, or NULL. */
static Maildir *
find_same_folder(const DeliverRun *run, Maildir *maildir)
{
	if (maildir_is_same(maildir, run->job->inbox))
		return run->job->inbox;
	for (guint i = 0; i < run->folders->len; i++)
		if (maildir_is_same(maildir, run->folders->pdata[i]))
			return run->folders->pdata[i];
	return NULL;
}

Maildir *
deliver_add_folder(DeliverRun *run, Maildir *opened)
{
	Maildir *same = find_same_folder(run, opened);

	if (same == NULL) {
		g_ptr_array_add(run->folders, opened);
		return opened;
	}

	maildir_free(opened);
	return same;
}

static char *
describe_no_folder(const FolderRules *rules, const char *mailbox, const char *why)
{
	g_autofree char *better = folder_better_name(rules, mailbox);
	if (better == NULL)
		return g_strdup_printf("folder name '%s' %s", mailbox, why);

	return g_strdup_printf("folder name '%s' %s; write \"%s\"", mailbox, why, better);
}

/* There can be no such folder. False: the mail waits until the rule is corrected. */
static bool
note_no_folder(DeliverRun *run, const FolderRules *rules, const char *mailbox, const char *why,
               Status *st)
{
	g_autofree char *text = describe_no_folder(rules, mailbox, why);
	if (rules->waits)
		return status_fail_detail(st, STATUS_MAILBOX, "%s", text);

	deliver_note(run, "stored in the INBOX: %s", text);
	return true;
}

/*
 * The folder of the action, opened once a run; the INBOX where there can be none, which is noted,
 * unless such mail waits (rules_fallback).
 */
static bool
find_folder(DeliverRun *run, const PlanAction *action, const char **ret_name, Maildir **ret_maildir,
            Status *st)
{
	FolderRules rules = folder_rules_of(run->job->conf);
	rules.waits = deliver_fallback_waits(run);
	const char *why = NULL;
	const char *mailbox = action->mailbox != NULL ? action->mailbox : "INBOX";
	g_autofree char *path = folder_path(&rules, run->job->inbox, mailbox, &why);

	if (path == NULL && !note_no_folder(run, &rules, mailbox, why, st))
		return false;
	Maildir *maildir = NULL;
	if (path != NULL && path[0] != '\0')
		maildir = find_open_folder(run, path);

	if (path != NULL && path[0] != '\0' && maildir == NULL) {
		if (!folder_open(run->job->inbox, &rules, path, action->create, &maildir,
		                 run->report->notes, st))
			return false;
		if (maildir != NULL)
			maildir_set_name(maildir, mailbox);
		if (maildir != NULL)
			maildir = deliver_add_folder(run, maildir);
	}

	*ret_name = maildir != NULL ? mailbox : "INBOX";
	*ret_maildir = maildir != NULL ? maildir : run->job->inbox;
	return true;
}

/*
 * An earlier copy with the same bytes; in `maildir`, where an earlier try may have stored it, or,
 * if that is NULL, one anywhere that has a draft.
 */
static Store *
find_same(const DeliverRun *run, const Store *wanted, const Maildir *maildir)
{
	for (guint i = 0; i < run->stores->len; i++) {
		Store *store = run->stores->pdata[i];
		if (store->message == wanted->message && store->headers == wanted->headers &&
		    (maildir != NULL ? store->maildir == maildir : store->draft != NULL))
			return store;
	}
	return NULL;
}

bool
deliver_take_draft(DeliverRun *run, const Message *message, const Headers *headers,
                   Maildir *maildir, MaildirDraft **ret_draft, Status *st)
{
	DeliverJob *job = run->job;
	if (job->draft == NULL || message != job->message || headers != job->headers)
		return true;

	bool moved = false;
	if (!maildir_draft_move(job->draft, maildir, &moved, st))
		return false;

	if (moved)
		*ret_draft = g_steal_pointer(&job->draft);
	return true;
}

/* Write the message once more, with a mark and a reason that are true of this copy. */
static bool
write_draft(DeliverRun *run, Store *store, Maildir *maildir, Status *st)
{
	deadline_waiting_for("writing the message");
	g_autoptr(Headers)
		marked = deliver_mark_headers(run, store->message, store->headers, MARK_STORED);
	g_autoptr(Headers) told = deliver_reason_headers(run, store->action, store->folder, marked);
	store->draft = maildir_draft_new(maildir, st);

	return store->draft != NULL && maildir_draft_write(store->draft, store->message, told, st);
}

/* Get a draft in the folder's tmp: the job's, a link to an earlier copy, or a new file. */
static bool
make_draft(DeliverRun *run, Store *store, Maildir *maildir, Status *st)
{
	if (deliver_has_reason(run)) /* no two folders have the same octets */
		return write_draft(run, store, maildir, st);

	Store *same = find_same(run, store, NULL);
	if (same != NULL && !maildir_draft_link(same->draft, maildir, &store->draft, st))
		return false;
	if (store->draft == NULL &&
	    !deliver_take_draft(run, store->message, store->headers, maildir, &store->draft, st))
		return false;

	return store->draft != NULL || write_draft(run, store, maildir, st);
}

/*
 * One copy a folder, even if two names or a fallback lead there: the flags of both, as merged
 * actions have. One that an earlier try has stored has them.
 */
static bool
join(Store *earlier, const Store *store, Status *st)
{
	if (earlier->draft == NULL)
		return true;
	g_string_append(earlier->letters, store->letters->str);
	return maildir_draft_prepare(earlier->draft, earlier->letters->str, st);
}

static bool
is_plain(const DeliverRun *run, const Store *store)
{
	return store->message == run->job->message && store->headers == run->job->headers;
}

/*
 * What tells the copies in a folder apart, alike at a retry. It takes one plain copy (NULL), one of
 * what each step sends, by its key as at a retry some steps send nothing, and others only where
 * rules edited the message.
 */
static char *
copy_name(const DeliverRun *run, const Store *store)
{
	if (is_plain(run, store))
		return NULL;
	return run->sending_key != NULL ? g_strdup(run->sending_key)
	                                : g_strdup_printf("edited %u", run->steps->len);
}

/* The copy's name in the ledger. */
static char *
step_name(const DeliverRun *run, const Store *store, const Maildir *maildir)
{
	g_autofree char *name = copy_name(run, store);
	return g_strconcat("store ", maildir_path(maildir), name != NULL ? ", " : NULL, name, NULL);
}

/*
 * Has an earlier try stored it? Its file may be visible although that try did not live to say so.
 */
static bool
find_in_ledger(DeliverRun *run, Store *store, Maildir *maildir, bool *ret_done, Status *st)
{
	const char *name = NULL;
	bool found = false;

	store->step = step_name(run, store, maildir);
	LedgerMark mark = ledger_find(run->ledger, store->step, &name);
	if (mark == LEDGER_PLANNED && !maildir_find_file(maildir, name, &found, st))
		return false;

	if (found)
		store->there = maildir;
	*ret_done = found || mark == LEDGER_DONE;
	store->earlier = *ret_done;
	if (*ret_done)
		deliver_note(run, "stored in %s by an earlier try", store->folder);

	return true;
}

/* Flags may be changed by others, and are no part of the name. */
static void
note_in_ledger(DeliverRun *run, const Store *store)
{
	g_autofree char *path = maildir_draft_final_path(store->draft);
	g_autofree char *name = g_path_get_basename(path);
	name[strcspn(name, ":")] = '\0';
	ledger_set(run->ledger, store->step, LEDGER_PLANNED, name);
}

/* Is there room for the written draft? */
static bool
take_room(DeliverRun *run, Store *store, Status *st)
{
	Quota *quota = deliver_quota(run);
	const char *path = maildir_path(maildir_draft_folder(store->draft));
	if (quota == NULL || !quota_counts(quota, path, store->letters->str))
		return true;

	store->quota = quota;
	return quota_take(quota, path, maildir_draft_size(store->draft).bytes, st);
}

/* The quota's file learns what came, or (`sign` -1) what went again. */
static void
count(Store *store, gint64 sign)
{
	if (store->quota != NULL && store->counted == (sign < 0))
		quota_add(store->quota, sign * (gint64) maildir_draft_size(store->draft).bytes,
		          sign);
	store->counted = sign > 0;
}

/*
 * Claims lie in tmp. Where the folder has that of another one (by a link), they need a name of
 * their own.
 */
static bool
needs_own_name(DeliverRun *run, Maildir *maildir)
{
	if (maildir == run->job->inbox)
		return false;
	bool shares = maildir_shares_tmp(maildir, run->job->inbox);
	for (guint i = 0; !shares && run->folders->pdata[i] != maildir; i++)
		shares = maildir_shares_tmp(maildir, run->folders->pdata[i]);

	return shares;
}

/* How this copy is known at a retry; NULL: it will not be. */
static Claim *
make_claim(DeliverRun *run, const Store *store, Maildir *maildir)
{
	const DeliverJob *job = run->job;
	if (job->envelope == NULL || job->rehearsal || job->conf->retry_lifetime == 0)
		return NULL;

	if (run->arrival == NULL)
		run->arrival = arrival_key(job->envelope, job->message);
	g_autofree char *name = needs_own_name(run, maildir) ? step_name(run, store, maildir)
	                                                     : copy_name(run, store);
	g_autofree char *hash = name != NULL ? state_key(run->arrival, name, NULL) : NULL;
	g_autofree char *key = g_strdup_printf("%.32s%s", hash != NULL ? hash : run->arrival,
	                                       hash != NULL ? "01" : "00");

	return claim_new(maildir_fd(maildir), key);
}

/*
 * Is what the earlier try stored this message? Where only a retry has the same key, it is, wherever
 * its owner put it.
 */
static bool
is_same(DeliverRun *run, const Store *store, Maildir *maildir, const char *file, bool *ret_same,
        Status *st)
{
	*ret_same = true;
	if (arrival_is_certain(run->job->envelope, run->job->message))
		return true;
	if (!maildir_shows_body(maildir, file, run->job->message, ret_same, st))
		return false;

	/* asked last: who forgets a claim does it before it ends */
	*ret_same = *ret_same && claim_answer_stands(store->claim, file);
	return true;
}

/*
 * Claim the flushed draft. *ret_done: an earlier try has stored it; then its file may not be
 * flushed.
 */
static bool
claim_draft(DeliverRun *run, Store *store, Maildir *maildir, bool *ret_done, Status *st)
{
	ClaimAnswer answer = CLAIM_OURS;
	g_autofree char *file = NULL;

	maildir_draft_hold(store->draft);
	const char *name = maildir_draft_name(store->draft);
	const ClaimTimes times = { .lifetime = run->job->conf->retry_lifetime,
		                   .wait_ms = LIMIT_CLAIM_WAIT_MS };
	if (!claim_take(store->claim, name, &times, &answer, &file, st))
		return maildir_blame(maildir, st);
	if (answer != CLAIM_STORED)
		return true;

	bool same = false;
	if (!is_same(run, store, maildir, file, &same, st))
		return false;
	if (!same)
		return claim_take_anyway(store->claim, name, st);

	g_clear_pointer(&store->draft, maildir_draft_free);
	store->there = maildir;
	store->earlier = true;
	deliver_note(run, "stored in %s by an earlier try", store->folder);
	*ret_done = true;

	return maildir_flush_later(maildir, st);
}

/* Get the draft written, flushed, and claimed. */
static bool
prepare_draft(DeliverRun *run, Store *store, Maildir *maildir, bool *ret_done, Status *st)
{
	if (!make_draft(run, store, maildir, st))
		return false;
	deadline_waiting_for("flushing the message");
	if (!maildir_draft_prepare(store->draft, store->letters->str, st))
		return false;
	if (store->claim != NULL && !claim_draft(run, store, maildir, ret_done, st))
		return false;

	/* a mailbox that the first try has filled refuses no retry */
	return *ret_done || take_room(run, store, st);
}

/* The info letters of the flags that a rule wants, and of the one that all copies get. */
static void
add_letters(DeliverRun *run, Store *store, Maildir *maildir, GPtrArray *flags)
{
	g_autoptr(GPtrArray) all = g_ptr_array_new();

	if (flags != NULL)
		g_ptr_array_extend(all, flags, NULL, NULL);
	if (run->job->flag != NULL)
		g_ptr_array_add(all, (char *) (uintptr_t) run->job->flag);
	g_autofree char *letters = maildir_flags_letters(maildir, all->len > 0 ? all : NULL,
	                                                 run->report->notes);
	g_string_append(store->letters, letters);
}

static bool
store_prepare(DeliverRun *run, const PlanAction *action, void **ret_step, Status *st)
{
	Store *store = g_new0(Store, 1);

	*ret_step = store;
	store->letters = g_string_new(NULL);
	store->action = action;
	store->message = action->message != NULL ? action->message : run->job->message;
	store->headers = action->headers != NULL   ? action->headers
	                 : action->message != NULL ? message_headers(action->message)
	                                           : run->job->headers;

	Maildir *maildir = NULL;
	if (!find_folder(run, action, &store->folder, &maildir, st))
		return false;

	if (run->job->is_stored) {
		store->there = maildir;
		return true;
	}

	store->maildir = maildir;
	add_letters(run, store, maildir, action->flags);
	Store *earlier = find_same(run, store, maildir);
	if (earlier != NULL)
		return join(earlier, store, st);

	bool done = false;
	store->claim = make_claim(run, store, maildir);
	if (run->ledger != NULL && !find_in_ledger(run, store, maildir, &done, st))
		return false;
	if (!done && !prepare_draft(run, store, maildir, &done, st))
		return false;

	if (!done && run->ledger != NULL)
		note_in_ledger(run, store);
	g_ptr_array_add(run->stores, store);
	return true;
}

static bool
store_commit(DeliverRun *run, void *step, Status *st)
{
	Store *store = step;
	if (store->draft != NULL && !maildir_draft_commit(store->draft, st))
		return false;

	if (store->draft != NULL) {
		char *note = folder_uid_note(maildir_draft_folder(store->draft));
		count(store, 1);
		if (note != NULL)
			g_ptr_array_add(run->report->notes, note);
	}
	run->has_local = store->committed = true;
	return true;
}

static bool
store_flush(DeliverRun *run, void *step, Status *st)
{
	Store *store = step;
	Maildir *maildir = store->draft != NULL ? maildir_draft_folder(store->draft) : store->there;
	if (maildir != NULL && !maildir_flush(maildir, st))
		return false;

	if (run->ledger != NULL && maildir != NULL)
		ledger_set(run->ledger, store->step, LEDGER_DONE, NULL);
	return true;
}

static void
store_take_back(void *step)
{
	Store *store = step;
	if (store->draft == NULL || (store->claim != NULL && !claim_drop(store->claim)))
		return; /* nothing of ours, or a retry has answered for it already */
	maildir_draft_take_back(store->draft);
	count(store, -1);
}

static void
store_finish(DeliverRun *run, void *step)
{
	const Store *store = step;
	const DeliverJob *job = run->job;
	if (store->claim == NULL)
		return;

	if (!arrival_is_certain(job->envelope, job->message))
		claim_forget(store->claim);
	else
		claim_sweep(store->claim, job->conf->retry_lifetime, LIMIT_TMP_AGE_SECONDS);
}

/* Where mail that is stored already belongs; its file keeps its name. */
static void
report_folder(DeliverReport *report, const Store *store)
{
	const char *path = maildir_path(store->there);
	deliver_report_add(report, plan_kind_row(store->action->kind)->name,
	                   g_strdup(store->folder), g_build_filename(path, "cur", "-", NULL), 0);
	DeliverDone *done = report->done->pdata[report->done->len - 1];
	done->is_new_folder = maildir_is_imagined(store->there);
}

static void
store_report(DeliverRun *run, const void *step, DeliverReport *report)
{
	const Store *store = step;
	const char *action = plan_kind_row(store->action->kind)->name;
	if (store->earlier)
		deliver_report_earlier(report, action, store->folder, NULL);
	if (run->job->is_stored)
		report_folder(report, store);
	if (store->draft == NULL)
		return;

	deliver_report_add(report, action, g_strdup(store->folder),
	                   maildir_draft_final_path(store->draft),
	                   maildir_draft_size(store->draft).bytes);
	DeliverDone *done = report->done->pdata[report->done->len - 1];
	done->is_new_folder = maildir_is_imagined(maildir_draft_folder(store->draft));
}

static void
store_remember(DeliverRun *run, const void *step, GString *lines)
{
	const Store *store = step;
	if (store->draft == NULL)
		return;

	g_autofree char *path = maildir_draft_final_path(store->draft);
	deliver_remember_kept(run, store->message, store->headers, path,
	                      maildir_draft_size(store->draft).bytes, lines);
}

#define STORE(action) \
	extern const DeliverAction deliver_##action; \
	const DeliverAction deliver_##action = { \
		.name = #action, \
		.prepare = store_prepare, \
		.commit = store_commit, \
		.flush = store_flush, \
		.take_back = store_take_back, \
		.finish = store_finish, \
		.report = store_report, \
		.remember = store_remember, \
		.free = store_free, \
	}

STORE(keep);
STORE(fileinto);

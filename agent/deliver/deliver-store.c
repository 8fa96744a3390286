/* SPDX-License-Identifier: MIT */
/*
 * deliver-store: store (recipes): the message goes to files and directories by path, with the
 * owner's rights.
 *
 * "dir/" is a Maildir, "dir/." an MH folder, a directory takes a file of its own, anything else is
 * an mbox. Several directories hold one file by hard links. What is in directories is prepared
 * hidden and flushed; an mbox is locked and room is reserved, and the message goes to its end when
 * all else is ready.
 */
#include "agent/deliver/deliver-outgoing.h"
#include "agent/deliver/deliver-reason.h"

#include "agent/base/deadline.h"
#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/exec/owner-program.h"
#include "agent/plan/plan-store.h"
#include "agent/state/arrival.h"
#include "agent/store/claim.h"
#include "agent/store/mbox.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
	const PlanAction *action; /* borrowed */
	Message *message;         /* borrowed */
	Headers *headers;         /* borrowed */
	GPtrArray *drafts;        /* MaildirDraft: one a directory */
	/*
	 * Claim: one a draft, or one for what is appended to the mbox; empty: a retry will not be
	 * known
	 */
	GPtrArray *claims;
	GPtrArray *answered; /* Claim: of an earlier try, which has stored the file */
	/* Maildir: an earlier try has stored the file here, perhaps not flushed; borrowed */
	GPtrArray *there;
	bool committed;
	Mbox *mbox;           /* borrowed from the run; NULL: directories */
	bool rehearsed;       /* it would go to the end of the mbox */
	GString *bytes;       /* for the mbox */
	Dotlock *lock;        /* the lock file that the rule names */
	char *step;           /* its name in the ledger and in claims */
	char *path;           /* the first place, for the report */
	bool earlier;         /* an earlier try has stored it */
	const Maildir *inbox; /* borrowed; NULL: none */
	Quota *quota;         /* that drafts count for; NULL: none; borrowed */
	guint counted;        /* drafts that were committed, and are known to the quota */
} Place;

static void
draft_destroy(gpointer draft)
{
	maildir_draft_free(draft);
}

static void
claim_destroy(gpointer claim)
{
	claim_free(claim);
}

/*
 * Claims go before drafts (claim.h). One that cannot go keeps its draft, and a retry removes both.
 */
static void
drop_claims(Place *place)
{
	for (guint i = 0; i < place->claims->len; i++) {
		bool dropped = claim_drop(place->claims->pdata[i]);
		if (!dropped && i < place->drafts->len)
			maildir_draft_leave(place->drafts->pdata[i]);
	}

	g_ptr_array_set_size(place->claims, 0);
	g_ptr_array_set_size(place->drafts, 0);
}

static void
place_free(void *step)
{
	Place *place = step;

	if (!place->committed)
		drop_claims(place);
	g_ptr_array_unref(place->drafts);
	g_ptr_array_unref(place->claims);
	g_ptr_array_unref(place->answered);
	g_ptr_array_unref(place->there);
	if (place->bytes != NULL)
		g_string_free(place->bytes, TRUE);
	dotlock_release(place->lock);
	g_free(place->step);
	g_free(place->path);
	g_free(place);
}

/*
 * Recipes may name paths below a folder that is not known to them: then it is the home. Slashes at
 * the end go. Caller frees.
 */
static char *
absolute_path(const DeliverRun *run, const char *path, Status *st)
{
	const char *home = run->job->owner != NULL ? run->job->owner->home : NULL;

	if (path[0] != '/' && home == NULL) {
		status_fail_detail(st, STATUS_CONFIG,
		                   "'%s' is a path below no folder: the owner has no home", path);
		return NULL;
	}

	char *whole = path[0] == '/' ? g_strdup(path) : g_build_filename(home, path, NULL);
	for (size_t len = strlen(whole); len > 1 && whole[len - 1] == '/'; len--)
		whole[len - 1] = '\0';
	return whole;
}

static bool
is_directory(const char *path)
{
	struct stat sb;
	return stat(path, &sb) == 0 && S_ISDIR(sb.st_mode);
}

/* The directory that `path` names, opened once a run. */
static Maildir *
open_folder(DeliverRun *run, const char *named, Status *st)
{
	bool created = false;
	bool numbered = g_str_has_suffix(named, "/.");
	MaildirKind kind = numbered                       ? MAILDIR_NUMBERED
	                   : g_str_has_suffix(named, "/") ? MAILDIR_PROPER
	                                                  : MAILDIR_NAMED;
	g_autofree char *path = absolute_path(run, named, st);

	if (path == NULL)
		return NULL;
	if (numbered)
		path[strlen(path) - strlen("/.")] = '\0';
	Maildir *folder = kind == MAILDIR_PROPER
	                          ? maildir_open_below(run->job->inbox, path, true, &created, st)
	                          : maildir_open_flat(run->job->inbox, *path != '\0' ? path : "/",
	                                              kind, st);

	return folder != NULL ? deliver_add_folder(run, folder) : NULL;
}

/* Where the rule wants it; of several directories, which share a file, the first. */
static const char *
first_path(const Place *place)
{
	return plan_store_of(place->action)->paths->pdata[0];
}

/*
 * A directory's own file, written. Maildirs have neither a From_ line nor an empty line at the end.
 */
static bool
write_first(DeliverRun *run, const Place *place, Maildir *folder, bool proper,
            MaildirDraft **ret_draft, Status *st)
{
	const PlanStore *store = plan_store_of(place->action);
	/* the job's draft was made with the site's umask */
	bool fits = proper && store->umask == NULL && !deliver_has_reason(run);
	if (fits && !deliver_take_draft(run, place->message, place->headers, folder, ret_draft, st))
		return false;
	if (*ret_draft != NULL)
		return true;

	deadline_waiting_for("writing the message");
	g_autoptr(Headers)
		marked = deliver_mark_headers(run, place->message, place->headers, MARK_STORED);
	g_autoptr(Headers)
		told = deliver_reason_headers(run, place->action, first_path(place), marked);
	g_autoptr(MaildirDraft) draft = maildir_draft_new(folder, st);
	if (draft == NULL ||
	    (!proper && store->from_line != NULL &&
	     !maildir_draft_begin(draft, store->from_line, st)) ||
	    !maildir_draft_write(draft, place->message, told, st) ||
	    (!proper && !store->raw && !maildir_draft_end(draft, st)))
		return false;

	*ret_draft = g_steal_pointer(&draft);
	return true;
}

/*
 * A claim for the place of this step with that number; NULL: a retry will not be known. Claims lie
 * in the INBOX's tmp, where they are swept.
 */
static Claim *
make_claim(DeliverRun *run, const Place *place)
{
	const DeliverJob *job = run->job;
	if (job->envelope == NULL || job->inbox == NULL || job->rehearsal ||
	    job->conf->retry_lifetime == 0)
		return NULL;

	if (run->arrival == NULL)
		run->arrival = arrival_key(job->envelope, job->message);
	g_autofree char *step = g_strdup_printf("%s, file %u", place->step,
	                                        place->claims->len + place->answered->len);
	g_autofree char *hash = state_key(run->arrival, step, NULL),
			*key = g_strdup_printf("%.32s02", hash);

	return claim_new(maildir_fd(job->inbox), key);
}

/*
 * What an earlier try has stored is not stored again. A file that its owner has renamed since is no
 * proof where the same may come again.
 */
static bool
is_same(DeliverRun *run, const Claim *claim, Maildir *folder, const char *file, bool *ret_same,
        Status *st)
{
	*ret_same = true;
	if (arrival_is_certain(run->job->envelope, run->job->message))
		return true;
	return maildir_shows_body(folder, file, run->job->message, ret_same, st) &&
	       ((*ret_same = *ret_same && claim_answer_stands(claim, file)), true);
}

/* Claim the newest draft. It goes where an earlier try has stored the mail. */
static bool
claim_draft(DeliverRun *run, Place *place, Maildir *folder, MaildirDraft *draft, Status *st)
{
	Claim *claim = make_claim(run, place);
	if (claim == NULL)
		return true;

	g_ptr_array_add(place->claims, claim);
	claim_set_folder(claim, maildir_fd(folder), maildir_hidden(folder));
	maildir_draft_hold(draft);

	const ClaimTimes times = { .lifetime = run->job->conf->retry_lifetime,
		                   .wait_ms = LIMIT_CLAIM_WAIT_MS };
	ClaimAnswer answer = CLAIM_OURS;
	g_autofree char *file = NULL;
	if (!claim_take(claim, maildir_draft_name(draft), &times, &answer, &file, st))
		return maildir_blame(folder, st);

	bool same = false;
	if (answer != CLAIM_STORED || !is_same(run, claim, folder, file, &same, st))
		return answer != CLAIM_STORED;
	if (!same)
		return claim_take_anyway(claim, maildir_draft_name(draft), st);

	deliver_note(run, "stored in %s by an earlier try", place->path);
	g_ptr_array_add(place->answered,
	                g_ptr_array_steal_index(place->claims, place->claims->len - 1));
	g_ptr_array_remove(place->drafts, draft);
	g_ptr_array_add(place->there, folder);
	place->earlier = true;

	return maildir_flush_later(folder, st);
}

/* The quota that a copy in `folder` counts for: that of the INBOX, if it lies there. */
static Quota *
quota_of(DeliverRun *run, const Maildir *folder, const char **ret_path)
{
	const Maildir *inbox = run->job->inbox;
	bool is_proper = strcmp(maildir_hidden(folder), "tmp/") == 0;
	*ret_path = inbox != NULL && is_proper ? maildir_path_below(inbox, folder) : NULL;

	Quota *quota = *ret_path != NULL ? deliver_quota(run) : NULL;
	return quota != NULL && quota_counts(quota, *ret_path, "") ? quota : NULL;
}

static bool
take_room(DeliverRun *run, Place *place, const MaildirDraft *draft, Status *st)
{
	const char *path;
	Quota *quota = quota_of(run, maildir_draft_folder(draft), &path);
	if (quota == NULL)
		return true;

	place->quota = quota;
	return quota_take(quota, path, maildir_draft_size(draft).bytes, st);
}

/* The quota learns of one more, or (`sign` -1) one less. */
static void
count(const Place *place, const MaildirDraft *draft, gint64 sign)
{
	const Maildir *folder = maildir_draft_folder(draft);
	const char *path = place->quota != NULL ? maildir_path_below(place->inbox, folder) : NULL;
	bool is_proper = strcmp(maildir_hidden(folder), "tmp/") == 0;
	if (path != NULL && is_proper && quota_counts(place->quota, path, ""))
		quota_add(place->quota, sign * (gint64) maildir_draft_size(draft).bytes, sign);
}

/* Get the file into one more directory: the first's by a link, or a copy in the first's form. */
static bool
add_folder(DeliverRun *run, Place *place, guint number, bool proper, Status *st)
{
	const PlanStore *store = plan_store_of(place->action);
	const char *name = store->names != NULL ? store->names->pdata[number] : NULL;
	Maildir *folder = open_folder(run, store->paths->pdata[number], st);

	if (folder == NULL)
		return false;
	if (store->prefix != NULL)
		maildir_set_prefix(folder, store->prefix);
	MaildirDraft *draft = NULL;
	if (place->drafts->len > 0 &&
	    !maildir_draft_link(place->drafts->pdata[0], folder, &draft, st))
		return false;
	if (draft == NULL && !write_first(run, place, folder, proper, &draft, st))
		return false;

	g_ptr_array_add(place->drafts, draft);
	if (name != NULL && !maildir_draft_set_name(draft, name, store->is_exact, st))
		return false;

	deadline_waiting_for("flushing the message");
	guint before = place->there->len;
	if (!maildir_draft_prepare(draft, "", st) || !claim_draft(run, place, folder, draft, st))
		return false;

	/* a mailbox that the first try has filled refuses no retry */
	return place->there->len > before || take_room(run, place, draft, st);
}

static bool
prepare_folders(DeliverRun *run, Place *place, Status *st)
{
	const GPtrArray *paths = plan_store_of(place->action)->paths;
	bool proper = g_str_has_suffix(paths->pdata[0], "/");
	if (!add_folder(run, place, 0, proper, st))
		return false;

	for (guint i = 1; i < paths->len; i++) {
		g_auto(Status) fault = STATUS_INIT;
		guint drafts = place->drafts->len, claims = place->claims->len;
		if (add_folder(run, place, i, proper, &fault))
			continue;
		/*
		 * The mail has a place already: one more that can never be used is no reason to
		 * wait, nor to leave the first for the INBOX.
		 */
		if (!folder_gives_way(&fault)) {
			status_move(st, &fault);
			return false;
		}
		g_ptr_array_set_size(place->drafts, (gint) drafts);
		g_ptr_array_set_size(place->claims, (gint) claims);
		deliver_note(run, "not stored in '%s': %s", (const char *) paths->pdata[i],
		             fault.detail);
	}

	return true;
}

/* Header and body as they are stored, in memory: an mbox gets them in one write. */
static GString *
message_bytes(DeliverRun *run, const Place *place, Status *st)
{
	MessageBody body;

	if (!message_body(place->message, &body)) {
		status_fail_detail(st, STATUS_INTERNAL,
		                   "the body of a message for an mbox is not stored");
		return NULL;
	}

	g_autoptr(Headers)
		marked = deliver_mark_headers(run, place->message, place->headers, MARK_STORED);
	g_autoptr(Headers)
		told = deliver_reason_headers(run, place->action, first_path(place), marked);
	GString *bytes = compose_print_headers(place->message, told);
	gsize head = bytes->len;
	g_string_set_size(bytes, head + (gsize) body.size);
	if (fs_read_exactly_at(body.fd, body.offset, bytes->str + head, (size_t) body.size,
	                       "message body", st))
		return bytes;

	g_string_free(bytes, TRUE);
	return NULL;
}

/* An mbox is opened and locked once a run: its locks know no owner but the program. */
static Mbox *
find_mbox(DeliverRun *run, const PlanStore *store, const char *path, Status *st)
{
	for (guint i = 0; i < run->boxes->len; i++)
		if (mbox_is(run->boxes->pdata[i], path))
			return run->boxes->pdata[i];
	DotlockPatience wait = owner_program_patience(run->job->conf, store->lock_timeout);
	Mbox *mbox = mbox_open(path, run->job->conf->durability, &wait, st);
	if (mbox != NULL)
		g_ptr_array_add(run->boxes, mbox);

	return mbox;
}

/* *ret_done: did an earlier try append it? Then there is nothing left to do but to flush. */
static bool
was_appended(DeliverRun *run, Place *place, bool *ret_done, Status *st)
{
	*ret_done = false;
	Claim *claim = make_claim(run, place);
	if (claim == NULL)
		return true;

	g_ptr_array_add(place->claims, claim);
	g_autofree char *note = NULL;
	if (!claim_read_note(claim, run->job->conf->retry_lifetime, &note, st))
		return false;
	bool is_certain = arrival_is_certain(run->job->envelope, run->job->message);
	if (note != NULL && !mbox_has(place->mbox, note, place->bytes, is_certain, ret_done, st))
		return false;

	if (*ret_done)
		deliver_note(run, "stored in %s by an earlier try", place->path);
	place->earlier = *ret_done;
	return true;
}

static bool
rehearse_mbox(DeliverRun *run, Place *place, const char *path, Status *st)
{
	const PlanStore *store = plan_store_of(place->action);
	DotlockPatience wait = owner_program_patience(run->job->conf, store->lock_timeout);
	place->rehearsed = mbox_rehearse(path, &wait, st);
	return place->rehearsed;
}

static bool
prepare_mbox(DeliverRun *run, Place *place, const char *path, Status *st)
{
	const PlanStore *store = plan_store_of(place->action);
	GString *bytes = place->bytes = message_bytes(run, place, st);
	if (bytes == NULL)
		return false;

	if (store->from_line != NULL) {
		g_string_prepend_c(bytes, '\n');
		g_string_prepend(bytes, store->from_line);
	}

	if (!store->raw)
		mbox_quote(bytes);
	if (!store->raw && !g_str_has_suffix(bytes->str, "\n\n"))
		g_string_append_c(bytes, '\n');
	if (run->job->rehearsal)
		return rehearse_mbox(run, place, path, st);
	place->mbox = find_mbox(run, store, path, st);
	bool is_done = false;
	if (place->mbox == NULL || !was_appended(run, place, &is_done, st))
		return false;
	if (is_done)
		return true;

	g_autofree char *note = mbox_note(place->mbox, bytes);
	if (!mbox_reserve(place->mbox, bytes->len, st))
		return false;

	if (place->claims->len > 0)
		claim_write_note(place->claims->pdata[0], note);
	return true;
}

/*
 * The lock that a rule names is taken as well; it may be the very one that an mbox has by itself.
 */
static bool
take_lock(DeliverRun *run, Place *place, Status *st)
{
	const PlanStore *store = plan_store_of(place->action);
	if (store->lock == NULL)
		return true;

	if (run->job->rehearsal)
		return true;
	g_autofree char *lock = absolute_path(run, store->lock, st);
	g_autofree char *own = g_strconcat(place->path, ".lock", NULL);
	if (lock == NULL)
		return false;
	if (strcmp(lock, own) == 0)
		return true;

	DotlockPatience wait = owner_program_patience(run->job->conf, store->lock_timeout);
	g_auto(Status) fault = STATUS_INIT;
	place->lock = dotlock_take(lock, &wait, &fault);
	if (place->lock != NULL)
		return true;

	if (fault.id != STATUS_NO_PERMISSION && fault.id != STATUS_MISSING) {
		status_move(st, &fault);
		return false;
	}

	deliver_note(run, "stored without the lock '%s': %s", store->lock, fault.detail);
	return true;
}

/*
 * What tells the copies for one path apart. Those for others are not counted: between two tries a
 * folder may be repaired that the rules passed over, or that the INBOX stood in for.
 */
static char *
step_name(DeliverRun *run, const char *path)
{
	guint number = 1;
	for (guint i = 0; i < run->places->len; i++)
		number += strcmp(run->places->pdata[i], path) == 0;
	g_ptr_array_add(run->places, g_strdup(path));

	return g_strdup_printf("store %s, step %u", path, number);
}

/* Has an earlier try stored it? */
static bool
was_stored(DeliverRun *run, Place *place)
{
	const char *name;
	if (run->ledger == NULL)
		return false;

	if (ledger_find(run->ledger, place->step, &name) != LEDGER_DONE)
		return false;

	deliver_note(run, "stored in %s by an earlier try", place->path);
	place->earlier = true;

	return true;
}

static bool
prepare_files(DeliverRun *run, Place *place, const char *first, Status *st)
{
	bool folders = g_str_has_suffix(first, "/") || g_str_has_suffix(first, "/.") ||
	               is_directory(place->path);
	return folders ? prepare_folders(run, place, st)
	               : prepare_mbox(run, place, place->path, st);
}

/*
 * A place that cannot be used, and will not be by waiting: the mail goes to the INBOX. So it does
 * behind a lock that somebody holds for longer than rules may put mail off.
 */
static bool
store_elsewhere(DeliverRun *run, Place *place, Status *fault, Status *st)
{
	bool waited = fault->id == STATUS_LOCKED && run->job->is_overdue;

	if (run->job->inbox == NULL || (!folder_gives_way(fault) && !waited)) {
		status_move(st, fault);
		return false;
	}

	drop_claims(place);
	place->mbox = NULL;
	g_clear_pointer(&place->lock, dotlock_release);
	deliver_note(run, "stored in the INBOX: %s", fault->detail);

	return deliver_prepare_more(run, plan_action_new(PLAN_KEEP, NULL, 0), st);
}

static bool
place_prepare(DeliverRun *run, const PlanAction *action, void **ret_step, Status *st)
{
	Place *place = g_new0(Place, 1);

	*ret_step = place;
	place->action = action;
	place->message = action->message != NULL ? action->message : run->job->message;
	place->headers = deliver_headers(run, action);
	place->drafts = g_ptr_array_new_with_free_func(draft_destroy);
	place->claims = g_ptr_array_new_with_free_func(claim_destroy);
	place->answered = g_ptr_array_new_with_free_func(claim_destroy);
	place->there = g_ptr_array_new();
	place->inbox = run->job->inbox;

	const GPtrArray *paths = plan_store_of(action)->paths;
	const char *first = paths->pdata[0];
	place->path = absolute_path(run, first, st);
	if (place->path == NULL)
		return false;
	place->step = step_name(run, place->path);
	if (run->job->is_stored || was_stored(run, place))
		return true;

	g_auto(Status) fault = STATUS_INIT;
	mode_t before = owner_program_set_umask(plan_store_of(action)->umask);
	bool ready = take_lock(run, place, &fault) && prepare_files(run, place, first, &fault);
	(void) umask(before);

	return ready || store_elsewhere(run, place, &fault, st);
}

static bool
place_commit(DeliverRun *run, void *step, Status *st)
{
	Place *place = step;

	for (guint i = 0; i < place->drafts->len; i++) {
		if (!maildir_draft_commit(place->drafts->pdata[i], st))
			return false;
		count(place, place->drafts->pdata[i], 1);
		place->counted = i + 1;
	}
	if (place->mbox != NULL && !place->earlier && !mbox_append(place->mbox, place->bytes, st))
		return false;

	run->has_local = place->committed = true;
	return true;
}

/*
 * Where the same message may come again on purpose, the next delivery that gets the lock must not
 * take ours for its own earlier try.
 */
static bool
flush_mbox(const DeliverRun *run, const Place *place, Status *st)
{
	const DeliverJob *job = run->job;

	if (!mbox_flush(place->mbox, st))
		return false;
	if (job->envelope != NULL && !arrival_is_certain(job->envelope, job->message))
		for (guint i = 0; i < place->claims->len; i++)
			claim_forget(place->claims->pdata[i]);
	mbox_unlock(place->mbox);

	return true;
}

static bool
place_flush(DeliverRun *run, void *step, Status *st)
{
	Place *place = step;

	for (guint i = 0; i < place->drafts->len; i++)
		if (!maildir_flush(maildir_draft_folder(place->drafts->pdata[i]), st))
			return false;
	for (guint i = 0; i < place->there->len; i++)
		if (!maildir_flush(place->there->pdata[i], st))
			return false;
	if (place->mbox != NULL && !flush_mbox(run, place, st))
		return false;

	g_clear_pointer(&place->lock, dotlock_release);
	if (run->ledger != NULL)
		ledger_set(run->ledger, place->step, LEDGER_DONE, NULL);
	return true;
}

static void
place_take_back(void *step)
{
	Place *place = step;

	for (guint i = 0; i < place->drafts->len; i++)
		if (i >= place->claims->len || claim_drop(place->claims->pdata[i])) {
			maildir_draft_take_back(place->drafts->pdata[i]);
			if (i < place->counted)
				count(place, place->drafts->pdata[i], -1);
		}
	if (place->mbox == NULL || place->earlier)
		return;

	mbox_take_back(place->mbox);
	for (guint i = 0; i < place->claims->len; i++)
		claim_forget(place->claims->pdata[i]);
}

static void
place_finish(DeliverRun *run, void *step)
{
	const Place *place = step;
	bool certain = run->job->envelope != NULL &&
	               arrival_is_certain(run->job->envelope, run->job->message);
	const GPtrArray *const lists[] = { place->claims, place->answered };

	for (size_t list = 0; list < G_N_ELEMENTS(lists); list++)
		for (guint i = 0; i < lists[list]->len; i++) {
			if (certain)
				claim_sweep(lists[list]->pdata[i], run->job->conf->retry_lifetime,
				            LIMIT_TMP_AGE_SECONDS);
			else
				claim_forget(lists[list]->pdata[i]);
		}
}

/* Where mail that is stored already belongs: a Maildir, or something else, by its whole path. */
static void
report_place(const Place *place, DeliverReport *report)
{
	bool proper = g_str_has_suffix(first_path(place), "/");
	deliver_report_add(report, "store", g_strdup(place->path),
	                   proper ? g_build_filename(place->path, "cur", "-", NULL)
	                          : g_strdup(place->path),
	                   0);
}

static void
place_report(DeliverRun *run, const void *step, DeliverReport *report)
{
	const Place *place = step;
	if (run->job->is_stored)
		report_place(place, report);
	if (place->earlier)
		deliver_report_earlier(report, "store", place->path, NULL);

	for (guint i = 0; i < place->drafts->len; i++) {
		const MaildirDraft *draft = place->drafts->pdata[i];
		const char *path = maildir_path(maildir_draft_folder(draft));
		deliver_report_add(report, "store", g_strdup(*path != '\0' ? path : "INBOX"),
		                   maildir_draft_final_path(draft),
		                   maildir_draft_size(draft).bytes);
	}

	if ((place->mbox != NULL || place->rehearsed) && !place->earlier)
		deliver_report_add(report, "store", g_strdup(place->path), g_strdup(place->path),
		                   place->bytes->len);
}

static void
place_remember(DeliverRun *run, const void *step, GString *lines)
{
	const Place *place = step;
	for (guint i = 0; i < place->drafts->len; i++) {
		const MaildirDraft *draft = place->drafts->pdata[i];
		g_autofree char *path = maildir_draft_final_path(draft);
		deliver_remember_kept(run, place->message, place->headers, path,
		                      maildir_draft_size(draft).bytes, lines);
	}

	if (place->mbox != NULL)
		deliver_remember_mbox(run, place->message, place->headers, place->path, lines);
}

extern const DeliverAction deliver_store;
const DeliverAction deliver_store = {
	.name = "store",
	.prepare = place_prepare,
	.commit = place_commit,
	.flush = place_flush,
	.take_back = place_take_back,
	.finish = place_finish,
	.report = place_report,
	.remember = place_remember,
	.free = place_free,
};

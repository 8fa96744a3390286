/*
 * deliver-place: store (recipes): the message goes to files and directories by path, with the owner's rights.
 *
 * "dir/" is a Maildir, "dir/." an MH folder, a directory takes a file of its own, anything else is an mbox. Several directories hold
 * one file by hard links. What is in directories is prepared hidden and flushed; an mbox is locked and room is reserved, and the message
 * goes to its end when all else is ready.
 */
#include "agent/send/compose.h"

#include "agent/base/deadline.h"
#include "agent/base/fs.h"
#include "agent/exec/owner-program.h"
#include "agent/store/mbox.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
	const PlanAction *action;  /* borrowed */
	Message *message;          /* borrowed */
	Headers *headers;          /* borrowed */
	GPtrArray *drafts;         /* MaildirDraft: one a directory */
	Mbox *mbox;                /* borrowed from the run; NULL: directories */
	GString *bytes;            /* for the mbox */
	Dotlock *lock;             /* the lock file that the rule names */
	char *step;                /* its name in the ledger; NULL: there is none */
	char *path;                /* the first place, for the report */
} Place;

static void
draft_destroy(gpointer draft)
{
	maildir_draft_free(draft);
}

static void
place_free(void *step)
{
	Place *place = step;
	g_ptr_array_unref(place->drafts);
	if (place->bytes != NULL)
		g_string_free(place->bytes, TRUE);
	dotlock_release(place->lock);
	g_free(place->step);
	g_free(place->path);
	g_free(place);
}

/* Recipes may name paths below a folder that is not known to them: then it is the home. Slashes at the end go. Caller frees. */
static char *
absolute_path(const DeliverRun *run, const char *path, Status *st)
{
	const char *home = run->job->owner != NULL ? run->job->owner->home : NULL;
	if (path[0] != '/' && home == NULL) {
		status_fail_detail(st, STATUS_CONFIG, "'%s' is a path below no folder: the owner has no home", path);
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
	MaildirKind kind = numbered ? MAILDIR_NUMBERED : g_str_has_suffix(named, "/") ? MAILDIR_PROPER : MAILDIR_NAMED;
	g_autofree char *path = absolute_path(run, named, st);
	if (path == NULL)
		return NULL;
	if (numbered)
		path[strlen(path) - strlen("/.")] = '\0';
	Maildir *folder = kind == MAILDIR_PROPER ? maildir_open_below(run->job->inbox, path, true, &created, st)
	                                         : maildir_open_flat(run->job->inbox, *path != '\0' ? path : "/", kind, st);
	if (folder != NULL)
		g_ptr_array_add(run->folders, folder);
	return folder;
}

/* A directory's own file, written. Maildirs have neither a From_ line nor an empty line at the end. */
static bool
write_first(DeliverRun *run, const Place *place, Maildir *folder, bool proper, MaildirDraft **ret_draft, Status *st)
{
	const PlanStore *store = place->action->store;
	bool fits = proper && store->umask == NULL; /* the job's draft was made with the site's umask */
	if (fits && !deliver_take_draft(run, place->message, place->headers, folder, ret_draft, st))
		return false;
	if (*ret_draft != NULL)
		return true;
	deadline_waiting_for("writing the message");
	g_autoptr(Headers) marked = deliver_mark_headers(run, place->message, place->headers, MARK_STORED);
	g_autoptr(MaildirDraft) draft = maildir_draft_new(folder, st);
	if (draft == NULL || (!proper && store->from_line != NULL && !maildir_draft_begin(draft, store->from_line, st)) ||
	    !maildir_draft_write(draft, place->message, marked, st) ||
	    (!proper && !store->raw && !maildir_draft_end(draft, st)))
		return false;
	*ret_draft = g_steal_pointer(&draft);
	return true;
}

/* Get the file into one more directory: the first's by a link, or a copy in the first's form. */
static bool
add_folder(DeliverRun *run, Place *place, const char *path, bool proper, Status *st)
{
	Maildir *folder = open_folder(run, path, st);
	if (folder == NULL)
		return false;
	if (place->action->store->prefix != NULL)
		maildir_set_prefix(folder, place->action->store->prefix);
	MaildirDraft *draft = NULL;
	if (place->drafts->len > 0 && !maildir_draft_link(place->drafts->pdata[0], folder, &draft, st))
		return false;
	if (draft == NULL && !write_first(run, place, folder, proper, &draft, st))
		return false;
	g_ptr_array_add(place->drafts, draft);
	deadline_waiting_for("flushing the message");
	return maildir_draft_prepare(draft, "", st);
}

static bool
prepare_folders(DeliverRun *run, Place *place, Status *st)
{
	const GPtrArray *paths = place->action->store->paths;
	bool proper = g_str_has_suffix(paths->pdata[0], "/");
	if (!add_folder(run, place, paths->pdata[0], proper, st))
		return false;
	for (guint i = 1; i < paths->len; i++) {
		g_auto(Status) fault = STATUS_INIT;
		if (add_folder(run, place, paths->pdata[i], proper, &fault))
			continue;
		/* The mail has a place already: one more that is a file, or somebody else's, is no reason to wait. */
		if (fault.id != STATUS_NOT_A_FOLDER && fault.id != STATUS_NO_PERMISSION && fault.id != STATUS_MISSING) {
			status_move(st, &fault);
			return false;
		}
		deliver_note(run, "not stored in '%s': %s", (const char *) paths->pdata[i], fault.detail);
	}
	return true;
}

/* Header and body as they are stored, in memory: an mbox gets them in one write. */
static GString *
message_bytes(DeliverRun *run, const Place *place, Status *st)
{
	MessageBody body;
	if (!message_body(place->message, &body)) {
		status_fail_detail(st, STATUS_INTERNAL, "the body of a message for an mbox is not stored");
		return NULL;
	}
	g_autoptr(Headers) marked = deliver_mark_headers(run, place->message, place->headers, MARK_STORED);
	GString *bytes = out_print_headers(place->message, marked);
	gsize head = bytes->len;
	g_string_set_size(bytes, head + (gsize) body.size);
	for (off_t at = 0; at < body.size;) {
		ssize_t n = pread(body.fd, bytes->str + head + at, (size_t) (body.size - at), body.offset + at);
		if (n <= 0) {
			status_fail_errno(st, n < 0 ? errno : EIO, "cannot read the message's body");
			g_string_free(bytes, TRUE);
			return NULL;
		}
		at += n;
	}
	return bytes;
}

/* An mbox is opened and locked once a run: its locks know no owner but the program. */
static Mbox *
find_mbox(DeliverRun *run, const PlanStore *store, const char *path, Status *st)
{
	for (guint i = 0; i < run->boxes->len; i++)
		if (mbox_is(run->boxes->pdata[i], path))
			return run->boxes->pdata[i];
	DotlockPatience wait = command_patience(run->job->conf, store->lock_timeout);
	Mbox *mbox = mbox_open(path, run->job->conf->durability, &wait, st);
	if (mbox != NULL)
		g_ptr_array_add(run->boxes, mbox);
	return mbox;
}

static bool
prepare_mbox(DeliverRun *run, Place *place, const char *path, Status *st)
{
	const PlanStore *store = place->action->store;
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
	place->mbox = find_mbox(run, store, path, st);
	return place->mbox != NULL && mbox_reserve(place->mbox, bytes->len, st);
}

/* The lock that a rule names is taken as well; it may be the very one that an mbox has by itself. */
static bool
take_lock(DeliverRun *run, Place *place, Status *st)
{
	const PlanStore *store = place->action->store;
	if (store->lock == NULL)
		return true;
	g_autofree char *lock = absolute_path(run, store->lock, st);
	g_autofree char *own = g_strconcat(place->path, ".lock", NULL);
	if (lock == NULL)
		return false;
	if (strcmp(lock, own) == 0)
		return true;
	DotlockPatience wait = command_patience(run->job->conf, store->lock_timeout);
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

/* Has an earlier try stored it? */
static bool
was_stored(DeliverRun *run, Place *place)
{
	const char *name;
	if (run->ledger == NULL)
		return false;
	place->step = g_strdup_printf("store %s, step %u", place->path, run->steps->len);
	if (ledger_find(run->ledger, place->step, &name) != LEDGER_DONE)
		return false;
	deliver_note(run, "stored in %s by an earlier try", place->path);
	run->has_local = true;
	return true;
}

static bool
prepare_files(DeliverRun *run, Place *place, const char *first, Status *st)
{
	bool folders = g_str_has_suffix(first, "/") || g_str_has_suffix(first, "/.") || is_directory(place->path);
	return folders ? prepare_folders(run, place, st) : prepare_mbox(run, place, place->path, st);
}

static bool
place_prepare(DeliverRun *run, const PlanAction *action, void **ret_step, Status *st)
{
	Place *place = g_new0(Place, 1);
	*ret_step = place;
	place->action = action;
	place->message = action->message != NULL ? action->message : run->job->message;
	place->headers = out_headers(run, action);
	place->drafts = g_ptr_array_new_with_free_func(draft_destroy);
	const GPtrArray *paths = action->store->paths;
	const char *first = paths->pdata[0];
	place->path = absolute_path(run, first, st);
	if (place->path == NULL)
		return false;
	if (was_stored(run, place))
		return true;
	mode_t before = command_set_umask(action->store->umask);
	bool ready = take_lock(run, place, st) && prepare_files(run, place, first, st);
	(void) umask(before);
	return ready;
}

static bool
place_commit(DeliverRun *run, void *step, Status *st)
{
	Place *place = step;
	for (guint i = 0; i < place->drafts->len; i++)
		if (!maildir_draft_commit(place->drafts->pdata[i], st))
			return false;
	if (place->mbox != NULL && !mbox_append(place->mbox, place->bytes, st))
		return false;
	run->has_local = true;
	return true;
}

static bool
place_flush(DeliverRun *run, void *step, Status *st)
{
	Place *place = step;
	for (guint i = 0; i < place->drafts->len; i++)
		if (!maildir_flush(maildir_draft_folder(place->drafts->pdata[i]), st))
			return false;
	if (place->mbox != NULL && !mbox_flush(place->mbox, st))
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
		maildir_draft_take_back(place->drafts->pdata[i]);
	if (place->mbox != NULL)
		mbox_take_back(place->mbox);
}

static void
place_report(DeliverRun *run, const void *step, DeliverReport *report)
{
	(void) run;
	const Place *place = step;
	for (guint i = 0; i < place->drafts->len; i++) {
		const MaildirDraft *draft = place->drafts->pdata[i];
		deliver_report_add(report, "store", g_strdup(maildir_path(maildir_draft_folder(draft))), maildir_draft_final_path(draft),
		                   maildir_draft_size(draft).bytes);
	}
	if (place->mbox != NULL)
		deliver_report_add(report, "store", g_strdup(place->path), g_strdup(place->path), place->bytes->len);
}

static void
place_remember(DeliverRun *run, const void *step, GString *lines)
{
	const Place *place = step;
	for (guint i = 0; i < place->drafts->len; i++) {
		const MaildirDraft *draft = place->drafts->pdata[i];
		g_autofree char *path = maildir_draft_final_path(draft);
		deliver_remember_kept(run, place->message, place->headers, path, maildir_draft_size(draft).bytes, lines);
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
	.report = place_report,
	.remember = place_remember,
	.free = place_free,
};

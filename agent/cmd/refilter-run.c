/* SPDX-License-Identifier: MIT */
/* refilter-run: see the header. */
#define _GNU_SOURCE
#include "agent/cmd/refilter-run.h"

#include "agent/base/fs.h"
#include "agent/base/words.h"
#include "agent/cmd/cmd-common.h"
#include "agent/cmd/refilter-folder.h"
#include "agent/cmd/try-account.h"
#include "agent/run/owner-settings.h"
#include "agent/send/compose.h"
#include "agent/store/mail-place.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BAR_COLUMNS = 30, BAR_EVERY_US = 100 * 1000 };

/* How often mail is looked for whose name changes meanwhile: a client sets flags by a rename. */
enum { PASSES = 5, MOVE_TRIES = 5 };

/* A run on its way. */
typedef struct {
	const RefilterWish *wish;
	const Conf *conf;
	RefilterFolders *folders;
	MaildirShelf *here; /* borrowed from the folders */
	const char *path;   /* of it, below the INBOX */
	char *discard_path; /* NULL: what is discarded stays */
	RefilterRecord record;
	RefilterCount count;
	GHashTable *judged;  /* names without flags: what was dealt with; a set */
	GHashTable *missing; /* the same: not under the name that was listed; a set */
	unsigned total;
	gint64 bar_at; /* monotonic microseconds: when the bar was drawn last */
	bool has_bar;
	bool is_bad; /* a message could not go where it should */
} Run;

static volatile sig_atomic_t stopped;

static void
on_signal(int number)
{
	(void) number;
	stopped = 1;
}

void
refilter_catch_signals(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	/* the second of its kind ends the program at once: each move is whole at any moment */
	const struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESETHAND };
	for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
		(void) sigaction(numbers[i], &action, NULL);
}

bool
refilter_is_stopped(void)
{
	return stopped != 0;
}

char *
refilter_line(const char *text)
{
	return g_strdelimit(g_strdup(text), "\r\n\t", '?');
}

int
refilter_fault(const Status *st)
{
	g_autofree char *text = refilter_line(status_why(st));
	cmd_print(stderr, "todoke refilter: %s\n", text);
	return st->id == STATUS_USAGE ? CMD_USAGE : CMD_FINDINGS;
}

static void
clear_bar(const Run *run)
{
	if (run->has_bar && run->bar_at != 0)
		fputs("\r\033[K", stderr);
}

/* On a terminal how far it is. */
static void
draw_bar(Run *run, unsigned number)
{
	gint64 now = g_get_monotonic_time();
	if (!run->has_bar || now - run->bar_at < BAR_EVERY_US)
		return;

	char bar[BAR_COLUMNS + 1];
	size_t full = (size_t) number * BAR_COLUMNS / MAX(run->total, 1);
	g_autofree char *done = refilter_count_number(number),
			*total = refilter_count_number(run->total);
	memset(bar, '#', full);
	memset(bar + full, '.', BAR_COLUMNS - full);
	bar[BAR_COLUMNS] = '\0';
	fprintf(stderr, "\r[%s] %s/%s", bar, done, total);
	run->bar_at = now;
}

/* The subject, for people. Caller frees. */
static char *
subject_of(const Message *message)
{
	g_autofree char *subject = message != NULL
	                                   ? compose_field_text(message_headers(message), "Subject")
	                                   : NULL;
	return refilter_line(subject != NULL ? subject : "");
}

static void
print_message(const Run *run, const char *file, const Message *message,
              const RefilterVerdict *verdict, const char *target)
{
	g_autofree char *subject = subject_of(message), *shown = refilter_line(file);
	clear_bar(run);
	cmd_print(stdout, "%s -> %s  %s  \"%s\"\n", shown, target, verdict->why, subject);
}

static void
print_message_json(const char *file, const Message *message, const RefilterVerdict *verdict,
                   const char *target, const char *note)
{
	g_autofree char *subject = subject_of(message);
	json_t *object = json_pack("{s:s, s:o, s:s, s:o, s:o, s:o}", "schema", "todoke.refilter/1",
	                           "message", cmd_json_text(file), "outcome",
	                           refilter_outcome_name(verdict->outcome), "rules",
	                           cmd_json_text(verdict->text), "why", cmd_json_text(verdict->why),
	                           "subject", cmd_json_text(subject));
	if (target != NULL)
		json_object_set_new(object, "folder", cmd_json_text(target));
	if (note != NULL)
		json_object_set_new(object, "note", cmd_json_text(note));
	json_object_set_new(object, "redirects", json_integer(verdict->redirects));
	json_object_set_new(object, "replies", json_integer(verdict->replies));
	json_object_set_new(object, "programs", json_integer(verdict->programs));
	cmd_print_json_line(object);
}

/* It stays although the rules want it elsewhere. That is always said. */
static void
tell_left(Run *run, const char *file, const char *why)
{
	g_autofree char *shown = refilter_line(file);
	run->is_bad = true;
	clear_bar(run);
	if (!run->wish->as_json)
		cmd_print(stdout, _("%s stays: %s\n"), shown, why);
}

/* Move it, once it is written down. *tried becomes the name under which it was not found. */
static bool
carry_out(Run *run, MaildirShelf *to, const char *file, int fd, const RefilterVerdict *verdict,
          const Transact *transact, const char *target, char **tried, Status *st)
{
	g_auto(MaildirMove) move = { .flags = run->wish->sets_flags ? verdict->flags : NULL };
	struct stat sb;
	if (!maildir_shelf_plan(run->here, file, to, &move, st))
		return false;
	if (fstat(fd, &sb) < 0)
		return status_fail_errno(st, errno, "cannot be read");

	g_autofree char *hash = refilter_record_hash(fd, st);
	if (hash == NULL)
		return false;

	g_autofree char *from_file = g_build_filename(run->path, move.from, NULL),
			*to_file = g_build_filename(maildir_shelf_path(to), move.to, NULL);
	const RefilterMove told = { .action = verdict->outcome == REFILTER_DISCARDED ? "discard"
		                                                                     : "fileinto",
		                    .from_folder = run->wish->folder,
		                    .from_file = from_file,
		                    .folder = target,
		                    .file = to_file,
		                    .sha256 = hash,
		                    .bytes = (guint64) sb.st_size };
	if (!refilter_record_move(&run->record, &told, transact, NULL, st))
		return false;
	if (!maildir_shelf_move(run->here, to, &move, st)) {
		refilter_record_failed(&run->record, &told, st->detail);
		g_free(*tried);
		*tried = g_steal_pointer(&move.from);
		return false;
	}

	refilter_folders_moved(run->folders, run->here, to, &move, told.bytes);
	run->count.moved++;
	return true;
}

/* Where it goes; NULL: it stays. Borrowed. */
static const char *
target_of(const Run *run, const RefilterVerdict *verdict, const char **ret_path)
{
	if (verdict->outcome == REFILTER_MOVES) {
		*ret_path = verdict->path;
		return verdict->folder;
	}

	*ret_path = run->discard_path;
	bool discards = verdict->outcome == REFILTER_DISCARDED && run->discard_path != NULL &&
	                strcmp(run->discard_path, run->path) != 0;
	return discards ? run->wish->discard_to : NULL;
}

/* A client that sets a flag renames the file: then it goes by its new name. */
static bool
carry_out_at_last(Run *run, MaildirShelf *to, const char *file, int fd,
                  const RefilterVerdict *verdict, const Transact *transact, const char *target,
                  Status *st)
{
	g_autofree char *tried = NULL;

	for (int i = 1; !carry_out(run, to, file, fd, verdict, transact, target, &tried, st); i++) {
		if (st->id != STATUS_MISSING)
			return false;
		maildir_shelf_forget(run->here);
		g_autofree char *now = maildir_shelf_find(run->here, file);
		if (now == NULL || i == MOVE_TRIES || g_strcmp0(now, tried) == 0)
			return false;
		status_clear(st);
	}
	return true;
}

static void
apply_verdict(Run *run, const char *file, int fd, RefilterVerdict *verdict,
              const Transact *transact, const char *target, const char *path)
{
	g_auto(Status) st = STATUS_INIT;
	bool creates = verdict->creates || verdict->outcome == REFILTER_DISCARDED;
	MaildirShelf *to = refilter_folders_get(run->folders, path, creates, &st);
	if (to != NULL && maildir_shelf_is_same(run->here, to))
		return;
	if (to != NULL && carry_out_at_last(run, to, file, fd, verdict, transact, target, &st)) {
		refilter_count_place(&run->count, target);
		return;
	}

	/* A message that left while we looked is no fault; a folder that is not there is one. */
	if (to != NULL && st.id == STATUS_MISSING) {
		run->count.gone++;
		return;
	}
	run->count.outcomes[verdict->outcome]--;
	run->count.outcomes[REFILTER_LEFT]++;
	verdict->outcome = REFILTER_LEFT;
	g_free(verdict->note);
	verdict->note = g_strdup(st.detail);
	tell_left(run, file, st.detail);
}

static void
settle_message(Run *run, const char *file, int fd, const Message *message, RefilterVerdict *verdict,
               const Transact *transact)
{
	const RefilterWish *wish = run->wish;
	const char *path = NULL, *target = target_of(run, verdict, &path);

	refilter_count_add(&run->count, verdict);
	if (target != NULL && wish->applies)
		apply_verdict(run, file, fd, verdict, transact, target, path);
	else if (target != NULL)
		refilter_count_place(&run->count, target);
	else if (verdict->outcome == REFILTER_LEFT)
		tell_left(run, file, verdict->note);

	bool is_left = verdict->outcome == REFILTER_LEFT;
	bool is_told = wish->lists ? verdict->outcome != REFILTER_STAYS : is_left && wish->as_json;
	if (!is_told)
		return;
	if (wish->as_json)
		print_message_json(file, message, verdict, is_left ? NULL : target, verdict->note);
	else if (target != NULL && verdict->outcome != REFILTER_LEFT)
		print_message(run, file, message, verdict, target);
	else if (verdict->outcome != REFILTER_LEFT)
		print_message(run, file, message, verdict, verdict->text);
}

static bool
is_same_outcome(const RefilterVerdict *one, const RefilterVerdict *other)
{
	return one->outcome == other->outcome && g_strcmp0(one->path, other->path) == 0 &&
	       strcmp(one->text, other->text) == 0;
}

static void
print_compared(Run *run, const char *file, const Message *message, const RefilterVerdict *old,
               const RefilterVerdict *new)
{
	g_autofree char *subject = subject_of(message), *shown = refilter_line(file);
	clear_bar(run);
	if (!run->wish->as_json) {
		cmd_print(stdout, "%s  \"%s\"\n", shown, subject);
		cmd_print(stdout, _("    before: %s  %s\n"), old->text, old->why);
		cmd_print(stdout, _("    after:  %s  %s\n"), new->text, new->why);
		return;
	}

	json_t *object = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "schema",
	                           "todoke.refilter/1", "message", cmd_json_text(file), "subject",
	                           cmd_json_text(subject), "old_rules", cmd_json_text(old->text),
	                           "old_why", cmd_json_text(old->why), "rules",
	                           cmd_json_text(new->text), "why", cmd_json_text(new->why));
	cmd_print_json_line(object);
}

/* The rules are wrong, whatever the message. */
static bool
fail_rules(const Transact *transact, Status *st)
{
	const GPtrArray *problems = transact_scripts(transact)->problems;
	for (guint i = 0; i < problems->len; i++)
		cmd_print_problem(problems->pdata[i], NULL);
	return status_fail_detail(st, STATUS_SCRIPT, "%s",
	                          _("the rules have errors, so nothing was done"));
}

static bool
compare(Run *run, const char *file, Message *message, const Envelope *envelope,
        const RefilterVerdict *new, Status *st)
{
	g_auto(RefilterVerdict) old = { 0 };
	g_autoptr(Transact) transact = NULL;
	if (!refilter_judge(run->wish->old, message, envelope, run->path, &old, &transact))
		return fail_rules(transact, st);

	run->count.read++;
	if (is_same_outcome(&old, new))
		return true;
	run->count.differ++;
	print_compared(run, file, message, &old, new);
	return true;
}

/* One message; false: nothing can go on. */
static bool
judge_message(Run *run, const char *file, int fd, Message *message, Status *st)
{
	const RefilterRules *rules = run->wish->rules;
	g_autoptr(Envelope) envelope = try_envelope_of_stored(rules->site, rules->account, message);
	g_auto(RefilterVerdict) verdict = { 0 };
	g_autoptr(Transact) transact = NULL;

	if (!refilter_judge(rules, message, envelope, run->path, &verdict, &transact))
		return fail_rules(transact, st);
	if (run->wish->old != NULL)
		return compare(run, file, message, envelope, &verdict, st);

	settle_message(run, file, fd, message, &verdict, transact);
	return true;
}

/* It cannot be read, and so not judged. */
static void
leave_unread(Run *run, const char *file, const Status *unread)
{
	const char *why = status_why(unread);
	run->count.read++;
	run->count.outcomes[REFILTER_LEFT]++;
	tell_left(run, file, why);
	if (run->wish->as_json)
		cmd_print_json_line(json_pack("{s:s, s:o, s:s, s:o}", "schema", "todoke.refilter/1",
		                              "message", cmd_json_text(file), "outcome",
		                              refilter_outcome_name(REFILTER_LEFT), "note",
		                              cmd_json_text(why)));
}

static bool
work_on(Run *run, const char *file, Status *st)
{
	g_auto(Status) unread = STATUS_INIT;
	g_autofree char *base = mail_place_base(file);
	struct stat sb;
	auto_fd int fd = maildir_shelf_read(run->here, file, &sb, &unread);
	int taken = fd >= 0 ? dup(fd) : -1;
	g_autoptr(Message) message = taken >= 0 ? message_from_file(taken, &unread) : NULL;

	bool is_missing = message == NULL && unread.id == STATUS_MISSING;
	g_hash_table_add(is_missing ? run->missing : run->judged, g_steal_pointer(&base));
	if (message != NULL)
		return judge_message(run, file, fd, message, st);
	if (!is_missing)
		leave_unread(run, file, &unread);
	return true;
}

/* False: nothing can go on. */
static bool
work_on_list(Run *run, const GPtrArray *files, Status *st)
{
	for (guint i = 0; i < files->len; i++) {
		if (refilter_is_stopped()) {
			run->count.is_interrupted = true;
			return true;
		}
		draw_bar(run, i);
		if (!work_on(run, files->pdata[i], st))
			return false;
	}
	return true;
}

/* What has another name by now; what has none is gone. NULL: a fault. Caller unrefs. */
static GPtrArray *
list_renamed(Run *run, Status *st)
{
	g_autoptr(GPtrArray) all = maildir_shelf_list(run->here, st);
	GPtrArray *renamed = all != NULL ? g_ptr_array_new_with_free_func(g_free) : NULL;

	for (guint i = 0; all != NULL && i < all->len; i++) {
		g_autofree char *base = mail_place_base(all->pdata[i]);
		if (!g_hash_table_contains(run->judged, base) &&
		    g_hash_table_remove(run->missing, base))
			g_ptr_array_add(renamed, g_strdup(all->pdata[i]));
	}
	return renamed;
}

/* Whatever was dealt with under one name was only listed under another. */
static unsigned
count_gone(const Run *run)
{
	GHashTableIter iter;
	gpointer base;
	unsigned gone = 0;

	g_hash_table_iter_init(&iter, run->missing);
	while (g_hash_table_iter_next(&iter, &base, NULL))
		gone += !g_hash_table_contains(run->judged, base);
	return gone;
}

static bool
work_on_all(Run *run, Status *st)
{
	g_autoptr(GPtrArray) files = maildir_shelf_list(run->here, st);
	if (files == NULL)
		return false;

	run->total = files->len;
	if (!work_on_list(run, files, st))
		return false;
	for (int i = 1; i < PASSES && count_gone(run) > 0 && !refilter_is_stopped(); i++) {
		g_autoptr(GPtrArray) renamed = list_renamed(run, st);
		if (renamed == NULL || !work_on_list(run, renamed, st))
			return false;
		if (renamed->len == 0)
			break;
	}

	run->count.gone += count_gone(run);
	return true;
}

static void
print_summary(const Run *run)
{
	const RefilterWish *wish = run->wish;
	const RefilterSummary summary = { .folder = wish->folder,
		                          .is_dry = !wish->applies,
		                          .compares = wish->old != NULL,
		                          .is_table = wish->is_table,
		                          .run = run->record.path != NULL ? run->record.run : NULL,
		                          .whose = wish->whose,
		                          .discard_moves = run->discard_path != NULL };
	clear_bar(run);
	if (wish->as_json)
		refilter_count_print_json(&run->count, &summary);
	else
		refilter_count_print(&run->count, &summary);
}

static bool
open_run(Run *run, char **ret_path, Status *st)
{
	const RefilterWish *wish = run->wish;
	const Account *account = wish->rules->account;

	run->folders = refilter_folders_new(account, run->conf, !wish->applies, st);
	*ret_path = run->folders != NULL ? refilter_folders_path(run->folders, wish->folder, st)
	                                 : NULL;
	if (*ret_path == NULL)
		return false;
	run->path = *ret_path;
	if (wish->discard_to != NULL) {
		run->discard_path = refilter_folders_path(run->folders, wish->discard_to, st);
		if (run->discard_path == NULL)
			return false;
	}

	run->here = refilter_folders_find(run->folders, run->path, st);
	return run->here != NULL &&
	       (!wish->applies || refilter_record_init(&run->record, account, run->conf, st));
}

static void
run_clear(Run *run)
{
	refilter_folders_free(run->folders);
	refilter_record_clear(&run->record);
	refilter_count_clear(&run->count);
	g_hash_table_unref(run->judged);
	g_hash_table_unref(run->missing);
	g_free(run->discard_path);
}

int
refilter_run(const RefilterWish *wish)
{
	g_auto(Status) st = STATUS_INIT, fault = STATUS_INIT;
	g_autoptr(Conf)
		scoped = owner_settings_read(wish->rules->account, wish->rules->site->conf, NULL);
	g_autofree char *path = NULL;
	Run run = { .wish = wish,
		    .conf = scoped != NULL ? scoped : wish->rules->site->conf,
		    .has_bar = isatty(STDERR_FILENO) == 1 && !wish->as_json };
	bool done;

	refilter_count_init(&run.count);
	run.judged = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	run.missing = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	done = open_run(&run, &path, &st);
	if (done)
		refilter_catch_signals();
	done = done && work_on_all(&run, &st);
	if (wish->applies && run.here != NULL && !refilter_folders_flush(run.folders, &fault))
		(void) refilter_fault(&fault);
	if (done || run.count.moved > 0)
		print_summary(&run);

	int code = done ? CMD_GOOD : refilter_fault(&st);
	bool bad = run.is_bad || run.count.is_interrupted || fault.id != STATUS_OK;
	run_clear(&run);
	return code == CMD_GOOD && bad ? CMD_FINDINGS : code;
}

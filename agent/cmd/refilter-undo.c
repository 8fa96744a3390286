/* SPDX-License-Identifier: MIT */
/*
 * refilter-undo: moves back what a run has moved, newest first.
 *
 * The record is the owner's, who may have written anything into it: its paths are walked part by
 * part, within the mailbox and over no link, and a file is the one that was moved only if its
 * octets are.
 */
#define _GNU_SOURCE
#include "agent/cmd/refilter-run.h"

#include "agent/base/fs.h"
#include "agent/base/words.h"
#include "agent/cmd/cmd-common.h"
#include "agent/cmd/refilter-folder.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

typedef struct {
	RefilterFolders *folders;
	RefilterRecord record;
	bool as_json;
	unsigned moved, back, refused;
} Undo;

static const char *
text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* "FOLDER/cur/NAME" in its two halves. False: it is no path of a message. */
static bool
split(const char *file, char **ret_folder, char **ret_message)
{
	const char *name = file != NULL ? strrchr(file, '/') : NULL, *place = name;
	if (name == NULL || file[0] == '/')
		return false;
	while (place > file && place[-1] != '/')
		place--;
	if (strncmp(place, "cur/", 4) != 0 && strncmp(place, "new/", 4) != 0)
		return false;

	*ret_folder = g_strndup(file, place > file ? (gsize) (place - file - 1) : 0);
	*ret_message = g_strdup(place);
	return true;
}

/* The mail as a line of the record has it, opened on both sides. */
typedef struct {
	MaildirShelf *from, *to; /* borrowed */
	char *file;              /* "cur/NAME", where it is now; NULL: gone */
	char *folder;            /* path of the folder that it came from */
	char *message;           /* its name there, at that time */
} Moved;

static void
moved_clear(Moved *moved)
{
	g_free(moved->file);
	g_free(moved->folder);
	g_free(moved->message);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Moved, moved_clear)

static bool
find_moved(Undo *undo, const json_t *done, Moved *moved, Status *st)
{
	g_autofree char *folder = NULL, *message = NULL;
	if (!split(text_of(done, "file"), &folder, &message) ||
	    !split(text_of(done, "from_file"), &moved->folder, &moved->message) ||
	    text_of(done, "sha256") == NULL)
		return status_fail_detail(st, STATUS_UNTRUSTED, "%s",
		                          _("the record does not say what was moved"));

	moved->from = refilter_folders_get_safely(undo->folders, folder, st);
	if (moved->from == NULL)
		return false;
	moved->to = refilter_folders_get_safely(undo->folders, moved->folder, st);
	if (moved->to == NULL)
		return false;
	moved->file = maildir_shelf_find(moved->from, message);

	return true;
}

/* Are its octets those that were moved? */
static bool
check_octets(const Moved *moved, const json_t *done, guint64 *ret_bytes, Status *st)
{
	struct stat sb;
	auto_fd int fd = maildir_shelf_read(moved->from, moved->file, &sb, st);
	g_autofree char *hash = fd >= 0 ? refilter_record_hash(fd, st) : NULL;
	if (hash == NULL)
		return false;

	*ret_bytes = (guint64) sb.st_size;
	return strcmp(hash, text_of(done, "sha256")) == 0 ||
	       status_fail_detail(st, STATUS_UNTRUSTED, "%s",
	                          _("the message is another one now: its text was changed"));
}

static bool
carry_back(Undo *undo, const json_t *line, const json_t *done, const Moved *moved, guint64 bytes,
           Status *st)
{
	g_auto(MaildirMove) move = { 0 };
	if (!maildir_shelf_plan(moved->from, moved->file, moved->to, &move, st))
		return false;

	g_autofree char *from_file = g_build_filename(maildir_shelf_path(moved->from), move.from,
	                                              NULL),
			*file = g_build_filename(moved->folder, move.to, NULL),
			*folder = refilter_folders_name(undo->folders, moved->folder);
	const RefilterMove told = { .action = "undo",
		                    .from_folder = text_of(done, "folder"),
		                    .from_file = from_file,
		                    .folder = folder,
		                    .file = file,
		                    .sha256 = text_of(done, "sha256"),
		                    .bytes = bytes };
	if (!refilter_record_move(&undo->record, &told, NULL, line, st))
		return false;
	if (!maildir_shelf_move(moved->from, moved->to, &move, st)) {
		refilter_record_failed(&undo->record, &told, st->detail);
		return false;
	}

	refilter_folders_moved(undo->folders, moved->from, moved->to, &move, bytes);
	return true;
}

/* Move one back. *ret_is_back: it lies where it was already. */
static bool
undo_move(Undo *undo, const json_t *line, const json_t *done, bool *ret_is_back, Status *st)
{
	g_auto(Moved) moved = { 0 };
	guint64 bytes = 0;
	if (!find_moved(undo, done, &moved, st))
		return false;

	if (moved.file == NULL) {
		g_autofree char *there = maildir_shelf_find(moved.to, moved.message);
		*ret_is_back = there != NULL;
		return there != NULL ||
		       status_fail_detail(st, STATUS_MISSING,
		                          _("it is no longer in %s: it was moved or deleted since"),
		                          text_of(done, "folder"));
	}

	return check_octets(&moved, done, &bytes, st) &&
	       carry_back(undo, line, done, &moved, bytes, st);
}

static void
tell_refused(const Undo *undo, const json_t *done, const char *why)
{
	const char *file = text_of(done, "file");
	file = file != NULL ? file : "?";
	g_autofree char *shown = refilter_line(file);
	if (!undo->as_json) {
		cmd_print(stdout, _("%s stays: %s\n"), shown, why);
		return;
	}
	cmd_print_json_line(json_pack("{s:s, s:s, s:o, s:o}", "schema", "todoke.refilter/1",
	                              "outcome", "left", "message", cmd_json_text(file), "note",
	                              cmd_json_text(why)));
}

static void
undo_line(Undo *undo, const json_t *line)
{
	const json_t *done = json_array_get(json_object_get(line, "done"), 0);
	g_auto(Status) st = STATUS_INIT;
	bool is_back = false;

	if (!undo_move(undo, line, done, &is_back, &st)) {
		undo->refused++;
		tell_refused(undo, done, st.detail);
	} else if (is_back) {
		undo->back++;
	} else {
		undo->moved++;
	}
}

/* The run that is meant. NULL: `st` says which there are. */
static RefilterPast *
choose_run(const GPtrArray *runs, const char *which, Status *st)
{
	bool wants_last = strcmp(which, "last") == 0;
	RefilterPast *found = NULL;
	unsigned fitting = 0;
	g_autoptr(GString) names = g_string_new(NULL);

	for (guint i = 0; i < runs->len; i++) {
		RefilterPast *past = runs->pdata[i];
		bool fits = wants_last ? !past->is_undo && !past->was_undone
		                       : g_str_has_prefix(past->name, which);
		found = fits ? past : found;
		fitting += fits;
		g_string_append_printf(names, "%s%s", i > 0 ? ", " : "", past->name);
	}

	if (fitting == 1 || (wants_last && fitting > 0))
		return found;
	if (runs->len == 0 || wants_last)
		status_fail_detail(st, STATUS_MISSING, "%s",
		                   _("the record has no run of refilter that is not taken back"));
	else
		status_fail_detail(st, STATUS_MISSING,
		                   _("no run '%s' alone is in the record; it has: %s"), which,
		                   names->str);
	return NULL;
}

static void
print_undone(const Undo *undo, const char *run)
{
	if (undo->as_json) {
		cmd_print_json_line(json_pack(
			"{s:s, s:s, s:i, s:i, s:i, s:s}", "schema", "todoke.refilter-undo/1",
			"undoes", run, "moved", (int) undo->moved, "back_already", (int) undo->back,
			"left", (int) undo->refused, "run", undo->record.run));
		return;
	}

	g_autofree char *moved = refilter_count_number(undo->moved),
			*back = refilter_count_number(undo->back),
			*refused = refilter_count_number(undo->refused);
	cmd_print(stdout, _("%s messages moved back, %s lay there already, %s stay\n"), moved, back,
	          refused);
}

static bool
undo_run(Undo *undo, const char *which, Status *st)
{
	g_autoptr(GPtrArray) runs = refilter_record_runs(&undo->record, st);
	RefilterPast *past = runs != NULL ? choose_run(runs, which, st) : NULL;
	if (past == NULL)
		return false;

	undo->record.undoes = g_strdup(past->name);
	for (guint i = past->lines->len; i > 0 && !refilter_is_stopped(); i--)
		undo_line(undo, past->lines->pdata[i - 1]);
	if (!refilter_is_stopped())
		refilter_record_ended(&undo->record);
	print_undone(undo, past->name);

	return refilter_folders_flush(undo->folders, st);
}

int
refilter_undo(const Account *account, const Conf *conf, const char *which, bool as_json)
{
	g_auto(Status) st = STATUS_INIT;
	Undo undo = { .as_json = as_json };

	undo.folders = refilter_folders_new(account, conf, false, &st);
	bool done = undo.folders != NULL && refilter_record_init(&undo.record, account, conf, &st);
	if (done)
		refilter_catch_signals();
	done = done && undo_run(&undo, which, &st);
	int code = done ? CMD_GOOD : refilter_fault(&st);

	refilter_folders_free(undo.folders);
	refilter_record_clear(&undo.record);
	return code == CMD_GOOD && (undo.refused > 0 || refilter_is_stopped()) ? CMD_FINDINGS
	                                                                       : code;
}

/* SPDX-License-Identifier: MIT */
/*
 * What becomes of folders, their drafts and the files beside them when the system says no, or when
 * another process comes in between.
 */
#define _GNU_SOURCE
#include "agent/base/deadline.h"
#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/base/outside.h"
#include "agent/store/claim.h"
#include "agent/store/dotlock.h"
#include "agent/store/folder-id.h"
#include "agent/store/kept.h"
#include "agent/store/mail-place.h"
#include "agent/store/maildir-flags.h"
#include "agent/store/maildir-shelf.h"
#include "agent/store/maildir.h"
#include "agent/store/maildirsize.h"
#include "agent/store/mbox.h"
#include "agent/store/quota-count.h"
#include "agent/store/quota-memory.h"
#include "agent/store/quota-service.h"
#include "agent/store/quota.h"
#include "conf/conf-choices.h"
#include "tests/lib/calls.h"
#include "tests/lib/flushes.h"
#include "tests/lib/scratch-check.h"
#include "tests/lib/unix-peer.h"
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>
#include <utime.h>

static const char mail[] = "Subject: one\n\nbody\n";

static const MaildirOptions options = { .umask = 077,
	                                .durability = CONF_DURABILITY_FULL,
	                                .create = true };

static const MaildirOptions rehearsal = {
	.umask = 077, .durability = CONF_DURABILITY_FULL, .create = true, .rehearsal = true
};

/* The INBOX of each test, with tmp, new and cur. */
static char *dir;
static Maildir *inbox;

static void
make(const char *path)
{
	g_autofree char *whole = g_build_filename(dir, path, NULL);
	assert_int_equal(g_mkdir_with_parents(whole, 0700), 0);
}

static int
set_up(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	dir = scratch_new();
	make("tmp");
	make("new");
	make("cur");
	inbox = maildir_open(dir, &options, &st);
	return inbox == NULL;
}

static int
tear_down(void **state)
{
	(void) state;
	(void) calls_end();
	g_clear_pointer(&inbox, maildir_free);
	scratch_remove(dir);
	return 0;
}

static Message *
message_of(const char *text)
{
	g_auto(Status) st = STATUS_INIT;
	Message *message = message_from_bytes(text, strlen(text), &st);
	assert_non_null(message);
	return message;
}

static MaildirDraft *
write_draft(Maildir *folder)
{
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Message) message = message_of(mail);
	MaildirDraft *draft = maildir_draft_new(folder, &st);
	assert_non_null(draft);
	assert_true(maildir_draft_write(draft, message, message_headers(message), &st));
	return draft;
}

/* `what` ends as SIGTERM ends a delivery. */
static void
terminate(void (*what)(void))
{
	(void) fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		deadline_catch_termination();
		what();
		(void) raise(SIGTERM);
		_exit(0);
	}

	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EX_TEMPFAIL);
}

/* A draft that got another name, or another folder, is removed from there. */
static void
rename_draft(void)
{
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *unique = maildir_unique_name(),
			*name = g_strconcat(unique, ".and-much-longer-than-the-one-before-it-was",
	                                    NULL);
	MaildirDraft *draft = write_draft(inbox);
	if (!maildir_draft_set_name(draft, name, true, &st))
		_exit(1);
}

static void
move_draft(void)
{
	g_auto(Status) st = STATUS_INIT;
	bool created, moved;
	Maildir *work = maildir_open_below(inbox, ".Work", true, &created, &st);
	MaildirDraft *draft = write_draft(inbox);
	if (work == NULL || !maildir_draft_move(draft, work, &moved, &st) || !moved)
		_exit(1);
}

static void
test_terminated(void **state)
{
	(void) state;
	terminate(rename_draft);
	scratch_check_list(dir, "tmp", "");
	terminate(move_draft);
	scratch_check_list(dir, "tmp", "");
	scratch_check_list(dir, ".Work/tmp", "");
}

/* A delivery that is terminated leaves what it has committed, and a later file of that name. */
static void
commit_draft(void)
{
	g_auto(Status) st = STATUS_INIT;
	MaildirDraft *draft = write_draft(inbox);
	if (!maildir_draft_prepare(draft, "", &st) || !maildir_draft_commit(draft, &st))
		_exit(1);
	/* somebody uses the name in tmp again */
	g_autofree char *path = g_strconcat("tmp/", maildir_draft_name(draft), NULL);
	scratch_write(dir, path, "other");
}

static void
test_terminated_behind_commit(void **state)
{
	(void) state;
	terminate(commit_draft);
	g_autofree char *path = scratch_only(dir, "new"), *other = scratch_only(dir, "tmp");
	assert_non_null(path);
	assert_non_null(other);
}

static void
test_exact_name(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	for (int is_exact = 0; is_exact < 2; is_exact++) {
		g_autofree char *name = maildir_unique_name();
		g_autoptr(MaildirDraft) draft = write_draft(inbox);
		assert_true(maildir_draft_set_name(draft, name, is_exact, &st));
		assert_string_equal(maildir_draft_name(draft), name);
		assert_true(maildir_draft_prepare(draft, "", &st));
		g_autofree char *path = maildir_draft_final_path(draft),
				*want = g_strconcat("new/", name, is_exact ? "" : ",S=19,W=22",
		                                    NULL);
		assert_string_equal(path, want);
	}
}

/* A name that somebody has is not taken over, and the draft keeps its own. */
static void
test_name_is_taken(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(MaildirDraft) draft = write_draft(inbox);
	scratch_write(dir, "tmp/taken", "other");
	assert_false(maildir_draft_set_name(draft, "taken", true, &st));
	scratch_check_file(dir, "tmp/taken", "other");
	assert_string_not_equal(maildir_draft_name(draft), "taken");
	assert_true(maildir_draft_prepare(draft, "", &st));
}

/* Below a folder that is only imagined, and by a whole path beside it. */
static void
test_imagined(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *path = g_build_filename(dir, "none", NULL),
			*whole = g_build_filename(dir, "there", NULL),
			*file = g_build_filename(dir, "file", NULL);
	make("there");
	scratch_write(dir, "file", "");

	g_autoptr(Maildir) imagined = maildir_open(path, &rehearsal, &st);
	assert_true(imagined != NULL && maildir_is_imagined(imagined));
	g_autoptr(Maildir) below = maildir_open_flat(imagined, "mh", MAILDIR_NUMBERED, &st);
	assert_true(below != NULL && maildir_is_imagined(below));
	g_autoptr(Maildir) there = maildir_open_flat(imagined, whole, MAILDIR_NUMBERED, &st);
	assert_true(there != NULL && !maildir_is_imagined(there));
	assert_null(maildir_open_flat(imagined, file, MAILDIR_NUMBERED, &st));
	assert_int_equal(st.id, STATUS_NOT_A_FOLDER);

	/* what is not there is the same by the same path */
	g_autofree char *mh = g_build_filename(path, "mh", NULL);
	g_autoptr(Maildir) by_path = maildir_open_flat(imagined, mh, MAILDIR_NUMBERED, &st),
			   other = maildir_open_flat(imagined, "other", MAILDIR_NUMBERED, &st);
	assert_true(maildir_is_same(below, by_path));
	assert_false(maildir_is_same(below, other));
	assert_false(maildir_is_same(below, there));

	g_auto(Status) denied = STATUS_INIT;
	g_autoptr(Maildir) real = maildir_open(dir, &rehearsal, &denied);
	g_autoptr(Maildir) beside = maildir_open_flat(real, "there", MAILDIR_NUMBERED, &denied);
	assert_true(beside != NULL && !maildir_is_imagined(beside));
	calls_break("faccessat", NULL, CALLS_EACH, EROFS);
	assert_null(maildir_open(path, &rehearsal, &denied));
	assert_true(calls_end() > 0);
	assert_int_equal(denied.id, STATUS_READ_ONLY);
	scratch_check_list(dir, ".", "cur file new there tmp");
}

/* The fault names the folder by its whole path, by which it was opened or not. */
static void
test_blame(void **state)
{
	(void) state;
	g_autofree char *path = g_build_filename(dir, "flat", NULL);
	const char *const names[] = { path, "flat" };
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_auto(Status) st = STATUS_INIT;
		g_autoptr(Maildir) flat = maildir_open_flat(inbox, names[i], MAILDIR_NAMED, &st);
		g_autofree char *want = g_strdup_printf("folder '%s' (%s): x", names[i], path);
		assert_non_null(flat);
		status_fail_detail(&st, STATUS_IO, "x");
		assert_false(maildir_blame(flat, &st));
		assert_string_equal(st.detail, want);
	}
}

/* A folder that could be made, but not furnished, is a fault that says where. */
static void
test_not_furnished(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *path = g_build_filename(dir, "other", NULL),
			*want = g_strdup_printf("maildir '%s': cannot make folder 'new'", path);
	calls_break("mkdirat", "new", 1, ENOSPC);
	assert_null(maildir_open(path, &options, &st));
	assert_int_equal(calls_end(), 1);
	assert_int_equal(st.id, STATUS_DISK_FULL);
	assert_true(g_str_has_prefix(st.detail, want));
}

static void
test_find_file(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	bool found = true;
	scratch_write(dir, "cur/1.M1P1.host,S=1:2,S", "");
	assert_true(maildir_find_file(inbox, "1.M1P1.host", &found, &st));
	assert_true(found);
	assert_true(maildir_find_file(inbox, "1.M1P1.hos", &found, &st));
	assert_false(found);
	found = true;
	assert_true(maildir_find_file(inbox, "", &found, &st));
	assert_false(found);
}

/* A folder without locks (some NFS) shows its mail all the same; a delivery at work does not. */
static void
test_shows_without_locks(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Message) message = message_of(mail);
	scratch_write(dir, "new/1.M1P1.host", mail);
	bool shows = false;

	calls_break("flock", NULL, CALLS_EACH, ENOLCK);
	assert_true(maildir_shows_body(inbox, "1.M1P1.host", message, &shows, &st));
	assert_true(shows);
	assert_int_equal(calls_end(), 1);
	calls_break("flock", NULL, CALLS_EACH, EWOULDBLOCK);
	assert_true(maildir_shows_body(inbox, "1.M1P1.host", message, &shows, &st));
	assert_false(shows);
	(void) calls_end();
	errno = EWOULDBLOCK; /* of another call */
	assert_true(maildir_shows_body(inbox, "1.M1P1.host", message, &shows, &st));
	assert_true(shows);
}

/* Faults of the draft's moves; what cannot be shared is written anew by the caller. */
typedef struct {
	const char *name;
	int err;
	bool want;
} MoveRow;

static const MoveRow move_rows[] = {
	{ "other file systems are no fault", EXDEV, true },
	{ "a project quota is no fault", EPERM, true },
	{ "too many links are no fault", EMLINK, true },
	{ "a file system without links is no fault", EOPNOTSUPP, true },
	{ "no room is one", ENOSPC, false },
	{ "no permission is one", EACCES, false },
};

static void
test_move_fault(void **state)
{
	const MoveRow *row = *state;
	bool created, moved = true;
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Maildir) work = maildir_open_below(inbox, ".Work", true, &created, &st);
	g_autoptr(MaildirDraft) draft = write_draft(inbox), other = draft;

	calls_break("renameat2", NULL, CALLS_EACH, row->err);
	calls_break("linkat", NULL, CALLS_EACH, row->err);
	assert_int_equal(maildir_draft_move(draft, work, &moved, &st), row->want);
	assert_int_equal(st.id == STATUS_OK, row->want);
	if (row->want)
		assert_false(moved);
	assert_ptr_equal(maildir_draft_folder(draft), inbox);

	g_auto(Status) linked = STATUS_INIT;
	assert_int_equal(maildir_draft_link(draft, work, &other, &linked), row->want);
	if (row->want)
		assert_null(other);
	assert_int_equal(linked.id == STATUS_OK, row->want);
	assert_int_equal(calls_end(), 2);
	other = NULL;

	/* and it is still good for its own folder */
	g_auto(Status) good = STATUS_INIT;
	assert_true(maildir_draft_prepare(draft, "", &good));
	assert_true(maildir_draft_commit(draft, &good));
	scratch_check_list(dir, ".Work/tmp", "");
}

/* The file system moved the draft, and its answer was lost or wrong. */
static const struct {
	const char *call;
	int err;
	bool has_flags;
} lost[] = {
	{ "renameat", ENOENT, false }, /* NFS: the question was asked again */
	{ "renameat", EIO, false },    /* a soft mount gave up */
	{ "renameat2", EIO, true },       { "renameat2", EEXIST, true },
	{ "renameat2", ETIMEDOUT, true },
};

static void
lose_answer(size_t i)
{
	if (!lost[i].has_flags)
		calls_break("renameat2", NULL, CALLS_EACH, EINVAL);
	calls_lose(lost[i].call, NULL, CALLS_EACH, lost[i].err);
}

static void
test_move_answer_lost(void **state)
{
	(void) state;
	bool created;
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Maildir) work = maildir_open_below(inbox, ".Work", true, &created, &st);

	for (size_t i = 0; i < G_N_ELEMENTS(lost); i++) {
		bool moved = false;
		g_autoptr(MaildirDraft) draft = write_draft(inbox);
		lose_answer(i);
		assert_true(maildir_draft_move(draft, work, &moved, &st));
		assert_true(moved);
		(void) calls_end();
		scratch_check_list(dir, "tmp", "");
		scratch_check_list(dir, ".Work/tmp", maildir_draft_name(draft));
	}
}

static void
test_commit_answer_lost(void **state)
{
	(void) state;
	for (size_t i = 0; i < G_N_ELEMENTS(lost); i++) {
		g_auto(Status) st = STATUS_INIT;
		g_autoptr(MaildirDraft) draft = write_draft(inbox);
		assert_true(maildir_draft_prepare(draft, "", &st));
		lose_answer(i);
		assert_true(maildir_draft_commit(draft, &st));
		(void) calls_end();
		scratch_check_list(dir, "tmp", "");
		maildir_draft_take_back(draft);
		scratch_check_list(dir, "new", "");
	}
}

/* What was not done is a fault, and the draft is still there; so it is where the name is taken. */
static void
test_commit_is_not_done(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT, busy = STATUS_INIT;
	g_autoptr(MaildirDraft) first = write_draft(inbox);
	assert_true(maildir_draft_prepare(first, "", &st) && maildir_draft_commit(first, &st));
	g_autofree char *stored = scratch_list(dir, "new");
	const char *sizes = stored + strlen(maildir_draft_name(first)); /* ",S=...": of both */

	g_autoptr(MaildirDraft) draft = write_draft(inbox);
	assert_true(maildir_draft_prepare(draft, "", &st));
	g_autofree char *hidden = scratch_list(dir, "tmp"),
			*taken = g_strdup_printf("new/%s%s", maildir_draft_name(draft), sizes);
	calls_break("renameat2", NULL, CALLS_EACH, EIO);
	assert_false(maildir_draft_commit(draft, &st));
	(void) calls_end();
	assert_int_equal(st.id, STATUS_IO);
	scratch_check_list(dir, "tmp", hidden);

	scratch_write(dir, taken, "of somebody else");
	assert_false(maildir_draft_commit(draft, &busy));
	scratch_check_list(dir, "tmp", hidden);
	scratch_check_file(dir, taken, "of somebody else");
}

/* A lock that is busy is waited for; where there are no locks the line is added without one. */
static void
test_maildirsize_lock(void **state)
{
	(void) state;
	static const struct {
		int err;         /* of the first flock; 0: it is well */
		unsigned number; /* of calls that fail so */
	} rows[] = { { 0, 1 }, { EWOULDBLOCK, 1 }, { ENOLCK, CALLS_EACH } };
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct stat sb;
		MaildirsizeAmount more = { 5, 1 };
		scratch_write(dir, "maildirsize", "1000S\n10 1\n");
		assert_int_equal(fstatat(maildir_fd(inbox), "maildirsize", &sb, 0), 0);
		if (rows[i].err != 0)
			calls_break("flock", NULL, rows[i].number, rows[i].err);
		assert_int_equal(maildirsize_add(maildir_fd(inbox), sb.st_ino, &more, true),
		                 MAILDIRSIZE_ADDED);
		assert_int_equal(calls_end(), rows[i].err != 0);
		scratch_check_file(dir, "maildirsize", "1000S\n10 1\n5 1\n");
	}
}

static unsigned seen_calls;

static void
count_call(void)
{
	seen_calls++;
}

static void
test_maildirsize_lock_is_taken_once(void **state)
{
	(void) state;
	struct stat sb;
	MaildirsizeAmount more = { 5, 1 };
	scratch_write(dir, "maildirsize", "1000S\n10 1\n");
	assert_int_equal(fstatat(maildir_fd(inbox), "maildirsize", &sb, 0), 0);
	for (int is_shared = 0; is_shared < 2; is_shared++) {
		seen_calls = 0;
		calls_meet("flock", NULL, CALLS_EACH, count_call);
		assert_int_equal(maildirsize_add(maildir_fd(inbox), sb.st_ino, &more, is_shared),
		                 MAILDIRSIZE_ADDED);
		(void) calls_end();
		assert_int_equal(seen_calls, is_shared);
	}
}

static void
test_maildirsize_replace(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	struct stat sb;
	ino_t inode = 7;
	MaildirsizeAmount limit = { 1000, 0 }, used = { 10, 1 };
	assert_true(maildirsize_replace(maildir_fd(inbox), &limit, &used, &inode, &st));
	assert_int_equal(fstatat(maildir_fd(inbox), "maildirsize", &sb, 0), 0);
	assert_int_equal(inode, sb.st_ino);

	static const char *const broken[] = { "openat", "fstat", "write", "renameat" };
	for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
		g_auto(Status) failed = STATUS_INIT;
		used.bytes = 99;
		inode = 7;
		calls_break(broken[i], NULL, 1, EIO);
		assert_false(
			maildirsize_replace(maildir_fd(inbox), &limit, &used, &inode, &failed));
		assert_int_equal(calls_end(), 1);
		assert_int_equal(failed.id, STATUS_IO);
		assert_int_equal(inode, 7);
		scratch_check_file(dir, "maildirsize", "1000S\n10 1\n");
		scratch_check_list(dir, "tmp", "");
	}
}

static Conf
quota_conf(unsigned source)
{
	return (Conf){ .quota = source,
		       .quota_bytes = source == CONF_QUOTA_SITE ? 1000 : 0,
		       .umask = 077,
		       .folder_separator = (char *) "/",
		       .folder_prefix = (char *) "",
		       .state = (char *) "sqlite" };
}

static const QuotaOwner nobody = { .now = 1000000 };

static void
block_file(void)
{
	calls_break("openat", "maildirsize", CALLS_EACH, EACCES);
}

static void
break_file(void)
{
	calls_break("pread", NULL, CALLS_EACH, EIO);
}

static void
leave_file(void)
{
}

/* The definition in a file that nobody can read is no quota, and that is said. */
typedef struct {
	const char *name;
	void (*before)(void);
	const char *file; /* NULL: none */
	bool want_note;
} NoteRow;

static const NoteRow note_rows[] = {
	{ "no file, no note", leave_file, NULL, false },
	{ "no limit, no note", leave_file, "0S\n5 5\n", false },
	{ "a broken definition is noted", leave_file, "lots\n1 1\n", true },
	{ "so is one without a letter", leave_file, "1000\n1 1\n", true },
	{ "so is one below nothing", leave_file, "-1000S\n1 1\n", true },
	{ "so is one with more behind its letter", leave_file, "1000Sx\n1 1\n", true },
	{ "a file that cannot be opened is noted", block_file, "1000S\n1 1\n", true },
	{ "a file that cannot be read is noted", break_file, "1000S\n1 1\n", true },
};

static void
test_note(void **state)
{
	const NoteRow *row = *state;
	Conf conf = quota_conf(CONF_QUOTA_MAILDIRSIZE);
	g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
	if (row->file != NULL)
		scratch_write(dir, "maildirsize", row->file);
	row->before();
	g_autoptr(Quota) quota = quota_open(inbox, &conf, &nobody, notes);
	(void) calls_end();
	assert_null(quota);
	assert_int_equal(notes->len, row->want_note ? 1 : 0);
	if (row->want_note)
		assert_string_equal(notes->pdata[0],
		                    "no quota: cannot read the definition in 'maildirsize'");
	scratch_check_file(dir, "maildirsize", row->file != NULL ? row->file : NULL);
}

/* A folder that is only imagined has no file, so nothing is to be told of it. */
static void
test_no_note_of_imagined(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	Conf conf = quota_conf(CONF_QUOTA_MAILDIRSIZE);
	g_autofree char *path = g_build_filename(dir, "none", NULL);
	g_autoptr(Maildir) imagined = maildir_open(path, &rehearsal, &st);
	g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(Quota) quota = quota_open(imagined, &conf, &nobody, notes);
	assert_null(quota);
	assert_int_equal(notes->len, 0);
}

/* Another delivery stores one more mail. */
static unsigned arrivals;

static void
store_another(void)
{
	g_autofree char *path = g_strdup_printf("new/%u.other,S=100", ++arrivals);
	scratch_write(dir, path, "");
}

/* Mail that comes while the mailbox is counted is in the sum: it is counted again. */
static void
test_counted_again(void **state)
{
	(void) state;
	Conf conf = quota_conf(CONF_QUOTA_SITE);
	arrivals = 0;
	calls_meet("openat", "cur", 1, store_another); /* new was read, and cur not yet */
	g_autoptr(Quota) quota = quota_open(inbox, &conf, &nobody, NULL);
	assert_int_equal(calls_end(), 1);
	assert_int_equal(quota_fill(quota).bytes, 100);
	scratch_check_file(dir, "maildirsize", "1000S\n100 1\n");
}

/* A mailbox that is never quiet is left to the next count, if its definition stands elsewhere. */
static void
test_never_quiet(void **state)
{
	(void) state;
	static const unsigned sources[] = { CONF_QUOTA_SITE, CONF_QUOTA_MAILDIRSIZE };
	for (size_t i = 0; i < G_N_ELEMENTS(sources); i++) {
		Conf conf = quota_conf(sources[i]);
		scratch_write(dir, "maildirsize", "1000S\n1 broken\n");
		calls_meet("openat", "cur", CALLS_EACH, store_another);
		g_autoptr(Quota) quota = quota_open(inbox, &conf, &nobody, NULL);
		assert_true(calls_end() >= 3);
		assert_non_null(quota);
		g_autofree char *file = scratch_read(dir, "maildirsize");
		if (sources[i] == CONF_QUOTA_SITE)
			assert_null(file);
		else
			assert_true(file != NULL && g_str_has_prefix(file, "1000S\n"));
	}
}

/* A quota service that does not answer is named. */
static void
test_unanswered(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *where = g_build_filename(dir, "no-socket", NULL);
	Conf conf = quota_conf(CONF_QUOTA_DOVECOT);
	const QuotaOwner ann = { .user = "ann", .now = 1000000 };
	conf.quota_service = where;
	conf.quota_timeout = 1;
	conf.quota_unanswered = CONF_QUOTA_UNANSWERED_DEFER;
	g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(Quota) quota = quota_open(inbox, &conf, &ann, notes);
	assert_false(quota_take(quota, "", 1, &st));
	assert_int_equal(st.id, STATUS_QUOTA_UNKNOWN);
	assert_non_null(st.outside);
	assert_string_equal(st.outside->protocol, OUTSIDE_POLICY);
	assert_string_equal(st.outside->peer, where);
	assert_int_equal(notes->len, 0);
}

/* Room in an mbox: a full disk is told at once; where room cannot be reserved the write decides. */
typedef struct {
	const char *name;
	int err;
	StatusId want;
} RoomRow;

static const RoomRow room_rows[] = {
	{ "a full disk has no room", ENOSPC, STATUS_DISK_FULL },
	{ "nor has a user's share of it", EDQUOT, STATUS_QUOTA_GRACE },
	{ "nor a file of the greatest length", EFBIG, STATUS_FILE_LIMIT },
	{ "nor a broken disk", EIO, STATUS_IO },
	{ "who cannot reserve room is asked to write", EOPNOTSUPP, STATUS_OK },
};

static void
test_room(void **state)
{
	const RoomRow *row = *state;
	g_auto(Status) st = STATUS_INIT;
	const DotlockPatience patience = { 0, 1000 };
	g_autofree char *path = g_build_filename(dir, "box", NULL);
	g_autoptr(Mbox) mbox = mbox_open(path, CONF_DURABILITY_FULL, &patience, &st);
	assert_non_null(mbox);
	calls_break("fallocate", NULL, 1, row->err);
	assert_int_equal(mbox_reserve(mbox, 100, &st), row->want == STATUS_OK);
	assert_int_equal(calls_end(), 1);
	assert_int_equal(st.id, row->want);
}

/* An mbox that cannot be looked at is a fault, and no lock stays. */
static void
test_mbox_is_not_seen(void **state)
{
	(void) state;
	const DotlockPatience patience = { 0, 1000 };
	g_autofree char *path = g_build_filename(dir, "box", NULL);
	unsigned struck = 1, faults = 0;
	for (unsigned number = 2; struck > 0; number++) { /* the first is that of the lock file */
		g_auto(Status) st = STATUS_INIT;
		calls_break("fstat", NULL, number, EIO);
		g_autoptr(Mbox) mbox = mbox_open(path, CONF_DURABILITY_FULL, &patience, &st);
		struck = calls_end();
		assert_int_equal(mbox == NULL, st.id != STATUS_OK);
		faults += mbox == NULL;
		g_clear_pointer(&mbox, mbox_free);
		g_autofree char *lock = scratch_read(dir, "box.lock");
		assert_null(lock);
	}
	assert_true(faults > 0);
}

/* A lock file is counted under each of its names, and goes with its last holder. */
static void
test_lock_held_twice(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	const DotlockPatience patience = { 0, 1000 };
	g_autofree char *path = g_build_filename(dir, "cur/a.lock", NULL),
			*other = g_build_filename(dir, "cur/../cur/a.lock", NULL),
			*third = g_build_filename(dir, "cur/b.lock", NULL);
	Dotlock *one = dotlock_take(path, &patience, &st),
		*two = dotlock_take(other, &patience, &st),
		*three = dotlock_take(third, &patience, &st);
	assert_non_null(one);
	assert_ptr_equal(one, two);
	assert_true(three != NULL && three != one);
	dotlock_release(one);
	scratch_check_list(dir, "cur", "a.lock b.lock");
	dotlock_release(two);
	scratch_check_list(dir, "cur", "b.lock");
	dotlock_release(three);
	scratch_check_list(dir, "cur", "");
	dotlock_release(NULL);
}

static char *
add_line(const char *old, size_t len, void *user)
{
	(void) len;
	(void) user;
	return g_strconcat(old, "more\n", NULL);
}

/* A file that changes gets a later time, which is no earlier than that of its change. */
static void
test_time_of_change(void **state)
{
	(void) state;
	time_t now = time(NULL);
	const time_t times[] = { 1000, now + 1000 };
	for (size_t i = 0; i < G_N_ELEMENTS(times); i++) {
		g_auto(Status) st = STATUS_INIT;
		g_autofree char *path = g_build_filename(dir, "words", NULL);
		struct utimbuf before = { times[i], times[i] };
		struct stat after;
		scratch_write(dir, "words", "one\n");
		assert_int_equal(utime(path, &before), 0);
		assert_true(dotlock_try_edit_under(maildir_fd(inbox), "guard", "words", add_line,
		                                   NULL, &st));
		scratch_check_file(dir, "words", "one\nmore\n");
		assert_int_equal(stat(path, &after), 0);
		/* the clock of files may be a tick behind */
		assert_true(after.st_mtime >= MAX(now - 1, times[i] + 1));
	}
	scratch_check_list(dir, ".", "cur new tmp words");
}

/* A note that we wrote goes with our claim; one of somebody else stays. */
static void
test_note_of_claim(void **state)
{
	(void) state;
	for (int is_broken = 0; is_broken < 2; is_broken++) {
		g_autoptr(Claim) claim = claim_new(maildir_fd(inbox), "0f00");
		if (is_broken)
			calls_break("symlinkat", NULL, CALLS_EACH, EPERM);
		claim_write_note(claim, "note");
		(void) calls_end();
		g_auto(Status) st = STATUS_INIT;
		g_autofree char *note = NULL;
		assert_true(claim_read_note(claim, 1000, &note, &st));
		assert_int_equal(g_strcmp0(note, is_broken ? NULL : "note"), 0);
		assert_true(claim_drop(claim));
		scratch_check_list(dir, "tmp", "");
	}

	/* a note of another one stays where ours could not be written */
	g_autoptr(Claim) other = claim_new(maildir_fd(inbox), "0f00"),
			 ours = claim_new(maildir_fd(inbox), "0f00");
	claim_write_note(other, "note");
	calls_break("symlinkat", NULL, CALLS_EACH, EPERM);
	claim_write_note(ours, "note");
	(void) calls_end();
	assert_true(claim_drop(ours));
	scratch_check_list(dir, "tmp", "todoke-0f00");
}

/* NFS renamed the claim and lost the answer; who was first is told that it is its own. */
static void
test_claim_answer_lost(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Claim) claim = claim_new(maildir_fd(inbox), "0f00");
	calls_lose("renameat", NULL, 1, ENOENT);
	assert_true(claim_take_anyway(claim, "name", &st));
	assert_int_equal(calls_end(), 1);
	assert_int_equal(st.id, STATUS_OK);

	/* the same fault, where it was not done: nothing is claimed */
	g_autoptr(Claim) other = claim_new(maildir_fd(inbox), "0e00");
	calls_break("renameat", NULL, 1, ENOENT);
	assert_false(claim_take_anyway(other, "name", &st));
	assert_int_equal(st.id, STATUS_MISSING);
	(void) calls_end();

	/* another fault is one, even where the claim says what it should */
	g_auto(Status) denied = STATUS_INIT;
	calls_break("renameat", NULL, 1, EACCES);
	assert_false(claim_take_anyway(claim, "name", &denied));
	assert_int_equal(denied.id, STATUS_NO_PERMISSION);
	(void) calls_end();
	scratch_check_list(dir, "tmp", "todoke-0f00");
}

/* A search that could not look everywhere says so, and leaves nothing open. */
static void
test_search_is_cut(void **state)
{
	(void) state;
	const MailPlaceWanted wanted = { .path = "new/none" };
	bool all = false;
	make(".Work/new");
	make(".Work/cur");
	unsigned before = calls_open_descriptors();
	g_auto(MailPlace) place = { 0 };
	assert_false(mail_place_find(maildir_fd(inbox), &wanted, &place, &all));
	assert_true(all);
	assert_int_equal(calls_open_descriptors(), before);

	static const struct {
		const char *name, *part;
	} broken[] = { { "openat", "cur" }, { "fdopendir", NULL }, { "openat", ".Work" } };
	for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
		calls_break(broken[i].name, broken[i].part, CALLS_EACH, EACCES);
		assert_false(mail_place_find(maildir_fd(inbox), &wanted, &place, &all));
		assert_true(calls_end() > 0);
		assert_false(all);
		assert_int_equal(calls_open_descriptors(), before);
	}

	unsigned struck = 1, faults = 0;
	for (unsigned number = 1; struck > 0; number++, faults += struck) {
		calls_break("fdopendir", NULL, number, ENOMEM);
		assert_false(mail_place_find(maildir_fd(inbox), &wanted, &place, &all));
		struck = calls_end();
		assert_int_equal(all, struck == 0);
		assert_int_equal(calls_open_descriptors(), before);
	}
	assert_true(faults > 4);
}

/* File systems without renameat2: drafts come into their place too, and replace nothing. */
static void
test_without_renameat2(void **state)
{
	(void) state;
	static const int errors[] = { EINVAL, ENOSYS };
	for (size_t i = 0; i < G_N_ELEMENTS(errors); i++) {
		g_auto(Status) st = STATUS_INIT;
		g_autoptr(MaildirDraft) draft = write_draft(inbox), second = write_draft(inbox);
		assert_true(maildir_draft_prepare(draft, "", &st));
		g_autofree char *path = maildir_draft_final_path(draft);
		calls_break("renameat2", NULL, CALLS_EACH, errors[i]);
		assert_true(maildir_draft_commit(draft, &st));
		scratch_check_file(dir, path, mail);

		assert_true(maildir_draft_prepare(second, "", &st));
		g_autofree char *taken = maildir_draft_final_path(second);
		scratch_write(dir, taken, "other");
		assert_false(maildir_draft_commit(second, &st));
		scratch_check_file(dir, taken, "other");

		g_auto(Status) full = STATUS_INIT;
		g_autoptr(MaildirDraft) third = write_draft(inbox);
		assert_true(maildir_draft_prepare(third, "", &full));
		g_autofree char *none = maildir_draft_final_path(third);
		calls_break("renameat", NULL, CALLS_EACH, ENOSPC);
		assert_false(maildir_draft_commit(third, &full));
		(void) calls_end();
		assert_int_equal(full.id, STATUS_DISK_FULL);
		scratch_check_file(dir, none, NULL);
	}
}

/* The numbers of an MH folder, and what another program takes meanwhile. */
static void
take_number(void)
{
	scratch_write(dir, "mh/3", "other");
}

static void
test_number_is_taken(void **state)
{
	(void) state;
	for (int has_flags = 0; has_flags < 2; has_flags++) {
		g_auto(Status) st = STATUS_INIT;
		make("mh");
		scratch_write(dir, "mh/2", "other");
		scratch_write(dir, "mh/x7", "no message");
		scratch_write(dir, "mh/0", "no message");
		g_autoptr(Maildir) mh = maildir_open_flat(inbox, "mh", MAILDIR_NUMBERED, &st);
		assert_non_null(mh);
		g_autoptr(MaildirDraft) draft = write_draft(mh);
		assert_true(maildir_draft_prepare(draft, "S", &st));
		calls_meet("renameat2", NULL, 1, take_number);
		if (!has_flags)
			calls_break("renameat2", NULL, CALLS_EACH, EINVAL);
		assert_true(maildir_draft_commit(draft, &st));
		(void) calls_end();
		g_autofree char *path = maildir_draft_final_path(draft);
		assert_string_equal(path, "mh/4");
		scratch_check_file(dir, "mh/3", "other");
		scratch_check_file(dir, "mh/4", mail);
		scratch_check_list(dir, "mh", "0 2 3 4 x7");
		scratch_write(dir, "mh/4", "");
		g_autofree char *whole = g_build_filename(dir, "mh", NULL);
		fs_remove_tree(whole);
	}
}

/* The first name in another program's folder is taken, the next one cannot be had: that is told. */
static void
test_flat_fault(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Maildir) flat = maildir_open_flat(inbox, "flat", MAILDIR_NAMED, &st);
	g_autoptr(MaildirDraft) draft = write_draft(flat);
	assert_true(maildir_draft_prepare(draft, "", &st));
	calls_break("renameat2", NULL, CALLS_EACH, ENOSYS);
	calls_break("linkat", NULL, 1, EEXIST);
	calls_break("linkat", NULL, 2, ENOSPC);
	assert_false(maildir_draft_commit(draft, &st));
	assert_int_equal(calls_end(), 4);
	assert_int_equal(st.id, STATUS_DISK_FULL);
	g_clear_pointer(&draft, maildir_draft_free);
	scratch_check_list(dir, "flat", "");
}

/* A place that is no folder is a fault at each step, and the draft's file does not stay. */
static void
test_place_is_no_folder(void **state)
{
	(void) state;
	static const char *const letters[] = { "", "S" };
	static const char *const places[] = { "new", "cur" };
	for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
		g_auto(Status) st = STATUS_INIT, later = STATUS_INIT;
		g_autofree char *path = g_build_filename(dir, places[i], NULL);
		assert_int_equal(rmdir(path), 0);
		scratch_write(dir, places[i], "");
		g_autoptr(Maildir) folder = maildir_open(dir, &options, &st);
		g_autoptr(MaildirDraft) draft = write_draft(folder);
		assert_false(maildir_draft_prepare(draft, letters[i], &st));
		assert_int_equal(st.id, STATUS_NOT_A_FOLDER);
		assert_false(maildir_flush_later(folder, &later));
		assert_int_equal(later.id, STATUS_NOT_A_FOLDER);
		g_clear_pointer(&draft, maildir_draft_free);
		scratch_check_list(dir, "tmp", "");
		assert_int_equal(unlink(path), 0);
		assert_int_equal(mkdir(path, 0700), 0);
	}
}

/* A folder that cannot be made is named. */
static void
test_folder_is_named(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	bool created = false;
	calls_break("mkdirat", ".Work", 1, ENOSPC);
	assert_null(maildir_open_below(inbox, ".Work", true, &created, &st));
	assert_int_equal(calls_end(), 1);
	assert_int_equal(st.id, STATUS_DISK_FULL);
	g_autofree char *want = g_strdup_printf("folder '.Work' (%s/.Work): ", dir);
	assert_true(g_str_has_prefix(st.detail, want));
	assert_null(maildir_open_below(inbox, ".Work", false, &created, &st));
	assert_false(created);
}

/* A name in tmp that somebody has is left alone; so is an interrupted call tried again. */
static void
test_draft_is_made(void **state)
{
	(void) state;
	static const int errors[] = { EEXIST, EINTR };
	for (size_t i = 0; i < G_N_ELEMENTS(errors); i++) {
		g_auto(Status) st = STATUS_INIT;
		calls_break("openat", "tmp/", 1, errors[i]);
		g_autoptr(MaildirDraft) draft = maildir_draft_new(inbox, &st);
		assert_non_null(draft);
		assert_int_equal(calls_end(), 1);
		scratch_check_list(dir, "tmp", maildir_draft_name(draft));
	}

	/* nor is it removed when no other name can be had */
	g_auto(Status) never = STATUS_INIT;
	seen_calls = 0;
	calls_meet("unlinkat", "tmp/", CALLS_EACH, count_call);
	calls_break("openat", "tmp/", CALLS_EACH, EEXIST);
	assert_null(maildir_draft_new(inbox, &never));
	assert_int_equal(never.id, STATUS_IO);
	assert_true(g_str_has_prefix(never.detail, "folder 'INBOX' ("));
	(void) calls_end();
	assert_int_equal(seen_calls, 0);
	scratch_check_list(dir, "tmp", "");
}

/* A lock tells that a draft is at work, whether its file is open still or was closed. */
static void
test_held(void **state)
{
	(void) state;
	static const unsigned durabilities[] = { CONF_DURABILITY_FULL, CONF_DURABILITY_NONE };
	for (size_t i = 0; i < G_N_ELEMENTS(durabilities); i++) {
		g_auto(Status) st = STATUS_INIT;
		MaildirOptions own = options;
		own.durability = durabilities[i];
		g_autoptr(Maildir) folder = maildir_open(dir, &own, &st);
		g_autoptr(MaildirDraft) draft = write_draft(folder);
		assert_true(maildir_draft_prepare(draft, "", &st));
		g_autofree char *path = g_strconcat("tmp/", maildir_draft_name(draft), NULL);
		auto_fd int fd = openat(maildir_fd(inbox), path, O_RDWR | O_CLOEXEC);
		assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
		assert_int_equal(flock(fd, LOCK_UN), 0);
		maildir_draft_hold(draft);
		assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), -1);
		g_clear_pointer(&draft, maildir_draft_free);
		assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	}
}

/* Only what was committed is taken back, and a draft that was not is no mail. */
static void
test_take_back(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(MaildirDraft) draft = write_draft(inbox);
	assert_true(maildir_draft_prepare(draft, "", &st));
	g_autofree char *path = maildir_draft_final_path(draft);
	scratch_write(dir, path, "other");
	maildir_draft_take_back(draft);
	scratch_check_file(dir, path, "other");
}

static void
test_is_writable(void **state)
{
	(void) state;
	g_autofree char *none = g_build_filename(dir, "none", NULL),
			*tmp = g_build_filename(dir, "tmp", NULL);
	assert_true(maildir_is_writable(dir));
	assert_int_equal(rmdir(tmp), 0);
	assert_true(maildir_is_writable(dir)); /* it can be made */
	assert_false(maildir_is_writable(none));
}

/* What is flushed by each durability: nothing, the file, its folder too. */
typedef struct {
	const char *name;
	unsigned durability;
	bool is_new;
	bool want_box, want_folder;
} FlushRow;

static const FlushRow flush_rows[] = {
	{ "durability none flushes nothing", CONF_DURABILITY_NONE, true, false, false },
	{ "durability file flushes a new mbox", CONF_DURABILITY_FILE, true, true, false },
	{ "durability full flushes the folder of a new mbox", CONF_DURABILITY_FULL, true, true,
	  true },
	{ "but not of an old one", CONF_DURABILITY_FULL, false, true, false },
};

static void
test_mbox_flush(void **state)
{
	const FlushRow *row = *state;
	g_auto(Status) st = STATUS_INIT;
	const DotlockPatience patience = { 0, 1000 };
	g_autofree char *path = g_build_filename(dir, "box", NULL);
	g_autoptr(GString) bytes = g_string_new("From a\n\nb\n");
	if (!row->is_new)
		scratch_write(dir, "box", "From b\n\nc\n");
	g_autoptr(Mbox) mbox = mbox_open(path, row->durability, &patience, &st);
	assert_true(mbox_append(mbox, bytes, &st));

	flushes_begin(NULL);
	assert_true(mbox_flush(mbox, &st));
	assert_int_equal(flushes_have("*/box"), row->want_box);
	assert_int_equal(flushes_have(dir), row->want_folder);
	flushes_begin(NULL); /* once is enough for the folder */
	assert_true(mbox_flush(mbox, &st));
	assert_false(flushes_have(dir));
	flushes_end();
}

/* Of two that reach a threshold at once one warns, and nobody does who cannot remember it. */
static char *memory_folder;

static void
warn_first(void)
{
	static const char line[] = "0 0 90\n";
	g_autofree char *path = g_build_filename(memory_folder, QUOTA_MEMORY_FILE, NULL);
	auto_fd int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_int_equal(write(fd, line, strlen(line)), strlen(line));
}

static void
test_warning(void **state)
{
	(void) state;
	QuotaMemory memory;
	g_autofree char *folder = g_build_filename(dir, "state", NULL);
	memory_folder = folder;
	calls_break("openat", NULL, CALLS_EACH, EACCES);
	assert_false(quota_memory_reach(folder, 80, false));
	(void) calls_end();

	assert_true(quota_memory_reach(folder, 80, false));
	calls_meet("flock", NULL, 1, warn_first);
	assert_false(quota_memory_reach(folder, 90, false));
	assert_int_equal(calls_end(), 1);
	quota_memory_read(folder, &memory);
	assert_int_equal(memory.warned, 90);

	/* lower is remembered and not told, also where the other one says so first */
	calls_meet("flock", NULL, 1, warn_first);
	assert_false(quota_memory_reach(folder, 80, false));
	(void) calls_end();
	quota_memory_read(folder, &memory);
	assert_int_equal(memory.warned, 80);
}

/* A lock that is busy is waited for; one that cannot be had leaves the file alone. */
static void
test_memory_lock(void **state)
{
	(void) state;
	g_autofree char *folder = g_build_filename(dir, "state", NULL);
	unsigned before = calls_open_descriptors();
	calls_break("flock", NULL, 1, EWOULDBLOCK);
	assert_int_equal(quota_memory_refuse(folder, 1000, 10, false), 1000);
	assert_int_equal(calls_end(), 1);
	scratch_check_file(dir, "state/" QUOTA_MEMORY_FILE, "1000 1000 0\n");

	calls_break("flock", NULL, CALLS_EACH, ENOLCK);
	assert_int_equal(quota_memory_refuse(folder, 5000, 10, false), 5000);
	quota_memory_take(folder);
	assert_int_equal(calls_end(), 2);
	scratch_check_file(dir, "state/" QUOTA_MEMORY_FILE, "1000 1000 0\n");
	assert_int_equal(calls_open_descriptors(), before);
}

/* A move into the trash takes away what the file counts for: by its name, else by its length. */
static void
test_moved(void **state)
{
	(void) state;
	Conf conf = quota_conf(CONF_QUOTA_SITE);
	scratch_write(dir, "maildirsize", "1000S\n500 5\n");
	g_autoptr(Quota) quota = quota_open(inbox, &conf, &nobody, NULL);
	const QuotaFile here = { "", "1.a" }, there = { ".Trash", "1.a" },
			sized = { "", "1.a,S=70:2,S" }, gone = { ".Trash", "1.a,S=70:2,S" };
	quota_moved(quota, here, there, 40);
	quota_moved(quota, sized, gone, 40);
	quota_moved(quota, gone, sized, 40);
	quota_moved(quota, here, sized, 40);
	scratch_check_file(dir, "maildirsize", "1000S\n500 5\n-40 -1\n-70 -1\n70 1\n");
}

static void
test_look(void **state)
{
	(void) state;
	QuotaLook look;
	scratch_write(dir, "maildirsize", "1000S,5C\n500 2\n");
	scratch_write(dir, "new/1.a,S=70", "");
	const struct {
		unsigned source;
		const char *definition; /* NULL: there is no quota */
		bool is_sound;
	} rows[] = {
		{ CONF_QUOTA_OFF, NULL, false },
		{ CONF_QUOTA_DOVECOT, NULL, false },
		{ CONF_QUOTA_MAILDIRSIZE, "1000S,5C", true },
		{ CONF_QUOTA_SITE, "1000S", true },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		for (int counts = 0; counts < 2; counts++) {
			Conf conf = quota_conf(rows[i].source);
			bool has_quota = rows[i].definition != NULL;
			assert_int_equal(quota_look(inbox, &conf, counts, &look), has_quota);
			if (!has_quota)
				continue;
			assert_true(look.has_file && look.is_sound);
			assert_string_equal(look.definition, rows[i].definition);
			assert_int_equal(look.said_bytes, 500);
			assert_int_equal(look.said_messages, 2);
			assert_int_equal(look.bytes, counts ? 70 : 500);
			assert_int_equal(look.messages, counts ? 1 : 2);
			assert_int_equal(look.limit_bytes, 1000);
		}
	}
}

/* May a mail bring a warning? Whatever the file does not say is looked at. */
static void
test_may_reach(void **state)
{
	(void) state;
	static char percent[] = "80%";
	static char *warnings[] = { percent, NULL }, *none[] = { NULL };
	static const struct {
		unsigned source;
		const char *file;
		guint64 bytes;
		size_t copies;
		bool want;
	} rows[] = {
		{ CONF_QUOTA_SITE, "1000S\n700 1\n", 100, 1, true },
		{ CONF_QUOTA_SITE, "1000S\n700 1\n", 99, 1, false },
		{ CONF_QUOTA_SITE, "1000S\n700 1\n", 50, 2, true },
		{ CONF_QUOTA_MAILDIRSIZE, "10C\n700 7\n", 1, 1, true },
		{ CONF_QUOTA_MAILDIRSIZE, "10C\n700 6\n", 1, 1, false },
		{ CONF_QUOTA_SITE, "broken\n", 1, 1, true },
		{ CONF_QUOTA_OFF, "1000S\n900 1\n", 1, 1, false },
		{ CONF_QUOTA_DOVECOT, "1000S\n900 1\n", 1, 1, false },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		Conf conf = quota_conf(rows[i].source);
		scratch_write(dir, "maildirsize", rows[i].file);
		assert_false(quota_may_reach(inbox, &conf, NULL, rows[i].bytes, rows[i].copies));
		conf.quota_warnings = none;
		assert_false(quota_may_reach(inbox, &conf, NULL, rows[i].bytes, rows[i].copies));
		conf.quota_warnings = warnings;
		assert_int_equal(quota_may_reach(inbox, &conf, NULL, rows[i].bytes, rows[i].copies),
		                 rows[i].want);
	}
}

/* Where Dovecot does not answer, mail is stored with a note; it is not asked without a user. */
static void
test_unanswered_store(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *where = g_strconcat("unix:", dir, "/no-socket", NULL);
	Conf conf = quota_conf(CONF_QUOTA_DOVECOT);
	const QuotaOwner ann = { .user = "ann", .now = 1000000 };
	conf.quota_service = where;
	conf.quota_timeout = 1;
	conf.quota_unanswered = CONF_QUOTA_UNANSWERED_DELIVER;
	g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(Quota) quota = quota_open(inbox, &conf, &ann, notes),
			 other = quota_open(inbox, &conf, &nobody, notes);
	assert_true(quota_take(quota, "", 1, &st));
	assert_int_equal(notes->len, 1);
	assert_true(g_str_has_prefix(notes->pdata[0], "stored without a quota: "));
	assert_true(quota_take(other, "", 1, &st));
	assert_int_equal(notes->len, 1);
	assert_false(quota_fill(quota).is_known);
}

/* What is no address and port is told, and nobody is asked. */
static void
test_no_address(void **state)
{
	(void) state;
	static const struct {
		const char *where, *want;
	} rows[] = {
		{ "127.0.0.1", "no port" },
		{ "localhost", "no port" },
		{ "127.0.0.1:0", "no port" },
		{ "127.0.0.1:65536", "no port" },
		{ "[::1:1", "" },
		{ "::1]:1", "" },
		{ "mail.example.org:1", "" },
	};
	/* a port of ours that nobody listens at: the address was understood */
	struct sockaddr_in closed = { .sin_family = AF_INET,
		                      .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof closed;
	auto_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *) &closed, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *) &closed, &len), 0);
	static const char *const hosts[] = { "127.0.0.1", "localhost", "[127.0.0.1]",
		                             "inet:127.0.0.1" };
	for (size_t i = 0; i < G_N_ELEMENTS(hosts); i++) {
		g_autofree char *where = g_strdup_printf("%s:%u", hosts[i], ntohs(closed.sin_port)),
				*reply = NULL;
		const QuotaServiceQuestion question = {
			.where = where, .user = "ann", .bytes = 1, .timeout_ms = 60000
		};
		assert_int_equal(quota_service_ask(&question, &reply), QUOTA_SERVICE_NO_ANSWER);
		assert_non_null(strstr(reply, status_error_text(ECONNREFUSED)));
	}

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *reply = NULL;
		const QuotaServiceQuestion question = {
			.where = rows[i].where, .user = "ann", .bytes = 1, .timeout_ms = 1000
		};
		g_autofree char *no_address = g_strdup(status_error_text(EADDRNOTAVAIL));
		assert_int_equal(quota_service_ask(&question, &reply), QUOTA_SERVICE_NO_ANSWER);
		assert_non_null(strstr(reply, *rows[i].want != '\0' ? rows[i].want : no_address));
	}
}

/* Names that IMAP servers gave the mail's letters, in both directions. */
static void
test_flags_of(void **state)
{
	(void) state;
	static const struct {
		const char *name, *want;
	} rows[] = {
		{ "1.a,S=1", "" },
		{ "1.a:2,", "" },
		{ "1.a:2,FS", "\\Flagged \\Seen" },
		{ "1.a:2,PRTD", "$Forwarded \\Answered \\Deleted \\Draft" },
		{ "1.a:2,aSc", "Work \\Seen two" },
		{ "1.a:2,Xz", "" },
		{ "1.a:2,ab", "Work $Forwarded" },
		{ "1.a:2,Pb", "$Forwarded" },
	};
	scratch_write(dir, "dovecot-keywords", "0 Work\n1 $Forwarded\n2 two\n");
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GPtrArray) flags = maildir_flags_of(maildir_fd(inbox), rows[i].name);
		g_ptr_array_add(flags, NULL);
		g_autofree char *got = g_strjoinv(" ", (char **) flags->pdata);
		assert_string_equal(got, rows[i].want);
	}
}

/* In a rehearsal keywords get the letters that they would get, and the file stays as it is. */
static void
test_rehearsed_keywords(void **state)
{
	(void) state;
	static const struct {
		const char *file, *want;
	} rows[] = { { "0 Work\n", "a" }, { "0 Other\n", "b" }, { NULL, "a" } };
	static char work[] = "Work";
	g_autoptr(GPtrArray) flags = g_ptr_array_new(),
			     notes = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(flags, work);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_auto(Status) st = STATUS_INIT;
		g_autofree char *path = g_build_filename(dir, "dovecot-keywords", NULL);
		(void) unlink(path);
		if (rows[i].file != NULL)
			scratch_write(dir, "dovecot-keywords", rows[i].file);
		g_autoptr(Maildir) folder = maildir_open(dir, &rehearsal, &st);
		g_autofree char *letters = maildir_flags_letters(folder, flags, notes);
		assert_string_equal(letters, rows[i].want);
		scratch_check_file(dir, "dovecot-keywords",
		                   rows[i].file != NULL ? rows[i].file : NULL);
		assert_int_equal(notes->len, 0);
	}

	g_auto(Status) st = STATUS_INIT;
	g_autofree char *none = g_build_filename(dir, "none", NULL);
	g_autoptr(Maildir) imagined = maildir_open(none, &rehearsal, &st);
	g_autofree char *letters = maildir_flags_letters(imagined, flags, notes);
	assert_string_equal(letters, "a");
	assert_int_equal(notes->len, 0);

	/* where the file could not be written, that is said */
	g_autoptr(Maildir) folder = maildir_open(dir, &rehearsal, &st);
	calls_break("faccessat", NULL, CALLS_EACH, EROFS);
	g_autofree char *no_letters = maildir_flags_letters(folder, flags, notes);
	(void) calls_end();
	assert_string_equal(no_letters, "");
	assert_int_equal(notes->len, 1);
	assert_true(g_str_has_prefix(notes->pdata[0], "keywords are not set: "));
}

/* A shelf on a file system without renameat2, or one that lost the answer, has the mail once. */
static MaildirShelf *
open_shelf(const char *path)
{
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *whole = g_build_filename(dir, path, NULL);
	auto_fd int fd = open(whole, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	MaildirShelf *shelf = maildir_shelf_open(fd, path, &st);
	assert_non_null(shelf);
	return shelf;
}

typedef struct {
	const char *name;
	int rename_err, link_err;
	bool is_lost; /* the link was made, and its answer lost */
	StatusId want;
} ShelfRow;

static const ShelfRow shelf_rows[] = {
	{ "a link where there is no renameat2", EINVAL, 0, false, STATUS_OK },
	{ "on an old kernel, too", ENOSYS, 0, false, STATUS_OK },
	{ "a link whose answer was lost", EINVAL, EEXIST, true, STATUS_OK },
	{ "a link to what others have", EINVAL, EEXIST, false, STATUS_MAILBOX },
	{ "no link for want of room", EINVAL, ENOSPC, false, STATUS_DISK_FULL },
	{ "another file system", EXDEV, 0, false, STATUS_MAILBOX },
	{ "a mail that has gone", ENOENT, 0, false, STATUS_MISSING },
};

static void
test_shelf_move(void **state)
{
	const ShelfRow *row = *state;
	g_auto(Status) st = STATUS_INIT;
	make("one/new");
	make("one/cur");
	make("two/new");
	make("two/cur");
	unsigned before = calls_open_descriptors();
	scratch_write(dir, "one/cur/1.a:2,S", mail);
	g_autoptr(MaildirShelf) one = open_shelf("one"), two = open_shelf("two");
	g_auto(MaildirMove) move = { 0 };
	assert_true(maildir_shelf_plan(one, "cur/1.a:2,S", two, &move, &st));
	calls_break("renameat2", NULL, CALLS_EACH, row->rename_err);
	if (row->is_lost)
		calls_lose("linkat", NULL, CALLS_EACH, row->link_err);
	else if (row->link_err != 0)
		calls_break("linkat", NULL, CALLS_EACH, row->link_err);
	if (row->link_err == EEXIST && !row->is_lost)
		scratch_write(dir, "two/cur/1.a:2,S", "other");

	assert_int_equal(maildir_shelf_move(one, two, &move, &st), row->want == STATUS_OK);
	(void) calls_end();
	assert_int_equal(st.id, row->want);
	scratch_check_list(dir, "one/cur", row->want == STATUS_OK ? "" : "1.a:2,S");
	if (row->want == STATUS_OK)
		scratch_check_file(dir, "two/cur/1.a:2,S", mail);
	g_clear_pointer(&one, maildir_shelf_free);
	g_clear_pointer(&two, maildir_shelf_free);
	assert_int_equal(calls_open_descriptors(), before);
}

static void
test_no_shelf(void **state)
{
	(void) state;
	unsigned before = calls_open_descriptors();
	g_auto(Status) st = STATUS_INIT;
	calls_break("fcntl", NULL, 1, EMFILE);
	assert_null(maildir_shelf_open(maildir_fd(inbox), "", &st));
	assert_int_equal(calls_end(), 1);
	assert_int_equal(st.id, STATUS_TOO_MANY_FILES);

	g_auto(Status) denied = STATUS_INIT;
	calls_break("openat", "cur", 1, EACCES);
	assert_null(maildir_shelf_open(maildir_fd(inbox), "", &denied));
	assert_int_equal(calls_end(), 1);
	assert_int_equal(denied.id, STATUS_NO_PERMISSION);
	assert_int_equal(calls_open_descriptors(), before);
}

/* A count leaves nothing open, whatever it meets. */
static void
test_count_closes(void **state)
{
	(void) state;
	Conf conf = quota_conf(CONF_QUOTA_SITE);
	static const unsigned layouts[] = { CONF_FOLDER_LAYOUT_MAILDIRPP, CONF_FOLDER_LAYOUT_FS };
	make(".Work/cur");
	make("Work/cur");
	scratch_write(dir, ".Work/cur/1.a,S=3", "");
	scratch_write(dir, "Work/cur/1.a,S=5", "");
	unsigned before = calls_open_descriptors();
	for (size_t i = 0; i < G_N_ELEMENTS(layouts); i++) {
		g_auto(QuotaCountRules) rules;
		conf.folder_layout = (int) layouts[i];
		quota_count_rules_init(&rules, &conf, inbox);
		g_auto(QuotaCount) found = quota_count(maildir_fd(inbox), &rules, true);
		assert_int_equal(found.sum.bytes, i == 0 ? 3 : 5);
		assert_int_equal(found.sum.messages, 1);
		g_auto(QuotaCount) stamp = quota_count(maildir_fd(inbox), &rules, false);
		assert_true(stamp.stamp == found.stamp && stamp.sum.messages == 0);
		calls_break("fdopendir", NULL, 1, ENOMEM);
		g_auto(QuotaCount) part = quota_count(maildir_fd(inbox), &rules, true);
		assert_int_equal(calls_end(), 1);
		assert_string_equal(part.unread, "cannot list 'new': Cannot allocate memory");
		assert_null(found.unread);
		assert_int_equal(calls_open_descriptors(), before);
	}
}

/* What cannot be listed is told, unless nothing in it would count; what is not there is not. */
static void
test_count_unread(void **state)
{
	(void) state;
	static const struct {
		unsigned layout;
		const char *call, *part; /* that fails, and the path it is for */
		int err;
		const char *want; /* NULL: all was counted */
	} rows[] = {
		{ CONF_FOLDER_LAYOUT_MAILDIRPP, "openat", ".Work", EACCES,
		  "cannot list '.Work': Permission denied" },
		{ CONF_FOLDER_LAYOUT_MAILDIRPP, "openat", ".Trash", EACCES, NULL },
		{ CONF_FOLDER_LAYOUT_MAILDIRPP, "openat", ".Work", ENOENT, NULL },
		{ CONF_FOLDER_LAYOUT_MAILDIRPP, "openat", ".Work", ELOOP, NULL },
		{ CONF_FOLDER_LAYOUT_MAILDIRPP, "openat", "cur", EIO,
		  "cannot list 'cur': Input/output error" },
		{ CONF_FOLDER_LAYOUT_MAILDIRPP, "fstatat", "2.unsaid", EIO,
		  "cannot list '.Work/2.unsaid': Input/output error" },
		{ CONF_FOLDER_LAYOUT_MAILDIRPP, "readdir", NULL, EIO,
		  "cannot list 'new': Input/output error" },
		{ CONF_FOLDER_LAYOUT_FS, "openat", "Work", EIO,
		  "cannot list 'Work': Input/output error" },
		{ CONF_FOLDER_LAYOUT_FS, "openat", "Trash", EIO,
		  "cannot list 'Trash': Input/output error" }, /* folders in it may count */
	};
	static const char *const folders[] = { ".Work/cur", ".Trash/cur", "Work/cur", "Trash/cur" };
	Conf conf = quota_conf(CONF_QUOTA_SITE);
	make("new");
	for (size_t i = 0; i < G_N_ELEMENTS(folders); i++)
		make(folders[i]);
	scratch_write(dir, ".Work/cur/2.unsaid", "x");
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_auto(QuotaCountRules) rules;
		conf.folder_layout = (int) rows[i].layout;
		quota_count_rules_init(&rules, &conf, inbox);
		calls_break(rows[i].call, rows[i].part, 1, rows[i].err);
		g_auto(QuotaCount) found = quota_count(maildir_fd(inbox), &rules, true);
		if (calls_end() == 0)
			fail_msg("row %zu: no call", i);
		if (g_strcmp0(found.unread, rows[i].want) != 0)
			fail_msg("row %zu: got '%s', want '%s'", i, found.unread, rows[i].want);
	}
}

/*
 * A mailbox of which not all can be counted: full if what was counted is, else by the setting; the
 * sum is not written, and the log hears of it once.
 */
static void
test_quota_unread(void **state)
{
	(void) state;
	static const struct {
		gint64 limit;
		unsigned unanswered;
		StatusId want;
	} rows[] = {
		{ 1000, CONF_QUOTA_UNANSWERED_DELIVER, STATUS_OK },
		{ 1000, CONF_QUOTA_UNANSWERED_DEFER, STATUS_QUOTA_UNKNOWN },
		{ 60, CONF_QUOTA_UNANSWERED_DELIVER, STATUS_QUOTA_GRACE },
		{ 60, CONF_QUOTA_UNANSWERED_DEFER, STATUS_QUOTA_GRACE },
	};
	make(".Work/cur");
	scratch_write(dir, "cur/1.a,S=50", "");
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_auto(Status) st = STATUS_INIT;
		g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
		Conf conf = quota_conf(CONF_QUOTA_SITE);
		conf.quota_bytes = rows[i].limit;
		conf.quota_unanswered = (int) rows[i].unanswered;
		scratch_write(dir, "maildirsize", "7S\n7 1\n");
		calls_break("openat", ".Work", CALLS_EACH, EACCES);
		g_autoptr(Quota) quota = quota_open(inbox, &conf, &nobody, notes);
		bool is_taken = quota_take(quota, "", 20, &st);
		(void) (is_taken && quota_take(quota, "", 20, &st));
		assert_int_not_equal(calls_end(), 0);
		assert_int_equal(st.id, rows[i].want);
		assert_int_equal(notes->len, rows[i].want == STATUS_OK);
		assert_false(quota_fill(quota).is_known);
		quota_settle(quota, is_taken);
		g_autofree char *file = scratch_read(dir, "maildirsize");
		assert_string_equal(file, "7S\n7 1\n");
	}
}

/* A claim that is always another's comes to an end, and one that is at work is waited for. */
static void
test_claim_rounds(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Claim) claim = claim_new(maildir_fd(inbox), "0f00");
	const ClaimTimes times = { .lifetime = 1000, .wait_ms = 0 };
	ClaimAnswer answer;
	char *earlier = NULL;
	scratch_write(dir, "tmp/name", "");
	(void) alarm(120); /* it would go on for ever */
	calls_break("symlinkat", NULL, CALLS_EACH, EEXIST);
	assert_false(claim_take(claim, "name", &times, &answer, &earlier, &st));
	(void) calls_end();
	(void) alarm(0);
	assert_int_equal(st.id, STATUS_BUSY);
}

static void
test_claim_wait(void **state)
{
	(void) state;
	enum { WAIT_MS = 60 };
	g_auto(Status) st = STATUS_INIT;
	const ClaimTimes times = { .lifetime = 1000, .wait_ms = WAIT_MS };
	ClaimAnswer answer;
	char *earlier = NULL;
	g_autoptr(Claim) first = claim_new(maildir_fd(inbox), "0f00"),
			 second = claim_new(maildir_fd(inbox), "0f00");
	scratch_write(dir, "tmp/first", "");
	scratch_write(dir, "tmp/second", "");
	assert_true(claim_take(first, "first", &times, &answer, &earlier, &st));
	assert_int_equal(answer, CLAIM_OURS);

	/* its delivery is at work as long as it holds the draft */
	auto_fd int fd = openat(maildir_fd(inbox), "tmp/first", O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_SH), 0);
	gint64 start = g_get_monotonic_time();
	assert_false(claim_take(second, "second", &times, &answer, &earlier, &st));
	assert_int_equal(st.id, STATUS_BUSY);
	assert_true(g_get_monotonic_time() - start >= WAIT_MS * 1000);

	/* where there are no locks, who comes again takes over */
	g_auto(Status) later = STATUS_INIT;
	calls_break("flock", NULL, CALLS_EACH, ENOLCK);
	errno = EWOULDBLOCK;
	assert_true(claim_take(second, "second", &times, &answer, &earlier, &later));
	assert_true(calls_end() > 0);
	assert_int_equal(answer, CLAIM_OURS);
	scratch_check_list(dir, "tmp", "second todoke-0f00");
}

/* The lock and the file that are made for a moment go with the process. */
static void
hold_lock(void)
{
	g_auto(Status) st = STATUS_INIT;
	const DotlockPatience patience = { 0, 1000 };
	g_autofree char *path = g_build_filename(dir, "cur/a.lock", NULL);
	if (dotlock_take(path, &patience, &st) == NULL)
		_exit(1);
	(void) raise(SIGTERM);
}

static void
end_now(void)
{
	(void) raise(SIGTERM);
}

static void
write_quota(void)
{
	g_auto(Status) st = STATUS_INIT;
	ino_t inode;
	MaildirsizeAmount amount = { 1, 1 };
	calls_meet("renameat", NULL, 1, end_now);
	(void) maildirsize_replace(maildir_fd(inbox), &amount, &amount, &inode, &st);
}

static void
write_keywords(void)
{
	g_auto(Status) st = STATUS_INIT;
	calls_meet("renameat", NULL, 1, end_now);
	(void) dotlock_try_edit_under(maildir_fd(inbox), "guard", "words", add_line, NULL, &st);
}

static void
test_terminated_with_locks(void **state)
{
	(void) state;
	terminate(hold_lock);
	scratch_check_list(dir, "cur", "");
	terminate(write_quota);
	scratch_check_list(dir, "tmp", "");
	terminate(write_keywords);
	scratch_check_list(dir, ".", "cur new tmp");
}

/* A folder so deep that no server knows it is not looked into, and that is said. */
static void
test_too_deep(void **state)
{
	(void) state;
	g_autoptr(GString) path = g_string_new(NULL);
	for (unsigned level = 0; level <= LIMIT_FOLDER_LEVELS; level++) {
		g_autofree char *file = g_strdup_printf("%s/new/%u", path->str, level);
		g_autofree char *name = g_strdup_printf("new/%u", level);
		const MailPlaceWanted wanted = { .path = name };
		g_auto(MailPlace) place = { 0 };
		bool all = true;
		make(path->len > 0 ? path->str : ".");
		g_autofree char *inside = g_build_filename(path->str, "new", NULL);
		make(inside);
		scratch_write(dir, file, "");
		assert_true(mail_place_find(maildir_fd(inbox), &wanted, &place, &all));
		assert_true(all);
		g_string_append(path, path->len > 0 ? "/a" : "a");
	}

	const MailPlaceWanted none = { .path = "new/none" };
	g_auto(MailPlace) place = { 0 };
	bool all = false;
	assert_false(mail_place_find(maildir_fd(inbox), &none, &place, &all));
	assert_true(all);
	make(path->str);
	assert_false(mail_place_find(maildir_fd(inbox), &none, &place, &all));
	assert_false(all);
}

/* No more files are read for their contents than the limit. */
static void
test_reads_are_bounded(void **state)
{
	(void) state;
	const MailPlaceWanted wanted = { .path = "new/none", .bytes = 5, .body = "5.0" };
	g_auto(MailPlace) place = { 0 };
	for (unsigned i = 0; i <= LIMIT_KEPT_READS; i++) {
		bool all = i == LIMIT_KEPT_READS;
		assert_false(mail_place_find(maildir_fd(inbox), &wanted, &place, &all));
		assert_true(all);
		g_autofree char *path = g_strdup_printf("cur/%u", i);
		scratch_write(dir, path, "12345");
	}
	bool all = true;
	assert_false(mail_place_find(maildir_fd(inbox), &wanted, &place, &all));
	assert_false(all);
}

/* A draft that is held is left to the retry when the time is over; one that is not goes. */
static void
overrun_behind_hold(void)
{
	g_auto(Status) st = STATUS_INIT;
	MaildirDraft *held = write_draft(inbox), *other = write_draft(inbox);
	if (!maildir_draft_prepare(held, "", &st) || other == NULL)
		_exit(1);
	maildir_draft_hold(held);
	g_autofree char *path = g_build_filename(dir, "held", NULL);
	(void) g_file_set_contents(path, maildir_draft_name(held), -1, NULL);
	deadline_start(1000, NULL);
	(void) raise(SIGALRM);
}

static void
test_held_stays(void **state)
{
	(void) state;
	terminate(overrun_behind_hold);
	g_autofree char *name = scratch_read(dir, "held");
	assert_non_null(name);
	scratch_check_list(dir, "tmp", name);
}

/* A rehearsal counts as a delivery would, and writes nothing. */
static void
test_rehearsed_quota(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	Conf conf = quota_conf(CONF_QUOTA_SITE);
	scratch_write(dir, "new/1.a,S=70", "");
	scratch_write(dir, "maildirsize", "1000S\nbroken\n");
	g_autoptr(Maildir) folder = maildir_open(dir, &rehearsal, &st);
	g_autoptr(Quota) quota = quota_open(folder, &conf, &nobody, NULL);
	assert_int_equal(quota_fill(quota).bytes, 70);
	assert_true(quota_take(quota, "", 930, &st));
	quota_add(quota, 930, 1);
	quota_settle(quota, true);
	assert_false(quota_take(quota, "", 1, &st));
	scratch_check_file(dir, "maildirsize", "1000S\nbroken\n");
	scratch_check_list(dir, ".", "cur maildirsize new tmp");
}

/* A claim that a stranger made goes, and nothing that it names: a delivery may be at work on it. */
static void
test_claim_of_stranger(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	const ClaimTimes times = { .lifetime = 1000, .wait_ms = 0 };
	ClaimAnswer answer;
	char *earlier = NULL;
	scratch_write(dir, "tmp/ours", "");
	scratch_write(dir, "tmp/other", "");
	assert_int_equal(symlinkat("other", maildir_fd(inbox), "tmp/todoke-0f00"), 0);
	if (fchownat(maildir_fd(inbox), "tmp/todoke-0f00", 12345, 12345, AT_SYMLINK_NOFOLLOW) < 0)
		skip(); /* who is not root meets no stranger */

	g_autoptr(Claim) claim = claim_new(maildir_fd(inbox), "0f00");
	auto_fd int fd = openat(maildir_fd(inbox), "tmp/other", O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_SH), 0);
	assert_true(claim_take(claim, "ours", &times, &answer, &earlier, &st));
	assert_int_equal(answer, CLAIM_OURS);
	scratch_check_list(dir, "tmp", "other ours todoke-0f00");
}

/* What Dovecot answers decides. */
typedef struct {
	const char *name, *answer;
	bool bounces;
	StatusId want;
} AnswerRow;

static const AnswerRow answer_rows[] = {
	{ "Dovecot has room", "action=OK\n\n", false, STATUS_OK },
	{ "Dovecot has none", "action=552 5.2.2 full\n\n", false, STATUS_QUOTA_GRACE },
	{ "Dovecot has none, and it is final", "action=552 5.2.2 full\n\n", true, STATUS_QUOTA },
	{ "Dovecot finds it too big", "action=554 5.2.3 big\n\n", false, STATUS_TOO_BIG },
};

static void
answer_question(FILE *to, FILE *from, const void *user)
{
	char line[1000];
	while (fgets(line, sizeof line, from) != NULL && line[0] != '\n')
		;
	(void) fputs(user, to);
	(void) fflush(to);
	(void) fgetc(from); /* until the other side goes */
}

static void
test_answer(void **state)
{
	const AnswerRow *row = *state;
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *path = g_build_filename(dir, "s", NULL),
			*where = g_strconcat("unix:", path, NULL);
	pid_t dovecot = unix_peer_begin(path, answer_question, row->answer);
	Conf conf = quota_conf(CONF_QUOTA_DOVECOT);
	const QuotaOwner ann = { .user = "ann", .now = 1000000 };
	conf.quota_service = where;
	conf.quota_timeout = 60;
	conf.quota_full = row->bounces ? CONF_QUOTA_FULL_BOUNCE : CONF_QUOTA_FULL_DEFER;
	g_autoptr(Quota) quota = quota_open(inbox, &conf, &ann, NULL);
	assert_int_equal(quota_take(quota, "", 10, &st), row->want == STATUS_OK);
	assert_int_equal(st.id, row->want);
	quota_settle(quota, true);
	unix_peer_end(dovecot);
}

/* A folder is found by its id in either layout, and nothing stays open. */
static void
test_folder_by_id(void **state)
{
	(void) state;
	static const struct {
		unsigned layout;
		const char *path; /* where the id is */
		bool want;
	} rows[] = {
		{ CONF_FOLDER_LAYOUT_MAILDIRPP, ".Work", true },
		{ CONF_FOLDER_LAYOUT_MAILDIRPP, "Work", false },
		{ CONF_FOLDER_LAYOUT_MAILDIRPP, ".A/.B", false }, /* no folder of this layout */
		{ CONF_FOLDER_LAYOUT_FS, "Work", true },
		{ CONF_FOLDER_LAYOUT_FS, "A/B/C", true },
		{ CONF_FOLDER_LAYOUT_FS, "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20",
		  true },
		{ CONF_FOLDER_LAYOUT_FS, "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21",
		  false },
		{ CONF_FOLDER_LAYOUT_FS, ".Work", false },
		{ CONF_FOLDER_LAYOUT_FS, "cur", false },
	};
	static const char id[] = "0123456789abcdef0123456789abcdef";
	unsigned before = calls_open_descriptors();
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		const FolderRules rules = { .layout = rows[i].layout, .separator = "/" };
		g_autofree char *file = g_build_filename(rows[i].path, "todoke-mailboxid", NULL),
				*whole = g_build_filename(dir, file, NULL);
		make(rows[i].path);
		scratch_write(dir, file, "0123456789abcdef0123456789abcdef\n");
		g_auto(Status) good = STATUS_INIT;
		g_auto(Status) st = STATUS_INIT;
		g_autofree char *found = folder_by_id(inbox, &rules, id, &good);
		assert_int_equal(g_strcmp0(found, rows[i].want ? rows[i].path : NULL), 0);
		assert_int_equal(good.id, STATUS_OK);
		calls_break("fdopendir", NULL, 1, ENOMEM);
		g_autofree char *none = folder_by_id(inbox, &rules, id, &st);
		assert_int_equal(calls_end(), 1);
		assert_null(none);
		assert_int_equal(st.id, STATUS_NO_MEMORY);
		assert_int_equal(calls_open_descriptors(), before);
		assert_int_equal(unlink(whole), 0);
	}
}

/*
 * An id that no folder has is a fault where one could not be looked at, and its folder is named;
 * one that is found is none, nor is what is not there.
 */
static void
test_folder_by_id_unread(void **state)
{
	(void) state;
	static const struct {
		const char *call, *part;
		int err;
		bool is_there; /* the id, in the INBOX's .Zoo */
		StatusId want;
		const char *detail; /* how it begins */
	} rows[] = {
		{ "openat", ".Zoo/dovecot-uidlist", EACCES, true, STATUS_OK, NULL },
		{ "openat", ".Zoo/dovecot-uidlist", EACCES, false, STATUS_NO_PERMISSION,
		  "cannot read the id of '.Zoo'" },
		{ "openat", ".Zoo/todoke-mailboxid", EIO, true, STATUS_IO,
		  "cannot read the id of '.Zoo'" },
		{ "pread", NULL, EIO, true, STATUS_IO, "cannot read the id of '.Zoo'" },
		{ "readdir", NULL, EIO, true, STATUS_IO, "cannot list '.'" },
		{ "openat", ".Zoo/dovecot-uidlist", ENOENT, false, STATUS_OK, NULL },
		{ "openat", ".Zoo/dovecot-uidlist", ELOOP, false, STATUS_OK, NULL },
	};
	static const char id[] = "0123456789abcdef0123456789abcdef";
	const FolderRules rules = { .layout = CONF_FOLDER_LAYOUT_MAILDIRPP, .separator = "/" };
	make(".Zoo");
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_auto(Status) st = STATUS_INIT;
		scratch_write(dir, ".Zoo/todoke-mailboxid",
		              rows[i].is_there ? "0123456789abcdef0123456789abcdef\n" : "else\n");
		calls_break(rows[i].call, rows[i].part, 1, rows[i].err);
		g_autofree char *found = folder_by_id(inbox, &rules, id, &st);
		if (calls_end() == 0 || st.id != rows[i].want)
			fail_msg("row %zu: fault %d, want %d", i, st.id, rows[i].want);
		assert_int_equal(found != NULL, rows[i].is_there && st.id == STATUS_OK);
		if (rows[i].detail != NULL)
			assert_memory_equal(st.detail, rows[i].detail, strlen(rows[i].detail));
	}
}

/* A mail that is too big is no fault of the folder, which is not named. */
static void
test_message_at_fault(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT, full = STATUS_INIT;
	scratch_write(dir, "mail", mail);
	auto_fd int fd = openat(maildir_fd(inbox), "mail", O_RDONLY | O_CLOEXEC);
	g_autoptr(Message) message = message_read(fd, &st);
	message_limit_size(message, 10);
	g_autoptr(MaildirDraft) draft = maildir_draft_new(inbox, &st);
	assert_false(maildir_draft_write(draft, message, message_headers(message), &st));
	assert_int_equal(st.id, STATUS_TOO_BIG);
	assert_null(st.detail);

	/* a disk that is full is one */
	g_autoptr(Message) other = message_of(mail);
	calls_break("write", NULL, CALLS_EACH, ENOSPC);
	calls_break("writev", NULL, CALLS_EACH, ENOSPC);
	calls_break("copy_file_range", NULL, CALLS_EACH, ENOSPC);
	calls_break("sendfile", NULL, CALLS_EACH, ENOSPC);
	assert_false(maildir_draft_write(draft, other, message_headers(other), &full));
	assert_true(calls_end() > 0);
	assert_int_equal(full.id, STATUS_DISK_FULL);
	assert_true(g_str_has_prefix(full.detail, "folder 'INBOX' ("));
}

/* A draft that is left to a retry stays, whatever ends this process. */
static void
leave_draft(void)
{
	MaildirDraft *draft = write_draft(inbox);
	maildir_draft_leave(draft);
}

static void
test_left(void **state)
{
	(void) state;
	terminate(leave_draft);
	g_autofree char *path = scratch_only(dir, "tmp");
	assert_non_null(path);
}

/* Where memory for a rehearsal's draft cannot be had, that is told, not a missing folder. */
static void
test_rehearsal_without_memory(void **state)
{
	(void) state;
	static const char *const gone[] = { "", "tmp" }; /* a whole folder, and one without tmp */
	for (size_t i = 0; i < G_N_ELEMENTS(gone); i++) {
		g_auto(Status) st = STATUS_INIT;
		g_autofree char *path = g_build_filename(dir, gone[i], NULL);
		(void) rmdir(path);
		g_autoptr(Maildir) folder = maildir_open(dir, &rehearsal, &st);
		calls_break("memfd_create", NULL, 1, ENOMEM);
		assert_null(maildir_draft_new(folder, &st));
		assert_int_equal(calls_end(), 1);
		assert_int_equal(st.id, STATUS_NO_MEMORY);
		g_auto(Status) good = STATUS_INIT;
		g_autoptr(MaildirDraft) draft = maildir_draft_new(folder, &good);
		assert_non_null(draft);
	}
}

/* A place that cannot be listed is no place without the mail. */
static void
test_find_fails(void **state)
{
	(void) state;
	g_autoptr(Message) message = message_of(mail);
	static const struct {
		const char *call, *part;
	} rows[] = { { "fcntl", NULL }, { "fdopendir", NULL }, { "openat", "cur" } };
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_auto(Status) st = STATUS_INIT, other = STATUS_INIT;
		g_autoptr(Maildir) folder = maildir_open(dir, &options, &st);
		bool found = true;
		calls_break(rows[i].call, rows[i].part, CALLS_EACH, EACCES);
		assert_false(maildir_find_file(folder, "1.M1P1.host", &found, &st));
		assert_false(maildir_shows_body(folder, "1.M1P1.host", message, &found, &other));
		assert_true(calls_end() > 1);
		assert_int_equal(st.id, STATUS_NO_PERMISSION);
		assert_int_equal(other.id, STATUS_NO_PERMISSION);
		assert_true(found);
	}
}

/* A draft is flushed once, and so is one file with several names. */
static void
test_flushed_once(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	bool created;
	MaildirDraft *linked = NULL;
	g_autoptr(Maildir) work = maildir_open_below(inbox, ".Work", true, &created, &st);
	g_autoptr(MaildirDraft) draft = write_draft(inbox);
	flushes_begin(NULL);
	assert_true(maildir_draft_prepare(draft, "", &st));
	assert_int_equal(flushes_all()->len, 1);
	assert_true(maildir_draft_prepare(draft, "S", &st));
	assert_true(maildir_draft_link(draft, work, &linked, &st));
	assert_true(maildir_draft_prepare(linked, "", &st));
	assert_int_equal(flushes_all()->len, 1);
	flushes_end();
	maildir_draft_free(linked);
	scratch_check_list(dir, ".Work/tmp", "");
}

/* UIDs that end soon are told by the folder's name. */
static void
test_uid_note(void **state)
{
	(void) state;
	static const struct {
		const char *path, *list, *want; /* NULL: nothing is told */
	} rows[] = {
		{ "", "3 V1 N4294967290 G0\n", "folder 'INBOX' end soon (next 4294967290)" },
		{ ".Work", "3 V1 N4294967290 G0\n", "folder '.Work' end soon (next 4294967290)" },
		{ "", "3 V1 N7 G0\n", NULL },
		{ "", "3 V1 G0\n4 N4294967290 :x\n", NULL },
		{ "", "", NULL },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_auto(Status) st = STATUS_INIT;
		bool created;
		g_autofree char *file = g_build_filename(rows[i].path, "dovecot-uidlist", NULL);
		g_autoptr(Maildir)
			folder = maildir_open_below(inbox, rows[i].path, true, &created, &st);
		scratch_write(dir, file, rows[i].list);
		g_autofree char *note = folder_uid_note(folder);
		assert_int_equal(note != NULL, rows[i].want != NULL);
		if (rows[i].want != NULL)
			assert_non_null(strstr(note, rows[i].want));
	}
}

/* Locks of an open file, where the kernel has them; else those of a process. */
static void
test_mbox_lock(void **state)
{
	(void) state;
	static const struct {
		unsigned number; /* of the calls that fail */
		int err;
		StatusId want;
	} rows[] = { { 1, EINVAL, STATUS_OK },
		     { 1, EAGAIN, STATUS_LOCKED },
		     { CALLS_EACH, EINVAL, STATUS_IO } };
	const DotlockPatience patience = { 0, 1000 };
	g_autofree char *path = g_build_filename(dir, "box", NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_auto(Status) st = STATUS_INIT;
		calls_break("fcntl", NULL, rows[i].number, rows[i].err);
		g_autoptr(Mbox) mbox = mbox_open(path, CONF_DURABILITY_FULL, &patience, &st);
		assert_true(calls_end() > 0);
		assert_int_equal(mbox != NULL, rows[i].want == STATUS_OK);
		assert_int_equal(st.id, rows[i].want);
	}
}

/* What is no folder, or has gone, leaves the search complete; what cannot be opened does not. */
static void
test_search_passes_over(void **state)
{
	(void) state;
	static const struct {
		int err;
		bool all;
	} rows[] = { { ELOOP, true },
		     { ENOTDIR, true },
		     { ENOENT, true },
		     { EACCES, false },
		     { EIO, false } };
	const MailPlaceWanted wanted = { .path = "new/none" };
	make(".Work");
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		bool all = !rows[i].all;
		g_auto(MailPlace) place = { 0 };
		calls_break("openat", ".Work", 1, rows[i].err);
		assert_false(mail_place_find(maildir_fd(inbox), &wanted, &place, &all));
		assert_int_equal(calls_end(), 1);
		assert_int_equal(all, rows[i].all);
	}
}

/* The folder of a kept copy, and how people read it. */
static void
test_kept_folder(void **state)
{
	(void) state;
	static const struct {
		const char *path, *folder, *name;
		bool is_mbox;
	} rows[] = {
		{ "new/1.a", "", "INBOX", false },
		{ ".Work/cur/1.a:2,S", ".Work", ".Work", false },
		{ "Work/New/new/1.a", "Work/New", "Work/New", false },
		{ "mh/1", "mh/1", "mh/1", false },
		{ "/home/me/box", "/home/me/box", "/home/me/box", true },
		{ "new/box", "new/box", "new/box", true },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		static char sign[] = "0123";
		const KeptCopy copy = { .sign = rows[i].is_mbox ? sign : NULL };
		g_autofree char *folder = kept_folder_path(&copy, rows[i].path),
				*name = kept_folder(&copy, rows[i].path);
		assert_string_equal(folder, rows[i].folder);
		assert_string_equal(name, rows[i].name);
	}
}

int
main(void)
{
	struct CMUnitTest tests[120];
	size_t n = 0;
	maildir_free(NULL);

	UNIT_ROWS(tests, n, move_rows, test_move_fault);
	UNIT_ROWS(tests, n, note_rows, test_note);
	UNIT_ROWS(tests, n, room_rows, test_room);
	UNIT_ROWS(tests, n, answer_rows, test_answer);
	UNIT_ROWS(tests, n, flush_rows, test_mbox_flush);
	UNIT_ROWS(tests, n, shelf_rows, test_shelf_move);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_terminated);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_terminated_behind_commit);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_exact_name);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_name_is_taken);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_imagined);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_blame);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_not_furnished);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_find_file);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_shows_without_locks);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_move_answer_lost);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_commit_answer_lost);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_commit_is_not_done);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_maildirsize_lock);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_maildirsize_lock_is_taken_once);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_maildirsize_replace);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_no_note_of_imagined);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_counted_again);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_never_quiet);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_unanswered);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_mbox_is_not_seen);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_lock_held_twice);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_time_of_change);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_note_of_claim);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_claim_answer_lost);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_search_is_cut);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_without_renameat2);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_number_is_taken);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_flat_fault);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_place_is_no_folder);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_folder_is_named);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_draft_is_made);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_held);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_take_back);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_is_writable);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_warning);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_memory_lock);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_moved);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_look);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_may_reach);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_unanswered_store);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_no_address);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_flags_of);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_rehearsed_keywords);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_no_shelf);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_count_closes);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_claim_rounds);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_claim_wait);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_terminated_with_locks);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_too_deep);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_reads_are_bounded);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_mbox_lock);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_search_passes_over);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_kept_folder);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_left);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_message_at_fault);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_rehearsal_without_memory);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_find_fails);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_flushed_once);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_uid_note);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_folder_by_id);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_count_unread);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_quota_unread);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_folder_by_id_unread);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_held_stays);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_rehearsed_quota);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_claim_of_stranger);

	for (size_t i = 0; i < n; i++) {
		tests[i].setup_func = set_up;
		tests[i].teardown_func = tear_down;
	}
	return _cmocka_run_group_tests("store-faults", tests, n, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * What became of marked mail: its lines, the search for a copy, and how far both go. The ways of
 * mail: tests/cmd/test-returns.py.
 */
#define _GNU_SOURCE
#include "agent/state/mark-history.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/message/mark.h"
#include "conf/conf-choices.h"
#include "tests/lib/calls.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUBJECT "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

enum { NOW = 1501686000, LIFETIME = 86400 };

static const BodyPrint print = { "5 00bbad8d328661683272ed8d949dba00" };
static const BodyPrint other_print = { "6 00bbad8d328661683272ed8d949dba00" };
static const AddressRules rules = { "", true };
static char *folder;

static void
put(const char *path, const char *text)
{
	g_autofree char *whole = g_build_filename(folder, path, NULL),
			*parent = g_path_get_dirname(whole);
	assert_int_equal(g_mkdir_with_parents(parent, 0700), 0);
	assert_true(g_file_set_contents(whole, text, -1, NULL));
}

static void
append(const GString *lines)
{
	g_auto(Status) st = STATUS_INIT;
	assert_true(mark_history_append(folder, NULL, lines, NOW, LIFETIME, &st));
}

static void
test_lines(void **state)
{
	(void) state;
	g_autoptr(GString) lines = g_string_new(NULL);
	const MarkTag tag = { NOW, SUBJECT, &print, &print, NULL },
		      other = { NOW, SUBJECT, &other_print, NULL, NULL };
	mark_history_kept(lines, &tag, ".A b%\n/new/1.x,S=2:2,", 1234);
	mark_history_kept_in_mbox(lines, &tag, "/home/a b/box", SUBJECT);
	mark_history_passed(lines, &other);
	mark_history_disposed(lines, &tag, "my rules.sieve:3");
	mark_history_returned(lines, &other);
	mark_history_returned(lines, &tag);
	append(lines);

	g_auto(MarkHistory) history = { 0 };
	mark_history_read(folder, &tag, &history);
	assert_true(history.known && history.kept_any && !history.passed);
	assert_string_equal(history.disposed, "my rules.sieve:3");
	assert_int_equal(history.returns, 2);
	assert_int_equal(history.kept->len, 2);

	const KeptCopy *box = history.kept->pdata[0], *file = history.kept->pdata[1];
	assert_string_equal(box->path, "/home/a b/box");
	assert_string_equal(box->sign, SUBJECT);
	assert_string_equal(file->path, ".A b%\n/new/1.x,S=2:2,");
	assert_int_equal(file->bytes, 1234);
	assert_int_equal(file->time, NOW);

	g_auto(MarkHistory) unknown = { 0 };
	const MarkTag third = { NOW, "f" SUBJECT, &print, NULL, NULL };
	mark_history_read(folder, &third, &unknown);
	assert_false(unknown.known);

	/* The same beginning, and another end. */
	g_auto(MarkHistory) begins = { 0 };
	const MarkTag longer = { NOW, SUBJECT, &print, &other_print, NULL };
	mark_history_read(folder, &longer, &begins);
	assert_null(begins.disposed);
	assert_int_equal(begins.kept->len, 2);
}

/* Lines in all places of a file that is read in pieces. */
static void
test_long_history(void **state)
{
	(void) state;
	const MarkTag tag = { NOW, SUBJECT, &print, NULL, NULL };
	g_autoptr(GString) lines = g_string_new(NULL);
	unsigned wanted = 0;
	while (lines->len < 3 * LIMIT_COPY_CHUNK) {
		g_autofree char *subject = g_strdup_printf("%064u", wanted);
		const MarkTag other = { NOW, subject, &print, NULL, NULL };
		mark_history_returned(lines, &tag);
		mark_history_kept(lines, &other, "new/a", wanted++);
	}

	append(lines);
	g_auto(MarkHistory) history = { 0 };
	mark_history_read(folder, &tag, &history);
	assert_int_equal(history.returns, wanted);
}

static void
test_copies_limit(void **state)
{
	(void) state;
	const MarkTag tag = { NOW, SUBJECT, &print, NULL, NULL };
	g_autoptr(GString) lines = g_string_new(NULL);
	for (unsigned i = 0; i < LIMIT_KEPT_COPIES + 1; i++)
		mark_history_kept(lines, &tag, "new/a", i);
	append(lines);

	g_auto(MarkHistory) history = { 0 };
	mark_history_read(folder, &tag, &history);
	assert_int_equal(history.kept->len, LIMIT_KEPT_COPIES);
	assert_int_equal(((const KeptCopy *) history.kept->pdata[0])->bytes, LIMIT_KEPT_COPIES);
}

/* What one host's file says of a mail's wait. */
typedef struct {
	gint64 kept, waits, taken; /* 0: nothing */
} WaitLines;

typedef struct {
	const char *name;
	WaitLines a, b; /* in the files of two hosts that share the mailbox */
	gint64 want;
} WaitRow;

static const WaitRow wait_rows[] = {
	{ "put off here, kept there before", { 0, NOW - 50, 0 }, { NOW - 99, 0, 0 }, NOW - 50 },
	{ "put off there, kept here before", { NOW - 99, 0, 0 }, { 0, NOW - 50, 0 }, NOW - 50 },
	{ "put off here, kept there since", { 0, NOW - 50, 0 }, { NOW - 10, 0, 0 }, 0 },
	{ "put off there, kept here since", { NOW - 10, 0, 0 }, { 0, NOW - 50, 0 }, 0 },
	{ "put off here, taken there since", { 0, NOW - 50, 0 }, { 0, 0, NOW - 10 }, 0 },
	{ "put off by both", { 0, NOW - 20, 0 }, { 0, NOW - 50, 0 }, NOW - 50 },
	{ "by both, taken between", { 0, NOW - 50, 0 }, { 0, NOW - 20, NOW - 30 }, NOW - 20 },
};

static void
append_wait(const char *host, const WaitLines *said)
{
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(GString) lines = g_string_new(NULL);
	const MarkTag kept = { said->kept, SUBJECT, &print, NULL, NULL },
		      taken = { said->taken, SUBJECT, &print, NULL, NULL },
		      waits = { said->waits, SUBJECT, &print, NULL, NULL };

	if (said->kept > 0)
		mark_history_kept(lines, &kept, "new/a", 1);
	if (said->taken > 0)
		mark_history_taken(lines, &taken);
	if (said->waits > 0)
		mark_history_waits(lines, &waits);
	assert_true(mark_history_append(folder, host, lines, NOW, LIFETIME, &st));
}

static void
test_waits_of_two_hosts(void **state)
{
	const WaitRow *row = *state;
	const MarkTag tag = { NOW, SUBJECT, &print, NULL, NULL };
	g_auto(MarkHistory) history = { 0 };

	append_wait("a", &row->a);
	append_wait("b", &row->b);
	mark_history_read(folder, &tag, &history);
	assert_int_equal(history.put_off, row->want);
}

/* The newest lines of a file that is too long stay, in the old one. */
static void
test_history_limit(void **state)
{
	(void) state;
	const MarkTag tag = { NOW, SUBJECT, &print, NULL, NULL };
	g_autoptr(GString) lines = g_string_new(NULL);
	g_autofree char *path = g_build_filename(folder, "marks", NULL),
			*old = g_build_filename(folder, "marks.old", NULL);
	mark_history_returned(lines, &tag);
	append(lines);
	assert_int_equal(access(old, F_OK), -1);
	assert_int_equal(truncate(path, (off_t) LIMIT_MARK_HISTORY - (off_t) lines->len), 0);
	append(lines);
	assert_int_equal(access(old, F_OK), -1);
	append(lines);
	assert_int_equal(access(old, F_OK), 0);
	assert_int_equal(access(path, F_OK), -1);
}

#define MAIL "From: a@b.test\nMessage-ID: <1@b.test>\n\nbody\n"

/*
 * Is the mail of `copy` still here, outside of the folders `trash` and `besides`? Caller frees what
 * is told.
 */
static char *
find_copy(KeptCopy *copy, const char *trash, const char *besides)
{
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Message) message = message_from_bytes(MAIL, strlen(MAIL), &st);
	g_autofree char *subject = mark_subject("ann@x.test", &rules, message_headers(message));
	const MaildirOptions options = { .umask = 077, .durability = CONF_DURABILITY_NONE };
	g_autoptr(Maildir) inbox = maildir_open(folder, &options, &st);
	g_autoptr(GPtrArray) copies = g_ptr_array_new();

	g_ptr_array_add(copies, copy);
	BodyPrint whole;
	assert_true(message_whole_print(message, &whole, &st));

	const KeptWanted wanted = {
		subject, message_print(message, &st), &whole, "ann@x.test", &rules, trash, besides
	};
	const KeptCopy *found = NULL;
	char *where = NULL;

	bool is_here = kept_find(inbox, copies, &wanted, &found, &where);
	assert_true(is_here == (where != NULL) && is_here == (found == copy));
	return where;
}

/* The same of a file that was kept under `path`. */
static char *
find(const char *path, const char *trash)
{
	KeptCopy copy = { (char *) (uintptr_t) path, strlen(MAIL), NULL, NOW };
	return find_copy(&copy, trash, NULL);
}

typedef struct {
	const char *name;
	const char *file; /* what is there */
	const char *text;
	const char *want; /* NULL: it is not found */
} FindRow;

static const FindRow find_rows[] = {
	{ "as it was put", "new/1.a,S=44", MAIL, "new/1.a,S=44" },
	{ "read, with flags", "cur/1.a,S=44:2,FS", MAIL, "cur/1.a,S=44:2,FS" },
	{ "in a folder of Maildir++, under its name", ".Work/cur/1.a:2,S", MAIL,
	  ".Work/cur/1.a:2,S" },
	{ "in a folder of folders, under another name", "Work/New/cur/2.b,S=44:2,", MAIL,
	  "Work/New/cur/2.b,S=44:2," },
	{ "under another name without a size", "cur/2.b:2,", MAIL, "cur/2.b:2," },
	{ "another mail of the same size", "cur/2.b:2,",
	  "From: a@b.test\nMessage-ID: <1@b.test>\n\nbodi\n", NULL },
	{ "another Message-ID", "cur/1.a:2,", "From: a@b.test\nMessage-ID: <2@b.test>\n\nbody\n",
	  NULL },
	{ "its name on another mail", "new/1.a,S=44", "something else\n", NULL },
	{ "flagged as deleted", "cur/1.a,S=44:2,ST", MAIL, NULL },
	{ "in the trash", ".Trash/cur/1.a,S=44:2,S", MAIL, NULL },
	{ "a size in the name that is not its own", "cur/2.b,S=45:2,", MAIL, NULL },
	{ "in tmp", "tmp/1.a,S=44", MAIL, NULL },
};

static void
test_find(void **state)
{
	const FindRow *row = *state;

	put(row->file, row->text);
	g_autofree char *where = find("new/1.a,S=44", ".Trash");
	if (row->want == NULL)
		assert_null(where);
	else
		assert_string_equal(where, row->want);
}

/* Copies in other places: which of them count, and where they are said to be. */
typedef struct {
	const char *name;
	const char *path; /* where it was put */
	const char *sign; /* in an mbox; NULL: a file */
	guint64 bytes;
	const char *files[2]; /* what is there, with MAIL in it; behind "=" with that sign */
	const char *besides;
	const char *want; /* NULL: it is not found */
} CopyRow;

static const CopyRow copy_rows[] = {
	{ "a file of another program's folder", "mh/1", NULL, 44, { "mh/1" }, NULL, "mh/1" },
	{ "not of the folder that is left out", "mh/1", NULL, 44, { "mh/1" }, "mh/1", NULL },
	{ "besides the INBOX there is none", "new/1.a", NULL, 44, { "cur/1.a:2,S" }, "", NULL },
	{ "besides the INBOX there is one",
	  "new/1.a",
	  NULL,
	  44,
	  { "cur/1.a:2,S", ".Work/new/2.b" },
	  "",
	  ".Work/new/2.b" },
	{ "by its name, whatever its size was",
	  "1.a",
	  NULL,
	  1,
	  { ".W/cur/1.a:2,S" },
	  NULL,
	  ".W/cur/1.a:2,S" },
	{ "by another name, whatever its size was",
	  "1.a",
	  NULL,
	  1,
	  { ".W/cur/2.a:2,S" },
	  NULL,
	  NULL },
	{ "in an mbox", "box", SUBJECT, 0, { "=box" }, NULL, "box" },
	{ "in an mbox that is left out", "box", SUBJECT, 0, { "=box" }, "box", NULL },
	{ "in an mbox that has other mail", "box", SUBJECT, 0, { "box" }, NULL, NULL },
	{ "in an mbox that has gone", "box", SUBJECT, 0, { NULL }, NULL, NULL },
	{ "in an mbox that is a folder now", "box", SUBJECT, 0, { "box/x" }, NULL, NULL },
};

static void
test_copy(void **state)
{
	const CopyRow *row = *state;
	for (size_t i = 0; i < G_N_ELEMENTS(row->files) && row->files[i] != NULL; i++) {
		bool is_signed = row->files[i][0] == '=';
		put(row->files[i] + is_signed, is_signed ? MAIL SUBJECT "\n" : MAIL);
	}
	KeptCopy copy = { (char *) (uintptr_t) row->path, row->bytes,
		          (char *) (uintptr_t) row->sign, NOW };
	g_autofree char *where = find_copy(&copy, NULL, row->besides);
	assert_int_equal(g_strcmp0(where, row->want), 0);
}

/* A copy in a place that cannot be looked at is not found, and nothing stays open. */
static void
test_unreadable(void **state)
{
	(void) state;
	static const struct {
		const char *call, *part;
	} broken[] = { { "fdopendir", NULL }, { "openat", "cur" } };
	put("cur/1.a,S=44:2,S", MAIL);
	put(".Work/cur/2.a", "x");
	unsigned before = calls_open_descriptors();
	for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
		calls_break(broken[i].call, broken[i].part, CALLS_EACH, EACCES);
		g_autofree char *none = find("new/1.a", NULL);
		assert_true(calls_end() > 0);
		assert_null(none);
		assert_int_equal(calls_open_descriptors(), before);
	}
	g_autofree char *here = find("new/1.a", NULL);
	assert_string_equal(here, "cur/1.a,S=44:2,S");
	assert_int_equal(calls_open_descriptors(), before);
}

static void
test_reads_limit(void **state)
{
	(void) state;
	for (unsigned i = 0; i < LIMIT_KEPT_READS; i++) {
		g_autofree char *path = g_strdup_printf(".A/cur/%u.x,S=%zu:2,", i, strlen(MAIL));
		put(path, "no mail");
	}

	put("cur/2.b,S=44:2,", MAIL); /* the INBOX comes before */
	g_autofree char *here = find("new/1.a", NULL);
	assert_string_equal(here, "cur/2.b,S=44:2,");

	/* One more before it. */
	put("new/3.b,S=44", "no mail");
	for (unsigned i = 0; i < LIMIT_KEPT_READS; i++) {
		g_autofree char *path = g_strdup_printf("new/%u.x,S=%zu", i, strlen(MAIL));
		put(path, "no mail");
	}

	g_autofree char *gone = find("new/1.a", NULL);
	assert_null(gone);
}

static void
test_files_limit(void **state)
{
	(void) state;
	put("new/0", "");
	g_autofree char *new_path = g_build_filename(folder, "new", NULL);
	auto_fd int dir = open(new_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (unsigned i = 1; i < LIMIT_KEPT_FILES / 2 - 1; i++) {
		g_autofree char *name = g_strdup_printf("%u,S=1", i);
		assert_int_equal(mknodat(dir, name, S_IFREG | 0600, 0), 0);
	}

	put("cur/2.b,S=44:2,", MAIL); /* looked for by name first, then by size */
	g_autofree char *here = find("new/1.a", NULL);
	assert_string_equal(here, "cur/2.b,S=44:2,");
	put("new/more", "");
	put("new/more2", "");

	g_autofree char *gone = find("new/1.a", NULL);
	assert_null(gone);
}

static void
test_mbox_limit(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *path = g_build_filename(folder, "box", NULL);
	const MaildirOptions options = { .umask = 077, .durability = CONF_DURABILITY_NONE };
	g_autoptr(Maildir) inbox = maildir_open(folder, &options, &st);
	KeptCopy copy = { path, 0, (char *) (uintptr_t) SUBJECT, NOW };
	g_autoptr(GPtrArray) copies = g_ptr_array_new();
	g_ptr_array_add(copies, &copy);

	const KeptWanted wanted = { SUBJECT, &print, &print, "ann@x.test", &rules, NULL, NULL };
	for (off_t at = (off_t) LIMIT_KEPT_MBOX - 64; at <= (off_t) LIMIT_KEPT_MBOX; at += 64) {
		auto_fd int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		assert_int_equal(pwrite(fd, SUBJECT, 64, at), 64);
		const KeptCopy *found = NULL;
		g_autofree char *where = NULL;
		assert_int_equal(kept_find(inbox, copies, &wanted, &found, &where),
		                 at + 64 <= (off_t) LIMIT_KEPT_MBOX);
	}
}

static int
set_up(void **state)
{
	(void) state;
	folder = g_dir_make_tmp("todoke-test-XXXXXX", NULL);
	return folder != NULL ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void) state;
	fs_remove_tree(folder);
	g_clear_pointer(&folder, g_free);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest others[] = {
		cmocka_unit_test(test_lines),        cmocka_unit_test(test_long_history),
		cmocka_unit_test(test_copies_limit), cmocka_unit_test(test_history_limit),
		cmocka_unit_test(test_reads_limit),  cmocka_unit_test(test_files_limit),
		cmocka_unit_test(test_mbox_limit),   cmocka_unit_test(test_unreadable),
	};
	struct CMUnitTest tests[G_N_ELEMENTS(find_rows) + G_N_ELEMENTS(wait_rows) +
	                        G_N_ELEMENTS(copy_rows) + G_N_ELEMENTS(others)];
	size_t n = 0;

	UNIT_ROWS(tests, n, find_rows, test_find);
	UNIT_ROWS(tests, n, copy_rows, test_copy);
	UNIT_ROWS(tests, n, wait_rows, test_waits_of_two_hosts);
	memcpy(tests + n, others, sizeof others);
	n += G_N_ELEMENTS(others);

	for (size_t i = 0; i < n; i++) {
		tests[i].setup_func = set_up;
		tests[i].teardown_func = tear_down;
	}

	return _cmocka_run_group_tests("kept", tests, n, NULL, NULL);
}

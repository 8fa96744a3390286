/* SPDX-License-Identifier: MIT */
/* Drafts, names, modes: the format. */
#include "agent/store/maildir.h"

#include "agent/base/deadline.h"
#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/store/dotlock.h"
#include "agent/store/maildir-flags.h"
#include "conf/conf-choices.h"
#include "tests/lib/calls.h"
#include "tests/lib/scratch-check.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>
#include <utime.h>

static const char text[] = "A: 1\nB: 2\n\nbody\r\nmore\n";

static const MaildirOptions full = { .umask = 077,
	                             .durability = CONF_DURABILITY_FULL,
	                             .create = true };

static Maildir *
open_inbox(const char *dir, const MaildirOptions *options)
{
	g_auto(Status) st = STATUS_INIT;
	Maildir *maildir = maildir_open(dir, options, &st);
	assert_non_null(maildir);
	return maildir;
}

static Message *
message_of(const char *bytes)
{
	g_auto(Status) st = STATUS_INIT;
	Message *message = message_from_bytes(bytes, strlen(bytes), &st);
	assert_non_null(message);
	return message;
}

static MaildirDraft *
write_draft(Maildir *maildir, const char *letters)
{
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Message) message = message_of(text);
	MaildirDraft *draft = maildir_draft_new(maildir, &st);

	assert_non_null(draft);
	assert_true(maildir_draft_write(draft, message, message_headers(message), &st));
	assert_true(maildir_draft_prepare(draft, letters, &st));

	return draft;
}

static void
test_new(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_autofree char *path = g_build_filename(dir, "a/b/", NULL);
	g_autoptr(Maildir) maildir = open_inbox(path, &full);
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(MaildirDraft) draft = write_draft(maildir, "");
	scratch_check_list(dir, "a/b/new", "");
	assert_true(maildir_draft_commit(draft, &st));
	assert_true(maildir_flush(maildir, &st));

	g_autofree char *final = maildir_draft_final_path(draft),
			*only = scratch_only(dir, "a/b/new");
	assert_true(g_str_has_suffix(only, final));
	assert_true(g_regex_match_simple(
		"^new/\\d+\\.M\\d{6}P\\d+Q\\d+R[0-9a-f]{16}\\.[^,:/]+,S=22,W=26$", final, 0, 0));

	g_autofree char *got = scratch_read(only, NULL);
	assert_string_equal(got, text);
	struct stat sb;
	assert_int_equal(stat(only, &sb), 0);
	assert_int_equal(sb.st_mode & 07777, 0600);
	assert_int_equal(sb.st_nlink, 1);
	scratch_check_list(dir, "a/b/tmp", "");
	scratch_check_list(dir, "a/b/cur", "");
	scratch_remove(dir);
}

static void
test_flags_go_to_cur(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_autoptr(Maildir) maildir = open_inbox(dir, &full);
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(MaildirDraft) draft = write_draft(maildir, "SbFSa");
	assert_true(maildir_draft_commit(draft, &st));
	assert_true(maildir_flush(maildir, &st));

	g_autofree char *only = scratch_only(dir, "cur");
	assert_true(g_str_has_suffix(only, ",S=22,W=26:2,FSab"));
	scratch_check_list(dir, "new", "");
	scratch_remove(dir);
}

static void
test_letters_change_before_commit(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_autoptr(Maildir) maildir = open_inbox(dir, &full);
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(MaildirDraft) draft = write_draft(maildir, "");
	assert_true(maildir_draft_prepare(draft, "S", &st));
	assert_true(maildir_draft_commit(draft, &st));

	g_autofree char *only = scratch_only(dir, "cur");
	assert_true(g_str_has_suffix(only, ":2,S"));
	scratch_remove(dir);
}

static void
test_mode(void **state)
{
	(void) state;
	char *dir = scratch_new();
	MaildirOptions shared = { .umask = 027,
		                  .durability = CONF_DURABILITY_NONE,
		                  .create = true };
	g_autofree char *path = g_build_filename(dir, "M", NULL);
	g_autoptr(Maildir) maildir = open_inbox(path, &shared);
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(MaildirDraft) draft = write_draft(maildir, "");
	assert_true(maildir_draft_commit(draft, &st));

	g_autofree char *only = scratch_only(dir, "M/new");
	struct stat sb;
	assert_int_equal(stat(only, &sb), 0);
	assert_int_equal(sb.st_mode & 07777, 0640);
	assert_int_equal(stat(path, &sb), 0);
	assert_int_equal(sb.st_mode & 07777, 0750);
	scratch_remove(dir);
}

static void
test_dropped_draft_leaves_nothing(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_autoptr(Maildir) maildir = open_inbox(dir, &full);
	maildir_draft_free(write_draft(maildir, ""));
	scratch_check_list(dir, "tmp", "");
	scratch_check_list(dir, "new", "");
	scratch_remove(dir);
}

static void
test_never_replaces(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_autoptr(Maildir) maildir = open_inbox(dir, &full);
	MaildirDraft *draft = write_draft(maildir, "");
	g_autofree char *final = maildir_draft_final_path(draft);
	scratch_write(dir, final, "another's mail");

	g_auto(Status) st = STATUS_INIT;
	assert_false(maildir_draft_commit(draft, &st));
	assert_true(status_is_temporary(&st));

	g_autofree char *there = scratch_read(dir, final);
	assert_string_equal(there, "another's mail");
	maildir_draft_free(draft);
	scratch_check_list(dir, "tmp", "");
	scratch_remove(dir);
}

static void
test_take_back(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_autoptr(Maildir) maildir = open_inbox(dir, &full);
	g_autoptr(MaildirDraft) draft = write_draft(maildir, "");
	g_auto(Status) st = STATUS_INIT;
	maildir_draft_take_back(draft); /* not committed: nothing to do */
	assert_true(maildir_draft_commit(draft, &st));
	maildir_draft_take_back(draft);
	scratch_check_list(dir, "new", "");
	scratch_remove(dir);
}

static void
test_move_and_link(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_autoptr(Maildir) inbox = open_inbox(dir, &full);
	g_auto(Status) st = STATUS_INIT;
	bool created = false, moved = false;
	g_autoptr(Maildir) folder = maildir_open_below(inbox, ".A", true, &created, &st);
	assert_true(created);

	g_autoptr(MaildirDraft) draft = write_draft(inbox, "");
	assert_true(maildir_draft_move(draft, folder, &moved, &st));
	assert_true(moved);
	scratch_check_list(dir, "tmp", "");

	g_autoptr(MaildirDraft) other = NULL;
	assert_true(maildir_draft_link(draft, inbox, &other, &st));
	assert_non_null(other);
	assert_true(maildir_draft_prepare(draft, "", &st) &&
	            maildir_draft_prepare(other, "S", &st));
	assert_true(maildir_draft_commit(draft, &st) && maildir_draft_commit(other, &st));

	g_autofree char *one = scratch_only(dir, ".A/new"), *two = scratch_only(dir, "cur");
	struct stat a, b;
	assert_int_equal(stat(one, &a), 0);
	assert_int_equal(stat(two, &b), 0);
	assert_true(a.st_ino == b.st_ino && a.st_nlink == 2);
	scratch_check_list(dir, ".A/tmp", "");
	scratch_remove(dir);
}

static void
test_mends_what_is_missing(void **state)
{
	(void) state;
	char *dir = scratch_new(); /* no tmp, no new */
	MaildirOptions options = full;
	options.create = false;

	g_autoptr(Maildir) strict = open_inbox(dir, &options);
	g_auto(Status) st = STATUS_INIT;
	assert_null(maildir_draft_new(strict, &st));
	assert_int_equal(st.id, STATUS_MISSING);

	g_autoptr(Maildir) maildir = open_inbox(dir, &full);
	g_autoptr(MaildirDraft) draft = write_draft(maildir, "");
	status_clear(&st);
	assert_true(maildir_draft_commit(draft, &st));
	scratch_check_list(dir, "tmp", "");
	scratch_remove(dir);
}

static void
test_not_a_maildir(void **state)
{
	(void) state;
	char *dir = scratch_new();
	scratch_write(dir, "mbox", "");

	g_autofree char *file = g_build_filename(dir, "mbox", NULL),
			*missing = g_build_filename(dir, "none", NULL);
	g_auto(Status) st = STATUS_INIT;
	assert_null(maildir_open(file, &full, &st));
	assert_int_equal(st.id, STATUS_NOT_A_FOLDER);
	status_clear(&st);

	MaildirOptions options = full;
	options.create = false;
	assert_null(maildir_open(missing, &options, &st));
	assert_int_equal(st.id, STATUS_MISSING);
	scratch_check_list(dir, ".", "mbox");
	scratch_remove(dir);
}

static void
test_names_differ(void **state)
{
	(void) state;
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (int i = 0; i < 10000; i++)
		assert_true(g_hash_table_add(seen, maildir_unique_name()));
}

static void
test_host_is_escaped(void **state)
{
	(void) state;
	g_autofree char *plain = maildir_escape_host("mx1.example.org"),
			*odd = maildir_escape_host("a/b:c,S=1 \\\xfc");
	assert_string_equal(plain, "mx1.example.org");
	assert_string_equal(odd, "a\\057b\\072c\\054S=1\\040\\134\\374");
}

/* The deadline strikes while two drafts and their folder are open. */
static void
test_deadline_removes_drafts(void **state)
{
	(void) state;
	char *dir = scratch_new();
	pid_t child = fork();
	if (child == 0) {
		g_autoptr(Maildir) maildir = open_inbox(dir, &full);
		MaildirDraft *dropped = write_draft(maildir, "");
		g_autoptr(MaildirDraft) one = write_draft(maildir, "");
		maildir_draft_free(dropped);
		g_autoptr(MaildirDraft) two = write_draft(maildir, "");
		deadline_start(1, NULL);
		sleep(1000);
		_exit(0);
	}

	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EX_TEMPFAIL);
	scratch_check_list(dir, "tmp", "");
	scratch_remove(dir);
}

/* Flags of a message, and what comes of them. */
typedef struct {
	const char *name;
	const char *flags;    /* separated by blanks */
	const char *keywords; /* dovecot-keywords before; NULL: none */
	const char *want;
	const char *want_keywords;
	unsigned want_notes;
} FlagRow;

static const FlagRow flag_rows[] = {
	{ "no flags", "", NULL, "", NULL, 0 },
	{ "system flags", "\\Seen \\answered \\FLAGGED \\Deleted \\Draft", NULL, "SRFTD", NULL, 0 },
	{ "forwarded is a letter and a keyword", "$Forwarded", NULL, "Pa", "0 $Forwarded\n", 0 },
	{ "a new keyword", "Work", NULL, "a", "0 Work\n", 0 },
	{ "a known keyword, in another case", "work \\Seen", "0 $Label1\n3 Work\n", "Sd",
	  "0 $Label1\n3 Work\n", 0 },
	{ "the first free letter", "New", "0 A\n2 C\n", "b", "0 A\n1 New\n2 C\n", 0 },
	{ "what is no keyword", "\\Recent a*b (x", NULL, "", NULL, 3 },
	{ "a file that is damaged", "New", "0\n x\n99 Y\n-1 Z\n0 A\n0 B\n", "b", "0 A\n1 New\n",
	  0 },
	{ "a letter without a name is free", "New", "0 \n1 A\n", "a", "0 New\n1 A\n", 0 },
};

static GPtrArray *
flag_list(const char *flags)
{
	GPtrArray *list = g_ptr_array_new_with_free_func(g_free);
	g_auto(GStrv) words = g_strsplit(flags, " ", -1);

	for (size_t i = 0; words[i] != NULL; i++)
		if (words[i][0] != '\0')
			g_ptr_array_add(list, g_strdup(words[i]));
	return list;
}

static void
test_flags(void **state)
{
	const FlagRow *row = *state;
	char *dir = scratch_new();

	if (row->keywords != NULL)
		scratch_write(dir, "dovecot-keywords", row->keywords);
	g_autoptr(Maildir) maildir = open_inbox(dir, &full);
	g_autoptr(GPtrArray) flags = flag_list(row->flags),
			     notes = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *letters = maildir_flags_letters(maildir, flags, notes);
	assert_string_equal(letters, row->want);
	assert_int_equal(notes->len, row->want_notes);

	g_autofree char *keywords = scratch_read(dir, "dovecot-keywords"),
			*lock = scratch_read(dir, "dovecot-keywords.lock");
	assert_int_equal(g_strcmp0(keywords, row->want_keywords), 0);
	assert_null(lock);
	scratch_remove(dir);
}

static void
test_keyword_27(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_autoptr(GString) file = g_string_new(NULL);
	for (int i = 0; i < 26; i++)
		g_string_append_printf(file, "%d K%d\n", i, i);
	scratch_write(dir, "dovecot-keywords", file->str);

	g_autoptr(Maildir) maildir = open_inbox(dir, &full);
	g_autoptr(GPtrArray) flags = flag_list("K25 New"),
			     notes = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *letters = maildir_flags_letters(maildir, flags, notes),
			*after = scratch_read(dir, "dovecot-keywords");
	assert_string_equal(letters, "z");
	assert_int_equal(notes->len, 1);
	assert_string_equal(after, file->str);
	scratch_remove(dir);
}

/* One octet over the longest keyword, and one over the longest file. */
static void
test_keyword_limits(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_autoptr(Maildir) maildir = open_inbox(dir, &full);
	g_autofree char *longest = g_strnfill(LIMIT_KEYWORD, 'k'),
			*longer = g_strnfill(LIMIT_KEYWORD + 1, 'k');
	g_autoptr(GPtrArray) flags = flag_list(longest),
			     notes = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(flags, g_strdup(longer));

	g_autofree char *letters = maildir_flags_letters(maildir, flags, notes);
	assert_string_equal(letters, "a");
	assert_int_equal(notes->len, 1);

	g_autofree char *file = g_strnfill(LIMIT_SMALL_FILE + 1, '\n');
	scratch_write(dir, "dovecot-keywords", file);
	g_autofree char *none = maildir_flags_letters(maildir, flags, notes);
	assert_string_equal(none, "");
	assert_int_equal(notes->len, 3);
	file[LIMIT_SMALL_FILE] = '\0';
	scratch_write(dir, "dovecot-keywords", file);

	g_autofree char *again = maildir_flags_letters(maildir, flags, notes);
	assert_string_equal(again, "a");
	scratch_check_list(dir, ".", "dovecot-keywords");
	scratch_remove(dir);
}

/* A keyword behind a NUL keeps its letter: mail that has it would mean something else. */
static void
test_keywords_damaged(void **state)
{
	(void) state;
	static const char damaged[] = "0 Known\n\0\n1 Hidden\n";
	char *dir = scratch_new();
	g_autofree char *path = g_build_filename(dir, "dovecot-keywords", NULL), *after = NULL;
	gsize len = 0;
	assert_true(g_file_set_contents(path, damaged, sizeof damaged - 1, NULL));

	g_autoptr(Maildir) maildir = open_inbox(dir, &full);
	g_autoptr(GPtrArray) known = flag_list("Known"), flags = flag_list("New");
	g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *read = maildir_flags_letters(maildir, known, notes);
	assert_string_equal(read, "a");
	assert_int_equal(notes->len, 0);

	g_autofree char *letters = maildir_flags_letters(maildir, flags, notes);
	assert_string_equal(letters, "");
	assert_int_equal(notes->len, 1);

	assert_true(g_file_get_contents(path, &after, &len, NULL));
	assert_int_equal(len, sizeof damaged - 1);
	assert_memory_equal(after, damaged, len);
	scratch_remove(dir);
}

static void
test_keywords_locked(void **state)
{
	(void) state;
	char *dir = scratch_new();
	scratch_write(dir, "dovecot-keywords.lock", "");
	scratch_write(dir, "dovecot-keywords", "0 Known\n");

	g_autoptr(Maildir) maildir = open_inbox(dir, &full);
	g_autoptr(GPtrArray) known = flag_list("Known"), flags = flag_list("\\Seen Work");
	g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *read = maildir_flags_letters(maildir, known, notes);
	assert_string_equal(read, "a");
	assert_int_equal(notes->len, 0);

	g_autofree char *letters = maildir_flags_letters(maildir, flags, notes);
	assert_string_equal(letters, "S");
	assert_int_equal(notes->len, 1);

	/* A lock that a dead program left goes away. */
	g_autofree char *lock = g_build_filename(dir, "dovecot-keywords.lock", NULL);
	struct utimbuf long_ago = { .actime = time(NULL) - 600, .modtime = time(NULL) - 600 };
	assert_int_equal(utime(lock, &long_ago), 0);

	g_autofree char *now = maildir_flags_letters(maildir, flags, notes);
	assert_string_equal(now, "Sb");
	scratch_check_list(dir, ".", "dovecot-keywords");
	scratch_remove(dir);
}

/* As a program that is slow: the keyword is there, and its lock stays. */
static void
write_keyword(const char *dir)
{
	g_autofree char *path = g_build_filename(dir, "dovecot-keywords", NULL);
	g_usleep(300000);
	_exit(g_file_set_contents(path, "0 Known\n1 New\n", -1, NULL) ? 0 : 1);
}

/* Many deliveries that want the same new keyword do not wait for the lock one after the other. */
static void
test_keyword_by_lock_holder(void **state)
{
	(void) state;
	char *dir = scratch_new();
	scratch_write(dir, "dovecot-uidlist.lock", "");
	scratch_write(dir, "dovecot-keywords", "0 Known\n");
	g_autoptr(Maildir) maildir = open_inbox(dir, &full);
	g_autoptr(GPtrArray) flags = flag_list("New");
	g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
	int status = 0;

	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		write_keyword(dir);
	g_autofree char *letters = maildir_flags_letters(maildir, flags, notes);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_string_equal(letters, "b");
	assert_int_equal(notes->len, 0);
	scratch_remove(dir);
}

/* DotlockEdit. As Dovecot does where it needs the lock file itself. */
static char *
take_lock_away(const char *old, size_t len, void *user)
{
	(void) old;
	(void) len;
	g_autofree char *lock = g_build_filename(user, "dovecot-keywords.lock", NULL);
	assert_int_equal(unlink(lock), 0);
	return g_strdup("0 New\n");
}

static void
test_lock_taken_away(void **state)
{
	(void) state;
	char *dir = scratch_new();
	auto_fd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g_auto(Status) st = STATUS_INIT;
	assert_false(dotlock_try_edit_under(fd, "dovecot-uidlist", "dovecot-keywords",
	                                    take_lock_away, dir, &st));
	assert_int_equal(st.id, STATUS_LOCKED); /* may be tried again */
	scratch_check_list(dir, ".", "");
	scratch_remove(dir);
}

/* A file that became shorter ends a read, whatever errno says from before. */
static void
test_shrinking_file(void **state)
{
	(void) state;
	g_autofree char *dir = scratch_new();
	Status st = STATUS_INIT;
	scratch_write(dir, "mail", text);

	g_autofree char *path = g_build_filename(dir, "mail", NULL);
	g_autoptr(Message) message = message_from_file(open(path, O_RDONLY | O_CLOEXEC), &st);
	g_autoptr(Maildir) maildir = open_inbox(dir, &full);
	g_autoptr(MaildirDraft) draft = write_draft(maildir, NULL);
	g_autofree char *name = g_strdup(maildir_draft_name(draft));
	assert_true(maildir_draft_commit(draft, &st));

	bool shows = false;
	assert_true(maildir_shows_body(maildir, name, message, &shows, &st));
	assert_true(shows);
	assert_int_equal(truncate(path, (off_t) strlen("A: 1\nB: 2\n\nbo")), 0);
	(void) alarm(120); /* it would read for ever */
	errno = EINTR;
	assert_true(maildir_shows_body(maildir, name, message, &shows, &st));
	assert_false(shows);

	char data[8];
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fs_read_exactly_at(fd, 0, data, 4, "mail", &st));
	assert_memory_equal(data, "A: 1", 4);
	errno = EINTR;
	assert_false(fs_read_exactly_at(fd, 10, data, sizeof data, "mail", &st));
	assert_int_equal(st.id, STATUS_TRUNCATED);
	(void) alarm(0);
	status_clear(&st);
	scratch_remove(g_steal_pointer(&dir));
}

/*
 * A folder that cannot be listed may show it: a retry that took it for gone would store it twice.
 */
static void
test_broken_listing(void **state)
{
	(void) state;
	char *dir = scratch_new();
	Status st = STATUS_INIT;
	g_autoptr(Message) message = message_of(text);
	g_autoptr(Maildir) maildir = open_inbox(dir, &full);
	g_autoptr(MaildirDraft) draft = write_draft(maildir, NULL);
	g_autofree char *name = g_strdup(maildir_draft_name(draft));
	assert_true(maildir_draft_commit(draft, &st));

	bool found = false, shows = false;
	calls_break("readdir", NULL, CALLS_EACH, EIO);
	assert_false(maildir_find_file(maildir, name, &found, &st));
	assert_int_equal(st.id, STATUS_IO);
	status_clear(&st);
	assert_false(maildir_shows_body(maildir, name, message, &shows, &st));
	assert_int_equal(st.id, STATUS_IO);
	status_clear(&st);
	(void) calls_end();

	errno = EIO; /* of another call */
	assert_true(maildir_find_file(maildir, "other", &found, &st));
	assert_false(found);
	assert_true(maildir_find_file(maildir, name, &found, &st));
	assert_true(found);
	scratch_remove(dir);
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(flag_rows) + 21];
	size_t n = 0;

	UNIT_ROWS(tests, n, flag_rows, test_flags);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_new);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_flags_go_to_cur);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_letters_change_before_commit);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_mode);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_dropped_draft_leaves_nothing);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_never_replaces);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_take_back);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_move_and_link);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_mends_what_is_missing);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_not_a_maildir);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_names_differ);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_host_is_escaped);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_deadline_removes_drafts);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_keyword_27);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_keyword_limits);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_keywords_damaged);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_keywords_locked);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_keyword_by_lock_holder);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_lock_taken_away);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_shrinking_file);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_broken_listing);

	return _cmocka_run_group_tests("maildir", tests, n, NULL, NULL);
}

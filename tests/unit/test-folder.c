/* SPDX-License-Identifier: MIT */
/* Which folder a name is, which it cannot be, and what comes with a new one. */
#include "agent/store/folder.h"

#include "agent/base/limits.h"
#include "conf/conf-choices.h"
#include "tests/lib/scratch.h"
#include "tests/unit/unit.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	PP = CONF_FOLDER_LAYOUT_MAILDIRPP,
	FS = CONF_FOLDER_LAYOUT_FS,
	UTF7 = CONF_FOLDER_NAMES_UTF_7,
	UTF8 = CONF_FOLDER_NAMES_UTF_8
};

typedef struct {
	const char *name;
	unsigned layout, names;
	const char *separator, *prefix;
	const char *in;
	const char *want; /* the path; "!why": refused */
} Row;

static const Row rows[] = {
	{ "the INBOX", PP, UTF7, "/", "", "INBOX", "" },
	{ "the INBOX in any case", PP, UTF7, "/", "", "inBox", "" },
	{ "the INBOX behind the prefix", PP, UTF7, ".", "INBOX.", "INBOX.INBOX", "" },
	{ "one level", PP, UTF7, "/", "", "Work", ".Work" },
	{ "two levels", PP, UTF7, "/", "", "Work/Customers", ".Work.Customers" },
	{ "two levels by dots", PP, UTF7, ".", "", "Work.Customers", ".Work.Customers" },
	{ "the prefix goes", PP, UTF7, ".", "INBOX.", "INBOX.Work.New", ".Work.New" },
	{ "the prefix may be missing", PP, UTF7, ".", "INBOX.", "Work.New", ".Work.New" },
	{ "no separator is a slash", PP, UTF7, "", "", "Work/New", ".Work.New" },
	{ "below INBOX without a prefix", PP, UTF7, "/", "", "INBOX/Work", ".INBOX.Work" },
	{ "Japanese in UTF-7", PP, UTF7, "/", "", "\u65e5\u672c\u8a9e/a", ".&ZeVnLIqe-.a" },
	{ "Japanese in UTF-8", PP, UTF8, "/", "", "\u65e5\u672c\u8a9e/a", ".\u65e5\u672c\u8a9e.a" },
	{ "fs", FS, UTF7, "/", "", "Work/Customers", "Work/Customers" },
	{ "fs, dots separate", FS, UTF7, ".", "", "Work.New", "Work/New" },
	{ "fs, a dot within", FS, UTF7, "/", "", "Lists/a.example", "Lists/a.example" },
	{ "a dot within", PP, UTF7, "/", "", "Lists/a.example",
	  "!has a '.' within a level, which Maildir++ cannot hold" },
	{ "nothing", PP, UTF7, "/", "", "", "!has an empty level" },
	{ "only the prefix", PP, UTF7, ".", "INBOX.", "INBOX.", "!has an empty level" },
	{ "an empty level in front", FS, UTF7, "/", "", "/etc", "!has an empty level" },
	{ "an empty level behind", FS, UTF7, "/", "", "a/", "!has an empty level" },
	{ "an empty level within", PP, UTF7, ".", "", "a..b", "!has an empty level" },
	{ "up", FS, UTF7, "/", "", "../a", "!has a level that begins with '.'" },
	{ "up, later", FS, UTF7, "/", "", "a/../../b", "!has a level that begins with '.'" },
	{ "up, Maildir++", PP, UTF7, "/", "", "a/../b", "!has a level that begins with '.'" },
	{ "here", FS, UTF7, "/", "", "./a", "!has a level that begins with '.'" },
	{ "a Maildir++ folder in fs", FS, UTF7, "/", "", ".Work",
	  "!has a level that begins with '.'" },
	{ "up between dots", PP, UTF7, ".", "", "a/../b", "!has a '/' within a level" },
	{ "a slash within", PP, UTF7, ".", "", "a/b", "!has a '/' within a level" },
	{ "a slash within, fs", FS, UTF7, ".", "", "a/b", "!has a '/' within a level" },
	{ "a home", FS, UTF7, "/", "", "~root/a", "!begins with '~'" },
	{ "new in fs", FS, UTF7, "/", "", "a/new", "!has a level that is a part of every Maildir" },
	{ "new in Maildir++", PP, UTF7, "/", "", "a/new", ".a.new" },
	{ "a line end", PP, UTF7, "/", "", "a\nb", "!has a control character" },
	{ "no UTF-8", PP, UTF7, "/", "", "a\xff", "!is not valid UTF-8" },
	{ "an overlong slash", PP, UTF8, "/", "", "a\xc0\xaf", "!is not valid UTF-8" },
};

static void
check_path(const FolderRules *rules, const char *in, const char *want)
{
	const char *why = NULL;
	g_autofree char *path = folder_path(rules, NULL, in, &why);
	g_autofree char *got = path != NULL ? g_strdup(path) : g_strconcat("!", why, NULL);
	assert_string_equal(got, want);
}

static void
test_path(void **state)
{
	const Row *row = *state;
	FolderRules rules = { .layout = row->layout,
		              .names = row->names,
		              .separator = row->separator,
		              .prefix = row->prefix };

	check_path(&rules, row->in, row->want);
}

/* With a sign that escapes. */
typedef struct {
	const char *name;
	char escape;
	unsigned layout;
	const char *separator;
	const char *in;
	const char *want;
} EscapeRow;

static const EscapeRow escape_rows[] = {
	{ "a dot within is escaped", '\\', PP, "/", "Lists/a.example", ".Lists.a\\2eexample" },
	{ "another sign escapes", '^', PP, "/", "a.b", ".a^2eb" },
	{ "the sign itself is escaped", '\\', PP, "/", "a\\b", ".a\\5cb" },
	{ "a slash within is escaped", '\\', PP, ".", "a/b", ".a\\2fb" },
	{ "up is escaped", '\\', PP, "/", "../a", ".\\2e\\2e.a" },
	{ "up is escaped in fs", '\\', FS, "/", "../a", "\\2e./a" },
	{ "up, later, is escaped in fs", '\\', FS, "/", "a/../../b", "a/\\2e./\\2e./b" },
	{ "fs, a dot within stays", '\\', FS, "/", "Lists/a.example", "Lists/a.example" },
	{ "a Maildir++ folder in fs is escaped", '\\', FS, "/", ".Work", "\\2eWork" },
	{ "a home is escaped", '\\', FS, "/", "~root/~a", "\\7eroot/~a" },
	{ "Japanese and a dot", '\\', PP, "/", "\u65e5\u672c.a", ".&ZeVnLA-\\2ea" },
	{ "new in fs, escaped or not", '\\', FS, "/", "a/new",
	  "!has a level that is a part of every Maildir" },
	{ "empty levels stay wrong", '\\', PP, "/", "a//b", "!has an empty level" },
};

static void
test_escape(void **state)
{
	const EscapeRow *row = *state;
	FolderRules rules = { .layout = row->layout,
		              .names = UTF7,
		              .separator = row->separator,
		              .prefix = "",
		              .escape = row->escape };

	check_path(&rules, row->in, row->want);
}

/* The way back: a path, and the name that means it with the separator auto (NULL: none does). */
static const struct {
	unsigned layout;
	const char *path, *name;
} names[] = {
	{ PP, "", "INBOX" },
	{ PP, ".Work", "Work" },
	{ PP, ".Work.Customers", "Work/Customers" },
	{ PP, ".v1.0", "v1/0" },
	{ PP, ".Lists.a\\2eexample", "Lists/a.example" },
	{ PP, ".&ZeVnLIqe-", "\u65e5\u672c\u8a9e" },
	{ PP, "lists", NULL },
	{ PP, "v1.0", NULL },
	{ PP, ".a..b", NULL },
	{ PP, ".", NULL },
	{ PP, ".INBOX.Work", NULL },
	{ PP, ".a&b", NULL },
	{ PP, ".a/b", NULL },
	{ PP, ".a\\", NULL },
	{ PP, ".a\\5c", "a\\" },
	{ PP, ".a\\41", NULL },
	{ FS, "", "INBOX" },
	{ FS, "lists", "lists" },
	{ FS, "v1.0/a", "v1.0/a" },
	{ FS, ".Work", NULL },
	{ FS, "a/new", NULL },
	{ FS, "a//b", NULL },
};

static void
test_names(void **state)
{
	(void) state;
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		const FolderRules rules = { .layout = names[i].layout,
			                    .names = UTF7,
			                    .separator = "auto",
			                    .prefix = "",
			                    .escape = '\\' };
		g_autofree char *got = folder_name(&rules, NULL, names[i].path);
		if (g_strcmp0(got, names[i].name) != 0)
			fail_msg("'%s': got '%s', want '%s'", names[i].path, got, names[i].name);
	}

	const FolderRules dots = {
		.layout = PP, .names = UTF7, .separator = ".", .prefix = "INBOX.", .escape = '\0'
	};
	g_autofree char *got = folder_name(&dots, NULL, ".Work.Customers");
	assert_string_equal(got, "Work.Customers");
}

static const FolderRules plain = { .layout = PP,
	                           .names = UTF7,
	                           .separator = "/",
	                           .prefix = "",
	                           .create = true,
	                           .subscribe = true };

static void
test_limits(void **state)
{
	(void) state;
	FolderRules fs = plain;
	fs.layout = FS;

	g_autofree char *component = g_strnfill(LIMIT_FILE_NAME, 'x');
	check_path(&fs, component, component);
	g_autofree char *longer = g_strnfill(LIMIT_FILE_NAME + 1, 'x');
	check_path(&fs, longer, "!is too long for the file system");
	check_path(&plain, component, "!is too long for the file system");

	g_autofree char *dotted = g_strconcat(".", component + 1, NULL);
	check_path(&plain, component + 1, dotted);
	g_autoptr(GString) levels = g_string_new("1");
	for (unsigned i = 1; i < LIMIT_FOLDER_LEVELS; i++)
		g_string_append(levels, "/1");
	check_path(&fs, levels->str, levels->str);
	g_string_append(levels, "/1");
	check_path(&fs, levels->str, "!has too many levels");

	g_autofree char *name = g_strnfill(LIMIT_FOLDER_NAME + 1, 'x');
	for (size_t i = 100; i < LIMIT_FOLDER_NAME; i += 101)
		name[i] = '/';
	check_path(&fs, name, "!is too long");
	name[LIMIT_FOLDER_NAME] = '\0';
	check_path(&fs, name, name);
}

/* An INBOX in a folder of its own. */
typedef struct {
	char *dir;
	Maildir *inbox;
	GPtrArray *notes;
} Place;

static Place
place_new(void)
{
	static const MaildirOptions options = { .umask = 077,
		                                .durability = CONF_DURABILITY_FULL,
		                                .create = true };
	g_auto(Status) st = STATUS_INIT;
	Place place = { .dir = scratch_new(), .notes = g_ptr_array_new_with_free_func(g_free) };

	place.inbox = maildir_open(place.dir, &options, &st);
	assert_non_null(place.inbox);
	return place;
}

static void
place_remove(Place *place)
{
	maildir_free(place->inbox);
	g_ptr_array_unref(place->notes);
	scratch_remove(place->dir);
}

/*
 * The separator "auto": which folders are there (blanks between; paths), a name, the folder that it
 * means.
 */
typedef struct {
	const char *name;
	const char *there;
	const char *in;
	const char *want;
} AutoRow;

static const AutoRow auto_rows[] = {
	{ "auto: a slash separates", "", "Work/Customers", ".Work.Customers" },
	{ "auto: a dot beside a slash is escaped", "", "Work/a.b", ".Work.a\\2eb" },
	{ "auto: dots, the folder of levels exists", ".Work.Customers", "Work.Customers",
	  ".Work.Customers" },
	{ "auto: dots, the escaped folder exists", ".Work\\2eCustomers", "Work.Customers",
	  ".Work\\2eCustomers" },
	{ "auto: dots, both exist", ".Work.Customers .Work\\2eCustomers", "Work.Customers",
	  ".Work.Customers" },
	{ "auto: dots, none exists", "", "Work.Customers", ".Work.Customers" },
	{ "auto: dots, none exists, but the one above", ".Work", "Work.Customers",
	  ".Work.Customers" },
	{ "auto: dots that cannot be levels", "", "to be.", ".to be\\2e" },
	{ "auto: two dots", "", "a..b", ".a\\2e\\2eb" },
	{ "auto: up", "", "..", ".\\2e\\2e" },
	{ "auto: up with a slash", "", "../a", ".\\2e\\2e.a" },
	{ "auto: below INBOX, the folder exists", ".INBOX.Work", "INBOX.Work", ".INBOX.Work" },
	{ "auto: below INBOX, it does not", ".Work", "INBOX.Work", ".Work" },
	{ "auto: below INBOX, none does", "", "Inbox.Work.New", ".Work.New" },
	{ "auto: below INBOX by a slash", "", "INBOX/Work", ".Work" },
	{ "auto: below INBOX by a slash, the folder exists", ".INBOX.Work", "INBOX/Work",
	  ".INBOX.Work" },
	{ "auto: below INBOX, the INBOX", "", "INBOX.INBOX", "" },
	{ "auto: below INBOX, nothing", "", "INBOX.", "!has an empty level" },
	{ "auto: only a name like INBOX", "", "INBOXES.a", ".INBOXES.a" },
	{ "auto: the name on the disk", ".Work\\2eCustomers", "Work\\2eCustomers",
	  ".Work\\2eCustomers" },
	{ "auto: the sign in a name", "", "Work\\2eCustomers", ".Work\\5c2eCustomers" },
	{ "auto: a folder with the sign in it", ".a\\b", "a\\b", ".a\\b" },
	{ "auto: empty", "", "", "!has an empty level" },
	{ "auto: a dot", "", ".", ".\\2e" },
};

static void
test_auto(void **state)
{
	const AutoRow *row = *state;
	Place place = place_new();
	g_auto(GStrv) there = g_strsplit(row->there, " ", -1);

	for (size_t i = 0; there[i] != NULL && there[i][0] != '\0'; i++) {
		g_autofree char *path = g_build_filename(place.dir, there[i], "tmp", NULL);
		assert_int_equal(g_mkdir_with_parents(path, 0700), 0);
	}

	const char *why = NULL;
	const FolderRules rules = {
		.layout = PP, .names = UTF7, .separator = "auto", .prefix = "", .escape = '\\'
	};
	g_autofree char *path = folder_path(&rules, place.inbox, row->in, &why);
	g_autofree char *got = path != NULL ? g_strdup(path) : g_strconcat("!", why, NULL);
	assert_string_equal(got, row->want);
	place_remove(&place);
}

static void
test_escape_sign(void **state)
{
	(void) state;
	assert_int_equal(folder_escape_sign("\\"), '\\');
	assert_int_equal(folder_escape_sign("^"), '^');

	static const char *const none[] = { NULL, "",  "a",    "7", ".",  "/",
		                            "~",  "&", "\\\\", " ", "\n", "\xc3\xa4" };
	for (size_t i = 0; i < G_N_ELEMENTS(none); i++)
		assert_int_equal(folder_escape_sign(none[i]), '\0');
}

static void
test_auto_without_escapes(void **state)
{
	(void) state;
	const FolderRules rules = {
		.layout = PP, .names = UTF7, .separator = "auto", .prefix = ""
	};
	check_path(&rules, "Work.Customers", ".Work.Customers");
	check_path(&rules, "a/b.c", "!has a '.' within a level, which Maildir++ cannot hold");
	check_path(&rules, "a..b", "!has a '.' within a level, which Maildir++ cannot hold");
}

static void
test_auto_in_fs(void **state)
{
	(void) state;
	const FolderRules rules = {
		.layout = FS, .names = UTF7, .separator = "auto", .prefix = "", .escape = '\\'
	};
	check_path(&rules, "Work.Customers", "Work.Customers");
	check_path(&rules, "INBOX/Work", "INBOX/Work");
	check_path(&rules, "Work/Customers", "Work/Customers");
}

static Maildir *
open_folder(Place *place, const FolderRules *rules, const char *path, bool create)
{
	g_auto(Status) st = STATUS_INIT;
	Maildir *maildir = (Maildir *) 9999;
	assert_true(folder_open(place->inbox, rules, path, create, &maildir, place->notes, &st));
	return maildir;
}

static void
test_new_folder(void **state)
{
	(void) state;
	Place place = place_new();
	assert_false(folder_exists(place.inbox, &plain, "Work/New"));

	g_autoptr(Maildir) made = open_folder(&place, &plain, ".Work.New", false);
	assert_string_equal(maildir_path(made), ".Work.New");
	g_autofree char *inside = scratch_list(place.dir, ".Work.New");
	assert_string_equal(inside, "cur maildirfolder new tmp todoke-mailboxid");

	g_autofree char *subscribed = scratch_read(place.dir, "subscriptions");
	assert_string_equal(subscribed, "Work.New\n");
	assert_true(folder_exists(place.inbox, &plain, "Work/New"));
	assert_true(folder_exists(place.inbox, &plain, "inbox"));
	assert_false(folder_exists(place.inbox, &plain, "../etc"));

	struct stat sb;
	g_autofree char *path = g_build_filename(place.dir, ".Work.New", NULL);
	assert_int_equal(stat(path, &sb), 0);
	assert_int_equal(sb.st_mode & 07777, 0700);
	assert_int_equal(place.notes->len, 0);

	/* The second time nothing is made, and nothing subscribed twice. */
	scratch_write(place.dir, "subscriptions", "Other\n");
	g_autoptr(Maildir) again = open_folder(&place, &plain, ".Work.New", false);
	assert_non_null(again);

	g_autofree char *later = scratch_read(place.dir, "subscriptions");
	assert_string_equal(later, "Other\n");
	place_remove(&place);
}

static void
test_new_fs_folder(void **state)
{
	(void) state;
	Place place = place_new();
	FolderRules fs = plain;
	fs.layout = FS;

	g_autoptr(Maildir) made = open_folder(&place, &fs, "Work/New", false);
	g_autofree char *inside = scratch_list(place.dir, "Work/New"),
			*above = scratch_list(place.dir, "Work");
	assert_string_equal(inside, "cur new tmp todoke-mailboxid");
	assert_string_equal(above, "New");

	g_autofree char *subscribed = scratch_read(place.dir, "subscriptions");
	assert_string_equal(subscribed, "Work/New\n");

	/* The level between is a folder on the disk, but no mailbox. */
	assert_false(folder_exists(place.inbox, &fs, "Work"));
	fs.create = false;
	assert_null(open_folder(&place, &fs, "Work", false));
	place_remove(&place);
}

static void
test_subscriptions_version_2(void **state)
{
	(void) state;
	Place place = place_new();
	scratch_write(place.dir, "subscriptions", "V\t2\n\nA\tB\n");

	g_autoptr(Maildir) made = open_folder(&place, &plain, ".Work.New", false);
	g_autofree char *subscribed = scratch_read(place.dir, "subscriptions");
	assert_string_equal(subscribed, "V\t2\n\nA\tB\nWork\tNew\n");

	g_autoptr(Maildir) known = open_folder(&place, &plain, ".A.B", false);
	g_autofree char *same = scratch_read(place.dir, "subscriptions");
	assert_string_equal(same, "V\t2\n\nA\tB\nWork\tNew\n");
	place_remove(&place);
}

/* The end of its first line is lost: it is that form all the same, and nothing is added twice. */
static void
test_subscriptions_head_cut(void **state)
{
	(void) state;
	Place place = place_new();
	scratch_write(place.dir, "subscriptions", "V\t2");

	static const char *const boxes[] = { ".Work.New", ".A", ".Work.New" };
	for (size_t i = 0; i < G_N_ELEMENTS(boxes); i++)
		maildir_free(open_folder(&place, &plain, boxes[i], false));
	g_autofree char *subscribed = scratch_read(place.dir, "subscriptions");
	assert_string_equal(subscribed, "V\t2\nWork\tNew\nA\n");
	place_remove(&place);
}

/* As a power cut leaves a file: what stands behind the NUL must not be lost by our line. */
static void
test_subscriptions_damaged(void **state)
{
	(void) state;
	static const char damaged[] = "A\n\0\0\nB\n";
	Place place = place_new();
	g_autofree char *path = g_build_filename(place.dir, "subscriptions", NULL), *after = NULL;
	gsize len = 0;
	assert_true(g_file_set_contents(path, damaged, sizeof damaged - 1, NULL));

	g_autoptr(Maildir) made = open_folder(&place, &plain, ".Work", false);
	assert_non_null(made);
	assert_int_equal(place.notes->len, 1);
	assert_non_null(strstr(place.notes->pdata[0], "cannot subscribe"));

	assert_true(g_file_get_contents(path, &after, &len, NULL));
	assert_int_equal(len, sizeof damaged - 1);
	assert_memory_equal(after, damaged, len);
	place_remove(&place);
}

static void
test_may_not_be_made(void **state)
{
	(void) state;
	Place place = place_new();
	FolderRules rules = plain;
	rules.create = rules.subscribe = false;
	assert_null(open_folder(&place, &rules, ".Work", false));
	assert_int_equal(place.notes->len, 1);
	assert_non_null(strstr(place.notes->pdata[0], "stored in the INBOX"));

	g_autoptr(Maildir) made = open_folder(&place, &rules, ".Work", true);
	assert_non_null(made);
	g_autofree char *subscribed = scratch_read(place.dir, "subscriptions");
	assert_null(subscribed);
	place_remove(&place);
}

static void
test_no_folder_there(void **state)
{
	(void) state;
	Place place = place_new();
	scratch_write(place.dir, ".File", "");
	assert_null(open_folder(&place, &plain, ".File", true));

	g_autofree char *link = g_build_filename(place.dir, ".Nowhere", NULL);
	assert_int_equal(symlink("/nonexistent/todoke", link), 0);
	assert_null(open_folder(&place, &plain, ".Nowhere", true));

	g_autofree char *loop = g_build_filename(place.dir, ".Loop", NULL);
	assert_int_equal(symlink(".Loop", loop), 0);
	assert_null(open_folder(&place, &plain, ".Loop", true));
	assert_int_equal(place.notes->len, 3);
	place_remove(&place);
}

static void
test_subscriptions_locked(void **state)
{
	(void) state;
	Place place = place_new();
	scratch_write(place.dir, "subscriptions.lock", "");

	g_autoptr(Maildir) made = open_folder(&place, &plain, ".Work", false);
	assert_non_null(made);
	assert_int_equal(place.notes->len, 1);
	assert_non_null(strstr(place.notes->pdata[0], "cannot subscribe"));

	g_autofree char *lock = scratch_read(place.dir, "subscriptions.lock");
	assert_non_null(lock);
	place_remove(&place);
}

/* What is meant by a name with the other separator, where it can be a name at all. */
static void
test_better_name(void **state)
{
	(void) state;
	static const struct {
		const char *separator, *name, *want;
	} meant[] = {
		{ "/", "Lists.foo", "Lists/foo" },
		{ ".", "Lists/foo/bar", "Lists.foo.bar" },
		{ "", "Lists.foo", "Lists/foo" },
		{ "/", "Lists", NULL },
		{ "/", "", NULL },
		{ "/", "a/b.c", NULL },
		{ "/", "Lists..foo", NULL },
		{ FOLDER_SEPARATOR_AUTO, "Lists.foo", NULL },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(meant); i++) {
		const FolderRules own = { .layout = CONF_FOLDER_LAYOUT_MAILDIRPP,
			                  .names = CONF_FOLDER_NAMES_UTF_8,
			                  .separator = meant[i].separator,
			                  .prefix = "" };
		g_autofree char *better = folder_better_name(&own, meant[i].name);
		assert_int_equal(g_strcmp0(better, meant[i].want), 0);
	}
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + G_N_ELEMENTS(escape_rows) +
	                        G_N_ELEMENTS(auto_rows) + 14];
	size_t n = 0;
	UNIT_ROWS(tests, n, rows, test_path);
	UNIT_ROWS(tests, n, escape_rows, test_escape);
	UNIT_ROWS(tests, n, auto_rows, test_auto);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_escape_sign);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_auto_in_fs);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_better_name);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_names);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_auto_without_escapes);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_limits);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_new_folder);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_new_fs_folder);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_subscriptions_version_2);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_subscriptions_head_cut);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_subscriptions_damaged);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_may_not_be_made);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_no_folder_there);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_subscriptions_locked);

	return _cmocka_run_group_tests("folder", tests, n, NULL, NULL);
}

/* Which folder a name is, which it cannot be, and what comes with a new one. */
#include "agent/store/folder.h"

#include "agent/base/limits.h"
#include "conf/conf-choices.h"
#include "tests/lib/scratch.h"
#include "tests/unit/unit.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PP = FOLDER_LAYOUT_MAILDIRPP, FS = FOLDER_LAYOUT_FS, UTF7 = FOLDER_NAMES_UTF7, UTF8 = FOLDER_NAMES_UTF8 };

typedef struct {
	const char *name;
	unsigned layout, names;
	const char *separator, *prefix;
	const char *in;
	const char *want;  /* the path; "!why": refused */
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
	{ "a dot within", PP, UTF7, "/", "", "Lists/a.example", "!has a '.' within a level, which Maildir++ cannot hold" },
	{ "nothing", PP, UTF7, "/", "", "", "!has an empty level" },
	{ "only the prefix", PP, UTF7, ".", "INBOX.", "INBOX.", "!has an empty level" },
	{ "an empty level in front", FS, UTF7, "/", "", "/etc", "!has an empty level" },
	{ "an empty level behind", FS, UTF7, "/", "", "a/", "!has an empty level" },
	{ "an empty level within", PP, UTF7, ".", "", "a..b", "!has an empty level" },
	{ "up", FS, UTF7, "/", "", "../a", "!has a level that begins with '.'" },
	{ "up, later", FS, UTF7, "/", "", "a/../../b", "!has a level that begins with '.'" },
	{ "up, Maildir++", PP, UTF7, "/", "", "a/../b", "!has a level that begins with '.'" },
	{ "here", FS, UTF7, "/", "", "./a", "!has a level that begins with '.'" },
	{ "a Maildir++ folder in fs", FS, UTF7, "/", "", ".Work", "!has a level that begins with '.'" },
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
	g_autofree char *path = folder_path(rules, in, &why);
	g_autofree char *got = path != NULL ? g_strdup(path) : g_strconcat("!", why, NULL);
	assert_string_equal(got, want);
}

static void
test_path(void **state)
{
	const Row *row = *state;
	FolderRules rules = { .layout = row->layout, .names = row->names, .separator = row->separator, .prefix = row->prefix };
	check_path(&rules, row->in, row->want);
}

static const FolderRules plain = { .layout = PP, .names = UTF7, .separator = "/", .prefix = "", .create = true, .subscribe = true };

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
	static const MaildirOptions options = { .umask = 077, .durability = DURABILITY_FULL, .create = true };
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
	assert_string_equal(inside, "cur maildirfolder new tmp");
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
	g_autofree char *inside = scratch_list(place.dir, "Work/New"), *above = scratch_list(place.dir, "Work");
	assert_string_equal(inside, "cur new tmp");
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

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + 7];
	size_t n = 0;
	UNIT_ROWS(tests, n, rows, test_path);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_limits);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_new_folder);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_new_fs_folder);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_subscriptions_version_2);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_may_not_be_made);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_no_folder_there);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_subscriptions_locked);
	return _cmocka_run_group_tests("folder", tests, n, NULL, NULL);
}

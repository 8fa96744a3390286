/* SPDX-License-Identifier: MIT */
/*
 * The file maildirsize: what is read, when the mailbox is counted anew, what is written, what is
 * refused.
 */
#define _GNU_SOURCE
#include "agent/store/quota.h"

#include "agent/base/limits.h"
#include "agent/deliver/deliver.h"
#include "agent/store/quota-memory.h"
#include "agent/store/quota-rule.h"
#include "agent/store/quota-service.h"
#include "conf/conf-choices.h"
#include "tests/lib/scratch.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>

/*
 * The mailbox of all rows: 100 + 20 in the INBOX, 7 (by its length) in Work, and in the trash what
 * usually does not count.
 */
static const char *const folders[] = {
	"new",       "cur",    "tmp",        ".Work",      ".Work/new",
	".Work/cur", ".Trash", ".Trash/new", ".Trash/cur",
};
static const struct {
	const char *path, *text;
} files[] = {
	{ "new/1.a,S=100", "" },
	{ "cur/2.b,S=20,W=21:2,S", "" },
	{ "cur/3.c,S=5000:2,ST", "" },
	{ ".Work/cur/4.d:2,", "1234567" },
	{ ".Trash/cur/5.e,S=4000:2,S", "" },
	{ "tmp/6.f,S=9999", "" },
	{ "maildirfolder", "no mail" },
};

typedef struct {
	const char *name;
	const char *file; /* maildirsize before; NULL: none */
	int age_s;
	unsigned source;        /* QUOTA_* */
	gint64 bytes, messages; /* the site's */
	bool trash;
	guint64 asked;
	StatusId want;
	const char *after; /* of maildirsize; NULL: as before */
} Row;

static const Row rows[] = {
	{ "off", "10S\n500 5\n", 0, CONF_QUOTA_OFF, 10, 1, false, 50, STATUS_OK, NULL },
	{ "no file: counted", NULL, 0, CONF_QUOTA_SITE, 1000, 0, false, 50, STATUS_OK,
	  "1000S\n127 3\n" },
	{ "no file, no definition", NULL, 0, CONF_QUOTA_MAILDIRSIZE, 0, 0, false, 50, STATUS_OK,
	  NULL },
	{ "trash counts", NULL, 0, CONF_QUOTA_SITE, 100000, 50, true, 50, STATUS_OK,
	  "100000S,50C\n9127 5\n" },
	{ "the file is believed", "1000S\n900 1\n", 0, CONF_QUOTA_SITE, 1000, 0, false, 100,
	  STATUS_OK, NULL },
	{ "lines are summed", "1000S\n900 3\n-800 -2\n  50   1\n", 0, CONF_QUOTA_SITE, 1000, 0,
	  false, 850, STATUS_OK, NULL },
	{ "full by one octet", "1000S\n900 1\n", 0, CONF_QUOTA_SITE, 1000, 0, false, 101,
	  STATUS_QUOTA_GRACE, NULL },
	{ "full by messages", "9C\n900 9\n", 0, CONF_QUOTA_SITE, 0, 9, false, 1, STATUS_QUOTA_GRACE,
	  NULL },
	{ "last place", "9C\n900 8\n", 0, CONF_QUOTA_SITE, 0, 9, false, 1, STATUS_OK, NULL },
	{ "full, but an hour ago", "1000S\n900 1\n", 3600, CONF_QUOTA_SITE, 1000, 0, false, 101,
	  STATUS_OK, "1000S\n127 3\n" },
	{ "full, but in an hour", "1000S\n900 1\n", -3600, CONF_QUOTA_SITE, 1000, 0, false, 101,
	  STATUS_OK, "1000S\n127 3\n" },
	{ "full, but with changes", "1000S\n900 1\n1 1\n", 0, CONF_QUOTA_SITE, 1000, 0, false, 101,
	  STATUS_OK, "1000S\n127 3\n" },
	{ "full when counted, too", "200S\n150 1\n1 1\n", 0, CONF_QUOTA_SITE, 200, 0, false, 101,
	  STATUS_QUOTA_GRACE, "200S\n127 3\n" },
	{ "never fits", "1000S\n0 0\n", 0, CONF_QUOTA_SITE, 1000, 0, false, 1001, STATUS_TOO_BIG,
	  NULL },
	{ "another definition", "500S\n0 0\n", 0, CONF_QUOTA_SITE, 1000, 7, false, 50, STATUS_OK,
	  "1000S,7C\n127 3\n" },
	{ "definition of the file", "1000S,4C\n900 3\n", 0, CONF_QUOTA_MAILDIRSIZE, 5, 1, false,
	  100, STATUS_OK, NULL },
	{ "definition of the file, full", "1000S,4C\n900 4\n", 0, CONF_QUOTA_MAILDIRSIZE, 0, 0,
	  false, 1, STATUS_QUOTA_GRACE, NULL },
	{ "letters of others", "7X,1000S\n900 3\n", 0, CONF_QUOTA_MAILDIRSIZE, 0, 0, false, 100,
	  STATUS_OK, NULL },
	{ "definition alone", "1000S\n", 0, CONF_QUOTA_MAILDIRSIZE, 0, 0, false, 1, STATUS_OK,
	  "1000S\n127 3\n" },
	{ "broken definition", "lots\n1 1\n", 0, CONF_QUOTA_MAILDIRSIZE, 0, 0, false, 1, STATUS_OK,
	  NULL },
	{ "broken definition of no use", "lots\n1 1\n", 0, CONF_QUOTA_SITE, 1000, 0, false, 1,
	  STATUS_OK, "1000S\n127 3\n" },
	{ "broken line", "1000S\n1 one\n", 0, CONF_QUOTA_SITE, 1000, 0, false, 1, STATUS_OK,
	  "1000S\n127 3\n" },
	{ "three numbers", "1000S\n1 1 1\n", 0, CONF_QUOTA_SITE, 1000, 0, false, 1, STATUS_OK,
	  "1000S\n127 3\n" },
	{ "less than nothing", "1000S\n-1 1\n", 0, CONF_QUOTA_SITE, 1000, 0, false, 1, STATUS_OK,
	  "1000S\n127 3\n" },
	{ "more than a number holds", "1000S\n9223372036854775807 1\n9223372036854775807 1\n", 0,
	  CONF_QUOTA_SITE, 1000, 0, false, 1, STATUS_OK, "1000S\n127 3\n" },
	{ "too much on the way",
	  "1000S\n1500000000000000000 1\n1500000000000000000 1\n-1500000000000000000 0\n-1500000000000000000 0\n",
	  0, CONF_QUOTA_SITE, 1000, 0, false, 1, STATUS_OK, "1000S\n127 3\n" },
	{ "the least number", "1000S\n-9223372036854775808 1\n", 0, CONF_QUOTA_SITE, 1000, 0, false,
	  1, STATUS_OK, "1000S\n127 3\n" },
	{ "empty file", "", 0, CONF_QUOTA_SITE, 1000, 0, false, 1, STATUS_OK, "1000S\n127 3\n" },
	{ "no limit in the file", "0S\n5 5\n", 0, CONF_QUOTA_MAILDIRSIZE, 0, 0, false, 1, STATUS_OK,
	  NULL },
};

static char *
make_mailbox(void)
{
	char *dir = scratch_new();

	for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
		g_autofree char *path = g_build_filename(dir, folders[i], NULL);
		assert_int_equal(mkdir(path, 0700), 0);
	}

	for (size_t i = 0; i < G_N_ELEMENTS(files); i++)
		scratch_write(dir, files[i].path, files[i].text);
	return dir;
}

static void
write_file(const char *dir, const char *text, int age_s)
{
	g_autofree char *path = g_build_filename(dir, "maildirsize", NULL);
	gint64 then = g_get_real_time() / G_USEC_PER_SEC - age_s;
	struct utimbuf times = { then, then };
	scratch_write(dir, "maildirsize", text);
	assert_int_equal(utime(path, &times), 0);
}

static const QuotaOwner nobody = { .now = 1000000 };

static bool
has_room(const char *dir, const Conf *conf, guint64 bytes, Status *st)
{
	QuotaFill fill;
	return quota_has_room(dir, conf, &nobody, bytes, &fill, st);
}

static Conf
conf_of(const Row *row)
{
	return (Conf){
		.quota = row->source,
		.quota_bytes = row->bytes,
		.quota_messages = row->messages,
		.quota_trash = row->trash,
		.umask = 077,
		.folder_separator = (char *) "/",
		.folder_prefix = (char *) "",
		.state = (char *) "sqlite",
	};
}

static void
test_row(void **state)
{
	const Row *row = *state;
	char *dir = make_mailbox();

	if (row->file != NULL)
		write_file(dir, row->file, row->age_s);
	Conf conf = conf_of(row);
	g_auto(Status) st = STATUS_INIT;
	assert_int_equal(has_room(dir, &conf, row->asked, &st), row->want == STATUS_OK);
	assert_int_equal(st.id, row->want);

	g_autofree char *after = scratch_read(dir, "maildirsize"), *tmp = scratch_list(dir, "tmp");
	const char *want = row->after != NULL ? row->after : row->file;
	if (want == NULL)
		assert_null(after);
	else
		assert_string_equal(after, want);

	assert_string_equal(tmp, "6.f,S=9999");
	scratch_remove(dir);
}

static void
test_bounce(void **state)
{
	(void) state;
	char *dir = make_mailbox();
	write_file(dir, "1000S\n1000 3\n", 0);

	Conf conf = conf_of(&rows[4]);
	conf.quota_full = CONF_QUOTA_FULL_BOUNCE;
	g_auto(Status) st = STATUS_INIT;
	assert_false(has_room(dir, &conf, 0, &st));
	assert_int_equal(st.id, STATUS_QUOTA);
	assert_string_equal(status_text(&st), "mailbox is full: 1000 of 1000 bytes are there");
	scratch_remove(dir);
}

/* A file of just the length that is read, and one octet more. */
static void
test_length(void **state)
{
	(void) state;
	Conf conf = conf_of(&rows[4]);
	for (unsigned over = 0; over < 2; over++) {
		char *dir = make_mailbox();
		g_autoptr(GString) text = g_string_new("1000S\n900 1\n");
		while (text->len + 4 <= LIMIT_MAILDIRSIZE + over)
			g_string_append(text, "0 0\n");
		while (text->len < LIMIT_MAILDIRSIZE + over)
			g_string_insert(text, strlen("1000S\n"), " ");
		write_file(dir, text->str, 0);
		g_auto(Status) st = STATUS_INIT;
		assert_true(has_room(dir, &conf, 1, &st));
		g_autofree char *after = scratch_read(dir, "maildirsize");
		assert_string_equal(after, over == 0 ? text->str : "1000S\n127 3\n");
		scratch_remove(dir);
	}
}

/* What a stranger may put in its place is neither read nor written. */
static void
test_no_file(void **state)
{
	(void) state;
	Conf conf = conf_of(&rows[4]);
	char *dir = make_mailbox();
	g_autofree char *path = g_build_filename(dir, "maildirsize", NULL);
	assert_int_equal(symlink("new/1.a,S=100", path), 0);

	MaildirOptions options = { .umask = 077 };
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Maildir) inbox = maildir_open(dir, &options, &st);
	g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(Quota) quota = quota_open(inbox, &conf, &nobody, notes);
	g_autofree char *mail = scratch_read(dir, "new/1.a,S=100"),
			*file = scratch_read(dir, "maildirsize");
	assert_string_equal(mail, "");
	assert_string_equal(file, "1000S\n127 3\n"); /* the link was replaced */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0); /* an open would hang */
	quota_add(quota, 1, 1);
	scratch_remove(dir);
}

static void
test_add(void **state)
{
	(void) state;
	Conf conf = conf_of(&rows[4]);
	char *dir = make_mailbox();
	MaildirOptions options = { .umask = 077 };
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Maildir) inbox = maildir_open(dir, &options, &st);
	g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(Quota) quota = quota_open(inbox, &conf, &nobody, notes);
	assert_true(quota_take(quota, "", 873, &st));
	assert_false(quota_take(quota, "", 1, &st)); /* what was taken before is gone */
	quota_add(quota, 873, 1);
	quota_add(quota, -873, -1);

	g_autofree char *after = scratch_read(dir, "maildirsize");
	assert_string_equal(after, "1000S\n127 3\n873 1\n-873 -1\n");
	scratch_remove(dir);
}

/* Others have counted between our look and our line: whether they saw the mail, nobody knows. */
static void
test_replaced(void **state)
{
	(void) state;
	Conf conf = conf_of(&rows[4]);
	char *dir = make_mailbox();
	write_file(dir, "1000S\n127 3\n", 0);
	MaildirOptions options = { .umask = 077 };
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Maildir) inbox = maildir_open(dir, &options, &st);
	g_autoptr(Quota) quota = quota_open(inbox, &conf, &nobody, NULL);
	assert_true(quota_take(quota, "", 50, &st));

	g_autofree char *path = g_build_filename(dir, "maildirsize", NULL),
			*held = g_build_filename(dir, "held", NULL);
	scratch_write(dir, "new/7.g,S=50", "");
	assert_int_equal(rename(path, held), 0); /* so that the new file has another inode */
	write_file(dir, "1000S\n177 4\n", 0);
	quota_add(quota, 50, 1);
	g_autofree char *between = scratch_read(dir, "maildirsize");
	assert_string_equal(between, "1000S\n177 4\n");
	quota_settle(quota, true);
	g_autofree char *after = scratch_read(dir, "maildirsize");
	assert_string_equal(after, "1000S\n177 4\n");

	/* and where they had not seen it */
	write_file(dir, "1000S\n127 3\n", 0);
	quota_add(quota, 50, 1);
	quota_settle(quota, true);
	g_autofree char *last = scratch_read(dir, "maildirsize");
	assert_string_equal(last, "1000S\n177 4\n");
	scratch_remove(dir);
}

/* The count of a run that takes several copies forgets none of them. */
static void
test_count_between_copies(void **state)
{
	(void) state;
	Conf conf = conf_of(&rows[4]);
	char *dir = make_mailbox();
	write_file(dir, "1000S\n100 3\n5 0\n", 0);
	MaildirOptions options = { .umask = 077 };
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Maildir) inbox = maildir_open(dir, &options, &st);
	g_autoptr(Quota) quota = quota_open(inbox, &conf, &nobody, NULL);
	assert_true(quota_take(quota, "", 800, &st));
	/* 105 + 800 + 96 is too much by the file, 127 + 800 + 96 by the files, too */
	assert_false(quota_take(quota, "", 96, &st));
	scratch_remove(dir);
}

static void
test_memory(void **state)
{
	(void) state;
	enum { NOW = 1000000, DAY = 86400 };
	char *dir = scratch_new();
	g_autofree char *folder = g_build_filename(dir, "state/deep", NULL);
	QuotaMemory memory;

	assert_int_equal(quota_memory_refuse(NULL, NOW, DAY, false), NOW);
	assert_int_equal(quota_memory_refuse(folder, NOW, DAY, true), NOW);
	assert_false(g_file_test(folder, G_FILE_TEST_EXISTS));
	assert_int_equal(quota_memory_refuse(folder, NOW, DAY, false), NOW);
	assert_int_equal(quota_memory_refuse(folder, NOW + DAY, DAY, false), NOW);
	assert_int_equal(quota_memory_refuse(folder, NOW + 2 * DAY, DAY, false), NOW);
	assert_int_equal(quota_memory_refuse(folder, NOW + 3 * DAY + 1, DAY, false),
	                 NOW + 3 * DAY + 1);
	assert_true(quota_memory_reach(folder, 80, true));
	assert_true(quota_memory_reach(folder, 80, false));
	assert_false(quota_memory_reach(folder, 80, false));
	assert_true(quota_memory_reach(folder, 95, false));
	assert_false(quota_memory_reach(folder, 80, false)); /* lower: known, and not told */
	assert_true(quota_memory_reach(folder, 95, false));

	quota_memory_read(folder, &memory);
	assert_int_equal(memory.since, NOW + 3 * DAY + 1);
	assert_int_equal(memory.warned, 95);
	quota_memory_take(folder);
	quota_memory_read(folder, &memory);
	assert_int_equal(memory.since, 0);
	assert_int_equal(memory.warned, 95);
	scratch_remove(dir);
}

/* What is no such line counts as none. */
static void
test_memory_broken(void **state)
{
	(void) state;
	static const char *const texts[] = { "",        "1",       "1 2\n",     "1 2 3",
		                             "x 2 3\n", "5 4 1\n", "-5 -4 1\n", "1 2 y\n" };
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		char *dir = scratch_new();
		QuotaMemory memory;
		scratch_write(dir, "quota", texts[i]);
		quota_memory_read(dir, &memory);
		assert_int_equal(memory.since, 0);
		assert_int_equal(memory.last, 0);
		assert_int_equal(memory.warned, 0);
		scratch_remove(dir);
	}
}

static void
test_service_words(void **state)
{
	(void) state;
	static const struct {
		const char *action;
		QuotaServiceVerdict want;
	} asked[] = {
		{ "OK", QUOTA_SERVICE_ROOM },
		{ "dunno x", QUOTA_SERVICE_ROOM },
		{ "552 5.2.2 full", QUOTA_SERVICE_FULL },
		{ "4.2.2", QUOTA_SERVICE_FULL },
		{ "552", QUOTA_SERVICE_FULL },
		{ "554 5.2.3 big", QUOTA_SERVICE_TOO_BIG },
		{ "552 5.7.1 no", QUOTA_SERVICE_NO_ANSWER },
		{ "552 5.2.22 x", QUOTA_SERVICE_NO_ANSWER },
		{ "550 5.1.1 5.2.2", QUOTA_SERVICE_NO_ANSWER },
		{ "OKAY", QUOTA_SERVICE_NO_ANSWER },
		{ "", QUOTA_SERVICE_NO_ANSWER },
		{ " ", QUOTA_SERVICE_NO_ANSWER },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(asked); i++)
		assert_int_equal(quota_service_read(asked[i].action), asked[i].want);
}

/* Limits by folder, to the greatest numbers. */
static void
test_rules(void **state)
{
	(void) state;
	static const struct {
		const char *item;
		bool good, ignores, is_below;
		unsigned percent;
		gint64 bytes;
	} asked[] = {
		{ "Trash:ignore", true, true, false, 0, 0 },
		{ "Trash/*:ignore", true, true, true, 0, 0 },
		{ "a:b:+10%", true, false, false, 10, 0 },
		{ "A:+1000%", true, false, false, 1000, 0 },
		{ "A:+1001%", false, false, false, 0, 0 },
		{ "A:+0%", false, false, false, 0, 0 },
		{ "A:+50M", true, false, false, 0, 50 * 1024 * 1024 },
		{ "A:+2k", true, false, false, 0, 2048 },
		{ "A:+7", true, false, false, 0, 7 },
		{ "A:+0", false, false, false, 0, 0 },
		{ "A:+99999999999999999999T", false, false, false, 0, 0 },
		{ "A:+1024T", true, false, false, 0, 1125899906842624 },
		{ "A:+1025T", false, false, false, 0, 0 },
		{ "A:+1x", false, false, false, 0, 0 },
		{ "A:+1kk", false, false, false, 0, 0 },
		{ "A:+-1", false, false, false, 0, 0 },
		{ "A:10%", false, false, false, 0, 0 },
		{ "A:ignored", false, false, false, 0, 0 },
		{ ":ignore", false, false, false, 0, 0 },
		{ "*:ignore", false, false, false, 0, 0 },
		{ "A*:ignore", false, false, false, 0, 0 },
		{ "*/A:ignore", false, false, false, 0, 0 },
		{ "A", false, false, false, 0, 0 },
		{ "", false, false, false, 0, 0 },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(asked); i++) {
		QuotaRule rule = { .percent = 9999 };
		const char *why = NULL;
		bool good = quota_rule_parse(asked[i].item, &rule, &why);
		assert_int_equal(good, asked[i].good);
		assert_int_equal(why == NULL, good);
		assert_int_equal(rule.percent, good ? asked[i].percent : 9999);
		if (good) {
			assert_int_equal(rule.ignores, asked[i].ignores);
			assert_int_equal(rule.is_below, asked[i].is_below);
			assert_int_equal(rule.bytes, asked[i].bytes);
			quota_rule_clear(&rule);
		}
	}

	char *items[] = { (char *) "A:+1000%", (char *) "B:+1024T", (char *) "wrong", NULL };
	Conf conf = conf_of(&rows[4]);
	conf.quota_rules = items;
	g_autoptr(QuotaRules) rules = quota_rules_new(&conf, NULL);
	const MaildirsizeAmount most = { MAILDIRSIZE_MOST, 3 };
	assert_int_equal(quota_rules_limit(rules, ".C", &most).bytes, most.bytes);
	assert_int_equal(quota_rules_limit(rules, ".A", &most).messages, 33);
	assert_true(quota_rules_limit(rules, ".A", &most).bytes > most.bytes);
	assert_true(quota_rules_limit(rules, NULL, &most).bytes > most.bytes);
	const MaildirsizeAmount none = { 0, 0 };
	assert_int_equal(quota_rules_limit(rules, ".A", &none).bytes, 0);
}

static void
test_counts(void **state)
{
	(void) state;
	static const struct {
		const char *path, *letters;
		bool want;
	} asked[] = {
		{ "", NULL, true },      { "", "S", true },           { "", "ST", false },
		{ ".Trash", "", false }, { ".Trash.Old", "", false }, { ".Trashcan", "", true },
		{ ".Work", "", true },
	};
	Conf conf = conf_of(&rows[4]);
	char *dir = make_mailbox();
	MaildirOptions options = { .umask = 077 };
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Maildir) inbox = maildir_open(dir, &options, &st);
	g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(Quota) quota = quota_open(inbox, &conf, &nobody, notes);
	for (size_t i = 0; i < G_N_ELEMENTS(asked); i++)
		assert_int_equal(quota_counts(quota, asked[i].path, asked[i].letters),
		                 asked[i].want);
	scratch_remove(dir);
}

/* The other layout: folders in folders, and a link that leads in a circle. */
static void
test_layout_fs(void **state)
{
	(void) state;
	Conf conf = conf_of(&rows[4]);
	conf.folder_layout = CONF_FOLDER_LAYOUT_FS;

	char *dir = scratch_new();
	g_autofree char *deep = g_build_filename(dir, "Work/Old/cur", NULL),
			*loop = g_build_filename(dir, "Work/Loop", NULL);
	assert_int_equal(g_mkdir_with_parents(deep, 0700), 0);
	assert_int_equal(symlink("../Work", loop), 0);
	scratch_write(dir, "Work/Old/cur/1.a,S=9:2,", "");

	g_auto(Status) st = STATUS_INIT;
	/* no tmp: the count is made, but not written */
	assert_true(has_room(dir, &conf, 1, &st));
	g_autofree char *tmp = g_build_filename(dir, "tmp", NULL);
	assert_int_equal(mkdir(tmp, 0700), 0);
	assert_true(has_room(dir, &conf, 1, &st));

	g_autofree char *after = scratch_read(dir, "maildirsize");
	assert_string_equal(after, "1000S\n9 1\n");
	scratch_remove(dir);
}

/*
 * A delivery: each copy is counted, what was taken back no longer, and a full mailbox gets nothing.
 */
static void
test_deliver(void **state)
{
	(void) state;
	static const char text[] = "A: 1\n\nbody\n";
	Conf conf = conf_of(&rows[4]);
	conf.create_folders = true;

	char *dir = make_mailbox();
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Maildir) inbox = deliver_open_inbox(dir, &conf, &st);
	for (int round = 0; round < 2; round++) {
		conf.quota_messages = round == 0 ? 0 : 6;
		Message *message = message_from_bytes(text, strlen(text), &st);
		g_autoptr(Plan) plan = plan_new();
		static const char *const mailboxes[] = { "INBOX", "Work", "Trash" };
		for (size_t i = 0; i < G_N_ELEMENTS(mailboxes); i++) {
			PlanAction *action = plan_action_new(PLAN_FILEINTO, NULL, 0);
			action->mailbox = g_strdup(mailboxes[i]);
			assert_true(plan_add(plan, action, &st));
		}
		DeliverJob job = { .message = message,
			           .headers = message_headers(message),
			           .inbox = inbox,
			           .conf = &conf };
		DeliverReport report;
		deliver_report_init(&report);
		assert_int_equal(deliver_run(plan, &job, &report, &st), round == 0);
		assert_int_equal(st.id, round == 0 ? STATUS_OK : STATUS_QUOTA_GRACE);
		deliver_report_clear(&report);
		message_unref(message);
		g_autofree char *after = scratch_read(dir, "maildirsize"),
				*fresh = scratch_list(dir, ".Work/new");
		assert_string_equal(after, round == 0 ? "1000S\n127 3\n11 1\n11 1\n"
		                                      : "1000S,6C\n149 5\n");
		assert_null(strchr(fresh, ' ')); /* one file, in both rounds */
	}

	scratch_remove(dir);
}

int
main(void)
{
	enum { OTHERS = 13 };
	static const struct CMUnitTest others[OTHERS] = {
		cmocka_unit_test(test_bounce),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_layout_fs),
		cmocka_unit_test(test_deliver),
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_count_between_copies),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_memory_broken),
		cmocka_unit_test(test_service_words),
		cmocka_unit_test(test_rules),
	};
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + OTHERS];
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL,
			                        (void *) &rows[i] };
	memcpy(tests + G_N_ELEMENTS(rows), others, sizeof others);

	return _cmocka_run_group_tests("quota", tests, G_N_ELEMENTS(tests), NULL, NULL);
}

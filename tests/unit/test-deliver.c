/* SPDX-License-Identifier: MIT */
/*
 * Plans carried out, and faults that are made to happen: full disk, file size limit, too many
 * files, read-only.
 */
#define _GNU_SOURCE
#include "agent/deliver/deliver.h"

#include "agent/base/fs.h"
#include "conf/conf-choices.h"
#include "tests/lib/flushes.h"
#include "tests/lib/scratch-check.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char text[] = "A: 1\n\nbody\n";

static Conf
default_conf(void)
{
	return (Conf){
		.create_maildir = true,
		.create_folders = true,
		.umask = 077,
		.durability = CONF_DURABILITY_FULL,
		.folder_separator = (char *) "/",
		.folder_prefix = (char *) "",
	};
}

/* An INBOX, a message and a plan for it. */
typedef struct {
	char *dir;
	Conf conf;
	Maildir *inbox;
	Message *message;
	Plan *plan;
	DeliverReport report;
	Status st;
} Try;

static void
try_init(Try *try)
{
	*try = (Try){
		.dir = scratch_new(), .conf = default_conf(), .plan = plan_new(), .st = STATUS_INIT
	};
	deliver_report_init(&try->report);
	try->inbox = deliver_open_inbox(try->dir, &try->conf, &try->st);
	assert_non_null(try->inbox);
	try->message = message_from_bytes(text, strlen(text), &try->st);
	assert_non_null(try->message);
}

static void
try_clear(Try *try)
{
	deliver_report_clear(&try->report);
	plan_free(try->plan);
	message_unref(try->message);
	maildir_free(try->inbox);
	status_clear(&try->st);
	scratch_remove(try->dir);
}

/* Add an action; `flags` are separated by blanks, NULL: none. */
static PlanAction *
add(Try *try, PlanKind kind, const char *mailbox, const char *flags)
{
	PlanAction *action = plan_action_new(kind, NULL, 0);

	action->mailbox = g_strdup(mailbox);
	if (flags != NULL)
		action->flags = g_ptr_array_new_with_free_func(g_free);
	g_auto(GStrv) words = g_strsplit(flags != NULL ? flags : "", " ", -1);
	for (size_t i = 0; flags != NULL && words[i] != NULL; i++)
		g_ptr_array_add(action->flags, g_strdup(words[i]));
	assert_true(plan_add(try->plan, action, &try->st));

	return action;
}

static bool
run(Try *try, bool with_draft)
{
	DeliverJob job = {
		.message = try->message,
		.headers = message_headers(try->message),
		.inbox = try->inbox,
		.conf = &try->conf,
	};

	if (with_draft) {
		job.draft = maildir_draft_new(try->inbox, &try->st);
		if (job.draft == NULL ||
		    !maildir_draft_write(job.draft, job.message, job.headers, &try->st)) {
			maildir_draft_free(job.draft);
			return false;
		}
	}

	bool done = deliver_run(try->plan, &job, &try->report, &try->st);
	assert_null(job.draft);
	return done;
}

/* The report as one line: "keep INBOX 11; fileinto Work 11". */
static void
check_report(const Try *try, const char *want)
{
	g_autoptr(GString) got = g_string_new(NULL);
	for (guint i = 0; i < try->report.done->len; i++) {
		const DeliverDone *done = try->report.done->pdata[i];
		g_string_append_printf(got, "%s%s %s %d", i > 0 ? "; " : "", done->action,
		                       done->folder != NULL ? done->folder : "-",
		                       (int) done->bytes);
	}

	assert_string_equal(got->str, want);
}

static void
test_keep(void **state)
{
	(void) state;
	for (int with_draft = 0; with_draft < 2; with_draft++) {
		Try try;
		try_init(&try);
		add(&try, PLAN_KEEP, NULL, NULL);
		assert_true(run(&try, with_draft == 1));
		check_report(&try, "keep INBOX 11");
		const DeliverDone *done = try.report.done->pdata[0];
		g_autofree char *got = scratch_read(try.dir, done->file);
		assert_string_equal(got, text);
		scratch_check_list(try.dir, "tmp", "");
		try_clear(&try);
	}
}

/*
 * RFC 8579 4: the mailbox that has the use and is there; of several the named one. Who only asks
 * for the setting gets its first.
 */
static void
test_special_use(void **state)
{
	(void) state;
	static char nowhere[] = "\\Junk=Nowhere", junk[] = "\\Junk=Unwanted",
		    other[] = "\\Junk=Other", trash[] = "\\Trash=Nowhere";
	char *uses[] = { nowhere, junk, other, trash, NULL };
	static const struct {
		const char *use, *name, *want, *by_setting;
	} rows[] = {
		{ "\\junk", "Named", "Unwanted", "Nowhere" },
		{ "\\Junk", NULL, "Unwanted", "Nowhere" },
		{ "\\Junk", "Other", "Other", "Other" },
		{ "\\Junk", "Nowhere", "Unwanted", "Nowhere" },
		{ "\\Trash", "Named", NULL, "Nowhere" },
		{ "\\Sent", "Named", NULL, NULL },
		{ "\\Jun", NULL, NULL, NULL },
	};
	Try try;
	try_init(&try);
	try.conf.special_use = uses;

	FolderRules rules = folder_rules_of(&try.conf);
	for (size_t f = 0; f < 2; f++) {
		Maildir *made = NULL;
		assert_true(folder_open(try.inbox, &rules, f == 0 ? ".Unwanted" : ".Other", true,
		                        &made, try.report.notes, &try.st));
		maildir_free(made);
	}

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		const char *found = folder_of_special_use(&try.conf, try.inbox, rows[i].use,
		                                          rows[i].name);
		const char *set = folder_of_special_use(&try.conf, NULL, rows[i].use, rows[i].name);
		assert_int_equal(g_strcmp0(found, rows[i].want), 0);
		assert_int_equal(g_strcmp0(set, rows[i].by_setting), 0);
	}

	try_clear(&try);
}

static void
test_same_bytes_are_one_file(void **state)
{
	(void) state;
	Try try;
	try_init(&try);
	add(&try, PLAN_FILEINTO, "Work/New", NULL);
	add(&try, PLAN_KEEP, NULL, "\\Seen");
	assert_true(run(&try, true));
	check_report(&try, "fileinto Work/New 11; keep INBOX 11");

	g_autofree char *one = scratch_only(try.dir, ".Work.New/new"),
			*two = scratch_only(try.dir, "cur");
	struct stat a, b;
	assert_int_equal(stat(one, &a), 0);
	assert_int_equal(stat(two, &b), 0);
	assert_true(a.st_ino == b.st_ino);
	scratch_check_list(try.dir, "tmp", "");
	scratch_check_list(try.dir, ".Work.New/tmp", "");
	try_clear(&try);
}

static void
test_edited_header_is_another_file(void **state)
{
	(void) state;
	Try try;
	try_init(&try);
	add(&try, PLAN_KEEP, NULL, NULL);

	Headers *edited = headers_new(message_headers(try.message), "\n");
	headers_append_text(edited, "X-New", "1");
	headers_append_from(edited, message_headers(try.message), 0);
	add(&try, PLAN_FILEINTO, "Work", NULL)->headers = edited;
	assert_true(run(&try, true));

	g_autofree char *one = scratch_only(try.dir, "new"),
			*two = scratch_only(try.dir, ".Work/new");
	g_autofree char *plain = scratch_read(one, NULL), *changed = scratch_read(two, NULL);
	assert_string_equal(plain, text);
	assert_string_equal(changed, "X-New: 1\nA: 1\n\nbody\n");
	scratch_check_list(try.dir, "tmp", "");
	try_clear(&try);
}

static void
test_replaced_body(void **state)
{
	(void) state;
	Try try;
	try_init(&try);

	static const char other[] = "B: 2\n\nother\n";
	add(&try, PLAN_KEEP, NULL, NULL)->message = message_from_bytes(other, strlen(other),
	                                                               &try.st);
	assert_true(run(&try, true));

	g_autofree char *only = scratch_only(try.dir, "new"), *got = scratch_read(only, NULL);
	assert_string_equal(got, other);
	scratch_check_list(try.dir, "tmp", "");
	try_clear(&try);
}

static void
test_discard(void **state)
{
	(void) state;
	Try try;
	try_init(&try);
	add(&try, PLAN_DISCARD, NULL, NULL);
	assert_true(run(&try, true));
	check_report(&try, "discard - 0");
	scratch_check_list(try.dir, "tmp", "");
	scratch_check_list(try.dir, "new", "");
	try_clear(&try);
}

static void
test_no_row_no_delivery(void **state)
{
	(void) state;
	Try try;
	try_init(&try);
	add(&try, PLAN_KEEP, NULL, NULL);
	add(&try, PLAN_REPORT, NULL, NULL);
	assert_false(run(&try, true));
	assert_int_equal(try.st.id, STATUS_CONFIG);
	assert_non_null(strstr(try.st.detail, "'report'"));
	scratch_check_list(try.dir, "tmp", "");
	scratch_check_list(try.dir, "new", "");
	try_clear(&try);
}

static void
test_impossible_folder(void **state)
{
	(void) state;
	Try try;
	try_init(&try);
	add(&try, PLAN_FILEINTO, "../../etc", "\\Seen");
	add(&try, PLAN_KEEP, NULL, "\\Flagged");
	assert_true(run(&try, true));

	/* two ways to the INBOX are one copy with both flags */
	check_report(&try, "fileinto INBOX 11");
	assert_int_equal(try.report.notes->len, 1);
	g_autofree char *only = scratch_only(try.dir, "cur");
	assert_true(g_str_has_suffix(only, ":2,FS"));
	try_clear(&try);
}

static void
test_missing_folder_that_may_not_be_made(void **state)
{
	(void) state;
	Try try;
	try_init(&try);
	try.conf.create_folders = false;
	add(&try, PLAN_FILEINTO, "Work", NULL);
	add(&try, PLAN_FILEINTO, "Made", NULL)->create = true;
	assert_true(run(&try, true));
	check_report(&try, "fileinto INBOX 11; fileinto Made 11");
	assert_int_equal(try.report.notes->len, 1);
	scratch_check_list(try.dir, ".Work", "-");
	try_clear(&try);
}

/* A folder without a place for new mail gives way to the INBOX before anything is visible. */
static void
test_folder_gives_way(void **state)
{
	(void) state;
	Try try;
	try_init(&try);
	add(&try, PLAN_KEEP, NULL, NULL);
	add(&try, PLAN_FILEINTO, "Work", NULL);

	g_autofree char *bad = g_build_filename(try.dir, ".Work", NULL),
			*tmp = g_build_filename(bad, "tmp", NULL);
	g_autofree char *cur = g_build_filename(bad, "cur", NULL);
	assert_int_equal(mkdir(bad, 0700) | mkdir(tmp, 0700) | mkdir(cur, 0700), 0);
	scratch_write(bad, "new", "a file where a folder belongs");
	assert_true(run(&try, true));
	check_report(&try, "keep INBOX 11");
	assert_int_equal(try.report.notes->len, 1);
	scratch_check_list(try.dir, "tmp", "");
	scratch_check_list(try.dir, ".Work/tmp", "");
	try_clear(&try);
}

/* File and folders of each copy, as durability has it. */
static void
test_flush(void **state)
{
	(void) state;
	static const struct {
		unsigned durability;
		bool file, folder;
	} rows[] = { { CONF_DURABILITY_FULL, true, true },
		     { CONF_DURABILITY_FILE, true, false },
		     { CONF_DURABILITY_NONE, false, false } };

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		Try try;
		try_init(&try);
		try.conf.durability = rows[i].durability;
		maildir_free(try.inbox);
		try.inbox = deliver_open_inbox(try.dir, &try.conf, &try.st);
		add(&try, PLAN_KEEP, NULL, NULL);
		add(&try, PLAN_FILEINTO, "Work", "\\Seen");
		flushes_begin(NULL);
		assert_true(run(&try, false));
		g_autofree char *drafts = g_strconcat("*", try.dir, "/tmp/*", NULL),
				*inbox_new = g_strconcat("*", try.dir, "/new*", NULL);
		assert_int_equal(flushes_have(drafts), rows[i].file);
		assert_int_equal(flushes_have(inbox_new), rows[i].folder);
		assert_int_equal(flushes_have("*/.Work/cur*"), rows[i].folder);
		flushes_end();
		try_clear(&try);
	}
}

/* One copy that cannot be flushed takes all of them back. */
static void
test_flush_that_fails(void **state)
{
	(void) state;
	static const char *const faults[] = { "*/.Work/cur*", "*/new*" };
	for (size_t i = 0; i < G_N_ELEMENTS(faults); i++) {
		Try try;
		try_init(&try);
		add(&try, PLAN_KEEP, NULL, NULL);
		add(&try, PLAN_FILEINTO, "Work", "\\Seen");
		flushes_begin(faults[i]);
		assert_false(run(&try, i == 0));
		flushes_end();
		assert_int_equal(try.st.id, STATUS_IO);
		check_report(&try, "");
		scratch_check_list(try.dir, "new", "");
		scratch_check_list(try.dir, "tmp", "");
		scratch_check_list(try.dir, ".Work/cur", "");
		scratch_check_list(try.dir, ".Work/tmp", "");
		try_clear(&try);
	}
}

/*
 * Makes trouble for a delivery into an INBOX at `dir`, which it opens. False: it cannot be made
 * here.
 */
typedef bool Trouble(const char *dir, Maildir **inbox, const Conf *conf);

static Message *
big_message(void)
{
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(GString) big = g_string_new("A: 1\n\n");
	for (int i = 0; i < 1 << 15; i++)
		g_string_append(big, "0123456789012345678901234567890\n");
	return message_from_bytes(big->str, big->len, &st);
}

static void
end_limits(void)
{
	static const int which[] = { RLIMIT_FSIZE, RLIMIT_NOFILE };
	for (size_t i = 0; i < G_N_ELEMENTS(which); i++) {
		struct rlimit limit;
		g_assert(getrlimit(which[i], &limit) == 0);
		limit.rlim_cur = limit.rlim_max;
		g_assert(setrlimit(which[i], &limit) == 0);
	}
}

enum { NO_TROUBLE = 255, LITTER = 254 };

/*
 * For a child: deliver 1 MB in trouble. What came of it, and NO_TROUBLE where that cannot be made.
 */
static int
deliver_in_trouble(const char *dir, Trouble *trouble)
{
	g_auto(Status) st = STATUS_INIT;
	Conf conf = default_conf();
	g_autoptr(Maildir) inbox = NULL;
	g_autoptr(Message) message = big_message();

	if (!trouble(dir, &inbox, &conf))
		return NO_TROUBLE;
	g_autoptr(Plan) plan = plan_new();
	plan_finish(plan);

	DeliverJob job = { .message = message,
		           .headers = message_headers(message),
		           .inbox = inbox,
		           .conf = &conf };
	g_auto(DeliverReport) report;
	deliver_report_init(&report);

	bool done = deliver_run(plan, &job, &report, &st);
	end_limits();
	g_autofree char *left = scratch_list(dir, "tmp"), *visible = scratch_list(dir, "new");

	return done || (left[0] == '\0' && visible[0] == '\0') ? (int) st.id : LITTER;
}

/* Lower a limit for now. */
static bool
limit_to(int which, rlim_t value)
{
	struct rlimit limit;
	if (getrlimit(which, &limit) < 0)
		return false;
	limit.rlim_cur = value;
	return setrlimit(which, &limit) == 0;
}

static bool
open_for(const char *dir, Maildir **inbox, const Conf *conf)
{
	g_auto(Status) st = STATUS_INIT;
	*inbox = deliver_open_inbox(dir, conf, &st);
	/* With tmp, new and cur in place, so that nothing fails before the write. */
	g_autoptr(MaildirDraft) draft = *inbox != NULL ? maildir_draft_new(*inbox, &st) : NULL;
	return draft != NULL;
}

static bool
trouble_file_size(const char *dir, Maildir **inbox, const Conf *conf)
{
	(void) signal(SIGXFSZ, SIG_IGN);
	return open_for(dir, inbox, conf) && limit_to(RLIMIT_FSIZE, 1 << 20);
}

static bool
trouble_files(const char *dir, Maildir **inbox, const Conf *conf)
{
	if (!open_for(dir, inbox, conf))
		return false;
	int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
	close(next);
	return limit_to(RLIMIT_NOFILE, (rlim_t) next);
}

static bool
mount_small(const char *dir, unsigned long flags, const char *options)
{
	return mount("tmpfs", dir, "tmpfs", flags, options) == 0;
}

static bool
write_proc(const char *path, const char *line)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, line, strlen(line)) == (ssize_t) strlen(line);
	close(fd);
	return done;
}

/* Mounts that nobody else sees, without being root: as root of a user namespace of our own. */
static bool
own_mounts(void)
{
	g_autofree char *uids = g_strdup_printf("0 %u 1", geteuid()),
			*gids = g_strdup_printf("0 %u 1", getegid());
	return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
	       write_proc("/proc/self/setgroups", "deny") &&
	       write_proc("/proc/self/uid_map", uids) && write_proc("/proc/self/gid_map", gids);
}

static bool
trouble_disk_full(const char *dir, Maildir **inbox, const Conf *conf)
{
	return own_mounts() && mount_small(dir, 0, "size=128k,mode=700") &&
	       open_for(dir, inbox, conf);
}

static bool
trouble_read_only(const char *dir, Maildir **inbox, const Conf *conf)
{
	return own_mounts() && mount_small(dir, 0, "size=8m,mode=700") &&
	       open_for(dir, inbox, conf) &&
	       mount_small(dir, MS_REMOUNT | MS_RDONLY, "size=8m,mode=700");
}

typedef struct {
	const char *name;
	Trouble *trouble;
	StatusId want;
} TroubleRow;

static const TroubleRow trouble_rows[] = {
	{ "ENOSPC: a full disk", trouble_disk_full, STATUS_DISK_FULL },
	{ "EROFS: a disk turned read-only", trouble_read_only, STATUS_READ_ONLY },
	{ "EFBIG: the file size limit", trouble_file_size, STATUS_FILE_LIMIT },
	{ "EMFILE: too many open files", trouble_files, STATUS_TOO_MANY_FILES },
};

static void
test_trouble(void **state)
{
	const TroubleRow *row = *state;
	char *dir = scratch_new();
	pid_t child = fork();

	if (child == 0)
		_exit(deliver_in_trouble(dir, row->trouble));
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	scratch_remove(dir);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == NO_TROUBLE)
		skip(); /* no namespaces of our own here */
	assert_int_equal(WEXITSTATUS(status), row->want);
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(trouble_rows) + 12];
	size_t n = 0;

	UNIT_ROWS(tests, n, trouble_rows, test_trouble);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_keep);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_special_use);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_same_bytes_are_one_file);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_edited_header_is_another_file);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_replaced_body);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_discard);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_no_row_no_delivery);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_impossible_folder);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_missing_folder_that_may_not_be_made);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_folder_gives_way);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_flush);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_flush_that_fails);

	return _cmocka_run_group_tests("deliver", tests, n, NULL, NULL);
}

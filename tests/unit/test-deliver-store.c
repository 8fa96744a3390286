/* SPDX-License-Identifier: MIT */
/*
 * The action that stores by path: what the file is, what is left of locks and umask, and what a
 * retry finds.
 */
#include "agent/deliver/deliver.h"
#include "agent/base/answer.h"
#include "agent/base/deadline.h"
#include "agent/message/mark.h"
#include "agent/plan/plan-store.h"
#include "conf/conf-choices.h"
#include "tests/lib/calls.h"
#include "tests/lib/flushes.h"
#include "tests/lib/scratch-check.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

static const char text[] = "A: 1\n\nbody\n", received[] = "Received: by x; 1\nA: 1\n\nbody\n";

/* A home with the INBOX "mail", and a plan. */
typedef struct {
	char *home;
	Conf conf;
	Maildir *inbox;
	Message *message;
	Plan *plan;
	Envelope envelope;
	bool has_envelope, is_overdue, rehearsal, is_stored;
	DeliverOwner owner;
	DeliverReport report;
	Status st;
} Try;

static void
try_init(Try *try, const char *mail)
{
	*try = (Try){
		.home = scratch_new(),
		.conf = { .create_maildir = true,
		          .create_folders = true,
		          .umask = 077,
		          .durability = CONF_DURABILITY_FULL,
		          .folder_separator = (char *) "/",
		          .folder_prefix = (char *) "",
		          .retry_lifetime = 3600,
		          .recipe_lock_wait = 0,
		          .recipe_lock_stale = 1000 },
		.plan = plan_new(),
		.envelope = { .sender = (char *) "a@example.org",
		              .recipient = (char *) "b@example.org" },
		.st = STATUS_INIT,
	};
	try->owner.home = try->home;
	g_autofree char *path = g_build_filename(try->home, "mail", NULL);
	try->inbox = deliver_open_inbox(path, &try->conf, &try->st);
	assert_non_null(try->inbox);
	try->message = message_from_bytes(mail, strlen(mail), &try->st);
	assert_non_null(try->message);
	deliver_report_init(&try->report);
}

static void
try_clear(Try *try)
{
	deliver_report_clear(&try->report);
	plan_free(try->plan);
	message_unref(try->message);
	maildir_free(try->inbox);
	status_clear(&try->st);
	scratch_remove(try->home);
}

/* Store to `paths`, which blanks part. */
static PlanStore *
add_store(Try *try, const char *paths)
{
	PlanAction *action = plan_action_new(PLAN_STORE, NULL, 0);
	PlanStore *store = plan_store_of(action);
	g_auto(GStrv) words = g_strsplit(paths, " ", -1);

	store->paths = g_ptr_array_new_with_free_func(g_free);
	for (size_t i = 0; words[i] != NULL; i++)
		g_ptr_array_add(store->paths, g_strdup(words[i]));
	assert_true(plan_add(try->plan, action, &try->st));

	return store;
}

/* Somebody holds the lock of one more mbox: the plan fails before anything is seen. */
static void
add_fault(Try *try)
{
	scratch_write(try->home, "other.lock", "");
	add_store(try, "other");
}

static bool
run(Try *try)
{
	DeliverJob job = {
		.message = try->message,
		.headers = message_headers(try->message),
		.inbox = try->inbox,
		.conf = &try->conf,
		.envelope = try->has_envelope ? &try->envelope : NULL,
		.owner = &try->owner,
		.is_overdue = try->is_overdue,
		.rehearsal = try->rehearsal,
		.is_stored = try->is_stored,
	};

	deliver_report_clear(&try->report);
	deliver_report_init(&try->report);
	return deliver_run(try->plan, &job, &try->report, &try->st);
}

static void
check_only(const Try *try, const char *below, const char *want)
{
	g_autofree char *only = scratch_only(try->home, below), *got = scratch_read(only, NULL);
	assert_string_equal(got, want);
}

/* The report as one line, paths below the home: "store box 12 again; keep INBOX 11". */
static void
check_report(const Try *try, const char *want)
{
	g_autoptr(GString) got = g_string_new(NULL);
	for (guint i = 0; i < try->report.done->len; i++) {
		const DeliverDone *done = try->report.done->pdata[i];
		const char *folder = done->folder != NULL ? done->folder : "-";
		if (g_str_has_prefix(folder, try->home))
			folder += strlen(try->home) + 1;
		g_string_append_printf(got, "%s%s %s %d%s", i > 0 ? "; " : "", done->action, folder,
		                       (int) done->bytes, done->earlier ? " again" : "");
	}

	assert_string_equal(got->str, want);
}

static void
check_note(const Try *try, const char *part)
{
	assert_int_equal(try->report.notes->len, part != NULL);
	if (part != NULL)
		assert_non_null(strstr(try->report.notes->pdata[0], part));
}

static mode_t
mode_of(const Try *try, const char *below)
{
	g_autofree char *path = g_build_filename(try->home, below, NULL);
	struct stat sb;
	assert_int_equal(stat(path, &sb), 0);
	return sb.st_mode & 0777;
}

typedef struct {
	const char *name, *mail, *from_line;
	bool raw;
	const char *want; /* what the mbox is */
} BoxRow;

static const BoxRow box_rows[] = {
	{ "an mbox gets an empty line at the end", "A: 1\n\nbody\n", NULL, false,
	  "A: 1\n\nbody\n\n" },
	{ "but none more than it has", "A: 1\n\nbody\n\n", NULL, false, "A: 1\n\nbody\n\n" },
	{ "From_ lines of a body are quoted, its own is not", "A: 1\n\nFrom me\n",
	  "From x Tue Dec  1 10:00:00 2026", false,
	  "From x Tue Dec  1 10:00:00 2026\nA: 1\n\n>From me\n\n" },
	{ "raw: byte for byte", "A: 1\n\nFrom me\n", NULL, true, "A: 1\n\nFrom me\n" },
};

static void
test_box(void **state)
{
	const BoxRow *row = *state;
	Try try;
	try_init(&try, row->mail);
	PlanStore *store = add_store(&try, "box");
	store->from_line = g_strdup(row->from_line);
	store->raw = row->raw;

	assert_true(run(&try));
	scratch_check_file(try.home, "box", row->want);
	scratch_check_list(try.home, ".", "box mail");
	check_note(&try, NULL);
	g_autofree char *want = g_strdup_printf("store box %zu", strlen(row->want));
	check_report(&try, want);
	try_clear(&try);
}

/* Of directories that are no Maildir an MH folder numbers its files, others get a name. */
static void
test_directories(void **state)
{
	(void) state;
	Try try;
	try_init(&try, text);
	g_autofree char *plain = g_build_filename(try.home, "plain", NULL);
	assert_int_equal(mkdir(plain, 0700), 0);
	add_store(&try, "mh/. plain")->from_line = g_strdup("From x");
	add_store(&try, "plain")->prefix = g_strdup("own.");
	add_store(&try, "whole/")->from_line = g_strdup("From x");

	assert_true(run(&try));
	scratch_check_file(try.home, "mh/1", "From x\nA: 1\n\nbody\n\n");
	check_only(&try, "whole/new", text);
	g_autofree char *names = scratch_list(try.home, "plain");
	g_auto(GStrv) two = g_strsplit(names, " ", -1);
	assert_int_equal(g_strv_length(two), 2);
	assert_true(g_str_has_prefix(two[0], "msg."));
	assert_true(g_str_has_prefix(two[1], "own."));
	try_clear(&try);
}

/* Two actions for one mbox append to it both, under one lock. */
static void
test_one_box_twice(void **state)
{
	(void) state;
	Try try;
	try_init(&try, text);
	add_store(&try, "box");
	add_store(&try, "box");
	assert_true(run(&try));
	scratch_check_file(try.home, "box", "A: 1\n\nbody\n\nA: 1\n\nbody\n\n");
	scratch_check_list(try.home, ".", "box mail");
	try_clear(&try);
}

/* The umask of a rule is the file's, and nobody else's. */
static void
test_umask(void **state)
{
	(void) state;
	static const struct {
		const char *umask;
		mode_t box, folder;
	} rows[] = { { "007", 0660, 0770 }, { "077", 0600, 0700 }, { NULL, 0640, 0750 } };
	mode_t before = umask(027);

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		Try try;
		try_init(&try, text);
		add_store(&try, "box")->umask = g_strdup(rows[i].umask);
		add_store(&try, "folder/")->umask = g_strdup(rows[i].umask);
		assert_true(run(&try));
		assert_int_equal(umask(027), 027);
		assert_int_equal(mode_of(&try, "box"), rows[i].box);
		assert_int_equal(mode_of(&try, "folder"), rows[i].folder);
		try_clear(&try);
	}

	(void) umask(before);
}

/* The lock file that a rule names is gone at the end, whatever the end is. */
static void
test_lock_goes(void **state)
{
	(void) state;
	static const char *const locks[] = { "own.lock", "box.lock" };

	for (size_t i = 0; i < 2 * G_N_ELEMENTS(locks); i++) {
		Try try;
		try_init(&try, text);
		add_store(&try, "box")->lock = g_strdup(locks[i / 2]);
		bool fails = i % 2 == 1;
		if (fails)
			add_fault(&try);
		assert_int_equal(run(&try), !fails);
		scratch_check_file(try.home, "own.lock", NULL);
		scratch_check_file(try.home, "box.lock", NULL);
		scratch_check_file(try.home, "box", fails ? NULL : "A: 1\n\nbody\n\n");
		check_note(&try, NULL);
		try_clear(&try);
	}
}

/*
 * A lock that somebody holds puts the mail off, and once it is overdue the INBOX gets it. One that
 * cannot be made stops nothing.
 */
static void
test_lock_of_others(void **state)
{
	(void) state;
	Try try;
	try_init(&try, text);
	scratch_write(try.home, "own.lock", "");
	add_store(&try, "box")->lock = g_strdup("own.lock");

	assert_false(run(&try));
	assert_int_equal(try.st.id, STATUS_LOCKED);
	scratch_check_list(try.home, ".", "mail own.lock");
	scratch_check_list(try.home, "mail/new", "");
	status_clear(&try.st);

	try.is_overdue = true;
	assert_true(run(&try));
	check_report(&try, "keep INBOX 11");
	check_note(&try, "stored in the INBOX: ");
	check_only(&try, "mail/new", text);
	scratch_check_list(try.home, ".", "mail own.lock");
	try_clear(&try);

	try_init(&try, text);
	add_store(&try, "box")->lock = g_strdup("nowhere/own.lock");
	assert_true(run(&try));
	check_note(&try, "stored without the lock 'nowhere/own.lock'");
	scratch_check_file(try.home, "box", "A: 1\n\nbody\n\n");
	try_clear(&try);
}

/* A rehearsal takes no lock, waits for none and stores nothing, and says where it would go. */
static void
test_rehearsal(void **state)
{
	(void) state;
	Try try;
	try_init(&try, text);
	scratch_write(try.home, "own.lock", "");
	scratch_write(try.home, "box", "");
	add_store(&try, "box")->lock = g_strdup("own.lock");
	try.rehearsal = try.has_envelope = true;
	assert_true(run(&try));
	check_report(&try, "store box 12");
	scratch_check_file(try.home, "box", "");
	scratch_check_list(try.home, "mail/tmp", "");
	try_clear(&try);
}

/* Of mail that is stored already only the place is told. */
static void
test_stored_already(void **state)
{
	(void) state;
	Try try;
	try_init(&try, text);
	add_store(&try, "box");
	add_store(&try, "whole/");
	try.is_stored = true;
	assert_true(run(&try));
	check_report(&try, "store box 0; store whole 0");
	const DeliverDone *one = try.report.done->pdata[0], *two = try.report.done->pdata[1];
	assert_true(g_str_has_suffix(one->file, "/box"));
	assert_true(g_str_has_suffix(two->file, "/whole/cur/-"));
	scratch_check_list(try.home, ".", "mail");
	try_clear(&try);
}

/* A second place that can never be used is passed over: the mail has a place. */
static void
test_second_place(void **state)
{
	(void) state;
	Try try;
	try_init(&try, text);
	scratch_write(try.home, "file", "x");
	add_store(&try, "one/ file/ two/");
	assert_true(run(&try));
	check_note(&try, "not stored in 'file/'");
	check_report(&try, "store one 11; store two 11");
	check_only(&try, "one/new", text);
	check_only(&try, "two/new", text);
	try_clear(&try);

	/* nor one where the file cannot have the name that the rules were told */
	try_init(&try, text);
	PlanStore *store = add_store(&try, "one/ two/");
	store->names = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(store->names, g_strdup("short"));
	g_ptr_array_add(store->names, g_strnfill(NAME_MAX + 1, 'n'));
	store->is_exact = true;
	bool done = run(&try);
	assert_true(done);
	check_only(&try, "one/new", text);
	scratch_check_list(try.home, "two/new", "");
	scratch_check_list(try.home, "two/tmp", "");
	try_clear(&try);

	/* nor one that no file can be called */
	try_init(&try, text);
	g_autofree char *name = g_strnfill(NAME_MAX + 1, 'n'),
			*paths = g_strdup_printf("one/ %s/", name);
	add_store(&try, paths);
	assert_true(run(&try));
	check_note(&try, "not stored in 'nnn");
	check_report(&try, "store one 11");
	scratch_check_list(try.home, "mail/new", "");
	try_clear(&try);
}

/* A place that was begun and cannot be used is left whole for the INBOX: one copy, there. */
static void
test_place_that_was_begun(void **state)
{
	(void) state;
	Try try;
	try_init(&try, received);
	try.has_envelope = true;
	try.envelope.queue_id = (char *) "4ABC";
	PlanStore *store = add_store(&try, "one/");
	store->names = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(store->names, g_strnfill(NAME_MAX + 1, 'n'));
	store->is_exact = true;
	for (int again = 0; again < 2; again++) {
		assert_true(run(&try));
		scratch_check_list(try.home, "one/new", "");
		scratch_check_list(try.home, "one/tmp", "");
		check_only(&try, "mail/new", received);
	}
	try_clear(&try);
}

/* Each directory of a store is known at a retry by itself. */
static void
test_retry_of_two_places(void **state)
{
	(void) state;
	static const char *const paths[] = { "one/ two/", "one/ one/ two/", "mh/. one/" };
	for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
		Try try;
		try_init(&try, received);
		try.has_envelope = true;
		try.envelope.queue_id = (char *) "4ABC";
		add_store(&try, paths[i]);
		assert_true(run(&try));
		g_autofree char *first = scratch_list(try.home, "one/new"),
				*second = scratch_list(try.home, i < 2 ? "two/new" : "mh");
		assert_true(*first != '\0' && *second != '\0');
		for (int again = 0; again < 2; again++) {
			assert_true(run(&try));
			scratch_check_list(try.home, "one/new", first);
			scratch_check_list(try.home, i < 2 ? "two/new" : "mh", second);
			assert_true(((DeliverDone *) try.report.done->pdata[0])->earlier);
		}
		try_clear(&try);
	}
}

/* What maildirsize says of the INBOX: the sum of its lines. */
static void
check_fill(const Try *try, int want_bytes, int want_messages)
{
	g_autofree char *all = scratch_read(try->home, "mail/maildirsize");
	g_auto(GStrv) lines = g_strsplit(all, "\n", -1);
	int bytes = 0, messages = 0;
	for (size_t i = 1; lines[i] != NULL && *lines[i] != '\0'; i++) {
		char *end;
		bytes += (int) strtol(lines[i], &end, 10);
		messages += atoi(end);
	}
	assert_int_equal(bytes, want_bytes);
	assert_int_equal(messages, want_messages);
}

/* What was taken back fills no mailbox. */
static void
test_fill(void **state)
{
	(void) state;
	static const char *const broken[] = { NULL, "*/.Work/new" };
	for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
		Try try;
		try_init(&try, text);
		try.conf.quota = CONF_QUOTA_SITE;
		try.conf.quota_messages = 10;
		try.conf.state = (char *) "sqlite";
		assert_true(plan_add(try.plan, plan_action_new(PLAN_KEEP, NULL, 0), &try.st));
		add_store(&try, "mail/.Work/ mail/.Other/");
		add_store(&try, "elsewhere/");
		flushes_begin(broken[i]);
		assert_int_equal(run(&try), broken[i] == NULL);
		flushes_end();
		status_clear(&try.st);
		check_fill(&try, broken[i] == NULL ? 3 * (int) strlen(text) : 0,
		           broken[i] == NULL ? 3 : 0);
		try_clear(&try);
	}
}

/* A path that begins nowhere is the site's fault, and waits. Slashes at the end go. */
static void
test_paths(void **state)
{
	(void) state;
	Try try;
	try_init(&try, text);
	try.owner.home = NULL;
	add_store(&try, "box");
	assert_false(run(&try));
	assert_int_equal(try.st.id, STATUS_CONFIG);
	assert_non_null(strstr(try.st.detail, "the owner has no home"));
	try_clear(&try);

	try_init(&try, text);
	add_store(&try, "whole///");
	assert_true(run(&try));
	check_report(&try, "store whole 11");
	try_clear(&try);
}

typedef struct {
	const char *name, *path, *queue_id, *mail;
	bool is_known; /* a retry finds what the first try has stored */
} RetryRow;

static const RetryRow retry_rows[] = {
	{ "a retry finds its mail in an mbox", "box", "4ABC", received, true },
	{ "a retry finds its mail in a Maildir", "whole/", "4ABC", received, true },
	{ "a retry finds its mail in an MH folder", "mh/.", "4ABC", received, true },
	{ "without a queue id the same mail comes again: mbox", "box", NULL, received, false },
	{ "without a queue id the same mail comes again: Maildir", "whole/", NULL, received,
	  false },
	{ "without Received the same mail comes again: mbox", "box", "4ABC", text, false },
	{ "without Received the same mail comes again: Maildir", "whole/", "4ABC", text, false },
};

static guint
count_mails(const Try *try, const RetryRow *row)
{
	if (strcmp(row->path, "box") == 0) {
		g_autofree char *got = scratch_read(try->home, "box");
		g_auto(GStrv) parts = g_strsplit(got, "A: 1\n", -1);
		return g_strv_length(parts) - 1;
	}
	g_autofree char *got = scratch_list(try->home, row->path[0] == 'w' ? "whole/new" : "mh");
	g_auto(GStrv) names = g_strsplit(got, " ", -1);
	return g_strv_length(names);
}

static void
test_retry(void **state)
{
	const RetryRow *row = *state;
	Try try;
	try_init(&try, row->mail);
	try.has_envelope = true;
	try.envelope.queue_id = (char *) row->queue_id;
	add_store(&try, row->path);

	assert_true(run(&try));
	assert_int_equal(count_mails(&try, row), 1);
	check_note(&try, NULL);
	assert_true(run(&try));
	assert_int_equal(count_mails(&try, row), row->is_known ? 1 : 2);
	check_note(&try, row->is_known ? "by an earlier try" : NULL);
	assert_int_equal(((DeliverDone *) try.report.done->pdata[0])->earlier, row->is_known);

	/* a fault after the commit of nothing leaves no claim for the next */
	g_autofree char *tmp = scratch_list(try.home, "mail/tmp");
	assert_int_equal(strstr(tmp, "todoke-") != NULL, row->is_known);
	try_clear(&try);
}

/* A plan that fails leaves nothing that the next try takes for its own. */
static void
test_fault_leaves_nothing(void **state)
{
	(void) state;
	static const char *const paths[] = { "box", "whole/", "mh/." };

	for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
		Try try;
		try_init(&try, received);
		try.has_envelope = true;
		try.envelope.queue_id = (char *) "4ABC";
		add_store(&try, paths[i]);
		add_fault(&try);
		assert_false(run(&try));
		status_clear(&try.st);
		scratch_check_list(try.home, "mail/new", "");
		if (i > 0)
			scratch_check_list(try.home, "mail/tmp", "");

		plan_free(try.plan);
		try.plan = plan_new();
		add_store(&try, paths[i]);
		assert_true(run(&try));
		check_note(&try, NULL);
		assert_int_equal(try.report.done->len, 1);
		assert_false(((DeliverDone *) try.report.done->pdata[0])->earlier);
		try_clear(&try);
	}
}

/* A new mark takes the place of our own one; that of somebody else stays where it is. */
static void
test_mark(void **state)
{
	(void) state;
	static const struct {
		const char *mail, *own, *want; /* "!" is the new mark, "m" another one */
	} rows[] = {
		{ "A: 1\nB: 1\n\nbody\n", NULL, "! A B " },
		{ "A: 1\nX-Todoke-Mark: old\nB: 1\n\nbody\n", "old", "A ! B " },
		{ "A: 1\nX-Todoke-Mark: old\nB: 1\n\nbody\n", NULL, "! A m B " },
		{ "A: 1\nX-Todoke-Mark: m\nX-Todoke-Mark: old\n\nbody\n", "old", "A m ! " },
		{ "A: 1\nX-Todoke-Mark: old\nB: 1\nX-Todoke-Mark: old\n\nbody\n", "old", "A ! B " },
	};
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(MarkKeys) keys = mark_keys_imagine(&st);
	assert_non_null(keys);

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		Try try;
		try_init(&try, rows[i].mail);
		try.has_envelope = true;
		try.owner.keys = keys;
		try.owner.now = 1700000000;
		try.owner.mark = rows[i].own;
		add_store(&try, "whole/");
		assert_true(run(&try));

		g_autofree char *only = scratch_only(try.home, "whole/new"),
				*got = scratch_read(only, NULL);
		g_autoptr(Message) stored = message_from_bytes(got, strlen(got), &st);
		const Headers *headers = message_headers(stored);
		g_autoptr(GString) names = g_string_new(NULL);
		for (size_t n = 0; n < headers_count(headers); n++) {
			const HeaderField *field = headers_get(headers, n);
			bool is_mark = header_field_is(field, MARK_FIELD);
			g_autofree char *value = header_field_value(field);
			const char *mark = strlen(value) > 20 ? "!" : "m";
			g_string_append_printf(names, "%.*s ", is_mark ? 1 : (int) field->name_len,
			                       is_mark ? mark : field->bytes);
		}
		assert_string_equal(names->str, rows[i].want);
		assert_true(g_str_has_suffix(got, "\n\nbody\n"));
		try_clear(&try);
	}
}

/* An answer that may have to be ASCII can name its words: only where they are not. */
static void
test_reject(void **state)
{
	(void) state;
	static const struct {
		const char *text;
		bool has_reference;
	} rows[] = { { "Not here.", false }, { "N\xc3\xa4h.", true }, { "", false } };

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		Try try;
		try_init(&try, text);
		try.has_envelope = true;
		PlanAction *action = plan_action_new(PLAN_REJECT, NULL, 0);
		action->text = g_strdup(rows[i].text);
		assert_true(plan_add(try.plan, action, &try.st));
		assert_false(run(&try));
		assert_int_equal(try.st.id, STATUS_RULE_REFUSED);
		assert_string_equal(status_text(&try.st),
		                    *rows[i].text != '\0' ? rows[i].text : "refused by a rule");
		assert_int_equal(try.st.detail != NULL &&
		                         strstr(try.st.detail, "reference ") != NULL,
		                 rows[i].has_reference);
		scratch_check_list(try.home, "mail/new", "");
		try_clear(&try);
	}
}

/*
 * A copy is on the disk before it is answered for: file and folder. Where it cannot be flushed
 * it is taken back, and the next try stores it.
 */
static void
test_flush(void **state)
{
	(void) state;
	static const struct {
		const char *path, *flushed[3], *broken;
	} rows[] = {
		{ "whole/", { "*/whole/new", "*/whole" }, "*/whole/new" },
		{ "mh/.", { "*/mh" }, "*/mh" },
		{ "box", { "*/box" }, "*/box" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		for (int fails = 0; fails < 2; fails++) {
			Try try;
			try_init(&try, received);
			try.has_envelope = true;
			try.envelope.queue_id = (char *) "4ABC";
			add_store(&try, rows[i].path);
			flushes_begin(fails ? rows[i].broken : NULL);
			assert_int_equal(run(&try), !fails);
			for (size_t n = 0; rows[i].flushed[n] != NULL && !fails; n++)
				assert_true(flushes_have(rows[i].flushed[n]));
			if (i < 2 && !fails) { /* the file has a name that nobody knows */
				const DeliverDone *done = try.report.done->pdata[0];
				g_autofree char *base = g_path_get_basename(done->file),
						*name = g_strconcat("*", base, NULL);
				assert_true(flushes_all()->len >= 2);
				assert_false(flushes_have(name)); /* before it has its name */
			}
			if (!fails && i == 2)
				assert_true(
					flushes_have(try.home)); /* which has a new name in it */
			flushes_end();

			if (fails) {
				assert_int_equal(try.st.id, STATUS_IO);
				status_clear(&try.st);
				assert_int_equal(try.report.done->len, 0);
				scratch_check_list(try.home, "mail/new", "");
				scratch_check_file(try.home, "mh/1", NULL);
				g_autofree char *box = scratch_read(try.home, "box");
				assert_true(box == NULL || *box == '\0');
				g_autofree char *names = scratch_list(try.home, "whole/new");
				assert_true(*names == '\0' || strcmp(names, "-") == 0);
				assert_true(run(&try));
				assert_int_equal(
					count_mails(&try, &(RetryRow){ .path = rows[i].path }), 1);
				assert_false(((DeliverDone *) try.report.done->pdata[0])->earlier);
			}
			try_clear(&try);
		}
}

/* How often the mail is in a folder, or in an mbox. */
static guint
mails_in(const Try *try, const char *below)
{
	g_autofree char *path = g_build_filename(try->home, below, NULL),
			*all = scratch_read(try->home, below);
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	guint n = 0;
	if (dir == NULL) {
		for (const char *at = all; at != NULL && (at = strstr(at, "A: 1\n")) != NULL; at++)
			n++;
		return n;
	}
	for (const char *name; (name = g_dir_read_name(dir)) != NULL;)
		n += name[0] != '.';
	return n;
}

typedef struct {
	const char *name, *paths, *found[3]; /* each has the mail, once; NULL paths: the INBOX */
} FaultRow;

static const FaultRow fault_rows[] = {
	{ "a call fails: Maildir", "whole/", { "whole/new" } },
	{ "a call fails: two Maildirs", "whole/ two/", { "whole/new", "two/new" } },
	{ "a call fails: MH", "mh/.", { "mh" } },
	{ "a call fails: mbox", "box", { "box" } },
	{ "a call fails: INBOX", NULL, { "mail/new" } },
};

/*
 * Whichever call of the system fails: the mail is stored, or the next try stores it; never twice.
 * A place that takes nothing now may give way to the INBOX.
 */
static void
test_each_call(void **state)
{
	const FaultRow *row = *state;
	static const char *const calls[] = {
		"openat",       "open",   "mkdirat",         "link",   "linkat",   "renameat",
		"renameat2",    "rename", "write",           "writev", "pwrite",   "pread",
		"read",         "fstat",  "flock",           "fcntl",  "fstatat",  "stat",
		"unlinkat",     "unlink", "copy_file_range", "close",  "sendfile", "fallocate",
		"memfd_create", "dup",
	};
	unsigned faults = 0;
	for (size_t i = 0; i < G_N_ELEMENTS(calls); i++)
		for (unsigned number = 1, met = 1; met > 0; number++) {
			Try try;
			try_init(&try, received);
			try.has_envelope = true;
			try.envelope.queue_id = (char *) "4ABC";
			if (row->paths != NULL)
				add_store(&try, row->paths);
			else
				assert_true(plan_add(try.plan, plan_action_new(PLAN_KEEP, NULL, 0),
				                     &try.st));
			flushes_begin(NULL);
			calls_break(calls[i], NULL, number, EIO);
			bool done = run(&try);
			met = calls_end();
			if (!done) {
				faults++;
				assert_true(status_is_temporary(&try.st));
				status_clear(&try.st);
				if (!run(&try))
					fail_msg("%s %u: %s", calls[i], number, try.st.detail);
			}
			flushes_end();
			guint elsewhere = row->paths != NULL ? mails_in(&try, "mail/new") : 0;
			for (size_t n = 0; n < 3 && row->found[n] != NULL; n++)
				if (mails_in(&try, row->found[n]) + elsewhere != 1)
					fail_msg("%s %u, %s: %u and %u", calls[i], number,
					         row->found[n], mails_in(&try, row->found[n]),
					         elsewhere);
			try_clear(&try);
		}
	assert_true(faults > 5);
}

static void
strike(void)
{
	(void) raise(SIGALRM);
}

/*
 * Who takes too long is told at what, and leaves no file behind, unless a claim tells the next try
 * of it. That one stores the mail, once.
 */
static void
test_late(void **state)
{
	(void) state;
	static const struct {
		const char *paths; /* NULL: the INBOX */
		const char *call;  /* the time is over just before the first of these */
		const char *doing, *tmp, *found;
		bool is_left;
	} rows[] = {
		{ NULL, "write", "writing the message", "mail/tmp", "mail/new", false },
		{ NULL, "symlinkat", "flushing the message", "mail/tmp", "mail/new", true },
		{ NULL, "renameat2", "storing the message", "mail/tmp", "mail/new", true },
		{ "whole/", "write", "writing the message", "whole/tmp", "whole/new", false },
		{ "whole/", "symlinkat", "flushing the message", "whole/tmp", "whole/new", true },
		{ "whole/", "renameat2", "storing the message", "whole/tmp", "whole/new", true },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		Try try;
		try_init(&try, received);
		g_autofree char *said = g_build_filename(try.home, "said", NULL);
		try.has_envelope = true;
		try.envelope.queue_id = (char *) "4ABC";
		if (rows[i].paths != NULL)
			add_store(&try, rows[i].paths);
		else
			assert_true(
				plan_add(try.plan, plan_action_new(PLAN_KEEP, NULL, 0), &try.st));
		(void) fflush(NULL);
		pid_t child = fork();
		if (child == 0) {
			(void) dup2(creat(said, 0600), STDOUT_FILENO);
			answer_take_over();
			deadline_start(100, NULL);
			flushes_begin(NULL);
			calls_meet(rows[i].call, NULL, 1, strike);
			(void) run(&try);
			_exit(0);
		}

		int status = 0;
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), EX_TEMPFAIL);
		g_autofree char *answer = scratch_read(try.home, "said"),
				*want = g_strdup_printf(
					"4.3.0 delivery took too long: stopped while %s\n",
					rows[i].doing);
		assert_string_equal(answer, want);
		assert_int_equal(mails_in(&try, rows[i].found), 0);
		g_autofree char *left = scratch_list(try.home, rows[i].tmp);
		g_auto(GStrv) names = g_strsplit(left, " ", -1);
		guint files = 0;
		for (size_t n = 0; names[n] != NULL; n++)
			files += *names[n] != '\0' && !g_str_has_prefix(names[n], "todoke-");
		if (files != rows[i].is_left)
			fail_msg("row %zu: %s", i, left);

		assert_true(run(&try));
		assert_int_equal(mails_in(&try, rows[i].found), 1);
		try_clear(&try);
	}
}

/*
 * A try that ends between two places: the next one stores what is missing. Behind it a mail that
 * may come again on purpose is another mail.
 */
static void
test_between_two_places(void **state)
{
	(void) state;
	static const char *const mails[] = { received, text };
	for (size_t i = 0; i < G_N_ELEMENTS(mails); i++) {
		Try try;
		try_init(&try, mails[i]);
		try.has_envelope = true;
		try.envelope.queue_id = (char *) "4ABC";
		add_store(&try, "one/ two/");
		(void) fflush(NULL);
		pid_t child = fork();
		if (child == 0) {
			deadline_start(100, NULL);
			flushes_begin(NULL);
			calls_meet("renameat2", NULL, 2, strike);
			(void) run(&try);
			_exit(0);
		}
		int status = 0;
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(WEXITSTATUS(status), EX_TEMPFAIL);
		assert_int_equal(mails_in(&try, "one/new"), 1);
		assert_int_equal(mails_in(&try, "two/new"), 0);

		assert_true(run(&try));
		assert_int_equal(mails_in(&try, "one/new"), 1);
		assert_int_equal(mails_in(&try, "two/new"), 1);
		bool is_certain = i == 0;
		assert_true(run(&try));
		assert_int_equal(mails_in(&try, "one/new"), is_certain ? 1 : 2);
		assert_int_equal(mails_in(&try, "two/new"), is_certain ? 1 : 2);
		try_clear(&try);
	}
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(fault_rows) + G_N_ELEMENTS(box_rows) +
	                        G_N_ELEMENTS(retry_rows) + 18];
	size_t n = 0;

	UNIT_ROWS(tests, n, box_rows, test_box);
	UNIT_ROWS(tests, n, retry_rows, test_retry);
	UNIT_ROWS(tests, n, fault_rows, test_each_call);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_directories);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_one_box_twice);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_umask);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_lock_goes);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_lock_of_others);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_rehearsal);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_stored_already);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_second_place);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_place_that_was_begun);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_retry_of_two_places);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_fill);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_late);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_between_two_places);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_paths);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_fault_leaves_nothing);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_flush);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_mark);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_reject);

	return _cmocka_run_group_tests("deliver-store", tests, n, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* What a delivery is known by at a retry, and the links in tmp. */
#define _GNU_SOURCE
#include "agent/state/arrival.h"
#include "agent/store/claim.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "tests/lib/calls.h"
#include "tests/lib/flushes.h"
#include "tests/lib/scratch.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static char *
key_of(const char *text, size_t len)
{
	Status st = STATUS_INIT;
	g_autoptr(Message) message = message_from_bytes(text, len, &st);

	assert_non_null(message);
	g_autoptr(Envelope) envelope = envelope_new(DOOR_LMTP);
	envelope->recipient = g_strdup("a@example.org");

	return arrival_key(envelope, message);
}

/*
 * One field that ends behind the limit: what stands there does not tell two arrivals apart, what
 * stands before does.
 */
static void
test_header_limit(void **state)
{
	(void) state;
	g_autoptr(GString) text = g_string_new("A: ");
	while (text->len < LIMIT_ARRIVAL_HEADER + 100)
		g_string_append_c(text, 'x');
	g_string_append(text, "\n\nbody\n");

	g_autofree char *first = key_of(text->str, text->len);
	text->str[LIMIT_ARRIVAL_HEADER] = 'y';
	g_autofree char *beyond = key_of(text->str, text->len);
	text->str[LIMIT_ARRIVAL_HEADER - 1] = 'y';

	g_autofree char *within = key_of(text->str, text->len);
	assert_string_equal(first, beyond);
	assert_string_not_equal(first, within);
}

typedef struct {
	const char *queue_id;
	const char *sender;
	const char *recipient;
	const char *original;
	const char *text;
} Arrival;

static char *
key_of_arrival(const Arrival *arrival)
{
	Status st = STATUS_INIT;
	g_autoptr(Message) message = message_from_bytes(arrival->text, strlen(arrival->text), &st);
	g_autoptr(Envelope) envelope = envelope_new(DOOR_PIPE);

	envelope->queue_id = g_strdup(arrival->queue_id);
	envelope->sender = g_strdup(arrival->sender);
	envelope->recipient = g_strdup(arrival->recipient);
	envelope->original = g_strdup(arrival->original);
	return arrival_key(envelope, message);
}

/* Two arrivals that differ in one thing are two: taken for a retry, the second would be lost. */
static void
test_key_has_all(void **state)
{
	(void) state;
	static const Arrival arrivals[] = {
		{ "4ABC", "s@x", "a@y", "b@y", "A: 1\nB: 2\n\nbody\n" },
		{ "4ABD", "s@x", "a@y", "b@y", "A: 1\nB: 2\n\nbody\n" },
		{ NULL, "s@x", "a@y", "b@y", "A: 1\nB: 2\n\nbody\n" },
		{ "4ABC", "t@x", "a@y", "b@y", "A: 1\nB: 2\n\nbody\n" },
		{ "4ABC", "", "a@y", "b@y", "A: 1\nB: 2\n\nbody\n" },
		{ "4ABC", "s@x", "c@y", "b@y", "A: 1\nB: 2\n\nbody\n" },
		{ "4ABC", "s@x", "a@y", "c@y", "A: 1\nB: 2\n\nbody\n" },
		{ "4ABC", "s@x", "a@y", NULL, "A: 1\nB: 2\n\nbody\n" },
		{ "4ABC", "s@x", "a@yb", "@y", "A: 1\nB: 2\n\nbody\n" },
		{ "4ABC", "s@x", "a@y", "b@y", "A: 1\nB: 3\n\nbody\n" },
		{ "4ABC", "s@x", "a@y", "b@y", "A: 1\nB: 2\n\nbody2\n" },
	};
	g_autoptr(GHashTable) keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(arrivals); i++)
		assert_true(g_hash_table_add(keys, key_of_arrival(&arrivals[i])));
	assert_false(g_hash_table_add(keys, key_of_arrival(&arrivals[0])));
}

typedef struct {
	const char *name;
	EnvelopeDoor door;
	const char *queue_id;
	const char *text;
	bool want;
} CertainRow;

static const CertainRow certain_rows[] = {
	{ "pipe with a queue id is certain", DOOR_PIPE, "4ABC", "Received: x\n\n", true },
	{ "pipe without one is not", DOOR_PIPE, NULL, "Received: x\n\n", false },
	{ "pipe with an empty one is not", DOOR_PIPE, "", "Received: x\n\n", false },
	{ "a queue id without Received is not", DOOR_PIPE, "4ABC", "Subject: x\n\n", false },
	{ "local(8) is certain", DOOR_LOCAL, NULL, "Delivered-To: a\nReceived: x\n\n", true },
	{ "LMTP is certain", DOOR_LMTP, NULL, "Received: x\n\n", true },
	{ "LMTP without Received is not", DOOR_LMTP, NULL, "Subject: x\n\nReceived: x\n", false },
};

static void
test_certain(void **state)
{
	const CertainRow *row = *state;
	Status st = STATUS_INIT;
	g_autoptr(Message) message = message_from_bytes(row->text, strlen(row->text), &st);
	g_autoptr(Envelope) envelope = envelope_new(row->door);

	envelope->queue_id = g_strdup(row->queue_id);
	assert_int_equal(arrival_is_certain(envelope, message), row->want);
}

/* A folder with tmp, and drafts in it. */
typedef struct {
	char *dir;
	int fd;
	Status st;
} Folder;

static void
folder_init(Folder *folder)
{
	*folder = (Folder){ .dir = scratch_new(), .st = STATUS_INIT };
	folder->fd = open(folder->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(folder->fd, "tmp", 0700), 0);
}

static void
folder_clear(Folder *folder)
{
	(void) close(folder->fd);
	status_clear(&folder->st);
	scratch_remove(folder->dir);
}

static const ClaimTimes times = { .lifetime = 1000, .wait_ms = 60 };

static void
make_draft(const Folder *folder, const char *name)
{
	g_autofree char *path = g_strconcat("tmp/", name, NULL);
	int fd = openat(folder->fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	(void) close(fd);
}

static void
check_take(Folder *folder, Claim *claim, const char *name, ClaimAnswer want,
           const char *want_earlier)
{
	ClaimAnswer answer = CLAIM_UNSUPPORTED;
	g_autofree char *earlier = NULL;

	make_draft(folder, name);
	assert_true(claim_take(claim, name, &times, &answer, &earlier, &folder->st));
	assert_int_equal(answer, want);
	assert_string_equal(earlier != NULL ? earlier : "-", want_earlier);
}

static void
check_tmp(const Folder *folder, const char *want)
{
	g_autofree char *got = scratch_list(folder->dir, "tmp");
	assert_string_equal(got, want);
}

/*
 * The first try died before its draft was moved: the second takes over. Then that is moved, and the
 * third knows.
 */
static void
test_three_tries(void **state)
{
	(void) state;
	Folder folder;
	folder_init(&folder);

	g_autoptr(Claim) one = claim_new(folder.fd, "aa"), two = claim_new(folder.fd, "aa"),
			 three = claim_new(folder.fd, "aa");
	check_take(&folder, one, "d1", CLAIM_OURS, "-");
	check_take(&folder, two, "d2", CLAIM_OURS, "-");
	check_tmp(&folder, "d2 todoke-aa");
	assert_false(claim_drop(one)); /* it belongs to another delivery now */
	assert_int_equal(unlinkat(folder.fd, "tmp/d2", 0), 0); /* stands for the move */
	check_take(&folder, three, "d3", CLAIM_STORED, "d2");
	assert_false(claim_drop(two)); /* somebody answered for that copy */

	g_autoptr(Claim) four = claim_new(folder.fd, "aa");
	check_take(&folder, four, "d4", CLAIM_STORED, "d2");
	claim_forget(four);
	check_tmp(&folder, "d3 d4");
	folder_clear(&folder);
}

/*
 * A power cut lost the move that a retry had answered for, but not that it had: the draft is back,
 * and the mail is not stored.
 */
static void
test_move_that_was_lost(void **state)
{
	(void) state;
	Folder folder;
	folder_init(&folder);

	g_autoptr(Claim) one = claim_new(folder.fd, "aa"), two = claim_new(folder.fd, "aa"),
			 three = claim_new(folder.fd, "aa");
	check_take(&folder, one, "d1", CLAIM_OURS, "-");
	assert_int_equal(renameat(folder.fd, "tmp/d1", folder.fd, "shown"), 0);
	check_take(&folder, two, "d2", CLAIM_STORED, "d1");
	assert_int_equal(renameat(folder.fd, "shown", folder.fd, "tmp/d1"), 0);
	check_take(&folder, three, "d3", CLAIM_OURS, "-");
	check_tmp(&folder, "d2 d3 todoke-aa");
	folder_clear(&folder);
}

/* What cannot be taken over is given up: a claim on a draft that is removed would lose the mail. */
static void
test_faults_of_the_disk(void **state)
{
	(void) state;
	Folder folder;
	ClaimAnswer answer = CLAIM_UNSUPPORTED;
	char *earlier = NULL, *note = NULL;
	folder_init(&folder);

	g_autoptr(Claim) one = claim_new(folder.fd, "aa"), two = claim_new(folder.fd, "aa"),
			 three = claim_new(folder.fd, "aa");
	check_take(&folder, one, "d1", CLAIM_OURS, "-");
	make_draft(&folder, "d2");

	calls_break("readlinkat", "tmp/todoke-aa", CALLS_EACH, EIO);
	assert_false(claim_take(two, "d2", &times, &answer, &earlier, &folder.st));
	assert_int_equal(folder.st.id, STATUS_IO);
	status_clear(&folder.st);
	assert_false(claim_read_note(two, times.lifetime, &note, &folder.st));
	assert_int_equal(folder.st.id, STATUS_IO);
	status_clear(&folder.st);
	assert_true(calls_end() > 0);
	check_tmp(&folder, "d1 d2 todoke-aa");

	calls_break("unlinkat", "tmp/d1", CALLS_EACH, EIO);
	assert_false(claim_take(two, "d2", &times, &answer, &earlier, &folder.st));
	assert_int_equal(folder.st.id, STATUS_IO);
	status_clear(&folder.st);
	assert_int_equal(calls_end(), 1);
	assert_true(claim_drop(two));
	check_tmp(&folder, "d1 d2");
	check_take(&folder, three, "d3", CLAIM_OURS, "-");

	assert_int_equal(answer, CLAIM_UNSUPPORTED);
	assert_null(earlier);
	assert_null(note);
	folder_clear(&folder);
}

/*
 * Drafts in another folder, perhaps of another file system: the claim's change is on the disk
 * before they go.
 */
static void
test_draft_elsewhere(void **state)
{
	(void) state;
	Folder folder;
	ClaimAnswer answer = CLAIM_UNSUPPORTED;
	char *earlier = NULL;
	folder_init(&folder);
	assert_int_equal(mkdirat(folder.fd, "mh", 0700), 0);
	scratch_write(folder.dir, "mh/.d1", "");
	scratch_write(folder.dir, "mh/.d2", "");
	auto_fd int mh = openat(folder.fd, "mh", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	g_autoptr(Claim) one = claim_new(folder.fd, "aa"), two = claim_new(folder.fd, "aa");
	claim_set_folder(one, mh, ".");
	claim_set_folder(two, mh, ".");
	assert_true(claim_take(one, "d1", &times, &answer, &earlier, &folder.st));
	flushes_begin("*/tmp");
	assert_false(claim_take(two, "d2", &times, &answer, &earlier, &folder.st));
	assert_int_equal(folder.st.id, STATUS_IO);
	status_clear(&folder.st);
	assert_int_equal(faccessat(mh, ".d1", F_OK, 0), 0);
	assert_false(claim_drop(two)); /* its draft stays */
	check_tmp(&folder, "");

	g_autoptr(Claim) three = claim_new(folder.fd, "aa"), four = claim_new(folder.fd, "aa");
	claim_set_folder(three, mh, ".");
	claim_set_folder(four, mh, ".");
	flushes_begin(NULL);
	assert_true(claim_take(three, "d1", &times, &answer, &earlier, &folder.st));
	assert_int_equal(flushes_all()->len, 0);
	assert_true(claim_take(four, "d2", &times, &answer, &earlier, &folder.st));
	assert_int_equal(answer, CLAIM_OURS);
	assert_true(flushes_have("*/tmp"));
	assert_int_not_equal(faccessat(mh, ".d1", F_OK, 0), 0);
	flushes_begin(NULL);
	assert_true(claim_drop(four));
	assert_true(flushes_have("*/tmp"));

	flushes_end();
	assert_null(earlier);
	folder_clear(&folder);
}

/*
 * Whoever is at work holds its draft, and is waited for, however old its claim is; nobody removes
 * what it is about to move.
 */
static void
test_two_at_once(void **state)
{
	(void) state;
	Folder folder;
	folder_init(&folder);

	g_autoptr(Claim) one = claim_new(folder.fd, "aa"), two = claim_new(folder.fd, "aa");
	check_take(&folder, one, "d1", CLAIM_OURS, "-");
	int fd = openat(folder.fd, "tmp/d1", O_RDONLY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_SH), 0);

	const struct timespec long_ago[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
	assert_int_equal(utimensat(folder.fd, "tmp/todoke-aa", long_ago, AT_SYMLINK_NOFOLLOW), 0);
	make_draft(&folder, "d2");

	ClaimAnswer answer = CLAIM_UNSUPPORTED;
	char *earlier = NULL;
	assert_false(claim_take(two, "d2", &times, &answer, &earlier, &folder.st));
	assert_int_equal(folder.st.id, STATUS_BUSY);
	assert_int_equal(answer, CLAIM_UNSUPPORTED);
	assert_null(earlier);
	status_clear(&folder.st);
	check_tmp(&folder, "d1 d2 todoke-aa");
	(void) close(fd);

	/* its process died */
	assert_true(claim_take(two, "d2", &times, &answer, &earlier, &folder.st));
	assert_int_equal(answer, CLAIM_OURS);
	check_tmp(&folder, "d2 todoke-aa");
	folder_clear(&folder);
}

/*
 * A retry is about to answer for the copy: its maker must not take it back. Who holds tmp for ever
 * keeps no mail waiting.
 */
static void
test_drop_while_a_retry_answers(void **state)
{
	(void) state;
	Folder folder;
	folder_init(&folder);

	g_autoptr(Claim) one = claim_new(folder.fd, "aa"), two = claim_new(folder.fd, "aa");
	check_take(&folder, one, "d1", CLAIM_OURS, "-");
	assert_int_equal(unlinkat(folder.fd, "tmp/d1", 0), 0); /* stands for the move */

	int fd = openat(folder.fd, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_false(claim_drop(one));
	check_take(&folder, two, "d2", CLAIM_STORED, "d1");
	(void) close(fd);
	assert_false(claim_drop(one));
	folder_clear(&folder);
}

/*
 * Who may write into a shared folder may not say that the mail of another is stored already, nor
 * have another's drafts removed.
 */
static void
test_claim_of_a_stranger(void **state)
{
	(void) state;
	Folder folder;
	folder_init(&folder);
	make_draft(&folder, "other");
	assert_int_equal(symlinkat("gone", folder.fd, "tmp/todoke-aa"), 0);
	assert_int_equal(symlinkat("other", folder.fd, "tmp/todoke-00"), 0);

	if (fchownat(folder.fd, "tmp/todoke-aa", geteuid() + 1, -1, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fchownat(folder.fd, "tmp/todoke-00", geteuid() + 1, -1, AT_SYMLINK_NOFOLLOW) < 0) {
		folder_clear(&folder);
		skip(); /* not root */
	}

	g_autoptr(Claim) claim = claim_new(folder.fd, "aa"), sweeper = claim_new(folder.fd, "00");
	check_take(&folder, claim, "d1", CLAIM_OURS, "-");
	claim_sweep(sweeper, -10, LIMIT_TMP_AGE_SECONDS);
	check_tmp(&folder, "other");
	folder_clear(&folder);
}

/* By its change time: a program that stores old mail gives the file the date of its arrival. */
static void
test_what_was_left_behind(void **state)
{
	(void) state;
	Folder folder;
	folder_init(&folder);
	make_draft(&folder, "draft");
	const struct timespec old[] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
	assert_int_equal(utimensat(folder.fd, "tmp/draft", old, 0), 0);
	assert_int_equal(symlinkat("gone", folder.fd, "tmp/link"), 0);
	assert_int_equal(mkdirat(folder.fd, "tmp/folder", 0700), 0);

	g_autoptr(Claim) other = claim_new(folder.fd, "aa"), sweeper = claim_new(folder.fd, "00");
	claim_sweep(sweeper, 100, LIMIT_TMP_AGE_SECONDS);
	claim_sweep(other, 100, -10);
	check_tmp(&folder, "draft folder link");
	claim_sweep(sweeper, 100, -10);
	check_tmp(&folder, "folder link");
	folder_clear(&folder);
}

int
main(void)
{
	static const struct CMUnitTest alone[] = {
		cmocka_unit_test(test_header_limit),
		cmocka_unit_test(test_key_has_all),
		cmocka_unit_test(test_three_tries),
		cmocka_unit_test(test_two_at_once),
		cmocka_unit_test(test_move_that_was_lost),
		cmocka_unit_test(test_faults_of_the_disk),
		cmocka_unit_test(test_draft_elsewhere),
		cmocka_unit_test(test_claim_of_a_stranger),
		cmocka_unit_test(test_what_was_left_behind),
		cmocka_unit_test(test_drop_while_a_retry_answers),
	};
	struct CMUnitTest tests[G_N_ELEMENTS(alone) + G_N_ELEMENTS(certain_rows)];
	size_t n = G_N_ELEMENTS(alone);

	memcpy(tests, alone, sizeof alone);
	for (size_t i = 0; i < G_N_ELEMENTS(certain_rows); i++)
		tests[n++] = (struct CMUnitTest){ certain_rows[i].name, test_certain, NULL, NULL,
			                          (void *) &certain_rows[i] };

	return _cmocka_run_group_tests("claim", tests, n, NULL, NULL);
}

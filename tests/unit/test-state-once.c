/* SPDX-License-Identifier: MIT */
/*
 * The state of one delivery, its private copy, the lock of a try, and when the ledger writes.
 */
#include "agent/state/ledger.h"
#include "agent/state/state-copy.h"
#include "agent/state/try-lock.h"

#include "agent/base/fs.h"
#include "tests/lib/scratch.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOW = 1700000000, DAY = 86400 };

static GPtrArray *
notes_new(void)
{
	return g_ptr_array_new_with_free_func(g_free);
}

static void
check_notes(const GPtrArray *notes, const char *part)
{
	assert_int_equal(notes->len, part != NULL);
	if (part != NULL)
		assert_non_null(strstr(notes->pdata[0], part));
}

/* What one delivery saw is no news to the others, but to its own retries for a day at least. */
static void
test_seen(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_autoptr(GPtrArray) notes = notes_new();
	StateOnce *first = state_once_new(dir, NOW);
	assert_false(state_once_has_seen(first, "key", "one", notes));
	state_once_will_see(first, "key", "one", NOW + 10);
	state_once_will_see(first, "long", "one", NOW + 3 * DAY);
	state_once_will_see(first, "bare", NULL, NOW + 10);
	assert_false(state_once_has_seen(first, "key", NULL, notes)); /* not before it succeeded */
	state_once_succeeded(first, notes);
	state_once_free(first);

	static const struct {
		gint64 later;
		const char *key, *arrival;
		bool has_seen, was_first;
	} rows[] = {
		{ 9, "key", "two", true, false },         { 9, "key", NULL, true, false },
		{ 9, "key", "one", false, true },         { 9, "bare", "one", true, false },
		{ 10, "key", "two", false, false },       { 10, "key", "one", false, true },
		{ DAY - 1, "key", "one", false, true },   { DAY, "key", "one", false, false },
		{ 2 * DAY, "long", "one", false, true },  { 2 * DAY, "long", "two", true, false },
		{ 3 * DAY, "long", "two", false, false }, { 9, "none", "one", false, false },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(StateOnce) once = state_once_new(dir, NOW + rows[i].later);
		assert_int_equal(state_once_has_seen(once, rows[i].key, rows[i].arrival, notes),
		                 rows[i].has_seen);
		assert_int_equal(state_once_was_first(once, rows[i].key, rows[i].arrival, notes),
		                 rows[i].was_first);
		assert_false(state_once_is_shared(once));
		assert_string_equal(state_once_folder(once), dir);
	}

	check_notes(notes, NULL);
	scratch_remove(dir);
}

/* Nothing to remember opens no state; what was written once is not written again. */
static void
test_seen_is_written_once(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_autofree char *folder = g_build_filename(dir, "state", NULL);
	g_autoptr(GPtrArray) notes = notes_new();
	StateOnce *once = state_once_new(folder, NOW);
	state_once_succeeded(once, notes);
	state_once_succeeded(NULL, notes);
	assert_false(state_once_was_first(once, "key", NULL, notes));
	g_autofree char *none = scratch_list(dir, ".");
	assert_string_equal(none, "");

	state_once_will_see(once, "key", NULL, NOW + 10);
	state_once_succeeded(once, notes);
	State *opened = state_once_get(once, notes);
	assert_non_null(opened);
	assert_ptr_equal(opened, state_once_get(once, notes));
	g_auto(Status) st = STATUS_INIT;
	assert_true(state_drop(opened, &(StateItem){ STATE_SEEN, "key", "", 0, 0 }, &st));
	assert_false(state_seen(opened, "key", &st));
	state_once_succeeded(once, notes);
	assert_false(state_seen(opened, "key", &st));
	check_notes(notes, NULL);
	state_once_free(once);
	scratch_remove(dir);
}

/* A state that cannot be opened is noted once, remembers nothing and stops nothing. */
static void
test_unusable(void **state)
{
	(void) state;
	char *dir = scratch_new();
	scratch_write(dir, "file", "x");
	g_autofree char *folder = g_build_filename(dir, "file/state", NULL);
	g_autoptr(GPtrArray) notes = notes_new();
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(StateOnce) once = state_once_new(folder, NOW);
	assert_null(state_once_get(once, notes));
	assert_null(state_once_get(once, notes));
	check_notes(notes, "nothing can be remembered: ");
	assert_false(state_once_has_seen(once, "key", "one", notes));
	state_once_will_see(once, "key", "one", NOW + 10);
	state_once_succeeded(once, notes);
	check_notes(notes, "nothing can be remembered: ");
	assert_false(state_once_must_wait(once, &st));
	assert_false(state_once_must_wait(NULL, &st));
	assert_int_equal(st.id, STATUS_OK);
	assert_null(state_once_get(NULL, notes));
	scratch_remove(dir);
}

/* A server that decides and cannot be used makes the mail wait, for its first reason. */
static void
test_server_that_cannot_be_used(void **state)
{
	(void) state;
	char *dir = scratch_new();
	const StatePlace place = { .module = "todoke-state-redis.so",
		                   .where = (char *) "127.0.0.1",
		                   .peer = (char *) "redis:x",
		                   .timeout_ms = 100,
		                   .problem = (char *) "its password is for everybody" };

	for (int copy = 0; copy < 2; copy++) {
		g_autoptr(GPtrArray) notes = notes_new();
		g_auto(Status) st = STATUS_INIT;
		g_autoptr(StateOnce) once = copy ? state_once_new_copy_shared(&place, "o", dir, NOW)
		                                 : state_once_new_shared(&place, "o", dir, NOW);
		assert_true(state_once_is_shared(once));
		assert_false(state_once_must_wait(once, &st));
		assert_null(state_once_get(once, notes));
		if (notes->len > 0 && strstr(notes->pdata[0], "todoke-state-redis.so") != NULL) {
			scratch_remove(dir);
			skip(); /* built without it */
		}
		check_notes(notes, "nothing can be remembered: cannot use the state in 'redis:x'");
		assert_non_null(strstr(notes->pdata[0], "its password is for everybody"));
		assert_false(state_once_must_wait(once, &st)); /* nothing was asked yet */

		assert_false(state_once_has_seen(once, "key", "one", notes));
		g_auto(Status) later = STATUS_INIT;
		status_fail_detail(&later, STATUS_STATE, "something else");
		state_once_miss(once, &later);
		assert_true(state_once_must_wait(once, &st));
		assert_int_equal(st.id, STATUS_STATE);
		assert_non_null(strstr(st.detail, "its password is for everybody"));
	}

	/* without a place it is the file */
	g_autoptr(StateOnce) file = state_once_new_shared(NULL, "o", dir, NOW);
	g_auto(Status) st = STATUS_INIT;
	status_fail_detail(&st, STATUS_STATE, "x");
	state_once_miss(file, &st);
	assert_false(state_once_must_wait(file, &st));
	assert_false(state_once_is_shared(file));
	scratch_remove(dir);
}

/* `try` asks and writes in a copy, which goes; the state itself is as it was. */
static void
test_copy(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_autofree char *folder = g_build_filename(dir, "state", NULL);
	g_autoptr(GPtrArray) notes = notes_new();
	StateOnce *real = state_once_new(folder, NOW);
	state_once_will_see(real, "old", NULL, NOW + 10);
	state_once_succeeded(real, notes);
	state_once_free(real);

	StateOnce *copy = state_once_new_copy(folder, NOW);
	assert_null(state_once_folder(copy));
	assert_true(state_once_has_seen(copy, "old", NULL, notes));
	state_once_will_see(copy, "new", NULL, NOW + 10);
	state_once_succeeded(copy, notes);
	g_autofree char *made = g_strdup(state_once_folder(copy));
	assert_true(g_file_test(made, G_FILE_TEST_IS_DIR));
	assert_string_not_equal(made, folder);
	state_once_free(copy);
	assert_false(g_file_test(made, G_FILE_TEST_EXISTS));

	g_autoptr(StateOnce) after = state_once_new(folder, NOW);
	assert_false(state_once_has_seen(after, "new", NULL, notes));
	assert_true(state_once_has_seen(after, "old", NULL, notes));
	check_notes(notes, NULL);
	scratch_remove(dir);
}

/* A copy of nothing, of a folder that is not there, of one that nobody could make or write to. */
static void
test_copy_of_none(void **state)
{
	(void) state;
	char *dir = scratch_new();
	scratch_write(dir, "file", "x");
	g_autofree char *missing = g_build_filename(dir, "missing/state", NULL),
			*blocked = g_build_filename(dir, "file/state", NULL);
	const struct {
		const char *folder, *note;
	} rows[] = { { NULL, NULL },
		     { missing, NULL },
		     { blocked, "nothing can be remembered: " } };

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GPtrArray) notes = notes_new();
		g_autoptr(StateOnce) once = state_once_new_copy(rows[i].folder, NOW);
		assert_int_equal(state_once_get(once, notes) != NULL, rows[i].note == NULL);
		check_notes(notes, rows[i].note);
	}
	g_autofree char *names = scratch_list(dir, ".");
	assert_string_equal(names, "file");
	scratch_remove(dir);
}

/* The file and its log are copied, and what an earlier copy left goes. */
static void
test_copied_files(void **state)
{
	(void) state;
	char *from = scratch_new(), *to = scratch_new();
	g_auto(Status) st = STATUS_INIT;
	scratch_write(from, "s", "data");
	scratch_write(from, "s-wal", "log");
	scratch_write(from, "s-shm", "no");
	assert_true(state_copy(from, "s", to, &st));
	g_autofree char *names = scratch_list(to, "."), *data = scratch_read(to, "s"),
			*log = scratch_read(to, "s-wal");
	assert_string_equal(names, "s s-wal");
	assert_string_equal(data, "data");
	assert_string_equal(log, "log");

	g_autofree char *wal = g_build_filename(from, "s-wal", NULL);
	assert_int_equal(unlink(wal), 0);
	assert_true(state_copy(from, "s", to, &st));
	g_autofree char *left = scratch_list(to, ".");
	assert_string_equal(left, "s");

	assert_int_equal(symlink("s-wal", wal), 0);
	assert_false(state_copy(from, "s", to, &st));
	assert_non_null(strstr(st.detail, "s-wal"));
	scratch_remove(from);
	scratch_remove(to);
}

/* One try at a time; the file goes with the lock, and one that was left is no lock. */
static void
test_try_lock(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *key = g_strnfill(40, 'k'), *name = g_strdup_printf("try.%.32s", key);
	scratch_write(dir, name, "");
	TryLock *lock = try_lock_take(dir, key, 0, &st);
	assert_non_null(lock);

	gint64 begun = g_get_monotonic_time();
	assert_null(try_lock_take(dir, key, 120, &st));
	assert_int_equal(st.id, STATUS_BUSY);
	assert_in_range(g_get_monotonic_time() - begun, 120 * 1000, 60 * G_USEC_PER_SEC);
	status_clear(&st);

	TryLock *other = try_lock_take(dir, "other", 0, &st);
	assert_non_null(other);
	g_autofree char *both = scratch_list(dir, "."),
			*want = g_strdup_printf("%s try.other", name);
	assert_string_equal(both, want);
	try_lock_free(other);
	try_lock_free(lock);
	try_lock_free(NULL);
	g_autofree char *names = scratch_list(dir, ".");
	assert_string_equal(names, "");

	g_autofree char *missing = g_build_filename(dir, "missing", NULL);
	assert_null(try_lock_take(missing, key, 0, &st));
	assert_int_equal(st.id, STATUS_MISSING);
	scratch_remove(dir);
}

/* Whoever waits gets the lock in the moment when it is free, on the file that stands there then. */
static void
test_try_lock_is_waited_for(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_auto(Status) st = STATUS_INIT;
	TryLock *lock = try_lock_take(dir, "k", 0, &st);
	pid_t child = fork();
	if (child == 0) {
		TryLock *next = try_lock_take(dir, "k", 20000, &st);
		g_autofree char *names = scratch_list(dir, ".");
		bool good = next != NULL && strcmp(names, "try.k") == 0;
		try_lock_free(next);
		_exit(good ? 0 : 1);
	}

	g_usleep(150 * 1000);
	int how = 0;
	assert_int_equal(waitpid(child, &how, WNOHANG), 0);
	try_lock_free(lock);
	assert_int_equal(waitpid(child, &how, 0), child);
	assert_int_equal(how, 0);
	scratch_remove(dir);
}

static guint64
counted(State *one, const char *key)
{
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *value = NULL;
	size_t len = 0;
	assert_true(state_get(one, STATE_JOURNAL, key, &value, &len, &st));
	return value != NULL ? len : 0;
}

/* Only what was set is written. What was read beside the mailbox is, and the file goes. */
static void
test_ledger_writes_changes(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(GPtrArray) notes = notes_new();
	g_autoptr(StateOnce) once = state_once_new(dir, NOW);
	State *one = state_once_get(once, notes);
	g_autofree char *spare = g_build_filename(dir, "spare", NULL);

	Ledger *ledger = ledger_open(one, "key", NOW + 10, &st);
	assert_true(ledger_write(ledger, &st));
	assert_int_equal(counted(one, "key"), 0);
	ledger_set(ledger, "a b", LEDGER_REFUSED, "550 no\n");
	assert_true(ledger_write(ledger, &st));
	assert_true(counted(one, "key") > 0);

	/* what has not changed is not written over what another one wrote */
	const StateItem other = { STATE_JOURNAL, "key", "d x \n", 5, NOW + 10 };
	assert_true(state_put(one, &other, 1, &st));
	assert_true(ledger_write(ledger, &st));
	assert_int_equal(counted(one, "key"), 5);
	assert_true(ledger_write_spare(ledger, spare, &st));
	ledger_free(ledger);

	Ledger *next = ledger_open(one, "key", NOW + 10, &st);
	assert_int_equal(ledger_find(next, "x", NULL), LEDGER_DONE);
	assert_true(ledger_write(next, &st));
	assert_int_equal(counted(one, "key"), 5);
	ledger_read_spare(next, spare);
	const char *text = NULL;
	assert_int_equal(ledger_find(next, "a b", &text), LEDGER_REFUSED);
	assert_string_equal(text, "550 no\n");
	assert_true(ledger_write(next, &st));
	assert_true(counted(one, "key") > 5);
	g_autofree char *names = scratch_list(spare, ".");
	assert_string_equal(names, "");

	/* once it is told, a file of the same name is another one's */
	g_autofree char *file = g_build_filename(spare, "ledger-key", NULL);
	assert_true(g_file_set_contents(file, "x", 1, NULL));
	ledger_set(next, "c", LEDGER_DONE, NULL);
	assert_true(ledger_write(next, &st));
	assert_true(g_file_test(file, G_FILE_TEST_EXISTS));
	ledger_free(next);
	scratch_remove(dir);
}

/* Lines that are none add nothing. */
static void
test_ledger_lines(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(GPtrArray) notes = notes_new();
	g_autoptr(StateOnce) once = state_once_new(dir, NOW);
	State *one = state_once_get(once, notes);
	static const char text[] =
		"d\nd x\ndd x \nq x \nd %zz \n x \ns good%20step \nd last text%21";
	const StateItem item = { STATE_JOURNAL, "key", text, strlen(text), NOW + 10 };
	assert_true(state_put(one, &item, 1, &st));

	g_autoptr(Ledger) ledger = ledger_open(one, "key", NOW + 10, &st);
	const char *said = NULL;
	assert_int_equal(ledger_find(ledger, "x", NULL), LEDGER_NEW);
	assert_int_equal(ledger_find(ledger, "%zz", NULL), LEDGER_NEW);
	assert_int_equal(ledger_find(ledger, "good step", &said), LEDGER_SENDING);
	assert_string_equal(said, "");
	assert_int_equal(ledger_find(ledger, "last", &said), LEDGER_DONE);
	assert_string_equal(said, "text!");
	scratch_remove(dir);
}

/* No descriptor stays open, one try in many. */
static void
test_nothing_stays_open(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *missing = g_build_filename(dir, "missing", NULL);
	int before = open("/dev/null", O_RDONLY | O_CLOEXEC);
	close(before);
	for (int i = 0; i < 3; i++) {
		g_autoptr(Ledger) ledger = ledger_open(NULL, "0000", NOW, &st);
		ledger_sweep_spare(ledger, dir, NOW);
		ledger_sweep_spare(ledger, missing, NOW);
		try_lock_free(try_lock_take(dir, "k", 0, &st));
	}
	int after = open("/dev/null", O_RDONLY | O_CLOEXEC);
	close(after);
	assert_int_equal(before, after);
	scratch_remove(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seen),
		cmocka_unit_test(test_seen_is_written_once),
		cmocka_unit_test(test_unusable),
		cmocka_unit_test(test_server_that_cannot_be_used),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_copy_of_none),
		cmocka_unit_test(test_copied_files),
		cmocka_unit_test(test_try_lock),
		cmocka_unit_test(test_try_lock_is_waited_for),
		cmocka_unit_test(test_ledger_writes_changes),
		cmocka_unit_test(test_ledger_lines),
		cmocka_unit_test(test_nothing_stays_open),
	};

	return cmocka_run_group_tests_name("state-once", tests, NULL, NULL);
}

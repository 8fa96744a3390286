/* SPDX-License-Identifier: MIT */
/*
 * The state and the ledger on SQLite: what comes back, what ends, what is damaged, what two do at
 * once.
 */
#include "agent/state/ledger.h"

#include "agent/base/limits.h"
#include "tests/lib/scratch.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOW = 1700000000 };

static State *
open_at(const char *dir, gint64 now)
{
	g_auto(Status) st = STATUS_INIT;
	char *note = NULL;
	g_autofree char *folder = g_build_filename(dir, "a/b", NULL);
	State *state = state_open(folder, now, &note, &st);

	assert_non_null(state);
	assert_null(note);
	return state;
}

static void
test_values_end(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_auto(Status) st = STATUS_INIT;
	State *one = open_at(dir, NOW);
	StateItem items[] = { { STATE_BLOB, "script", "a\0b", 3, G_MAXINT64 },
		              { STATE_SEEN, "key", NULL, 0, NOW + 10 } };
	assert_true(state_put(one, items, 2, &st));
	assert_true(state_seen(one, "key", &st));
	assert_false(state_seen(one, "other", &st));
	state_close(one);

	State *later = open_at(dir, NOW + 10);
	assert_false(state_seen(later, "key", &st));
	g_autofree char *value = NULL;
	size_t len = 9999;
	assert_true(state_get(later, STATE_BLOB, "script", &value, &len, &st));
	assert_int_equal(len, 3);
	assert_memory_equal(value, "a\0b", 4);
	assert_int_equal(st.id, STATUS_OK);
	state_close(later);
	scratch_remove(dir);
}

static void
test_value_too_long(void **state)
{
	(void) state;
	char *dir = scratch_new();
	State *one = open_at(dir, NOW);
	g_autofree char *big = g_strnfill(LIMIT_STATE_VALUE + 1, 'x');
	g_auto(Status) st = STATUS_INIT;
	assert_true(state_put(one, &(StateItem){ STATE_BLOB, "a", big, LIMIT_STATE_VALUE, NOW + 1 },
	                      1, &st));
	assert_false(state_put(
		one, &(StateItem){ STATE_BLOB, "a", big, LIMIT_STATE_VALUE + 1, NOW + 1 }, 1, &st));
	assert_int_equal(st.id, STATUS_LIMIT);
	state_close(one);
	scratch_remove(dir);
}

/* A file beside the mailbox that could not be removed is older than what the server knows. */
static void
test_spare_undoes_nothing(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_auto(Status) st = STATUS_INIT;
	State *one = open_at(dir, NOW);
	Ledger *before = ledger_open(one, "key", NOW + 10, &st);
	ledger_set(before, "a", LEDGER_SENDING, NULL);
	ledger_set(before, "b", LEDGER_DONE, NULL);
	assert_true(ledger_write_spare(before, dir, &st));
	ledger_free(before);

	Ledger *known = ledger_open(one, "key", NOW + 10, &st);
	ledger_set(known, "a", LEDGER_DONE, NULL);
	assert_true(ledger_write(known, &st));
	ledger_free(known);

	Ledger *after = ledger_open(one, "key", NOW + 10, &st);
	ledger_read_spare(after, dir);
	assert_int_equal(ledger_find(after, "a", NULL), LEDGER_DONE);
	assert_int_equal(ledger_find(after, "b", NULL), LEDGER_DONE);
	ledger_free(after);
	state_close(one);
	scratch_remove(dir);
}

static void
test_counter_of_many(void **state)
{
	(void) state;
	enum { PROCESSES = 4, EACH = 10 };
	char *dir = scratch_new();
	state_close(open_at(dir, NOW));

	for (int i = 0; i < PROCESSES; i++) {
		if (fork() != 0)
			continue;
		State *one = open_at(dir, NOW);
		Status st = STATUS_INIT;
		gint64 total;
		bool good = true;
		for (int k = 0; k < EACH; k++)
			good = good && state_count(one, "c", 1, NOW + 100, &total, &st);
		_exit(good ? 0 : 1);
	}

	for (int i = 0, how; i < PROCESSES; i++) {
		assert_true(wait(&how) > 0);
		assert_int_equal(how, 0);
	}

	State *one = open_at(dir, NOW);
	g_auto(Status) st = STATUS_INIT;
	gint64 total = 0;
	assert_true(state_count(one, "c", 0, 0, &total, &st));
	assert_int_equal(total, PROCESSES * EACH);
	state_close(one);
	scratch_remove(dir);
}

/* One of all gets it, until it ends. Whoever has it may take it again; only they give it back. */
static void
test_take(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_auto(Status) st = STATUS_INIT;
	State *one = open_at(dir, NOW);
	StateItem mine = { STATE_CLAIM, "key", "mine", 4, NOW + 10 },
		  other = { STATE_CLAIM, "key", "other", 5, NOW + 10 };
	bool taken = false;

	assert_true(state_take(one, &mine, &taken, &st) && taken);
	assert_true(state_take(one, &other, &taken, &st) && !taken);
	assert_true(state_take(one, &mine, &taken, &st) && taken);
	assert_true(state_drop(one, &other, &st));
	assert_true(state_take(one, &other, &taken, &st) && !taken);
	assert_true(state_drop(one, &mine, &st));
	assert_true(state_take(one, &other, &taken, &st) && taken);
	state_close(one);

	State *later = open_at(dir, NOW + 10);
	mine.until = NOW + 20;
	assert_true(state_take(later, &mine, &taken, &st) && taken);
	state_close(later);
	scratch_remove(dir);
}

static void
test_taken_by_one_of_many(void **state)
{
	(void) state;
	enum { PROCESSES = 6 };
	char *dir = scratch_new();
	state_close(open_at(dir, NOW));

	for (int i = 0; i < PROCESSES; i++) {
		if (fork() != 0)
			continue;
		State *one = open_at(dir, NOW);
		Status st = STATUS_INIT;
		g_autofree char *token = g_strdup_printf("%d", i);
		const StateItem item = { STATE_SEEN, "key", token, strlen(token), NOW + 10 };
		bool taken = false;
		_exit(!state_take(one, &item, &taken, &st) ? 2 : taken ? 1 : 0);
	}

	int winners = 0;
	for (int i = 0, how; i < PROCESSES; i++) {
		assert_true(wait(&how) > 0);
		assert_true(WIFEXITED(how) && WEXITSTATUS(how) < 2);
		winners += WEXITSTATUS(how);
	}
	assert_int_equal(winners, 1);
	scratch_remove(dir);
}

/* What a server could not be told is in a file until it can. */
static void
test_spare_ledger(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *folder = g_build_filename(dir, "spare", NULL);
	const char *text = NULL;

	Ledger *first = ledger_open(NULL, "0123456789abcdef", NOW + 10, &st);
	ledger_set(first, "redirect a b", LEDGER_DONE, "x y");
	assert_true(ledger_write_spare(first, folder, &st));
	ledger_free(first);

	State *one = open_at(dir, NOW);
	Ledger *other = ledger_open(one, "another", NOW + 10, &st);
	ledger_read_spare(other, folder);
	assert_int_equal(ledger_find(other, "redirect a b", &text), LEDGER_NEW);
	ledger_free(other);

	Ledger *again = ledger_open(one, "0123456789abcdef", NOW + 10, &st);
	ledger_read_spare(again, folder);
	assert_int_equal(ledger_find(again, "redirect a b", &text), LEDGER_DONE);
	assert_string_equal(text, "x y");
	assert_true(ledger_write(again, &st));
	ledger_free(again);

	Ledger *known = ledger_open(one, "0123456789abcdef", NOW + 10, &st);
	ledger_read_spare(known, folder);
	assert_int_equal(ledger_find(known, "redirect a b", &text), LEDGER_DONE);
	ledger_free(known);
	g_autofree char *file = g_build_filename(folder, "ledger-0123456789abcdef", NULL);
	assert_int_equal(access(file, F_OK), -1);
	state_close(one);
	scratch_remove(dir);
}

static void
write_aged(const char *folder, const char *name, time_t mtime)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);
	const struct timespec times[] = { { .tv_sec = mtime }, { .tv_sec = mtime } };
	assert_true(g_file_set_contents(path, "d a b\n", -1, NULL));
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static bool
is_there(const char *folder, const char *name)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);
	return g_file_test(path, G_FILE_TEST_EXISTS);
}

static void
sweep(const char *folder, const char *key)
{
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Ledger) ledger = ledger_open(NULL, key, NOW + 10, &st);
	ledger_sweep_spare(ledger, folder, NOW);
}

/* Files of mail that never came again; some keys look for them, and they take nothing else. */
static void
test_spare_sweep(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_autofree char *linked = g_build_filename(dir, "ledger-link", NULL),
			*folder = g_build_filename(dir, "ledger-folder", NULL);
	write_aged(dir, "ledger-aa", NOW - 1);
	write_aged(dir, "ledger-aa.X1Y2Z3", NOW - 1);
	write_aged(dir, "ledger-bb", NOW);
	write_aged(dir, "state.db", NOW - 1);
	assert_int_equal(symlink("state.db", linked), 0);
	assert_int_equal(mkdir(folder, 0700), 0);

	sweep(dir, "1f00");
	assert_true(is_there(dir, "ledger-aa"));
	sweep(dir, "2000");
	assert_false(is_there(dir, "ledger-aa"));
	assert_false(is_there(dir, "ledger-aa.X1Y2Z3"));
	assert_true(is_there(dir, "ledger-bb"));
	assert_true(is_there(dir, "state.db"));
	assert_true(is_there(dir, "ledger-link"));
	assert_true(is_there(dir, "ledger-folder"));
	sweep(folder, "2000"); /* an empty folder, and one that is not there */
	sweep("/nowhere/at/all", "2000");
	sweep(dir, "");
	scratch_remove(dir);
}

static void
test_damaged_is_put_aside(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_autofree char *junk = g_strnfill(5000, 'j'), *folder = g_build_filename(dir, "a/b", NULL);
	state_close(open_at(dir, NOW));
	scratch_write(dir, "a/b/state.db", junk);

	g_auto(Status) st = STATUS_INIT;
	g_autofree char *note = NULL;
	State *one = state_open(folder, NOW, &note, &st);
	assert_non_null(one);
	assert_non_null(strstr(note, "put aside"));
	assert_true(state_put(one, &(StateItem){ STATE_SEEN, "k", NULL, 0, NOW + 1 }, 1, &st));
	state_close(one);

	g_autofree char *old = scratch_read(dir, "a/b/state.db.damaged");
	assert_string_equal(old, junk);
	scratch_remove(dir);
}

static void
test_keys_differ(void **state)
{
	(void) state;
	g_autofree char *one = state_key("ab", "c", NULL), *other = state_key("a", "bc", NULL);
	assert_string_not_equal(one, other);
}

static void
test_ledger(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_auto(Status) st = STATUS_INIT;
	State *one = open_at(dir, NOW);
	g_autoptr(Ledger) ledger = ledger_open(one, "m", NOW + 100, &st);
	ledger_set(ledger, "redirect a b\n@x", LEDGER_REFUSED, "550 %41 no\nsuch \xc3\xbc");
	ledger_set(ledger, "store ", LEDGER_PLANNED, "name,S=1");
	ledger_set(ledger, "reply", LEDGER_SENDING, NULL);
	ledger_set(ledger, "reply", LEDGER_DONE, NULL);
	assert_true(ledger_write(ledger, &st));

	g_autoptr(Ledger) again = ledger_open(one, "m", NOW + 100, &st);
	const char *text = NULL;
	assert_int_equal(ledger_find(again, "redirect a b\n@x", &text), LEDGER_REFUSED);
	assert_string_equal(text, "550 %41 no\nsuch \xc3\xbc");
	assert_int_equal(ledger_find(again, "store ", &text), LEDGER_PLANNED);
	assert_string_equal(text, "name,S=1");
	assert_int_equal(ledger_find(again, "reply", NULL), LEDGER_DONE);
	assert_int_equal(ledger_find(again, "other", NULL), LEDGER_NEW);

	g_autoptr(Ledger) none = ledger_open(one, "other", NOW + 100, &st);
	assert_int_equal(ledger_find(none, "reply", NULL), LEDGER_NEW);
	assert_int_equal(st.id, STATUS_OK);
	state_close(one);
	scratch_remove(dir);
}

static void
test_without_state(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Ledger) ledger = ledger_open(NULL, "m", NOW, &st);
	ledger_set(ledger, "a", LEDGER_DONE, NULL);
	assert_true(ledger_write(ledger, &st));
	assert_int_equal(ledger_find(ledger, "a", NULL), LEDGER_DONE);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_end),
		cmocka_unit_test(test_value_too_long),
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_taken_by_one_of_many),
		cmocka_unit_test(test_spare_ledger),
		cmocka_unit_test(test_spare_sweep),
		cmocka_unit_test(test_spare_undoes_nothing),
		cmocka_unit_test(test_counter_of_many),
		cmocka_unit_test(test_damaged_is_put_aside),
		cmocka_unit_test(test_keys_differ),
		cmocka_unit_test(test_ledger),
		cmocka_unit_test(test_without_state),
	};
	return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}

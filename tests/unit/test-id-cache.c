/* SPDX-License-Identifier: MIT */
/* formail's cache of ids: what stands in the file octet by octet, and when it begins anew. */
#include "agent/state/id-cache.h"

#include "agent/base/fs.h"
#include "tests/lib/scratch.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
	const char *name;
	size_t max;
	const char *before, *id, *after; /* of the file, with "|" for NUL; `before` NULL: no file */
	bool is_there;
} Row;

static const Row rows[] = {
	{ "the first id makes the file", 100, NULL, "a", "a||", false },
	{ "an empty file is none", 100, "", "a", "a||", false },
	{ "the next one goes behind", 100, "a||", "b", "a|b||", false },
	{ "one that is there is not added", 100, "a|b||", "a", "a|b||", true },
	{ "the newest is there", 100, "a|b||", "b", "a|b||", true },
	{ "a part of an id is another one", 100, "abc||", "bc", "abc|bc||", false },
	{ "a longer one is another one", 100, "ab||", "abc", "ab|abc||", false },
	{ "behind the end it goes on with older ids", 100, "n||old|", "old", "n|old||", false },
	{ "but for the rest of the one that was cut", 100, "n||older|all|", "all", "n||older|all|",
	  true },
	{ "at the size it begins anew at the front", 6, "abc|de||", "n", "n|||de||", false },
	{ "one octet below it does not", 8, "abc|de||", "n", "abc|de|n||", false },
	{ "an id behind the size is not looked at", 4, "abc|de||", "de", "de||de||", false },
	{ "the first of two ends counts", 100, "n||old||", "x", "n|x||d||", false },
	{ "no end: it begins at the front", 100, "abc|de|", "n", "n|||de|", false },
	{ "an id without an end is none", 100, "abc", "abc", "abc||", false },
};

static void
set_octets(const char *path, const char *text)
{
	g_autofree char *octets = g_strdelimit(g_strdup(text), "|", '\1');
	size_t len = strlen(octets);
	for (size_t i = 0; i < len; i++)
		octets[i] = octets[i] == '\1' ? '\0' : octets[i];
	assert_true(g_file_set_contents(path, octets, (gssize) len, NULL));
}

static void
check_octets(const char *path, const char *want)
{
	g_autofree char *octets = NULL;
	gsize len = 0;
	assert_true(g_file_get_contents(path, &octets, &len, NULL));
	for (size_t i = 0; i < len; i++)
		octets[i] = octets[i] == '\0' ? '|' : octets[i];
	assert_string_equal(octets, want);
}

static void
test_row(void **state)
{
	const Row *row = *state;
	char *dir = scratch_new();
	g_autofree char *path = g_build_filename(dir, "cache", NULL);
	g_autoptr(IdCacheEntry) entry = id_cache_entry_new(path, row->max, row->id, NULL);
	g_auto(Status) st = STATUS_INIT;
	bool has = !row->is_there;

	if (row->before != NULL)
		set_octets(path, row->before);
	assert_true(id_cache_has(entry, &has, &st));
	assert_int_equal(has, row->is_there);
	g_autofree char *names = scratch_list(dir, ".");
	assert_string_equal(names, row->before != NULL ? "cache" : "");
	assert_true(id_cache_add(entry, &st));
	check_octets(path, row->after);
	assert_true(id_cache_has(entry, &has, &st));
	assert_true(has);
	scratch_remove(dir);
}

static void
test_link(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_autofree char *path = g_build_filename(dir, "cache", NULL);
	g_autoptr(IdCacheEntry) entry = id_cache_entry_new(path, 100, "a", NULL);
	g_auto(Status) read = STATUS_INIT, written = STATUS_INIT;
	bool has = false;

	assert_int_equal(symlink("elsewhere", path), 0);
	assert_false(id_cache_has(entry, &has, &read));
	assert_int_equal(read.id, STATUS_MAILBOX);
	assert_non_null(strstr(read.detail, "is a symbolic link"));
	assert_false(id_cache_add(entry, &written));
	g_autofree char *names = scratch_list(dir, ".");
	assert_string_equal(names, "cache");
	scratch_remove(dir);
}

/* The lock file goes when the id is written. A file that formail holds is waited for. */
static void
test_locks(void **state)
{
	(void) state;
	char *dir = scratch_new();
	g_autofree char *path = g_build_filename(dir, "cache", NULL),
			*lock = g_build_filename(dir, "l", NULL);
	g_autoptr(IdCacheEntry) entry = id_cache_entry_new(path, 100, "a", lock);
	g_auto(Status) st = STATUS_INIT;
	assert_true(id_cache_add(entry, &st));
	g_autofree char *names = scratch_list(dir, ".");
	assert_string_equal(names, "cache");

	auto_fd int fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	g_autoptr(IdCacheEntry) other = id_cache_entry_new(path, 100, "b", NULL);
	gint64 begun = g_get_monotonic_time();
	assert_false(id_cache_add(other, &st));
	assert_int_equal(st.id, STATUS_LOCKED);
	assert_true(g_get_monotonic_time() - begun > 300 * 1000);
	check_octets(path, "a||");
	scratch_remove(dir);
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + 2];
	size_t n = 0;

	UNIT_ROWS(tests, n, rows, test_row);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_link);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_locks);

	return _cmocka_run_group_tests("id-cache", tests, n, NULL, NULL);
}

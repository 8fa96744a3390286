/* SPDX-License-Identifier: MIT */
/*
 * Whose a path is: root's folders are walked through, the first thing below is the answer, and no
 * link of a user leads on.
 */
#include "agent/base/owner-walk.h"

#include "agent/base/limits.h"
#include "tests/lib/scratch.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ANN = 64101, BOB = 64102 };

typedef struct {
	const char *name;
	const char *path; /* below the folder of this test */
	OwnerAnswer want;
	uid_t want_uid;
	const char *want_at; /* the same way */
	StatusId want_fault; /* not OK: nothing else counts */
} Row;

static const Row rows[] = {
	{ "a folder of a user", "home/ann/Maildir", OWNER_FOUND, ANN, "home/ann", STATUS_OK },
	{ "of which nothing below is there", "home/ann/a/b/c", OWNER_FOUND, ANN, "home/ann",
	  STATUS_OK },
	{ "what is not there", "home/carol/Maildir", OWNER_MISSING, 0, "home/carol", STATUS_OK },
	{ "root's all the way", "home", OWNER_ROOT, 0, "home", STATUS_OK },
	{ "root's, but all write to it", "open/ann", OWNER_FOUND, 0, "open", STATUS_OK },
	{ "root's, but a group writes to it", "group/ann", OWNER_FOUND, 0, "group", STATUS_OK },
	{ "the group root is root", "group-root/ann", OWNER_FOUND, ANN, "group-root/ann",
	  STATUS_OK },
	{ "a user's link to root's folder", "home/ann/to-root/x", OWNER_FOUND, ANN, "home/ann",
	  STATUS_OK },
	{ "a user's folder behind another user's", "home/bob/ann/x", OWNER_FOUND, BOB, "home/bob",
	  STATUS_OK },
	{ "root's relative link", "link/ann/x", OWNER_FOUND, ANN, "home/ann", STATUS_OK },
	{ "root's absolute link", "absolute/ann/x", OWNER_FOUND, ANN, "home/ann", STATUS_OK },
	{ "root's link to a link", "second/ann/x", OWNER_FOUND, ANN, "home/ann", STATUS_OK },
	{ "root's link into a user's folder", "into/x", OWNER_FOUND, ANN, "home/ann", STATUS_OK },
	{ "root's link upwards", "up/home/ann", OWNER_FOUND, ANN, "home/ann", STATUS_OK },
	{ "a link in root's folder that was given to a user", "home/given/x", OWNER_FOUND, BOB,
	  "home/given", STATUS_OK },
	{ "a sticky folder is walked through", "sticky/root/ann", OWNER_FOUND, ANN,
	  "sticky/root/ann", STATUS_OK },
	{ "what a user made in it is the user's", "sticky/bob/x", OWNER_FOUND, BOB, "sticky/bob",
	  STATUS_OK },
	{ "no link in it, not even root's", "sticky/link/ann", OWNER_FOUND, 0, NULL,
	  STATUS_CONFIG },
	{ "a file in the way", "file/x", OWNER_FOUND, 0, NULL, STATUS_NOT_A_FOLDER },
	{ "a link that leads nowhere", "dangling/x", OWNER_MISSING, 0, "nowhere", STATUS_OK },
	{ "links in a circle", "circle/x", OWNER_FOUND, 0, NULL, STATUS_CONFIG },
	{ "dots and slashes", ".//home/./bob/..//", OWNER_FOUND, BOB, "home/bob", STATUS_OK },
	{ "upwards among root's folders", "home/../home/ann", OWNER_FOUND, ANN, "home/ann",
	  STATUS_OK },
};

static char *folder;

static void
make(const char *name, uid_t uid, gid_t gid, mode_t mode)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(chown(path, uid, gid), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void
make_link(const char *name, const char *target, uid_t uid)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);
	assert_int_equal(symlink(target, path), 0);
	assert_int_equal(lchown(path, uid, uid), 0);
}

static int
set_up(void **state)
{
	(void) state;
	if (geteuid() != 0)
		return 0;

	folder = scratch_new();
	assert_int_equal(chmod(folder, 0755), 0);
	make("home", 0, 0, 0755);
	make("home/ann", ANN, ANN, 0700);
	make("home/bob", BOB, BOB, 0700);
	make("home/bob/ann", ANN, ANN, 0755);
	make("open", 0, 0, 0777);
	make("open/ann", ANN, ANN, 0755);
	make("group", 0, BOB, 0775);
	make("group/ann", ANN, ANN, 0755);
	make("group-root", 0, 0, 0775);
	make("group-root/ann", ANN, ANN, 0755);
	make("sticky", 0, 0, 01777);
	make("sticky/root", 0, 0, 0755);
	make("sticky/root/ann", ANN, ANN, 0755);
	make("sticky/bob", BOB, BOB, 0755);

	g_autofree char *home = g_build_filename(folder, "home", NULL);
	make_link("home/ann/to-root", "/etc", ANN);
	make_link("home/given", "/etc", BOB);
	make_link("link", "home", 0);
	make_link("absolute", home, 0);
	make_link("second", "link", 0);
	make_link("into", "home/ann/to-root", 0);
	make_link("up", "home/..", 0);
	make_link("sticky/link", home, 0);
	make_link("dangling", "nowhere", 0);
	make_link("circle", "circle", 0);
	scratch_write(folder, "file", "");

	return 0;
}

static int
tear_down(void **state)
{
	(void) state;
	g_clear_pointer(&folder, scratch_remove);
	return 0;
}

static void
test_row(void **state)
{
	const Row *row = *state;

	if (folder == NULL)
		skip();
	g_auto(Status) st = STATUS_INIT;
	g_auto(OwnerWalk) walk = { 0 };
	g_autofree char *path = g_strdup_printf("%s/%s", folder, row->path);
	bool walked = owner_walk(path, &walk, &st);

	assert_int_equal(st.id, row->want_fault);
	assert_int_equal(walked, row->want_fault == STATUS_OK);
	if (!walked)
		return;

	g_autofree char *want_at = g_build_filename(folder, row->want_at, NULL);
	assert_int_equal(walk.answer, row->want);
	assert_int_equal(walk.uid, row->want_uid);
	assert_string_equal(walk.at, want_at);
}

/* As many links as Linux follows, and one more. */
static void
test_many_links(void **state)
{
	(void) state;
	if (folder == NULL)
		skip();
	make_link("l0", "home", 0);

	for (unsigned i = 1; i <= LIMIT_OWNER_LINKS; i++) {
		g_autofree char *name = g_strdup_printf("l%u", i),
				*target = g_strdup_printf("l%u", i - 1);
		make_link(name, target, 0);
	}

	for (unsigned links = LIMIT_OWNER_LINKS; links <= LIMIT_OWNER_LINKS + 1; links++) {
		g_auto(Status) st = STATUS_INIT;
		g_auto(OwnerWalk) walk = { 0 };
		g_autofree char *path = g_strdup_printf("%s/l%u/ann", folder, links - 1);
		assert_int_equal(owner_walk(path, &walk, &st), links == LIMIT_OWNER_LINKS);
		assert_int_equal(st.id, links == LIMIT_OWNER_LINKS ? STATUS_OK : STATUS_CONFIG);
	}
}

static void
test_relative(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	g_auto(OwnerWalk) walk = { 0 };
	assert_false(owner_walk("home/ann", &walk, &st));
	assert_int_equal(st.id, STATUS_CONFIG);
}

static void
test_no_descriptor_is_left(void **state)
{
	(void) state;
	int before = open("/dev/null", O_RDONLY);
	close(before);

	for (int i = 0; i < 3; i++) {
		g_auto(Status) st = STATUS_INIT;
		g_auto(OwnerWalk) walk = { 0 };
		(void) owner_walk(i == 0   ? "/usr/../usr/bin/nothing/x"
		                  : i == 1 ? "/etc/passwd/x"
		                           : "/",
		                  &walk, &st);
	}

	int after = open("/dev/null", O_RDONLY);
	close(after);
	assert_int_equal(before, after);
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + 3];
	size_t n = 0;

	UNIT_ROWS(tests, n, rows, test_row);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_many_links);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_relative);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_no_descriptor_is_left);

	return _cmocka_run_group_tests("owner-walk", tests, n, set_up, tear_down);
}

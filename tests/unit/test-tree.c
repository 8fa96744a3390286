/* SPDX-License-Identifier: MIT */
/* The folder of mailboxes: known again by its mark, missed when it is not there, never guessed. */
#include "agent/run/tree.h"

#include "tests/lib/calls.h"
#include "tests/lib/scratch.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A tree, and the folder of memories beside it, which belong to who runs the test. */
typedef struct {
	char *dir, *path, *memories;
	Conf conf;
	Tree tree;
	Status st;
} World;

static void
world_init(World *world)
{
	*world = (World){ .dir = scratch_new(), .st = STATUS_INIT };
	world->path = g_build_filename(world->dir, "mail", NULL);
	world->memories = g_build_filename(world->dir, "memories", NULL);
	assert_int_equal(mkdir(world->path, 0755), 0);
	assert_int_equal(mkdir(world->memories, 0755), 0);
	world->conf.tree_memory = world->memories;
}

static void
world_clear(World *world)
{
	tree_clear(&world->tree);
	status_clear(&world->st);
	g_free(world->path);
	g_free(world->memories);
	scratch_remove(world->dir);
}

static bool
recall(World *world, const char *path, unsigned how)
{
	status_clear(&world->st);
	world->st = (Status) STATUS_INIT;
	return tree_recall(&world->conf, path, how, &world->tree, &world->st);
}

static bool
check(World *world)
{
	status_clear(&world->st);
	world->st = (Status) STATUS_INIT;
	return tree_check(&world->tree, &world->st);
}

/* A tree that cannot be listed has not "no such user" in it; one that may only be passed has. */
static void
test_unlisted(void **state)
{
	(void) state;
	static const struct {
		const char *call;
		int err;
		bool has_mailbox, want_empty;
		StatusId want;
	} rows[] = {
		{ NULL, 0, false, true, STATUS_OK },
		{ NULL, 0, true, false, STATUS_OK },
		{ "opendir", EACCES, true, false, STATUS_OK },
		{ "opendir", EIO, true, true, STATUS_IO },
		{ "opendir", EMFILE, true, true, STATUS_TOO_MANY_FILES },
		{ "readdir", EIO, true, true, STATUS_IO },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		World world;
		bool is_empty = true;
		world_init(&world);
		world.tree.path = g_strdup(world.path);
		if (rows[i].has_mailbox)
			scratch_write(world.path, "ann", "");
		if (rows[i].call != NULL)
			calls_break(rows[i].call, NULL, 1, rows[i].err);
		bool good = tree_is_empty(&world.tree, &is_empty, &world.st);
		assert_int_equal(calls_end(), rows[i].call != NULL ? 1 : 0);
		assert_int_equal(world.st.id, rows[i].want);
		assert_int_equal(good, rows[i].want == STATUS_OK);
		assert_int_equal(is_empty, rows[i].want_empty);
		world_clear(&world);
	}
}

static void
test_marked_once(void **state)
{
	(void) state;
	World world;
	world_init(&world);
	assert_true(recall(&world, world.path, 0));
	assert_string_equal(world.tree.path, world.path);
	assert_int_equal(strlen(world.tree.id), 32);
	assert_true(check(&world));

	g_autofree char *mark = scratch_read(world.dir, "mail/" TREE_MARK);
	g_autofree char *line = g_strdup_printf("%s\n", world.tree.id);
	assert_string_equal(mark, line);
	g_autofree char *memory = NULL;
	assert_true(g_file_get_contents(world.tree.memory, &memory, NULL, NULL));
	g_autofree char *remembered = g_strdup_printf("%s\n%s\n", world.tree.id, world.path);
	assert_string_equal(memory, remembered);
	g_autofree char *names = scratch_list(world.dir, "mail");
	assert_string_equal(names, TREE_MARK);

	/* All who deliver may read both, whatever their umask. */
	g_autofree char *mark_path = g_build_filename(world.path, TREE_MARK, NULL);
	struct stat sb;
	assert_int_equal(stat(mark_path, &sb), 0);
	assert_int_equal(sb.st_mode & 0777, 0644);
	assert_int_equal(stat(world.tree.memory, &sb), 0);
	assert_int_equal(sb.st_mode & 0777, 0644);

	g_autofree char *id = g_strdup(world.tree.id);
	assert_true(recall(&world, world.path, 0));
	assert_string_equal(world.tree.id, id);
	world_clear(&world);
}

/* Each path has a memory of its own, also where two have the same name. */
static void
test_two_trees(void **state)
{
	(void) state;
	World world;
	world_init(&world);
	g_autofree char *other = g_build_filename(world.dir, "other", "mail", NULL);
	assert_int_equal(g_mkdir_with_parents(other, 0755), 0);
	assert_true(recall(&world, world.path, 0));
	g_autofree char *id = g_strdup(world.tree.id), *memory = g_strdup(world.tree.memory);
	assert_true(recall(&world, other, 0));
	assert_string_not_equal(world.tree.id, id);
	assert_string_not_equal(world.tree.memory, memory);
	assert_true(recall(&world, world.path, 0));
	assert_string_equal(world.tree.id, id);
	world_clear(&world);
}

/* A file system that is not mounted: its folder is empty, gone, or another one. */
static void
test_not_mounted(void **state)
{
	(void) state;
	World world;
	world_init(&world);
	assert_true(recall(&world, world.path, 0));
	g_autofree char *mark = g_build_filename(world.path, TREE_MARK, NULL);
	g_autofree char *id = g_strdup_printf("%s\n", world.tree.id);

	assert_int_equal(unlink(mark), 0);
	assert_false(check(&world));
	assert_int_equal(world.st.id, STATUS_TREE);
	assert_non_null(strstr(world.st.detail, world.tree.memory));
	static const char *const others[] = { "", "0123456789abcdef0123456789abcdef\n", "x\n" };
	for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
		scratch_write(world.dir, "mail/" TREE_MARK, others[i]);
		assert_false(check(&world));
		assert_int_equal(world.st.id, STATUS_TREE);
	}

	/* It is not marked anew while it is missing. */
	assert_int_equal(unlink(mark), 0);
	assert_true(recall(&world, world.path, 0));
	g_autofree char *names = scratch_list(world.dir, "mail");
	assert_string_equal(names, "");
	assert_false(check(&world));

	scratch_write(world.dir, "mail/" TREE_MARK, id);
	assert_true(check(&world));
	assert_int_equal(unlink(mark), 0);
	assert_int_equal(rmdir(world.path), 0);
	assert_false(check(&world));
	assert_int_equal(world.st.id, STATUS_TREE);
	scratch_write(world.dir, "mail", "");
	assert_false(check(&world));
	assert_int_equal(world.st.id, STATUS_TREE);

	/* Who says that it is to be used as it is. */
	assert_int_equal(unlink(world.path), 0);
	assert_int_equal(mkdir(world.path, 0755), 0);
	assert_int_equal(unlink(world.tree.memory), 0);
	assert_true(recall(&world, world.path, 0));
	assert_true(check(&world));
	world_clear(&world);
}

/* What was copied or mounted elsewhere brings its mark with it: it is kept. */
static void
test_mark_that_is_there(void **state)
{
	(void) state;
	World world;
	world_init(&world);
	scratch_write(world.dir, "mail/" TREE_MARK, "0123456789abcdef0123456789abcdef\n");
	assert_true(recall(&world, world.path, 0));
	assert_string_equal(world.tree.id, "0123456789abcdef0123456789abcdef");
	assert_true(check(&world));
	world_clear(&world);
}

static void
test_look_only(void **state)
{
	(void) state;
	World world;
	world_init(&world);
	assert_true(recall(&world, world.path, TREE_LOOK_ONLY));
	assert_null(world.tree.id);
	assert_true(check(&world));
	g_autofree char *names = scratch_list(world.dir, "mail");
	g_autofree char *memories = scratch_list(world.dir, "memories");
	assert_string_equal(names, "");
	assert_string_equal(memories, "");

	/* Without a memory any folder that exists is accepted, and none that does not. */
	static char none[] = "";
	world.conf.tree_memory = none;
	assert_true(recall(&world, world.path, 0));
	assert_null(world.tree.id);
	assert_null(world.tree.memory);
	assert_true(check(&world));
	assert_int_equal(rmdir(world.path), 0);
	assert_false(check(&world));
	assert_int_equal(world.st.id, STATUS_TREE);

	/* The root folder is always there. */
	assert_true(tree_recall(&world.conf, NULL, 0, &(Tree){ 0 }, &world.st));
	assert_true(tree_check(&(Tree){ 0 }, &world.st));
	world_clear(&world);
}

/* Above a home: the nearest folder that is remembered, else the nearest that is there. */
static void
test_above_a_home(void **state)
{
	(void) state;
	World world;
	world_init(&world);
	g_autofree char *home = g_build_filename(world.path, "a", "b", "home", NULL);
	assert_true(recall(&world, home, TREE_OF_HOME | TREE_LOOK_ONLY));
	assert_string_equal(world.tree.path, world.path);
	g_autofree char *above = g_build_filename(world.path, "a", "b", NULL);
	assert_int_equal(g_mkdir_with_parents(above, 0755), 0);
	assert_true(recall(&world, home, TREE_OF_HOME | TREE_LOOK_ONLY));
	assert_string_equal(world.tree.path, above);

	assert_true(recall(&world, world.path, 0));
	assert_true(recall(&world, home, TREE_OF_HOME));
	assert_string_equal(world.tree.path, world.path);
	assert_non_null(world.tree.id);

	/* Where nothing is there at all it is the nearest, which is then missed. */
	assert_true(recall(&world, "/nonexistent/x/home", TREE_OF_HOME | TREE_LOOK_ONLY));
	assert_string_equal(world.tree.path, "/nonexistent/x");
	assert_false(check(&world));
	assert_true(recall(&world, "/home", TREE_OF_HOME));
	assert_true(check(&world));
	world_clear(&world);
}

static void
test_memory_that_is_damaged(void **state)
{
	(void) state;
	World world;
	world_init(&world);
	assert_true(recall(&world, world.path, 0));
	g_autofree char *memory = g_strdup(world.tree.memory), *id = g_strdup(world.tree.id);

	/* What is no memory of ours says nothing: the mark that is there counts. */
	assert_true(g_file_set_contents(memory, "0123\n", -1, NULL));
	assert_true(recall(&world, world.path, 0));
	assert_string_equal(world.tree.id, id);
	assert_true(check(&world));

	/* Nor does a folder of that name. */
	assert_int_equal(unlink(memory), 0);
	assert_int_equal(mkdir(memory, 0755), 0);
	assert_true(recall(&world, world.path, 0));
	assert_string_equal(world.tree.id, id);
	world_clear(&world);
}

/* What cannot be looked at is not said to be missing. */
static void
test_no_look(void **state)
{
	(void) state;
	World world;
	world_init(&world);
	g_autofree char *circle = g_build_filename(world.dir, "circle", NULL);
	assert_int_equal(symlink(circle, circle), 0);
	const Tree tree = { .path = circle };
	assert_false(tree_check(&tree, &world.st));
	assert_int_not_equal(world.st.id, STATUS_TREE);
	assert_true(status_is_temporary(&world.st));
	world_clear(&world);
}

static void
test_empty(void **state)
{
	(void) state;
	World world;
	world_init(&world);
	assert_true(recall(&world, world.path, TREE_LOOK_ONLY));
	int next = dup(STDIN_FILENO), same;
	assert_true(next >= 0);
	(void) close(next);
	bool is_empty = false;
	assert_true(tree_is_empty(&world.tree, &is_empty, &world.st) && is_empty);
	same = dup(STDIN_FILENO); /* the lowest number that is free: no descriptor was left open */
	(void) close(same);
	assert_int_equal(same, next);
	scratch_write(world.dir, "mail/.x", "");
	assert_true(tree_is_empty(&world.tree, &is_empty, &world.st) && !is_empty);
	is_empty = true;
	assert_true(tree_is_empty(&(Tree){ 0 }, &is_empty, &world.st) && !is_empty);
	static char nowhere[] = "/nonexistent/x";
	assert_false(tree_is_empty(&(Tree){ .path = nowhere }, &is_empty, &world.st));
	assert_int_equal(world.st.id, STATUS_MISSING);
	world_clear(&world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unlisted),
		cmocka_unit_test(test_marked_once),
		cmocka_unit_test(test_two_trees),
		cmocka_unit_test(test_not_mounted),
		cmocka_unit_test(test_mark_that_is_there),
		cmocka_unit_test(test_look_only),
		cmocka_unit_test(test_above_a_home),
		cmocka_unit_test(test_memory_that_is_damaged),
		cmocka_unit_test(test_no_look),
		cmocka_unit_test(test_empty),
	};
	return _cmocka_run_group_tests("tree", tests, G_N_ELEMENTS(tests), NULL, NULL);
}

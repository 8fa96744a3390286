/* SPDX-License-Identifier: MIT */
/* Deliveries by the owner's recipes: which rules decide, what is stored, what a retry does. */
#define _GNU_SOURCE
#include "agent/run/transact.h"

#include "tests/lib/delivery-check.h"
#include "tests/lib/scratch.h"
#include "tests/lib/smtp-peer.h"
#include "tests/unit/unit.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char mail[] = "From: A <a@x.test>\nTo: ann@here.test\nSubject: hello\n"
			   "Message-ID: <1@x.test>\n\nbody\n";

static const char settings[] = "submit = smtp:unix:@/smtp\nrecipes = all\nrecipe_files = @/rc\n";

/* Recipes never run as root, as whom this test may run: then it is somebody else's for them. */
uid_t
geteuid(void)
{
	enum { SOMEBODY = 12345 };
	uid_t real, effective, saved;
	(void) getresuid(&real, &effective, &saved);
	return effective != 0 ? effective : SOMEBODY;
}

/* "@/" in a text is the world's folder. Caller frees. */
static char *
in_world(const DeliveryWorld *world, const char *text)
{
	GString *all = g_string_new(text);
	g_autofree char *below = g_strconcat(world->dir, "/", NULL);
	g_string_replace(all, "@/", below, 0);
	return g_string_free(all, FALSE);
}

static void
write_rc(const DeliveryWorld *world, const char *text)
{
	g_autofree char *all = in_world(world, text);
	scratch_write(world->dir, "rc", all);
}

/* A world with these further settings (NULL: none), recipes and script (NULL: none). */
static void
begin(DeliveryWorld *world, const char *more, const char *rc, const char *script)
{
	g_autofree char *all = g_strconcat(settings, more, NULL);
	delivery_world_init(world, all, script);
	if (rc != NULL)
		write_rc(world, rc);
}

static bool
deliver(DeliveryWorld *world, const char *id, const char *text)
{
	g_free(world->envelope->queue_id);
	world->envelope->queue_id = g_strdup(id);
	return delivery_world_deliver(world, text);
}

static void
check_done(const DeliveryWorld *world, const char *want)
{
	g_autofree char *all = in_world(world, want);
	assert_string_equal(world->done, all);
}

/* How often a file below the world's folder has the mail. */
static unsigned
copies(const DeliveryWorld *world, const char *below)
{
	g_autofree char *all = scratch_read(world->dir, below);
	unsigned n = 0;
	for (const char *at = all; at != NULL && (at = strstr(at, "Message-ID: <1@")) != NULL; at++)
		n++;
	return n;
}

#define WORK "require \"fileinto\"; fileinto \"Work\";\n"
#define BOX ":0\n@/box\n"

/* Of an owner's two languages the second runs if the first has not decided. */
static void
test_order(void **state)
{
	(void) state;
	static const struct {
		const char *settings, *rc, *script, *want;
	} rows[] = {
		{ NULL, BOX, NULL, "stored in @/box" },
		{ NULL, BOX, WORK, "stored in Work" },
		{ NULL, BOX, "# nothing\n", "stored in @/box" },
		{ "recipe_order = recipes-first\n", BOX, WORK, "stored in @/box" },
		{ "recipe_order = recipes-first\n", ":0\n* ^X-None:\n@/box\n", WORK,
		  "stored in Work" },
		{ "recipes = no\n", BOX, NULL, "stored in INBOX" },
		/* What takes the mail that no rule files comes last. */
		{ "recipe_default = @/rest\n", NULL, NULL, "stored in @/rest" },
		{ "recipe_default = @/rest\n", NULL, WORK, "stored in Work" },
		{ "recipe_default = @/rest\nrecipe_order = recipes-first\n", NULL, WORK,
		  "stored in Work" },
		{ "recipe_default = @/rest\nrecipe_order = recipes-first\n", BOX, WORK,
		  "stored in @/box" },
		{ "recipe_default = @/rest\nrecipe_order = recipes-first\nrecipe_site = @/site\n",
		  NULL, WORK, "stored in @/site-box" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		DeliveryWorld world;
		begin(&world, rows[i].settings, rows[i].rc, rows[i].script);
		g_autofree char *site = in_world(&world, ":0\n@/site-box\n");
		scratch_write(world.dir, "site", site);
		assert_true(deliver(&world, "4ABC1", mail));
		g_autofree char *want = in_world(&world, rows[i].want);
		if (strcmp(world.done, want) != 0)
			fail_msg("row %zu: %s", i, world.done);
		delivery_world_clear(&world);
	}
}

/* What cannot be stored to is passed over by the recipe that names it. */
static void
test_places(void **state)
{
	(void) state;
	static const struct {
		const char *path, *want;
	} rows[] = {
		{ "@/box", "stored in @/box" },
		{ "@/folder/", "stored in @/folder" },
		{ "@/nowhere/box", "stored in @/rest" },
		{ "@/nowhere/folder/", "stored in @/rest" },
		{ "@/file/box", "stored in @/rest" },
		{ "@/file/", "stored in @/file" }, /* as procmail has it */
		{ "@/fifo", "stored in @/rest" },
		{ "@/dir/box", "stored in @/dir/box" },
		{ "@/dir", "stored in @/dir" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		DeliveryWorld world;
		begin(&world, NULL, NULL, NULL);
		g_autofree char *rc = g_strdup_printf(":0\n%s\n:0\n@/rest\n", rows[i].path),
				*fifo = g_build_filename(world.dir, "fifo", NULL),
				*dir = g_build_filename(world.dir, "dir", NULL);
		write_rc(&world, rc);
		scratch_write(world.dir, "file", "");
		assert_int_equal(mkfifo(fifo, 0600), 0);
		assert_int_equal(mkdir(dir, 0700), 0);
		assert_true(deliver(&world, "4ABC1", mail));
		g_autofree char *want = in_world(&world, rows[i].want);
		if (strcmp(world.done, want) != 0)
			fail_msg("row %zu: %s", i, world.done);
		delivery_world_clear(&world);
	}
}

/* What recipes say for themselves. */
static void
test_log(void **state)
{
	(void) state;
	DeliveryWorld world;
	begin(&world, NULL, "LOG=\"so it is\n\"\n" BOX, NULL);
	assert_true(deliver(&world, "4ABC1", mail));
	delivery_check_note(&world, "recipes say: so it is");

	write_rc(&world, "LOGFILE=@/own.log\nLOG=\"so it is\n\"\n" BOX);
	assert_true(deliver(&world, "4ABC2", mail));
	g_autofree char *log = scratch_read(world.dir, "own.log");
	assert_non_null(strstr(log, "so it is\n"));
	delivery_check_log(&world, "note", NULL);

	write_rc(&world, "LOGFILE=@/nowhere/own.log\nLOG=\"so it is\n\"\n" BOX);
	assert_true(deliver(&world, "4ABC3", mail));
	delivery_check_note(&world, "LOGFILE of recipes: ");
	assert_int_equal(copies(&world, "box"), 3);
	delivery_world_clear(&world);
}

/* formail -D: another mail of that id is a duplicate, a retry of the first one is not. */
static void
test_ids(void **state)
{
	(void) state;
	DeliveryWorld world;
	begin(&world, NULL,
	      ":0 Wh: @/ids.lock\n| formail -D 8192 @/ids\n"
	      ":0 c\n@/box\n:0\n! b@y.test\n",
	      NULL);
	assert_false(deliver(&world, "4ABC1", mail));
	assert_int_equal(world.st.id, STATUS_SUBMIT);
	pid_t peer = smtp_peer_begin(world.dir, NULL);
	assert_true(deliver(&world, "4ABC1", mail));
	check_done(&world, "stored in @/box by an earlier try, redirect");
	assert_int_equal(copies(&world, "box"), 1);
	assert_int_equal(copies(&world, "sent"), 1);
	assert_true(deliver(&world, "4ABC1", mail));
	assert_int_equal(copies(&world, "box"), 1);
	assert_int_equal(copies(&world, "sent"), 1);

	assert_true(deliver(&world, "4ABC2", mail));
	assert_int_equal(copies(&world, "box"), 1);
	assert_int_equal(copies(&world, "sent"), 1);
	delivery_check_log(&world, "note", NULL);
	check_done(&world, "pipe"); /* formail has taken it */

	static const char other[] = "From: A <a@x.test>\nMessage-ID: <2@x.test>\n\nbody\n";
	assert_true(deliver(&world, "4ABC3", other));
	delivery_check_log(&world, "note", NULL);
	check_done(&world, "stored in @/box, redirect");
	smtp_peer_end(peer);
	delivery_world_clear(&world);
}

/* What was stored by path is known by the ledger, too, where something leaves. */
static void
test_retry(void **state)
{
	(void) state;
	static const char *const lifetimes[] = { "", "retry_lifetime = 0\n" };
	for (size_t i = 0; i < G_N_ELEMENTS(lifetimes); i++) {
		DeliveryWorld world;
		begin(&world, lifetimes[i],
		      ":0 c\n@/box\n:0 c\n@/folder/\n:0 c\n@/box\n:0\n! b@y.test\n", NULL);
		for (int again = 0; again < 3; again++) {
			assert_false(deliver(&world, "4ABC1", mail));
			assert_int_equal(world.st.id, STATUS_SUBMIT);
			assert_int_equal(copies(&world, "box"), 2);
			g_autofree char *names = scratch_list(world.dir, "folder/new");
			assert_null(strchr(names, ' '));
		}
		g_autofree char *note = in_world(&world, "stored in @/box by an earlier try");
		delivery_check_note(&world, note);
		pid_t peer = smtp_peer_begin(world.dir, NULL);
		assert_true(deliver(&world, "4ABC1", mail));
		assert_int_equal(copies(&world, "box"), 2);
		g_autofree char *sent = smtp_peer_sent(world.dir);
		assert_non_null(strstr(sent, "; a=copied; "));
		smtp_peer_end(peer);
		delivery_world_clear(&world);
	}
}

/* Recipes that are not to be trusted do not run; what the site says of the other mail does. */
static void
test_recipes_that_cannot_run(void **state)
{
	(void) state;
	static const struct {
		const char *settings, *want;
		StatusId status;
	} rows[] = {
		{ NULL, "stored in INBOX", STATUS_OK },
		{ "recipe_default = @/rest\n", "stored in @/rest", STATUS_OK },
		{ "recipe_site = @/site\n", "stored in @/site-box", STATUS_OK },
		{ "rules_fallback = defer\n", NULL, STATUS_UNTRUSTED },
		{ "rules_fallback = defer\nrecipe_default = @/rest\n", NULL, STATUS_UNTRUSTED },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		DeliveryWorld world;
		begin(&world, rows[i].settings, BOX, NULL);
		g_autofree char *site = in_world(&world, ":0\n@/site-box\n"),
				*rc = g_build_filename(world.dir, "rc", NULL);
		scratch_write(world.dir, "site", site);
		assert_int_equal(chmod(rc, 0666), 0);
		bool done = deliver(&world, "4ABC1", mail);
		if (done != (rows[i].want != NULL))
			fail_msg("row %zu: %s", i, world.st.detail);
		if (done)
			check_done(&world, rows[i].want);
		else
			assert_int_equal(world.st.id, rows[i].status);
		assert_int_equal(copies(&world, "box"), 0);
		delivery_world_clear(&world);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order), cmocka_unit_test(test_places),
		cmocka_unit_test(test_log),   cmocka_unit_test(test_ids),
		cmocka_unit_test(test_retry), cmocka_unit_test(test_recipes_that_cannot_run),
	};
	return _cmocka_run_group_tests("transact-recipes", tests, G_N_ELEMENTS(tests), NULL, NULL);
}

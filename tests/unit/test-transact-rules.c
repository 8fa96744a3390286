/* SPDX-License-Identifier: MIT */
/*
 * Rules in a delivery: which run, what a broken one costs, what its owner is told, what is beside.
 */
#include "agent/run/transact.h"

#include "tests/lib/delivery-check.h"
#include "tests/lib/scratch.h"
#include "tests/unit/unit.h"

#include <jansson.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DAY = 86400 };

static const char mail[] = "From: A <a@x.test>\nTo: ann@here.test\nSubject: hello\n"
			   "Message-ID: <1@x.test>\n\nbody\n";

/* Another mail comes, not a retry. */
static bool
deliver(DeliveryWorld *world, const char *text)
{
	static unsigned number;
	g_free(world->envelope->queue_id);
	world->envelope->queue_id = g_strdup_printf("4NEW%u", ++number);
	return delivery_world_deliver(world, text);
}

static void
script(const DeliveryWorld *world, const char *text)
{
	scratch_write(world->dir, "sieve", text);
}

/* How many lines of the record are of a shadow script; *ret_last (NULL: none) is the last one. */
static unsigned
count_shadows(const DeliveryWorld *world, char **ret_last)
{
	g_autofree char *text = scratch_read(world->dir, "mail/ann/todoke-state/record");
	g_auto(GStrv) lines = g_strsplit(text != NULL ? text : "", "\n", -1);
	unsigned n = 0;
	g_clear_pointer(ret_last, g_free);
	for (char **line = lines; *line != NULL; line++)
		if (strstr(*line, "\"door\":\"shadow\"") != NULL) {
			n++;
			g_free(*ret_last);
			*ret_last = g_strdup(*line);
		}
	return n;
}

/*
 * The site's before, the owner's, the site's after: each only if nothing was decided; then
 * discard.
 */
static void
test_order(void **state)
{
	(void) state;
	static const char settings[] = "sieve_before = @/before\nsieve_after = @/after\n"
				       "sieve_discard = @/discard\nsieve_default = @/default\n";
#define FILE_INTO(folder) "require \"fileinto\"; fileinto \"" folder "\";\n"
	static const struct {
		const char *before, *own, *after, *discard, *fallback, *want;
	} rows[] = {
		{ NULL, NULL, NULL, NULL, NULL, "stored in INBOX" },
		{ "", "", "", "", NULL, "stored in INBOX" },
		{ FILE_INTO("B"), FILE_INTO("O"), FILE_INTO("A"), NULL, NULL, "stored in B" },
		{ "", FILE_INTO("O"), FILE_INTO("A"), NULL, NULL, "stored in O" },
		{ "keep;\n", FILE_INTO("O"), FILE_INTO("A"), NULL, NULL, "stored in O" },
		{ "", "", FILE_INTO("A"), NULL, NULL, "stored in A" },
		{ "", "keep;\n", FILE_INTO("A"), NULL, NULL, "stored in A" },
		{ "stop;\n", "stop;\n", FILE_INTO("A"), NULL, NULL, "stored in A" },
		{ NULL, NULL, NULL, NULL, FILE_INTO("D"), "stored in D" },
		{ NULL, "", NULL, NULL, FILE_INTO("D"), "stored in INBOX" },
		{ "", "discard;\n", FILE_INTO("A"), FILE_INTO("Bin"), NULL, "stored in Bin" },
		{ "", FILE_INTO("O"), "", FILE_INTO("Bin"), NULL, "stored in O" },
		{ "", "discard;\n", "", "", NULL, "discarded by sieve:1" },
		{ "", "discard;\n", "", "nonsense;\n", NULL, "stored in INBOX" },
		{ NULL, FILE_INTO("O") "discard;\n", NULL, NULL, NULL, "stored in O" },
		{ NULL, "keep;\ndiscard;\n", NULL, NULL, NULL, "stored in INBOX" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		DeliveryWorld world;
		delivery_world_init(&world, settings, rows[i].own);
		const char *const files[][2] = { { "before", rows[i].before },
			                         { "after", rows[i].after },
			                         { "discard", rows[i].discard },
			                         { "default", rows[i].fallback } };
		for (size_t f = 0; f < G_N_ELEMENTS(files); f++)
			if (files[f][1] != NULL)
				scratch_write(world.dir, files[f][0], files[f][1]);
		assert_true(deliver(&world, mail));
		if (strcmp(world.done, rows[i].want) != 0)
			fail_msg("row %zu: %s", i, world.done);
		delivery_world_clear(&world);
	}
}

/* The zone of this host, where a script names none. */
static void
test_zone(void **state)
{
	(void) state;
	static const char *const zones[][2] = { { "XXX-9", "+0900" },
		                                { "XXX3:30", "-0330" },
		                                { "UTC0", "+0000" } };
	g_autofree char *before = g_strdup(g_getenv("TZ"));
	for (size_t i = 0; i < G_N_ELEMENTS(zones); i++) {
		g_autofree char *text = g_strdup_printf(
			"require [\"date\", \"fileinto\"];\n"
			"if currentdate :is \"zone\" \"%s\" { fileinto \"Yes\"; }\n",
			zones[i][1]);
		DeliveryWorld world;
		g_setenv("TZ", zones[i][0], TRUE);
		tzset();
		delivery_world_init(&world, NULL, text);
		assert_true(deliver(&world, mail));
		if (strcmp(world.done, "stored in Yes") != 0)
			fail_msg("%s: %s", zones[i][0], world.done);
		delivery_world_clear(&world);
	}
	if (before != NULL)
		g_setenv("TZ", before, TRUE);
	else
		g_unsetenv("TZ");
	tzset();
}

/* A program that a rule asks and that is killed: the mail waits, and the record names it. */
static void
test_program_that_is_killed(void **state)
{
	(void) state;
	DeliveryWorld world;
	delivery_world_init(&world,
	                    "program_folder = @/bin\nsieve_extensions = \"+vnd.dovecot.execute\"\n",
	                    "require [\"vnd.dovecot.execute\", \"fileinto\"];\n"
	                    "if execute \"ask\" \"word\" { fileinto \"Yes\"; }\n");
	g_autofree char *folder = g_build_filename(world.dir, "bin", NULL),
			*path = g_build_filename(folder, "ask", NULL);
	assert_int_equal(mkdir(folder, 0755), 0);
	scratch_write(world.dir, "bin/ask", "#!/bin/sh\nkill -9 $$\n");
	assert_int_equal(chmod(path, 0755), 0);
	(void) deliver(&world, mail);
	g_autofree char *record = delivery_world_recorded(&world);
	if (strstr(record, "\"outside\":[{\"protocol\":\"program\",\"peer\":\"ask\"") == NULL)
		fail_msg("%s", record);
	assert_non_null(strstr(record, "word"));
	delivery_world_clear(&world);
}

/* The same order, where a person names the scripts. */
static void
test_given(void **state)
{
	(void) state;
	static const char *const before[] = { "b1", "b2", NULL }, *const after[] = { "a1", "a2",
		                                                                     NULL };
	static const struct {
		ScriptRole role;
		const char *path;
	} want[] = { { SCRIPT_BEFORE, "b1" },
		     { SCRIPT_BEFORE, "b2" },
		     { SCRIPT_OWN, "own" },
		     { SCRIPT_AFTER, "a1" },
		     { SCRIPT_AFTER, "a2" } };
	g_auto(ScriptChain) list = { NULL, NULL }, alone = { NULL, NULL };
	script_chain_given(&list, before, "own", after);
	assert_int_equal(list.scripts->len, G_N_ELEMENTS(want));
	for (guint i = 0; i < list.scripts->len; i++) {
		const Script *script = list.scripts->pdata[i];
		assert_int_equal(script->role, want[i].role);
		assert_string_equal(script->path, want[i].path);
		assert_false(script->is_recipes);
	}
	script_chain_given(&alone, NULL, "own", NULL);
	assert_int_equal(alone.scripts->len, 1);
}

/* Mailboxes that a person describes: those exist, with their special use, and no others. */
static void
test_described_mailboxes(void **state)
{
	(void) state;
	static const char *const mailboxes[] = { "Work", "Bin:\\Trash", "Old:\\Archive",
		                                 "Older:\\archive", NULL };
	static const struct {
		const char *use, *named, *want;
	} rows[] = {
		{ "\\Trash", NULL, "Bin" },    { "\\trash", NULL, "Bin" },
		{ "\\Archive", NULL, "Old" },  { "\\Archive", "Older", "Older" },
		{ "\\Archive", "Bin", "Old" }, { "\\Sent", NULL, NULL },
		{ "\\Trash", "Work", "Bin" },  { "\\Trash", "Bi", "Bin" },
	};
	static const struct {
		const char *name;
		MailboxAnswer want;
	} names[] = { { "Work", MAILBOX_EXISTS },
		      { "Bin", MAILBOX_EXISTS },
		      { "Wor", MAILBOX_MISSING },
		      { "Works", MAILBOX_MISSING },
		      { "Bin:\\Trash", MAILBOX_MISSING } };
	DeliveryWorld world;
	delivery_world_init(&world, NULL, NULL);
	g_autoptr(Account) ann = account_find(world.site->conf, "ann@here.test", &world.st);
	const ServicesDescription description = { .mailboxes = mailboxes, .trace_level = -1 };
	g_autoptr(Services) services = services_new(world.site, ann, world.envelope, NULL,
	                                            world.now, &description, NULL);
	FilterEnv *env = services_env(services);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *got = env->services->special_use_mailbox(env, rows[i].use,
		                                                          rows[i].named);
		if (g_strcmp0(got, rows[i].want) != 0)
			fail_msg("row %zu: %s", i, got != NULL ? got : "none");
	}
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (env->services->mailbox_exists(env, names[i].name) != names[i].want)
			fail_msg("%s", names[i].name);
	delivery_world_clear(&world);
}

/* The first of the owner's places that has a script. */
static void
test_places(void **state)
{
	(void) state;
	DeliveryWorld world;
	delivery_world_init(&world, "sieve_scripts = { \"@/one\", \"@/two/%n\" }\n", NULL);
	g_autofree char *folder = g_build_filename(world.dir, "two", NULL);
	assert_int_equal(mkdir(folder, 0755), 0);
	scratch_write(world.dir, "two/ann", FILE_INTO("Two"));
	assert_true(deliver(&world, mail));
	assert_string_equal(world.done, "stored in Two");
	scratch_write(world.dir, "one", FILE_INTO("One"));
	assert_true(deliver(&world, mail));
	assert_string_equal(world.done, "stored in One");
	delivery_world_clear(&world);
}

/*
 * A script that does not compile: the version that served last runs, the owner is told once for
 * each text, and where nothing has served the INBOX serves.
 */
static void
test_broken(void **state)
{
	(void) state;
	DeliveryWorld world;
	delivery_world_init(&world, NULL, "nonsense;\n");
	assert_true(deliver(&world, mail));
	assert_string_equal(world.done, "stored in INBOX");
	assert_int_equal(delivery_world_count(&world, ""), 2);
	delivery_check_log(&world, "code", "T002");
	delivery_check_note(&world, "the script was not run");
	delivery_check_note(&world, "the owner is told of the broken script");
	g_autofree char *record = delivery_world_recorded(&world);
	assert_non_null(strstr(record, "\"told\":[\""));
	assert_true(deliver(&world, mail));
	assert_int_equal(delivery_world_count(&world, ""), 3);

	script(&world, FILE_INTO("Good"));
	assert_true(deliver(&world, mail));
	assert_string_equal(world.done, "stored in Good");
	delivery_check_log(&world, "code", "T001");
	delivery_world_empty(&world, "");

	script(&world, "other nonsense;\n");
	assert_true(deliver(&world, mail));
	assert_string_equal(world.done, "stored in Good");
	delivery_check_note(&world, "the version of the script that served last was run");
	assert_int_equal(delivery_world_count(&world, ""), 1);
	assert_true(deliver(&world, mail));
	assert_string_equal(world.done, "stored in Good");
	assert_int_equal(delivery_world_count(&world, ""), 1);

	/* Mended and broken in the same way again: told again. */
	script(&world, FILE_INTO("Good"));
	assert_true(deliver(&world, mail));
	assert_int_equal(delivery_world_count(&world, ""), 1);
	script(&world, "other nonsense;\n");
	assert_true(deliver(&world, mail));
	assert_int_equal(delivery_world_count(&world, ""), 2);

	/* One that was taken away serves no more. */
	g_autofree char *path = g_build_filename(world.dir, "sieve", NULL);
	assert_int_equal(unlink(path), 0);
	assert_true(deliver(&world, mail));
	assert_string_equal(world.done, "stored in INBOX");
	script(&world, "nonsense of a third kind;\n");
	assert_true(deliver(&world, mail));
	assert_string_equal(world.done, "stored in INBOX");
	delivery_world_clear(&world);
}

/* rules_fallback = defer: the mail waits for a script that works, but not for ever. */
static void
test_broken_and_put_off(void **state)
{
	(void) state;
	static const char received[] = "Received: from x by y; Fri, 15 Jan 2027 08:00:00 +0000\n";
	g_autofree char *text = g_strconcat(received, mail, NULL);
	DeliveryWorld world;
	delivery_world_init(&world, "rules_fallback = defer\ndefer_at_most = 1h\n", "nonsense;\n");
	world.now = 1800000000; /* the time in the Received line */
	assert_false(deliver(&world, text));
	assert_int_equal(world.st.id, STATUS_SCRIPT);
	assert_int_equal(delivery_world_count(&world, ""), 0);
	world.now += 3600;
	assert_false(deliver(&world, text));
	world.now += 1;
	assert_true(deliver(&world, text));
	assert_string_equal(world.done, "stored in INBOX");

	/* Where it is not known since when it waits, it waits for as long as the queue keeps it. */
	assert_false(deliver(&world, mail));
	world.now += 100 * DAY;
	assert_false(deliver(&world, mail));
	g_autofree char *odd = g_strconcat("Received: from x by y; some day\n", mail, NULL);
	assert_false(deliver(&world, odd));
	delivery_world_clear(&world);
}

/* A fault while it runs drops all that this script has asked for, not what others have. */
static void
test_fails_half_way(void **state)
{
	(void) state;
	DeliveryWorld world;
	delivery_world_init(&world, "sieve_before = @/before\nsieve_max_redirects = 1\n",
	                    "require \"fileinto\"; fileinto \"Half\"; redirect \"b@y.test\"; "
	                    "redirect \"c@y.test\";\n");
	scratch_write(world.dir, "before",
	              "require [\"copy\", \"fileinto\"]; fileinto :copy \"First\";\n");
	assert_true(deliver(&world, mail));
	assert_string_equal(world.done, "stored in First, stored in INBOX");
	delivery_check_note(&world, "the script's actions were dropped");
	delivery_world_clear(&world);
}

/* External lists: one value a line, without case, comments left out, whatever octets are in it. */
static void
test_lists(void **state)
{
	(void) state;
	static const char list[] = "# friends\n\n  A@X.test \nb@x.test\n#c@x.test\n\xfc\xe4\n";
	static const struct {
		const char *test, *from;
		bool is_in;
	} rows[] = {
		{ "address :list \"from\" \"friends\"", "a@x.test", true },
		{ "address :list \"from\" \"friends\"", "B@x.TEST", true },
		{ "address :list \"from\" \"friends\"", "c@x.test", false },
		{ "header :list \"from\" \"friends\"", "# friends", false },
		{ "header :list \"from\" \"friends\"", "", false },
		{ "valid_ext_list \"friends\"", "a@x.test", true },
		{ "valid_ext_list \"foes\"", "a@x.test", false },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		DeliveryWorld world;
		g_autofree char *text = g_strdup_printf(
			"require [\"extlists\", \"fileinto\"]; if %s { fileinto \"In\"; }\n",
			rows[i].test);
		g_autofree char *message = g_strdup_printf("From: %s\n\nbody\n", rows[i].from);
		delivery_world_init(&world, "sieve_lists = \"friends=@/list\"\n", text);
		scratch_write(world.dir, "list", list);
		assert_true(deliver(&world, message));
		if ((strcmp(world.done, "stored in In") == 0) != rows[i].is_in)
			fail_msg("row %zu: %s", i, world.done);
		delivery_world_clear(&world);
	}
}

/* What scripts can know of the host and the client. */
static void
test_environment(void **state)
{
	(void) state;
	static const struct {
		const char *item, *value;
	} items[] = { { "domain", "here.test" },
		      { "host", "here.test" },
		      { "remote-host", "client.x.test" },
		      { "remote-ip", "192.0.2.1" },
		      { "vnd.todoke.address", "ann@here.test" } };
	for (size_t i = 0; i < G_N_ELEMENTS(items); i++) {
		DeliveryWorld world;
		g_autofree char *text = g_strdup_printf(
			"require [\"environment\", \"fileinto\"];\n"
			"if environment :is \"%s\" \"%s\" { fileinto \"Yes\"; }\n",
			items[i].item, items[i].value);
		delivery_world_init(&world, NULL, text);
		world.envelope->client_name = g_strdup("client.x.test");
		world.envelope->client_address = g_strdup("192.0.2.1");
		assert_true(deliver(&world, mail));
		if (strcmp(world.done, "stored in Yes") != 0)
			fail_msg("%s: %s", items[i].item, world.done);
		delivery_world_clear(&world);
	}
}

/* A list that cannot be read is a fault, and what the script did is dropped. */
static void
test_list_that_is_not_there(void **state)
{
	(void) state;
	DeliveryWorld world;
	delivery_world_init(
		&world, "sieve_lists = \"friends=@/list\"\n",
		"require [\"extlists\", \"fileinto\"];\n"
		"if header :list \"subject\" \"friends\" { discard; }\nfileinto \"Out\";\n");
	assert_true(deliver(&world, mail));
	assert_string_equal(world.done, "stored in INBOX");
	delivery_check_note(&world, "the script's actions were dropped");

	script(&world, "require \"extlists\"; redirect :list \"friends\";\n");
	assert_true(deliver(&world, mail));
	assert_string_equal(world.done, "stored in INBOX");
	delivery_world_clear(&world);
}

/* Included scripts of the owner and of the site; a name is no path. */
static void
test_includes(void **state)
{
	(void) state;
	static const char settings[] = "sieve_personal = @/personal/%n\nsieve_global = @/global\n";
	static const struct {
		const char *settings, *include, *want;
	} rows[] = {
		{ settings, "include \"one\";", "stored in One" },
		{ settings, "include :personal \"one\";", "stored in One" },
		{ settings, "include :global \"one\";", "stored in Global" },
		{ settings, "include \"two\";", "stored in INBOX" },
		{ settings, "include :optional \"two\"; fileinto \"On\";", "stored in On" },
		{ settings, "include \"../secret\";", "stored in INBOX" },
		{ settings, "include \".hidden\";", "stored in INBOX" },
		{ "sieve_personal = @/personal/%n\n", "include :global \"one\";",
		  "stored in INBOX" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		DeliveryWorld world;
		g_autofree char *text = g_strdup_printf("require [\"include\", \"fileinto\"]; %s\n",
		                                        rows[i].include);
		delivery_world_init(&world, rows[i].settings, text);
		static const char *const folders[] = { "personal", "personal/ann", "global" };
		for (size_t f = 0; f < G_N_ELEMENTS(folders); f++) {
			g_autofree char *path = g_build_filename(world.dir, folders[f], NULL);
			assert_int_equal(mkdir(path, 0755), 0);
		}
		scratch_write(world.dir, "personal/ann/one.sieve", FILE_INTO("One"));
		scratch_write(world.dir, "personal/ann/.hidden.sieve", FILE_INTO("Hidden"));
		scratch_write(world.dir, "personal/secret.sieve", FILE_INTO("Secret"));
		scratch_write(world.dir, "global/one.sieve", FILE_INTO("Global"));
		assert_true(deliver(&world, mail));
		if (strcmp(world.done, rows[i].want) != 0)
			fail_msg("row %zu: %s", i, world.done);

		/* What served last is kept with all that it includes. */
		if (i == 0) {
			scratch_write(world.dir, "personal/ann/one.sieve", "nonsense;\n");
			assert_true(deliver(&world, mail));
			assert_string_equal(world.done, "stored in One");
			delivery_check_note(&world,
			                    "the version of the script that served last was run");
		}
		delivery_world_clear(&world);
	}
}

/* Mailboxes as tests see them: those on the disk. */
static void
test_mailboxes(void **state)
{
	(void) state;
	static const struct {
		const char *test;
		bool holds;
	} rows[] = {
		{ "mailboxexists \"INBOX\"", true },
		{ "mailboxexists \"inbox\"", true },
		{ "mailboxexists \"Work\"", true },
		{ "mailboxexists [\"Work\", \"None\"]", false },
		{ "specialuse_exists \"\\\\Junk\"", true },
		{ "specialuse_exists \"\\\\Trash\"", false },
		{ "specialuse_exists \"Junk\" \"\\\\Junk\"", true },
		{ "specialuse_exists \"Work\" \"\\\\Junk\"", false },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		DeliveryWorld world;
		delivery_world_init(&world, NULL, FILE_INTO("Work"));
		assert_true(deliver(&world, mail));
		script(&world, FILE_INTO("Junk"));
		assert_true(deliver(&world, mail));
		g_autofree char *text = g_strdup_printf(
			"require [\"mailbox\", \"special-use\", \"fileinto\"]; if %s { fileinto \"Yes\"; }\n",
			rows[i].test);
		script(&world, text);
		assert_true(deliver(&world, mail));
		if ((strcmp(world.done, "stored in Yes") == 0) != rows[i].holds)
			fail_msg("row %zu: %s", i, world.done);
		delivery_world_clear(&world);
	}
}

/*
 * The owner hears that the mailbox fills up. A mail has 133 octets with the two fields on top, so
 * that the second one comes to half of 532.
 */
static void
test_quota_warnings(void **state)
{
	(void) state;
	static const struct {
		const char *settings;
		unsigned mails;
		const char *subject, *text, *user;
	} rows[] = {
		{ "quota_messages = 4\n", 2, "Your mailbox fills up: 50%", "2 of 4 messages",
		  "ann@here.test" },
		{ "quota_bytes = 532\n", 2, "Your mailbox fills up: 50%", "of 532 bytes",
		  "ann@here.test" },
		{ "quota_messages = 4\nquota_bytes = 1M\n", 2, "Your mailbox fills up: 50%",
		  "2 of 4 messages", "ann@here.test" },
		{ "quota_messages = 4\n", 2, "Your mailbox fills up: 50%", "2 of 4 messages",
		  "*@here.test" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		DeliveryWorld world;
		g_autofree char *settings = g_strconcat(
			"quota = site\nquota_warnings = { \"50%\", \"100%\" }\n",
			"sieve_scripts = @/none\nadd_mark = no\n", rows[i].settings,
			rows[i].user[0] == 'a' ? "" : "log_masked = user\n", NULL);
		delivery_world_init(&world, settings, NULL);
		for (unsigned n = 1; n < rows[i].mails; n++) {
			assert_true(deliver(&world, mail));
			assert_int_equal(delivery_world_count(&world, ""), n);
		}
		assert_true(deliver(&world, mail));
		assert_int_equal(delivery_world_count(&world, ""), rows[i].mails + 1);
		g_autofree char *record = delivery_world_recorded(&world);
		g_autofree char *told = g_strdup_printf("\"told\":[\"%s\"]", rows[i].subject);
		if (strstr(record, told) == NULL)
			fail_msg("row %zu: %s", i, record);
		g_autofree char *log = scratch_read(world.dir, "log");
		assert_non_null(strstr(log, "code=T314"));
		assert_non_null(strstr(log, "percent=50"));
		g_autofree char *user = g_strconcat("user=", rows[i].user, ", percent", NULL);
		if (strstr(log, user) == NULL)
			fail_msg("row %zu: %s", i, log);
		assert_non_null(strstr(log, "bytes=266"));
		assert_non_null(strstr(log, "messages=2"));

		g_autofree char *found = NULL;
		g_autofree char *folder = g_build_filename(world.dir, "mail/ann/new", NULL);
		g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
		for (const char *name; (name = g_dir_read_name(dir)) != NULL && found == NULL;) {
			g_autofree char *path = g_build_filename(folder, name, NULL);
			g_autofree char *text = NULL;
			assert_true(g_file_get_contents(path, &text, NULL, NULL));
			if (strstr(text, rows[i].text) != NULL)
				found = g_steal_pointer(&text);
		}
		assert_non_null(found);
		assert_non_null(strstr(found, "\nAuto-Submitted: auto-generated (notice)\n"));
		assert_non_null(strstr(found, "\nTo: ann@here.test\n"));
		assert_non_null(strstr(found, "MAILER-DAEMON@here.test"));
		delivery_world_clear(&world);
	}
}

/* The owner is told once, though it was not known in between how full the mailbox is. */
static void
test_fill_that_is_not_known(void **state)
{
	(void) state;
	static const char known[] = "add_mark = no\nquota_warnings = 10%\nquota = site\n"
				    "quota_messages = 20\n",
			  unknown[] = "add_mark = no\nquota_warnings = 10%\nquota = off\n",
			  unwanted[] = "add_mark = no\nquota = site\nquota_messages = 20\n";
	static const char *const settings[] = { known, known, unknown, unwanted, known };
	static const unsigned files[] = { 1, 3, 4, 5, 6 };
	DeliveryWorld world;
	delivery_world_init(&world, known, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(settings); i++) {
		delivery_world_set(&world, settings[i]);
		assert_true(deliver(&world, mail));
		if (delivery_world_count(&world, "") != files[i])
			fail_msg("step %zu: %u", i, delivery_world_count(&world, ""));
	}
	delivery_world_clear(&world);
}

/* Told once; and again when the mailbox was emptied, and counted anew, in between. */
static void
test_quota_warning_is_not_repeated(void **state)
{
	(void) state;
	DeliveryWorld world;
	delivery_world_init(&world, "quota = site\nquota_messages = 100\nquota_warnings = 2%\n",
	                    NULL);
	g_autofree char *file = g_build_filename(world.dir, "mail/ann/maildirsize", NULL);
	for (int again = 0; again < 2; again++) {
		static const unsigned counts[] = { 1, 3, 4,
			                           5 }; /* the notice comes with the second */
		for (size_t i = 0; i < G_N_ELEMENTS(counts); i++) {
			assert_true(deliver(&world, mail));
			assert_int_equal(delivery_world_count(&world, ""), counts[i]);
		}
		delivery_world_empty(&world, "");
		assert_int_equal(unlink(file), 0);
	}
	delivery_world_clear(&world);
}

/* A full mailbox: put off, then refused, and its owner is told that it is full. */
static void
test_quota_full(void **state)
{
	(void) state;
	DeliveryWorld world;
	delivery_world_init(&world,
	                    "quota = site\nquota_messages = 1\nquota_warnings = 100%\n"
	                    "quota_defer_for = 1d\npostmaster_address = \"P <pm@z.test>\"\n",
	                    NULL);
	assert_true(deliver(&world, mail));
	assert_int_equal(delivery_world_count(&world, ""), 2);
	g_autofree char *record = delivery_world_recorded(&world);
	assert_non_null(strstr(record, "\"told\":[\"Your mailbox is full\"]"));
	assert_false(deliver(&world, mail));
	assert_int_equal(world.st.id, STATUS_QUOTA_GRACE);
	world.now += DAY - 1;
	assert_false(deliver(&world, mail));
	assert_int_equal(world.st.id, STATUS_QUOTA_GRACE);
	world.now += 2;
	assert_false(deliver(&world, mail));
	assert_int_equal(world.st.id, STATUS_QUOTA);
	assert_int_equal(delivery_world_count(&world, ""), 2);
	delivery_world_clear(&world);
}

/* A trace of each delivery: for those who have a folder for it, and for those who are named. */
static void
test_traces(void **state)
{
	(void) state;
	DeliveryWorld world;
	delivery_world_init(&world, "trace_dir = @/trace/%n\n", FILE_INTO("Work"));
	g_autofree char *folder = g_build_filename(world.dir, "trace", NULL);
	assert_int_equal(mkdir(folder, 0755), 0);
	assert_true(deliver(&world, mail));
	g_autofree char *none = scratch_list(world.dir, "trace");
	assert_string_equal(none, "");

	delivery_world_set(&world,
	                   "trace_dir = @/trace/%n\ntrace_users = { bob, ANN@here.test }\n");
	g_free(world.envelope->queue_id);
	world.envelope->queue_id = g_strdup("4TRACE");
	world.envelope->original = g_strdup("info@here.test");
	assert_true(delivery_world_deliver(&world, mail));
	g_autofree char *path = scratch_only(world.dir, "trace/ann"), *text = NULL;
	assert_true(g_file_get_contents(path, &text, NULL, NULL));
	static const char *const parts[] = {
		"time: 2027-01-15T08:00:00Z\n",
		"queue id: 4TRACE\n",
		"from: a@x.test\n",
		"to: ann@here.test\n",
		"original to: info@here.test\n",
		"user: ann@here.test\n",
		"\nscripts:\n",
		"\nplan:\n",
		"fileinto",
		"decided by: ",
		"answer: 2.0.0 stored in Work\n",
	};
	const char *at = text;
	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
		at = strstr(at, parts[i]);
		if (at == NULL)
			fail_msg("no '%s' in its place in %s", parts[i], text);
	}
	assert_null(strstr(text, "detail: "));
	struct stat sb;
	assert_int_equal(stat(path, &sb), 0);
	assert_int_equal(sb.st_mode & 0777, 0600);

	/* Of a refusal, too; and one that cannot be written is a note. */
	(void) unlink(path);
	script(&world, "require \"reject\"; reject \"no\";\n");
	assert_false(deliver(&world, mail));
	g_autofree char *other = scratch_only(world.dir, "trace/ann"), *refusal = NULL;
	assert_true(g_file_get_contents(other, &refusal, NULL, NULL));
	assert_non_null(strstr(refusal, "answer: 5.7.1 no\n"));
	delivery_world_set(&world, "trace_dir = @/log/x\n");
	script(&world, "keep;\n");
	assert_true(deliver(&world, mail));
	delivery_check_note(&world, "no trace: ");
	delivery_world_clear(&world);
}

/* A script beside the one in force: recorded where it would do otherwise, and nothing else. */
static void
test_shadow(void **state)
{
	(void) state;
	DeliveryWorld world;
	g_autofree char *last = NULL;
	delivery_world_init(&world, "shadow_script = @/shadow\n", FILE_INTO("Work"));
	assert_true(deliver(&world, mail));
	assert_int_equal(count_shadows(&world, &last), 0);

	scratch_write(world.dir, "shadow", "require \"fileinto\";\n\nfileinto \"Work\";\n");
	assert_true(deliver(&world, mail));
	assert_int_equal(count_shadows(&world, &last), 0);

	scratch_write(world.dir, "shadow", FILE_INTO("Other"));
	assert_true(deliver(&world, mail));
	assert_string_equal(world.done, "stored in Work");
	assert_int_equal(count_shadows(&world, &last), 1);
	assert_non_null(strstr(last, "\"message_id\":\"<1@x.test>\""));
	assert_non_null(strstr(last, "\"time\":"));
	assert_non_null(strstr(last, "/shadow\",\"shadow\":[{\"action\":\"fileinto\""));
	assert_non_null(strstr(last, "\"plan\":[{\"action\":\"fileinto\""));
	assert_non_null(strstr(last, "\"target\":\"Other\""));
	g_autofree char *list = scratch_list(world.dir, "mail/ann/.Other");
	assert_string_equal(list, "-");

	scratch_write(world.dir, "shadow", "nonsense;\n");
	assert_true(deliver(&world, mail));
	assert_int_equal(count_shadows(&world, &last), 2);
	assert_non_null(strstr(last, "\"failed\":\""));
	assert_null(strstr(last, "\"shadow\":["));
	delivery_check_log(&world, "code", "T001");

	/* The same deed on another header or body is another deed. */
	scratch_write(
		world.dir, "shadow",
		"require [\"editheader\", \"fileinto\"]; addheader \"X-A\" \"1\"; fileinto \"Work\";\n");
	assert_true(deliver(&world, mail));
	assert_int_equal(count_shadows(&world, &last), 3);

	/* What a verdict has decided is not asked of rules. */
	delivery_world_set(&world,
	                   "shadow_script = @/shadow\nduplicates = discard\nduplicates_of = all\n");
	assert_true(deliver(&world, mail));
	unsigned n = count_shadows(&world, &last);
	assert_true(deliver(&world, mail));
	assert_string_equal(world.done, "discarded");
	assert_int_equal(count_shadows(&world, &last), n);
	delivery_world_clear(&world);
}

/* The owner's own settings: those that concern the owner alone; what is wrong in them is a note. */
static void
test_settings_of_the_owner(void **state)
{
	(void) state;
	DeliveryWorld world;
	delivery_world_init(&world, "owner_settings = @/mail/%n/settings\n", NULL);
	assert_true(deliver(&world, mail));
	delivery_check_log(&world, "note", NULL);
	scratch_write(world.dir, "mail/ann/settings", "sender_block = \"*@x.test\"\n");
	assert_false(deliver(&world, mail));
	assert_int_equal(world.st.id, STATUS_RULE_REFUSED);
	scratch_write(world.dir, "mail/ann/settings", "umask = 0\nnonsense = 1\n");
	assert_true(deliver(&world, mail));
	delivery_check_note(&world, "owner_settings: ");
	delivery_check_note(&world, "(and 1 more)");
	delivery_world_clear(&world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_given),
		cmocka_unit_test(test_described_mailboxes),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_broken_and_put_off),
		cmocka_unit_test(test_fails_half_way),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_zone),
		cmocka_unit_test(test_program_that_is_killed),
		cmocka_unit_test(test_list_that_is_not_there),
		cmocka_unit_test(test_includes),
		cmocka_unit_test(test_mailboxes),
		cmocka_unit_test(test_quota_warnings),
		cmocka_unit_test(test_fill_that_is_not_known),
		cmocka_unit_test(test_quota_warning_is_not_repeated),
		cmocka_unit_test(test_quota_full),
		cmocka_unit_test(test_traces),
		cmocka_unit_test(test_shadow),
		cmocka_unit_test(test_settings_of_the_owner),
	};
	return _cmocka_run_group_tests("transact-rules", tests, G_N_ELEMENTS(tests), NULL, NULL);
}

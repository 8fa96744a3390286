/* SPDX-License-Identifier: MIT */
/*
 * A delivery whose state is in a server that several hosts share: what waits when the server does
 * not say what it knows, and what a retry repeats.
 */
#include "agent/run/transact.h"

#include "tests/lib/delivery-check.h"
#include "tests/lib/redis-peer.h"
#include "tests/lib/scratch.h"
#include "tests/lib/smtp-peer.h"
#include "tests/unit/unit.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>

static const char mail[] = "From: A <a@x.test>\nTo: ann@here.test\nSubject: hello\n"
			   "Message-ID: <1@x.test>\n\nbody\n";

/* Commands of the state by what they are about (StateKind, and what the ledger says of a step). */
#define GET_SEEN "GET todoke:{ann@here.test}:0:"
#define GET_LEDGER "GET todoke:{ann@here.test}:1:"
#define GET_BLOB "GET todoke:{ann@here.test}:3:"
#define TAKE_TURN "'PX', ARGV[2]) end return 1 1 todoke:{ann@here.test}:0:"
#define TAKE_CLAIM "'PX', ARGV[2]) end return 1 1 todoke:{ann@here.test}:4:"
#define SAY_SENDING "s redirect"
#define SAY_DONE "d redirect"

#define REDIRECT "redirect \"b@y.test\";\n"
#define COPY "require \"copy\"; redirect :copy \"b@y.test\";\n"
#define VACATION "require \"vacation\"; vacation :days 3 \"I am away.\";\n"

static const char settings[] = "submit = smtp:unix:@/smtp\nstate = redis:@/redis\n"
			       "state_timeout = 20\n";

typedef struct {
	DeliveryWorld world;
	pid_t redis, smtp;
} Shared;

static bool
has_redis(void)
{
	const char *folder = g_getenv("TODOKE_MODULE_DIR");
	g_autofree char *path = g_build_filename(folder != NULL ? folder : TODOKE_MODULE_DIR,
	                                         "todoke-state-redis.so", NULL);
	return access(path, R_OK) == 0;
}

static void
shared_begin(Shared *shared, const char *script)
{
	if (!has_redis())
		skip();
	delivery_world_init(&shared->world, settings, script);
	shared->redis = redis_peer_begin(shared->world.dir);
	shared->smtp = smtp_peer_begin(shared->world.dir, NULL);
}

static void
shared_end(Shared *shared)
{
	redis_peer_end(shared->redis);
	smtp_peer_end(shared->smtp);
	delivery_world_clear(&shared->world);
}

/* The server refuses this from now on. */
static void
break_it(const Shared *shared, const char *part)
{
	redis_peer_break(shared->world.dir, part, "-ERR no");
}

/*
 * All is well. What a try has claimed and could not give back has ended, as it does by itself.
 */
static void
mend(const Shared *shared)
{
	redis_peer_break(shared->world.dir, NULL, NULL);
	redis_peer_break(shared->world.dir, TAKE_CLAIM, ":1");
}

static void
script(const Shared *shared, const char *text)
{
	scratch_write(shared->world.dir, "sieve", text);
}

/* Deliver the mail of that queue id; it must be put off, by this fault. */
static void
put_off(Shared *shared, const char *id, StatusId want)
{
	g_free(shared->world.envelope->queue_id);
	shared->world.envelope->queue_id = g_strdup(id);
	assert_false(delivery_world_deliver(&shared->world, mail));
	if (shared->world.st.id != want)
		fail_msg("%s: %s", status_text(&shared->world.st), shared->world.st.detail);
}

static void
deliver(Shared *shared, const char *id, const char *done)
{
	g_free(shared->world.envelope->queue_id);
	shared->world.envelope->queue_id = g_strdup(id);
	if (!delivery_world_deliver(&shared->world, mail))
		fail_msg("%s", shared->world.st.detail);
	assert_string_equal(shared->world.done, done);
}

/* So many copies lie here, and so many mails have left since the world began. */
static void
check(const Shared *shared, unsigned stored, unsigned sent)
{
	g_autofree char *all = smtp_peer_sent(shared->world.dir);
	unsigned n = 0;
	for (const char *at = all; (at = strstr(at, "RCPT TO:")) != NULL; at++)
		n++;
	assert_int_equal(delivery_world_count(&shared->world, ""), stored);
	if (n != sent)
		fail_msg("%u have left: %s", n, all);
}

/* The files beside the mailbox that say what the server could not be told. */
static unsigned
count_spare(const Shared *shared)
{
	g_autofree char *names = scratch_list(shared->world.dir, "mail/ann/todoke-state");
	unsigned n = 0;
	for (const char *at = names; (at = strstr(at, "ledger-")) != NULL; at++)
		n++;
	return n;
}

/* A retry, on whatever host, repeats nothing, and need not wait for the one before it. */
static void
test_retry(void **state)
{
	(void) state;
	Shared shared;
	shared_begin(&shared, COPY);
	deliver(&shared, "4ABC1", "stored in INBOX, redirect");
	check(&shared, 1, 1);
	delivery_check_note(&shared.world, NULL);
	delivery_world_set(&shared.world, settings);
	deliver(&shared, "4ABC1", "stored in INBOX by an earlier try, redirect by an earlier try");
	check(&shared, 1, 1);
	delivery_check_note(&shared.world, "by an earlier try");
	deliver(&shared, "4ABC2", "stored in INBOX, redirect");
	check(&shared, 2, 2);
	shared_end(&shared);
}

/* What must leave waits while the server does not say what has left; what may stay away does. */
static void
test_server_that_says_nothing(void **state)
{
	(void) state;
	static const char *const parts[] = { GET_LEDGER, TAKE_CLAIM };
	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
		Shared shared;
		shared_begin(&shared, "keep;\n");
		break_it(&shared, parts[i]);
		deliver(&shared, "4ABC1", "stored in INBOX");
		delivery_check_note(&shared.world, NULL);
		script(&shared, COPY);
		put_off(&shared, "4ABC2", STATUS_STATE);
		check(&shared, 1, 0);
		script(&shared, VACATION);
		deliver(&shared, "4ABC3", "stored in INBOX");
		check(&shared, 2, 0);

		mend(&shared);
		script(&shared, COPY);
		deliver(&shared, "4ABC2", "stored in INBOX, redirect");
		check(&shared, 3, 1);
		shared_end(&shared);
	}
}

/* One try of a mail at a time, wherever; the next one waits, and then comes again. */
static void
test_another_try(void **state)
{
	(void) state;
	static const char *const scripts[] = { COPY, VACATION };
	for (size_t i = 0; i < G_N_ELEMENTS(scripts); i++) {
		Shared shared;
		shared_begin(&shared, scripts[i]);
		g_autofree char *quick = g_strconcat(settings, "deadline = 5\n", NULL);
		delivery_world_set(&shared.world, quick);
		redis_peer_break(shared.world.dir, TAKE_CLAIM, ":0");
		gint64 begun = g_get_monotonic_time();
		put_off(&shared, "4ABC1", STATUS_BUSY);
		assert_true(g_get_monotonic_time() - begun >= 1900 * 1000);
		check(&shared, 0, 0);

		mend(&shared);
		deliver(&shared, "4ABC1",
		        i == 0 ? "stored in INBOX, redirect" : "stored in INBOX, vacation");
		check(&shared, 1, 1);
		shared_end(&shared);
	}
}

/* Nothing leaves that a retry would not know. Copies stay: the claims in the folder know them. */
static void
test_not_remembered_before(void **state)
{
	(void) state;
	Shared shared;
	shared_begin(&shared, COPY);
	break_it(&shared, SAY_SENDING);
	put_off(&shared, "4ABC1", STATUS_STATE);
	check(&shared, 1, 0);
	redis_peer_break(shared.world.dir, TAKE_CLAIM, ":1");
	put_off(&shared, "4ABC1", STATUS_STATE);
	check(&shared, 1, 0);
	mend(&shared);
	deliver(&shared, "4ABC1", "stored in INBOX by an earlier try, redirect");
	check(&shared, 1, 1);
	shared_end(&shared);
}

/* A site whose rules send on, then run a program that ends with the code in "code". */
static void
begin_with_program(Shared *shared)
{
	shared_begin(shared,
	             "require \"vnd.dovecot.pipe\"; redirect \"b@y.test\"; pipe \"take\";\n");
	g_autofree char *more = g_strconcat(settings,
	                                    "program_folder = @/bin\n"
	                                    "sieve_extensions = \"+vnd.dovecot.pipe\"\n",
	                                    NULL);
	delivery_world_set(&shared->world, more);
	const char *dir = shared->world.dir;
	g_autofree char *folder = g_build_filename(dir, "bin", NULL),
			*path = g_build_filename(folder, "take", NULL),
			*text = g_strdup_printf("#!/bin/sh\ncat >/dev/null\nexit `cat %s/code`\n",
	                                        dir);
	assert_int_equal(mkdir(folder, 0755), 0);
	scratch_write(dir, "bin/take", text);
	assert_int_equal(chmod(path, 0755), 0);
}

/*
 * The server hears too late what has left. Where the mail comes again for another step, a file
 * beside the mailbox says it in the server's place; where it does not, none is needed.
 */
static void
test_not_remembered_behind(void **state)
{
	(void) state;
	Shared shared;
	begin_with_program(&shared);
	mend(&shared);
	break_it(&shared, SAY_DONE);
	scratch_write(shared.world.dir, "code", "0");
	deliver(&shared, "4ABC1", "redirect, pipe");
	delivery_check_note(&shared.world, "a retry may repeat things: ");
	check(&shared, 0, 1);
	assert_int_equal(count_spare(&shared), 0);

	scratch_write(shared.world.dir, "code", "75");
	put_off(&shared, "4ABC2", STATUS_PROGRAM);
	check(&shared, 0, 2);
	assert_int_equal(count_spare(&shared), 1);
	put_off(&shared, "4ABC2", STATUS_STATE);
	check(&shared, 0, 2);
	assert_int_equal(count_spare(&shared), 1);

	/* The server hears of it as soon as it can, and the file goes. */
	mend(&shared);
	put_off(&shared, "4ABC2", STATUS_PROGRAM);
	check(&shared, 0, 2);
	assert_int_equal(count_spare(&shared), 0);
	scratch_write(shared.world.dir, "code", "0");
	deliver(&shared, "4ABC2", "redirect by an earlier try, pipe");
	check(&shared, 0, 2);

	/* A server that is well is enough. */
	scratch_write(shared.world.dir, "code", "75");
	put_off(&shared, "4ABC3", STATUS_PROGRAM);
	check(&shared, 0, 3);
	assert_int_equal(count_spare(&shared), 0);
	shared_end(&shared);
}

/* Such a file of mail that never came again goes with time. */
static void
test_spare_of_old_mail(void **state)
{
	(void) state;
	Shared shared;
	shared_begin(&shared, REDIRECT);
	deliver(&shared, "4ABC", "redirect");
	scratch_write(shared.world.dir, "mail/ann/todoke-state/ledger-old", "");
	scratch_write(shared.world.dir, "mail/ann/todoke-state/ledger-young", "");
	g_autofree char *path = g_build_filename(shared.world.dir,
	                                         "mail/ann/todoke-state/ledger-old", NULL),
			*other = g_build_filename(shared.world.dir,
	                                          "mail/ann/todoke-state/ledger-young", NULL);
	const time_t now = (time_t) shared.world.now, week = 7 * 86400;
	assert_int_equal(utime(path, &(struct utimbuf){ now, now - week - 1 }), 0);
	assert_int_equal(utime(other, &(struct utimbuf){ now, now - week + 1 }), 0);
	for (unsigned i = 0; count_spare(&shared) == 2 && i < 200; i++) {
		g_autofree char *id = g_strdup_printf("4ABC%u", i);
		deliver(&shared, id, "redirect");
	}
	assert_int_not_equal(access(path, F_OK), 0);
	assert_int_equal(access(other, F_OK), 0);
	shared_end(&shared);
}

/* Nobody is answered unless the server says that it was not done, and that it is ours to do. */
static void
test_turns(void **state)
{
	(void) state;
	static const struct {
		const char *part, *reply, *note;
	} rows[] = {
		{ GET_SEEN, "-ERR no", "no vacation reply: " },
		{ TAKE_TURN, "-ERR no", "vacation not sent: " },
		{ TAKE_TURN, ":0",
		  "vacation not sent: <a@x.test> is answered by another delivery" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		Shared shared;
		shared_begin(&shared, VACATION);
		redis_peer_break(shared.world.dir, rows[i].part, rows[i].reply);
		deliver(&shared, "4ABC1", "stored in INBOX");
		check(&shared, 1, 0);
		delivery_check_note(&shared.world, rows[i].note);
		if (rows[i].reply[0] == '-')
			delivery_check_note(&shared.world, "ERR no");
		mend(&shared);
		deliver(&shared, "4ABC2", "stored in INBOX, vacation");
		check(&shared, 2, 1);
		shared_end(&shared);
	}
}

/* A script is broken, and the server does not say which one was good: the mail waits. */
static void
test_last_good_script(void **state)
{
	(void) state;
	Shared shared;
	shared_begin(&shared, "require [\"fileinto\", \"mailbox\"]; fileinto :create \"Good\";\n");
	deliver(&shared, "4ABC1", "stored in Good");
	script(&shared, "nonsense;\n");
	break_it(&shared, GET_BLOB);
	put_off(&shared, "4ABC2", STATUS_STATE);
	check(&shared, 0, 0);
	mend(&shared);
	deliver(&shared, "4ABC2", "stored in Good");
	assert_int_equal(delivery_world_count(&shared.world, ".Good"), 2);
	shared_end(&shared);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_retry),
		cmocka_unit_test(test_server_that_says_nothing),
		cmocka_unit_test(test_another_try),
		cmocka_unit_test(test_not_remembered_before),
		cmocka_unit_test(test_not_remembered_behind),
		cmocka_unit_test(test_spare_of_old_mail),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_last_good_script),
	};
	return _cmocka_run_group_tests("transact-state", tests, G_N_ELEMENTS(tests), NULL, NULL);
}

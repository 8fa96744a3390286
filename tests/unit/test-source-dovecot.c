/* SPDX-License-Identifier: MIT */
/* Users of a running Dovecot: what is asked, what its answers mean, and when it is asked again. */
#include "agent/run/account-list.h"
#include "agent/run/account-source.h"
#include "agent/run/account.h"

#include "agent/base/outside.h"
#include "conf/conf-choices.h"
#include "tests/lib/scratch.h"
#include "tests/lib/source-conf.h"
#include "tests/lib/unix-peer.h"
#include "tests/unit/unit.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define GREETING "VERSION\t1\t2\nSPID\t77\n"

/* Dovecot, where it listens, and the settings that name it. */
typedef struct {
	char *dir, *socket;
	pid_t process;
	Conf conf;
} Dovecot;

typedef struct {
	const char *greeting;
	const char *const *answers;
	const char *log; /* where it writes each question */
	bool is_short;   /* a connection ends behind one answer */
} Script;

/*
 * The answers to a name: "NAME>ANSWER" with blanks for tabs and # for the number of the question;
 * "close" ends the connection. For the verb LIST the name is "*".
 */
static void
answer(FILE *client, const char *const *answers, const char *number, const char *name)
{
	for (size_t i = 0; answers[i] != NULL; i++) {
		const char *sign = strchr(answers[i], '>');
		if (strncmp(answers[i], name, (size_t) (sign - answers[i])) != 0 ||
		    name[sign - answers[i]] != '\0')
			continue;
		g_autoptr(GString) text = g_string_new(sign + 1);
		g_string_replace(text, " ", "\t", 0);
		g_string_replace(text, "#", number, 0);
		(void) fputs(text->str, client);
		return;
	}
	fprintf(client, "NOTFOUND\t%s\n", number);
}

static void
answer_all(FILE *client, FILE *from, const void *user)
{
	const Script *script = user;
	char line[4096];
	(void) fputs(script->greeting, client);
	(void) fflush(client);
	while (fgets(line, sizeof line, from) != NULL) {
		FILE *file = fopen(script->log, "a");
		(void) fputs(line, file);
		(void) fclose(file);
		g_auto(GStrv) words = g_strsplit(g_strchomp(line), "\t", -1);
		if (strcmp(words[0], "VERSION") == 0)
			continue;
		bool is_list = strcmp(words[0], "LIST") == 0;
		answer(client, script->answers, words[1], is_list ? "*" : words[2]);
		(void) fflush(client);
		if (script->is_short)
			return;
	}
}

/* Each connection has a process of its own: two may be open at once. */
static void
converse(FILE *client, FILE *from, const void *user)
{
	(void) signal(SIGCHLD, SIG_IGN);
	if (fork() != 0)
		return;
	(void) prctl(PR_SET_PDEATHSIG, SIGKILL);
	answer_all(client, from, user);
	_exit(0);
}

/* `is_short`: each connection has one question, as where Dovecot was restarted. */
static void
dovecot_begin(Dovecot *dovecot, const char *greeting, const char *const *answers, bool is_short)
{
	*dovecot = (Dovecot){ .dir = scratch_new() };
	dovecot->socket = g_build_filename(dovecot->dir, "userdb", NULL);
	dovecot->conf = source_conf(CONF_USERS_DOVECOT);
	dovecot->conf.dovecot_socket = dovecot->socket;

	g_autofree char *log = g_build_filename(dovecot->dir, "asked", NULL);
	const Script script = { greeting, answers, log, is_short };
	dovecot->process = unix_peer_begin(dovecot->socket, converse, &script);
}

static void
dovecot_stop(Dovecot *dovecot)
{
	if (dovecot->process > 0)
		unix_peer_end(dovecot->process);
	dovecot->process = 0;
}

static void
dovecot_end(Dovecot *dovecot)
{
	account_source_close();
	dovecot_stop(dovecot);
	g_free(dovecot->socket);
	scratch_remove(dovecot->dir);
}

/* "user|home|maildir|uid:gid|detail", or the fault's name and detail. Caller frees. */
static char *
find(const Dovecot *dovecot, const char *recipient)
{
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Account) account = account_find(&dovecot->conf, recipient, &st);
	if (account == NULL)
		return g_strdup_printf("%s: %s", status_row(st.id)->name, st.detail);
	return g_strdup_printf("%s|%s|%s|%d:%d|%s", account->user, account->home, account->maildir,
	                       (int) account->uid, (int) account->gid,
	                       account->detail != NULL ? account->detail : "");
}

static void
check_found(const Dovecot *dovecot, const char *recipient, const char *want)
{
	g_autofree char *got = find(dovecot, recipient);
	if (strcmp(got, want) != 0)
		fail_msg("%s: %s, not %s", recipient, got, want);
}

static unsigned
count_asked(const Dovecot *dovecot, const char *line)
{
	g_autofree char *text = scratch_read(dovecot->dir, "asked");
	unsigned n = 0;
	for (const char *at = text; at != NULL && (at = strstr(at, line)) != NULL; at++)
		n++;
	return n;
}

static void
test_answers(void **state)
{
	(void) state;
	static const char *const answers[] = {
		"ann@x.test>USER # ann@x.test uid=1234 gid=1235 home=/h/ann\n",
		"alias@x.test>USER # Ann@X.test uid=1234 gid=1235 home=/h/ann\n",
		"tabs@x.test>USER # tabs@x.test uid=1 gid=1 home=/h/a\001tb\0011\001\n",
		"bare@x.test>USER #\n",
		"refused@x.test>FAIL # code=temp_fail\n",
		"other@x.test>USER 99999 other@x.test uid=1\n",
		"odd@x.test>PASS # x\n",
		"one@x.test>USER\n",
		"empty@x.test>\n",
		NULL,
	};
	Dovecot dovecot;
	dovecot_begin(&dovecot, GREETING, answers, false);
	check_found(&dovecot, "ann@x.test", "ann@x.test|/h/ann|/h/ann/Maildir|1234:1235|");
	check_found(&dovecot, "Ann+shop@X.TEST", "ann@x.test|/h/ann|/h/ann/Maildir|1234:1235|shop");
	check_found(&dovecot, "alias@x.test", "Ann@X.test|/h/ann|/h/ann/Maildir|1234:1235|");
	check_found(
		&dovecot, "tabs@x.test",
		"config: users = dovecot, 'tabs@x.test': field home has control characters or is not "
		"UTF-8");
	check_found(&dovecot, "nobody@x.test",
	            "unknown-user: users = dovecot has nobody of this name");
	check_found(
		&dovecot, "a\001b@x.test",
		"unknown-user: a name that is empty, not UTF-8, or has control characters: users = "
		"dovecot is not asked for it");
	check_found(
		&dovecot, "@x.test",
		"unknown-user: a name that is empty, not UTF-8, or has control characters: users = "
		"dovecot is not asked for it");
	assert_int_equal(count_asked(&dovecot, "USER\t1\tann@x.test\tservice=lmtp\n"), 1);
	assert_int_equal(count_asked(&dovecot, "VERSION\t1\t0\n"), 1);

	static const struct {
		const char *name, *why;
	} faults[] = {
		{ "refused@x.test", "FAIL" },
		{ "other@x.test", "an answer that fits no question" },
		{ "odd@x.test", "PASS" },
		{ "one@x.test", "an answer that fits no question" },
		{ "empty@x.test", "an answer that fits no question" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(faults); i++) {
		g_auto(Status) st = STATUS_INIT;
		assert_null(account_find(&dovecot.conf, faults[i].name, &st));
		assert_int_equal(st.id, STATUS_LOOKUP);
		if (strstr(st.detail, faults[i].why) == NULL ||
		    strstr(st.detail, dovecot.socket) == NULL)
			fail_msg("%s: %s", faults[i].name, st.detail);
		assert_string_equal(st.outside->protocol, OUTSIDE_USERS);
		assert_string_equal(st.outside->peer, dovecot.socket);
		assert_string_equal(st.outside->command, faults[i].name);
		assert_false(st.outside->is_down);
	}

	/* It is asked anew behind each. */
	check_found(&dovecot, "ann@x.test", "ann@x.test|/h/ann|/h/ann/Maildir|1234:1235|");
	dovecot_end(&dovecot);
}

/* What speaks otherwise is no userdb; who hangs up is down. */
static void
test_greetings(void **state)
{
	(void) state;
	static const struct {
		const char *greeting, *why;
		bool is_down;
	} greetings[] = {
		{ "VERSION\t1\t2\nMECH\tPLAIN\nSPID\t1\n",
		  "this socket is for logins; name auth-userdb", false },
		{ "VERSION\t2\t0\nSPID\t1\n", "it does not speak Dovecot's protocol", false },
		{ "SPID\t1\nVERSION\t1\t2\n", "it does not speak Dovecot's protocol", false },
		{ "220 x.test ESMTP\n", "it does not speak Dovecot's protocol", false },
	};
	static const char *const answers[] = { "ann@x.test>USER # ann@x.test home=/h\n", NULL };
	for (size_t i = 0; i < G_N_ELEMENTS(greetings); i++) {
		Dovecot dovecot;
		dovecot_begin(&dovecot, greetings[i].greeting, answers, false);
		g_auto(Status) st = STATUS_INIT;
		assert_null(account_find(&dovecot.conf, "ann@x.test", &st));
		assert_int_equal(st.id, STATUS_LOOKUP);
		if (!g_str_has_suffix(st.detail, greetings[i].why))
			fail_msg("row %zu: %s", i, st.detail);
		assert_int_equal(st.outside->is_down, greetings[i].is_down);
		dovecot_end(&dovecot);
	}

	Dovecot dovecot;
	dovecot_begin(&dovecot, "VERSION\t1\t2\nCUID\t5\nSPID\t1\n", answers, false);
	g_autofree char *got = find(&dovecot, "ann@x.test");
	assert_true(g_str_has_prefix(got, "ann@x.test|/h|"));
	const OutsideReached *reached = outside_reached()->pdata[0];
	assert_string_equal(reached->peer, dovecot.socket);
	dovecot_stop(&dovecot);
	g_auto(Status) st = STATUS_INIT;
	assert_null(account_find(&dovecot.conf, "ann@x.test", &st));
	assert_int_equal(st.id, STATUS_LOOKUP);
	assert_true(st.outside->is_down);
	dovecot_end(&dovecot);
}

/* A connection that ended between two questions is made anew, and nobody notices. */
static void
test_restarted(void **state)
{
	(void) state;
	static const char *const answers[] = { "ann@x.test>USER # ann@x.test uid=5 gid=6 home=/h\n",
		                               "bob@x.test>USER # bob@x.test uid=7 gid=8 home=/b\n",
		                               NULL };
	Dovecot dovecot;
	dovecot_begin(&dovecot, GREETING, answers, true);
	for (int i = 0; i < 3; i++) {
		check_found(&dovecot, "ann@x.test", "ann@x.test|/h|/h/Maildir|5:6|");
		check_found(&dovecot, "bob@x.test", "bob@x.test|/b|/b/Maildir|7:8|");
	}
	dovecot_end(&dovecot);
}

/* A process does not speak on a connection that the one which started it has opened. */
static void
test_forked(void **state)
{
	(void) state;
	static const char *const answers[] = { "ann@x.test>USER # ann@x.test uid=5 gid=6 home=/h\n",
		                               "bob@x.test>USER # bob@x.test uid=7 gid=8 home=/b\n",
		                               NULL };
	Dovecot dovecot;
	dovecot_begin(&dovecot, GREETING, answers, false);
	check_found(&dovecot, "ann@x.test", "ann@x.test|/h|/h/Maildir|5:6|");
	pid_t child = fork();
	if (child == 0) {
		g_autofree char *got = find(&dovecot, "bob@x.test");
		_exit(strcmp(got, "bob@x.test|/b|/b/Maildir|7:8|") != 0);
	}
	int status = 1;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(count_asked(&dovecot, "VERSION\t"), 2);
	check_found(&dovecot, "bob@x.test", "bob@x.test|/b|/b/Maildir|7:8|");
	check_found(&dovecot, "ann@x.test", "ann@x.test|/h|/h/Maildir|5:6|");
	assert_int_equal(count_asked(&dovecot, "VERSION\t"), 2);
	dovecot_end(&dovecot);
}

/* An answer counts for users_cache; that there is no such user is asked each time. */
static void
test_cache(void **state)
{
	(void) state;
	static const char *const answers[] = { "ann@x.test>USER # ann@x.test uid=5 gid=6 home=/h\n",
		                               "bob@x.test>USER # bob@x.test uid=7 gid=8 home=/b\n",
		                               NULL };
	for (int is_kept = 0; is_kept < 2; is_kept++) {
		Dovecot dovecot;
		dovecot_begin(&dovecot, GREETING, answers, false);
		dovecot.conf.users_cache = is_kept ? 3600 : 0;
		for (int i = 0; i < 3; i++) {
			check_found(&dovecot, "ann+x@x.test", "ann@x.test|/h|/h/Maildir|5:6|x");
			check_found(&dovecot, "bob@x.test", "bob@x.test|/b|/b/Maildir|7:8|");
			check_found(&dovecot, "nobody@x.test",
			            "unknown-user: users = dovecot has nobody of this name");
		}
		assert_int_equal(count_asked(&dovecot, "\tann@x.test\t"), is_kept ? 1 : 3);
		assert_int_equal(count_asked(&dovecot, "\tbob@x.test\t"), is_kept ? 1 : 3);
		assert_int_equal(count_asked(&dovecot, "\tnobody@x.test\t"), 3);
		dovecot_end(&dovecot);
	}
}

static void
test_catch_all(void **state)
{
	(void) state;
	static char catcher[] = "info@%d";
	static const char *const answers[] = {
		"info@x.test>USER # info@x.test uid=5 gid=6 home=/h\n", NULL
	};
	Dovecot dovecot;
	dovecot_begin(&dovecot, GREETING, answers, false);
	dovecot.conf.catch_all = catcher;
	check_found(&dovecot, "nobody+shop@x.test", "info@x.test|/h|/h/Maildir|5:6|shop");
	check_found(&dovecot, "nobody@y.test",
	            "unknown-user: users = dovecot has nobody of this name");
	dovecot_end(&dovecot);
}

static void
test_list(void **state)
{
	(void) state;
	static const struct {
		const char *answer, *want;
	} rows[] = {
		{ "*>LIST # ann@x.test\nLIST # gone@x.test\nLIST # bob@x.test\nDONE #\n",
		  "ann@x.test bob@x.test " },
		{ "*>LIST # ann@x.test\nDONE # \n", "ann@x.test " },
		{ "*>DONE #\n", "" },
		{ "*>DONE # fail\n", NULL },
		{ "*>LIST #\nDONE #\n", NULL },
		{ "*>FAIL #\n", NULL },
		{ "*>LIST 9999 ann@x.test\nDONE #\n", NULL },
		{ "*>LIST # bad@x.test\nDONE #\n", NULL },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		const char *const answers[] = { rows[i].answer,
			                        "ann@x.test>USER # ann@x.test home=/h/ann\n",
			                        "bob@x.test>USER # bob@x.test home=/h/bob\n",
			                        "bad@x.test>FAIL #\n", NULL };
		Dovecot dovecot;
		dovecot_begin(&dovecot, GREETING, answers, false);
		g_auto(Status) st = STATUS_INIT;
		g_autoptr(GPtrArray) list = account_list(&dovecot.conf, &st);
		g_autoptr(GString) got = g_string_new(NULL);
		for (guint n = 0; list != NULL && n < list->len; n++)
			g_string_append_printf(got, "%s ",
			                       ((const Account *) list->pdata[n])->user);
		assert_int_equal(list != NULL, rows[i].want != NULL);
		assert_int_equal(st.id, rows[i].want != NULL ? STATUS_OK : STATUS_LOOKUP);
		if (rows[i].want != NULL)
			assert_string_equal(got->str, rows[i].want);
		dovecot_end(&dovecot);
	}
}

/* Nobody listens, and a path that no socket can have. */
static void
test_nobody_there(void **state)
{
	(void) state;
	static const char *const answers[] = { NULL };
	Dovecot dovecot;
	dovecot_begin(&dovecot, GREETING, answers, false);
	char *socket_path = dovecot.conf.dovecot_socket;
	g_autofree char *other = g_build_filename(dovecot.dir, "other", NULL);
	dovecot.conf.dovecot_socket = other;
	g_auto(Status) st = STATUS_INIT;
	assert_null(account_find(&dovecot.conf, "ann@x.test", &st));
	assert_int_equal(st.id, STATUS_LOOKUP);
	assert_true(st.outside->is_down);

	g_autofree char *filler = g_strnfill(200, 'x');
	g_autofree char *too_long = g_build_filename(dovecot.dir, filler, NULL);
	dovecot.conf.dovecot_socket = too_long;
	g_auto(Status) fault = STATUS_INIT;
	assert_null(account_find(&dovecot.conf, "ann@x.test", &fault));
	assert_int_equal(fault.id, STATUS_LOOKUP);
	assert_false(fault.outside->is_down);
	dovecot.conf.dovecot_socket = socket_path;
	dovecot_end(&dovecot);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),      cmocka_unit_test(test_greetings),
		cmocka_unit_test(test_restarted),    cmocka_unit_test(test_cache),
		cmocka_unit_test(test_catch_all),    cmocka_unit_test(test_list),
		cmocka_unit_test(test_nobody_there), cmocka_unit_test(test_forked),
	};
	return _cmocka_run_group_tests("source-dovecot", tests, G_N_ELEMENTS(tests), NULL, NULL);
}

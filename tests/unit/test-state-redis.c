/* SPDX-License-Identifier: MIT */
/*
 * The state in Redis, with a server that says what the row has it say: how we log in, what an
 * answer means, and what becomes of an odd one. A real server: tests/cmd/test-shared-state.py.
 */
#define _GNU_SOURCE
#include "agent/base/fs.h"
#include "agent/base/outside.h"
#include "agent/state/state.h"
#include "tests/lib/scratch.h"
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOW = 1700000000, LATER = NOW + 100, ANSWERS = 6 };

/* It is silent for as long as it was waited for: no load may come between the two questions. */
enum { SHORT_MS = 1000, LONG_MS = 60000 };

typedef enum { GET, PUT, PUT_TWO, PUT_ENDED, COUNT, COUNTED, TAKE, DROP } Op;

/* The end of a connection, in the place of an answer. */
#define HANG_UP "hang up"

typedef struct {
	const char *name;
	const char *where; /* "SOCKET" and "PORT" stand for the server's own */
	const char *password;
	Op op;
	const char *answers[ANSWERS];
	const char *want; /* what the operation found; NULL: it fails */
	const char *heard;
	const char *why; /* a part of it */
	bool is_down;
} Row;

#define OK "+OK\r\n"
#define QUEUED "+QUEUED\r\n"
#define NIL "$-1\r\n"

static const Row rows[] = {
	{ "a value", "SOCKET", NULL, GET, { "$3\r\na b\r\n" }, "a b", "GET", NULL, false },
	{ "no value", "SOCKET", NULL, GET, { NIL }, "(none)", "GET", NULL, false },
	{ "an empty value", "SOCKET", NULL, GET, { "$0\r\n\r\n" }, "", "GET", NULL, false },
	{ "a number is no value",
	  "SOCKET",
	  NULL,
	  GET,
	  { ":3\r\n", ":3\r\n" },
	  NULL,
	  "GET;GET",
	  "no string",
	  true },
	{ "a data base",
	  "SOCKET?db=3",
	  NULL,
	  GET,
	  { OK, NIL },
	  "(none)",
	  "SELECT 3;GET",
	  NULL,
	  false },
	{ "a password", "SOCKET", "pw", GET, { OK, NIL }, "(none)", "AUTH pw;GET", NULL, false },
	{ "both",
	  "SOCKET?db=12",
	  "pw",
	  GET,
	  { OK, OK, NIL },
	  "(none)",
	  "AUTH pw;SELECT 12;GET",
	  NULL,
	  false },
	{ "a user, a port and a data base",
	  "//ann@127.0.0.1:PORT/4",
	  "pw",
	  GET,
	  { OK, OK, NIL },
	  "(none)",
	  "AUTH ann pw;SELECT 4;GET",
	  NULL,
	  false },
	{ "an address in brackets",
	  "//[127.0.0.1]:PORT/",
	  NULL,
	  GET,
	  { NIL },
	  "(none)",
	  "GET",
	  NULL,
	  false },
	{ "a user without a name",
	  "//@127.0.0.1:PORT",
	  "pw",
	  GET,
	  { OK, NIL },
	  "(none)",
	  "AUTH pw;GET",
	  NULL,
	  false },
	{ "a wrong password is told, whatever is answered behind it",
	  "SOCKET?db=3",
	  "pw",
	  GET,
	  { "-WRONGPASS no\r\n", OK },
	  NULL,
	  "AUTH pw;SELECT 3",
	  "the password in state_password_file is not that of the user in state (WRONGPASS no)",
	  false },
	{ "a wrong data base is told",
	  "SOCKET?db=3",
	  "pw",
	  GET,
	  { OK, "-ERR index\r\n" },
	  NULL,
	  "AUTH pw;SELECT 3",
	  "ERR index",
	  false },
	{ "an item is put",
	  "SOCKET",
	  NULL,
	  PUT,
	  { OK, QUEUED, "*1\r\n+OK\r\n" },
	  "",
	  "MULTI;SET;EXEC",
	  NULL,
	  false },
	{ "two items are put at once",
	  "SOCKET",
	  NULL,
	  PUT_TWO,
	  { OK, QUEUED, QUEUED, "*2\r\n+OK\r\n+OK\r\n" },
	  "",
	  "MULTI;SET;SET;EXEC",
	  NULL,
	  false },
	{ "what has ended is taken away",
	  "SOCKET",
	  NULL,
	  PUT_ENDED,
	  { OK, QUEUED, "*1\r\n:0\r\n" },
	  "",
	  "MULTI;DEL;EXEC",
	  NULL,
	  false },
	{ "a part of a transaction is none",
	  "SOCKET",
	  NULL,
	  PUT_TWO,
	  { OK, QUEUED, QUEUED, "*1\r\n+OK\r\n" },
	  NULL,
	  "MULTI;SET;SET;EXEC",
	  "the transaction was not carried out",
	  false },
	{ "an error in it is one",
	  "SOCKET",
	  NULL,
	  PUT_TWO,
	  { OK, QUEUED, QUEUED, "*2\r\n+OK\r\n-ERR full\r\n" },
	  NULL,
	  "MULTI;SET;SET;EXEC",
	  "the transaction was not carried out",
	  false },
	{ "so is one before it",
	  "SOCKET",
	  NULL,
	  PUT,
	  { OK, "-OOM no memory\r\n", "-EXECABORT no\r\n" },
	  NULL,
	  "MULTI;SET;EXEC",
	  "OOM no memory",
	  false },
	{ "no transaction",
	  "SOCKET",
	  NULL,
	  PUT,
	  { OK, QUEUED, "*-1\r\n" },
	  NULL,
	  "MULTI;SET;EXEC",
	  "the transaction was not carried out",
	  false },
	{ "a count", "SOCKET", NULL, COUNT, { ":7\r\n" }, "7", "EVAL", NULL, false },
	{ "a count is never below nothing",
	  "SOCKET",
	  NULL,
	  COUNT,
	  { ":-7\r\n" },
	  "0",
	  "EVAL",
	  NULL,
	  false },
	{ "a count is read",
	  "SOCKET",
	  NULL,
	  COUNTED,
	  { "$2\r\n12\r\n" },
	  "12",
	  "GET",
	  NULL,
	  false },
	{ "nothing is counted", "SOCKET", NULL, COUNTED, { NIL }, "0", "GET", NULL, false },
	{ "a list is no number",
	  "SOCKET",
	  NULL,
	  COUNTED,
	  { "*0\r\n", "*0\r\n" },
	  NULL,
	  "GET;GET",
	  "no number",
	  true },
	{ "taken", "SOCKET", NULL, TAKE, { ":1\r\n" }, "taken", "EVAL", NULL, false },
	{ "not taken", "SOCKET", NULL, TAKE, { ":0\r\n" }, "not taken", "EVAL", NULL, false },
	{ "a claim that cannot be taken",
	  "SOCKET",
	  NULL,
	  TAKE,
	  { "-READONLY x\r\n" },
	  NULL,
	  "EVAL",
	  "this server is a replica",
	  false },
	{ "dropped", "SOCKET", NULL, DROP, { ":0\r\n" }, "", "EVAL", NULL, false },
	{ "a connection that ends is made again",
	  "SOCKET?db=3",
	  NULL,
	  GET,
	  { OK, HANG_UP, OK, "$1\r\nv\r\n" },
	  "v",
	  "SELECT 3;GET;SELECT 3;GET",
	  NULL,
	  false },
	{ "but once", "SOCKET", NULL, COUNT, { HANG_UP, HANG_UP }, NULL, "EVAL;EVAL", "", true },
	{ "an answer that is none",
	  "SOCKET",
	  NULL,
	  DROP,
	  { "hello\r\n", "hello\r\n" },
	  NULL,
	  "EVAL;EVAL",
	  "",
	  true },
};

/* Lines "*N", "$LENGTH" and what they announce; the first word of most commands is enough. */
static bool
hear(FILE *from, FILE *to)
{
	char line[100];
	g_autoptr(GString) command = g_string_new(NULL);
	unsigned words = 0, len = 0;
	if (fgets(line, sizeof line, from) == NULL || sscanf(line, "*%u", &words) != 1)
		return false;

	for (unsigned i = 0; i < words; i++) {
		if (fgets(line, sizeof line, from) == NULL || sscanf(line, "$%u", &len) != 1)
			return false;
		g_autofree char *word = g_malloc0(len + 3);
		if (fread(word, 1, len + 2, from) != len + 2)
			return false;
		word[len] = '\0';
		bool is_whole = g_str_has_prefix(command->str, "AUTH") ||
		                g_str_has_prefix(command->str, "SELECT");
		if (i == 0 || is_whole)
			g_string_append_printf(command, "%s%s", i > 0 ? " " : "", word);
	}

	(void) fprintf(to, "%s;", command->str);
	(void) fflush(to);
	return true;
}

/* A child that serves one connection behind the other, until there are no more answers. */
static pid_t
serve(int listener, const Row *row, const char *log)
{
	pid_t child = fork();
	if (child != 0)
		return child;

	(void) prctl(PR_SET_PDEATHSIG, SIGKILL);
	FILE *heard = fopen(log, "w");
	unsigned next = 0;
	while (heard != NULL) {
		int fd = accept(listener, NULL, NULL);
		FILE *from = fdopen(fd, "r");
		while (from != NULL && hear(from, heard)) {
			const char *answer = next < ANSWERS ? row->answers[next++] : NULL;
			if (answer == NULL || strcmp(answer, HANG_UP) == 0)
				break;
			(void) !send(fd, answer, strlen(answer), MSG_NOSIGNAL);
		}
		if (from != NULL)
			(void) fclose(from);
	}
	_exit(1);
}

static int
listen_at(struct sockaddr *address, socklen_t len)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, address, len), 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(getsockname(fd, address, &len), 0);
	return fd;
}

/* What the operation found, as a text; NULL: it failed. */
static char *
operate(State *state, Op op, Status *st)
{
	static const StateItem items[] = { { STATE_BLOB, "one", "a\0b", 3, LATER },
		                           { STATE_SEEN, "two", NULL, 0, G_MAXINT64 },
		                           { STATE_SEEN, "three", NULL, 0, NOW },
		                           { STATE_CLAIM, "four", "us", 2, LATER } };
	g_autofree char *value = NULL;
	size_t len = 99;
	gint64 total = -1;
	bool taken = false;

	switch (op) {
	case GET:
		if (!state_get(state, STATE_BLOB, "one", &value, &len, st))
			return NULL;
		assert_int_equal(len, value != NULL ? strlen(value) : 0);
		return g_strdup(value != NULL ? value : "(none)");
	case PUT:
		return state_put(state, items, 1, st) ? g_strdup("") : NULL;
	case PUT_TWO:
		return state_put(state, items, 2, st) ? g_strdup("") : NULL;
	case PUT_ENDED:
		return state_put(state, items + 2, 1, st) ? g_strdup("") : NULL;
	case COUNT:
	case COUNTED:
		if (!state_count(state, "count", op == COUNT ? 5 : 0, LATER, &total, st))
			return NULL;
		return g_strdup_printf("%d", (int) total);
	case TAKE:
		if (!state_take(state, items + 3, &taken, st))
			return NULL;
		return g_strdup(taken ? "taken" : "not taken");
	case DROP:
	default:
		return state_drop(state, items + 3, st) ? g_strdup("") : NULL;
	}
}

/* Each its own, and none freed: a connection that is kept is known by its place. */
static StatePlace *
place_new(const char *where, const char *password)
{
	static StatePlace places[100];
	static unsigned count;
	assert_true(count < G_N_ELEMENTS(places));
	StatePlace *place = &places[count++];
	place->module = "todoke-state-redis.so";
	place->where = g_strdup(where);
	place->peer = g_strdup("redis:x");
	place->password = g_strdup(password);
	place->timeout_ms = LONG_MS;
	return place;
}

/* A module that was built must be used; one that was not is a test that cannot run. */
static void
skip_without_module(void)
{
	const char *folder = g_getenv("TODOKE_MODULE_DIR");
	g_autofree char *path = g_build_filename(folder != NULL ? folder : "/nonexistent",
	                                         "todoke-state-redis.so", NULL);
	if (!g_file_test(path, G_FILE_TEST_EXISTS))
		skip();
}

/* How many descriptors a program that we start would have. */
static unsigned
inherited(void)
{
	unsigned count = 0;
	for (int fd = 0; fd < 1024; fd++) {
		int flags = fcntl(fd, F_GETFD);
		count += flags >= 0 && (flags & FD_CLOEXEC) == 0;
	}
	return count;
}

static void
test_row(void **state)
{
	const Row *row = *state;
	skip_without_module();
	unsigned before = inherited();
	char *dir = scratch_new();
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *path = g_build_filename(dir, "s", NULL),
			*log = g_build_filename(dir, "heard", NULL);
	struct sockaddr_un local = { .sun_family = AF_UNIX };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	g_strlcpy(local.sun_path, path, sizeof local.sun_path);
	bool is_local = g_str_has_prefix(row->where, "SOCKET");
	int listener = is_local ? listen_at((struct sockaddr *) &local, sizeof local)
	                        : listen_at((struct sockaddr *) &four, sizeof four);
	pid_t child = serve(listener, row, log);

	g_autoptr(GString) where = g_string_new(row->where);
	g_autofree char *port = g_strdup_printf("%u", ntohs(four.sin_port));
	(void) g_string_replace(where, "SOCKET", path, 1);
	(void) g_string_replace(where, "PORT", port, 1);
	StatePlace *place = place_new(where->str, row->password);
	State *opened = state_open_shared(place, "owner", NOW, &st);
	g_autofree char *got = opened != NULL ? operate(opened, row->op, &st) : NULL;
	assert_int_equal(inherited(), before); /* programs of owners must not talk to the server */
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	close(listener);

	assert_int_equal(st.id, row->want != NULL ? STATUS_OK : STATUS_STATE);
	if (row->want != NULL)
		assert_string_equal(got, row->want);
	else
		assert_null(got);
	g_autofree char *heard = scratch_read(dir, "heard");
	assert_true(g_str_has_prefix(heard, row->heard));
	assert_string_equal(heard + strlen(row->heard), ";");
	if (row->want == NULL) {
		assert_non_null(strstr(st.detail, row->why));
		assert_string_equal(st.outside->protocol, OUTSIDE_STATE);
		assert_string_equal(st.outside->peer, "redis:x");
		assert_int_equal(st.outside->is_down, row->is_down);
	}
	state_close(opened);
	scratch_remove(dir);
}

/* `try` reads what the server has, and writes elsewhere: the server is only asked. */
static void
test_copy(void **state)
{
	(void) state;
	static const Row row = { .answers = { "$1\r\nv\r\n", "$1\r\n7\r\n", "$4\r\nthem\r\n", NIL,
		                              "-ERR no\r\n" } };
	static const StateItem ours = { STATE_CLAIM, "claim", "us", 2, LATER },
			       free_one = { STATE_CLAIM, "free", "us", 2, LATER },
			       blob = { STATE_BLOB, "blob", "new", 3, LATER };
	skip_without_module();
	char *dir = scratch_new();
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *path = g_build_filename(dir, "s", NULL),
			*log = g_build_filename(dir, "heard", NULL), *value = NULL, *later = NULL;
	struct sockaddr_un local = { .sun_family = AF_UNIX };
	g_strlcpy(local.sun_path, path, sizeof local.sun_path);
	int listener = listen_at((struct sockaddr *) &local, sizeof local);
	pid_t child = serve(listener, &row, log);
	g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
	StateOnce *once = state_once_new_copy_shared(place_new(path, NULL), "owner", dir, NOW);
	State *copy = state_once_get(once, notes);
	size_t len = 0;
	gint64 total = 0;
	bool taken = true;
	assert_non_null(copy);

	assert_true(state_get(copy, STATE_BLOB, "blob", &value, &len, &st));
	assert_string_equal(value, "v");
	assert_true(state_put(copy, &blob, 1, &st));
	assert_true(state_get(copy, STATE_BLOB, "blob", &later, &len, &st));
	assert_string_equal(later, "new");
	assert_true(state_count(copy, "count", 2, LATER, &total, &st));
	assert_int_equal(total, 9);
	assert_true(state_count(copy, "count", 1, LATER, &total, &st)); /* that is known by now */
	assert_int_equal(total, 10);
	assert_true(state_take(copy, &ours, &taken, &st));
	assert_false(taken);
	assert_true(state_take(copy, &free_one, &taken, &st));
	assert_true(taken);

	/* what the server does not say is not made up */
	g_auto(Status) fault = STATUS_INIT, again = STATUS_INIT;
	assert_false(state_count(copy, "other", 1, LATER, &total, &fault));
	assert_int_equal(fault.id, STATUS_STATE);
	assert_false(state_take(copy, &(StateItem){ STATE_CLAIM, "third", "us", 2, LATER }, &taken,
	                        &again));
	assert_int_equal(again.id, STATUS_STATE);

	g_autofree char *folder = g_strdup(state_once_folder(once));
	state_once_free(once);
	assert_false(g_file_test(folder, G_FILE_TEST_EXISTS));
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	close(listener);
	g_autofree char *heard = scratch_read(dir, "heard");
	assert_string_equal(heard, "GET;GET;GET;GET;GET;");
	assert_int_equal(notes->len, 0);
	scratch_remove(dir);
}

/* What is no address is told, and is no outage. */
static void
test_no_address(void **state)
{
	(void) state;
	static const char *const wheres[] = { "//",
		                              "//:6379",
		                              "//[::1",
		                              "//[::1]x",
		                              "//127.0.0.1:x",
		                              "//127.0.0.1:65536",
		                              "//127.0.0.1/x",
		                              "//ann@",
		                              "/socket?db=x" };
	skip_without_module();
	for (size_t i = 0; i < G_N_ELEMENTS(wheres); i++) {
		g_auto(Status) st = STATUS_INIT;
		State *opened = state_open_shared(place_new(wheres[i], NULL), "owner", NOW, &st);
		assert_null(opened);
		assert_non_null(strstr(st.detail, "state: it wants redis://USER@HOST:PORT/NUMBER"));
		assert_false(st.outside->is_down);
	}
}

/* A server that is not there is an outage; one that says nothing is not waited for twice. */
static void
test_no_server(void **state)
{
	(void) state;
	skip_without_module();
	char *dir = scratch_new();
	g_auto(Status) st = STATUS_INIT, silent = STATUS_INIT, again = STATUS_INIT;
	g_autofree char *path = g_build_filename(dir, "s", NULL);
	struct sockaddr_un local = { .sun_family = AF_UNIX };
	g_strlcpy(local.sun_path, path, sizeof local.sun_path);
	assert_null(state_open_shared(place_new(path, NULL), "owner", NOW, &st));
	assert_true(st.outside->is_down);

	int listener = listen_at((struct sockaddr *) &local, sizeof local);
	g_autofree char *third = g_strconcat(path, "?db=3", NULL);
	StatePlace *place = place_new(third, NULL);
	place->timeout_ms = SHORT_MS;
	gint64 begun = g_get_monotonic_time();
	assert_null(state_open_shared(place, "owner", NOW, &silent));
	assert_true(g_get_monotonic_time() - begun >= (SHORT_MS - 1) * 1000);
	assert_int_equal(silent.id, STATUS_STATE);
	assert_true(silent.outside->is_down);
	place->timeout_ms = LONG_MS;
	begun = g_get_monotonic_time();
	assert_null(state_open_shared(place, "owner", NOW, &again));
	assert_true(again.outside->is_down);
	assert_true(g_get_monotonic_time() - begun < (gint64) LONG_MS / 2 * 1000);
	close(listener);
	scratch_remove(dir);
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + 3];
	size_t n = 0;
	UNIT_ROWS(tests, n, rows, test_row);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_no_address);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_copy);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_no_server);
	return _cmocka_run_group_tests("state-redis", tests, n, NULL, NULL);
}

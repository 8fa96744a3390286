/* SPDX-License-Identifier: MIT */
/* One question to a quota service: what it reads, what is made of its answer, and in which time. */
#define _GNU_SOURCE
#include "agent/store/quota-service.h"

#include "agent/base/limits.h"
#include "tests/lib/scratch.h"
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const char question_text[] =
	"request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\n"
	"recipient=ann@example.org\nsize=1234\n\n";

typedef struct {
	const char *name;
	const char *parts[3]; /* sent one by one */
	bool stays;           /* else the connection ends then */
	QuotaServiceVerdict want;
	const char *reply; /* what the reply begins with */
} Row;

static const Row rows[] = {
	{ "room", { "action=OK\n\n" }, true, QUOTA_SERVICE_ROOM, "OK" },
	{ "an answer in pieces",
	  { "act", "ion=DUN", "NO\n\n" },
	  true,
	  QUOTA_SERVICE_ROOM,
	  "DUNNO" },
	{ "full",
	  { "action=552 5.2.2 Mailbox is full\n\n" },
	  true,
	  QUOTA_SERVICE_FULL,
	  "552 5.2.2 Mailbox is full" },
	{ "other attributes stand before",
	  { "a=b\naction=554 5.2.3 Too big\n\n" },
	  true,
	  QUOTA_SERVICE_TOO_BIG,
	  "554 5.2.3 Too big" },
	{ "the first action counts",
	  { "action=OK\naction=552 x\n\n" },
	  true,
	  QUOTA_SERVICE_ROOM,
	  "OK" },
	{ "one behind the end does not",
	  { "a=b\n\naction=OK\n" },
	  true,
	  QUOTA_SERVICE_NO_ANSWER,
	  "a=b" },
	{ "control characters are blanks",
	  { "action=552 a\tb\x7f\n\n" },
	  true,
	  QUOTA_SERVICE_FULL,
	  "552 a b" },
	{ "no answer", { NULL }, false, QUOTA_SERVICE_NO_ANSWER, "the connection ended" },
	{ "half of one",
	  { "action=OK\n" },
	  false,
	  QUOTA_SERVICE_NO_ANSWER,
	  "the connection ended" },
	{ "none in time", { "action=OK\n" }, true, QUOTA_SERVICE_NO_ANSWER, "" },
	{ "no action", { "reject=yes\n\n" }, true, QUOTA_SERVICE_NO_ANSWER, "reject=yes" },
};

enum { WAIT_MS = 300 };

/* A child that hears one question and answers. Its end is 0 if the question was right. */
static pid_t
serve(int listener, const Row *row, size_t more)
{
	pid_t child = fork();
	if (child != 0)
		return child;

	int fd = accept(listener, NULL, NULL);
	char heard[sizeof question_text] = "";
	size_t len = 0;
	for (ssize_t n; len < strlen(question_text); len += (size_t) n)
		if ((n = recv(fd, heard + len, strlen(question_text) - len, 0)) <= 0)
			break;
	for (size_t i = 0; i < G_N_ELEMENTS(row->parts) && row->parts[i] != NULL; i++) {
		(void) !send(fd, row->parts[i], strlen(row->parts[i]), MSG_NOSIGNAL);
		g_usleep(20 * 1000);
	}
	for (; more > 0; more--)
		(void) !send(fd, "x", 1, MSG_NOSIGNAL);
	if (row->stays)
		(void) !recv(fd, heard + len, 1, 0); /* until the other side goes */
	_exit(strcmp(heard, question_text) == 0 ? 0 : 1);
}

static int
listen_at(int family, struct sockaddr *address, socklen_t len)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, address, len) < 0 || listen(fd, 5) < 0) {
		close(fd);
		return -1;
	}
	assert_int_equal(getsockname(fd, address, &len), 0);
	return fd;
}

static void
ask(int listener, const char *where, const Row *row, size_t more)
{
	pid_t child = serve(listener, row, more);
	const QuotaServiceQuestion question = {
		.where = where, .user = "ann@example.org", .bytes = 1234, .timeout_ms = WAIT_MS
	};
	g_autofree char *reply = NULL;
	gint64 begun = g_get_monotonic_time();

	QuotaServiceVerdict got = quota_service_ask(&question, &reply);
	gint64 took_ms = (g_get_monotonic_time() - begun) / 1000;
	int how = 0;
	assert_int_equal(waitpid(child, &how, 0), child);
	assert_int_equal(how, 0);
	assert_int_equal(got, row->want);
	assert_non_null(reply);
	assert_true(g_str_has_prefix(reply, row->reply));
	assert_int_equal(reply[strlen(reply) - 1] == ' ', 0);
	if (*row->reply == '\0')
		assert_in_range(took_ms, WAIT_MS - 10, 20 * WAIT_MS);
}

static void
test_row(void **state)
{
	const Row *row = *state;
	char *dir = scratch_new();
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	g_autofree char *where = g_strdup_printf("unix:%s/s", dir);
	g_strlcpy(address.sun_path, where + strlen("unix:"), sizeof address.sun_path);
	int listener = listen_at(AF_UNIX, (struct sockaddr *) &address, sizeof address);
	assert_true(listener >= 0);
	ask(listener, where, row, 0);
	close(listener);
	scratch_remove(dir);
}

static void
test_too_long(void **state)
{
	(void) state;
	static const Row row = { "",
		                 { "action=" },
		                 false,
		                 QUOTA_SERVICE_NO_ANSWER,
		                 "the answer is none of the policy protocol" };
	char *dir = scratch_new();
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	g_autofree char *where = g_strdup_printf("unix:%s/s", dir);
	g_strlcpy(address.sun_path, where + strlen("unix:"), sizeof address.sun_path);
	int listener = listen_at(AF_UNIX, (struct sockaddr *) &address, sizeof address);
	ask(listener, where, &row, LIMIT_QUOTA_ANSWER);
	close(listener);
	scratch_remove(dir);
}

static void
test_ports(void **state)
{
	(void) state;
	static const char *const forms[] = { "inet:127.0.0.1:%u", "127.0.0.1:%u", "localhost:%u",
		                             "inet:[127.0.0.1]:%u" };
	for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
		struct sockaddr_in four = { .sin_family = AF_INET,
			                    .sin_addr = { htonl(INADDR_LOOPBACK) } };
		int listener = listen_at(AF_INET, (struct sockaddr *) &four, sizeof four);
		assert_true(listener >= 0);
		g_auto(GStrv) parts = g_strsplit(forms[i], "%u", 2);
		g_autofree char *where = g_strdup_printf("%s%u", parts[0], ntohs(four.sin_port));
		ask(listener, where, &rows[0], 0);
		close(listener);
	}

	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int listener = listen_at(AF_INET6, (struct sockaddr *) &six, sizeof six);
	if (listener < 0)
		return; /* no IPv6 here */
	g_autofree char *where = g_strdup_printf("inet:[::1]:%u", ntohs(six.sin6_port));
	ask(listener, where, &rows[0], 0);
	close(listener);
}

/* What names no place is no answer, and says why. */
static void
test_nobody(void **state)
{
	(void) state;
	static const struct {
		const char *where, *reply;
	} none[] = {
		{ "127.0.0.1", "quota_service has no port" },
		{ "inet:127.0.0.1:", "quota_service has no port" },
		{ "inet:127.0.0.1:0", "quota_service has no port" },
		{ "127.0.0.1:65536", "quota_service has no port" },
		{ "quota.example.org:9", "" },
		{ "unix:/nowhere/socket", "" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(none); i++) {
		const QuotaServiceQuestion question = {
			.where = none[i].where, .user = "a", .bytes = 1, .timeout_ms = 2000
		};
		g_autofree char *reply = NULL;
		assert_int_equal(quota_service_ask(&question, &reply), QUOTA_SERVICE_NO_ANSWER);
		assert_true(g_str_has_prefix(reply, none[i].reply));
		assert_true(*reply != '\0');
	}
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + 3];
	size_t n = 0;

	UNIT_ROWS(tests, n, rows, test_row);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_too_long);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_ports);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_nobody);

	return _cmocka_run_group_tests("quota-service", tests, n, NULL, NULL);
}

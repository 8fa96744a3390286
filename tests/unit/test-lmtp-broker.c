/* SPDX-License-Identifier: MIT */
/* The root half of a worker, asked by a front that a stranger has taken over. */
#define _GNU_SOURCE
#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/lmtp/lmtp-broker.h"
#include "agent/lmtp/lmtp-pack.h"

#include "tests/unit/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SIZE_LIMIT = 1000, ENVELOPE_STRINGS = 13 };

/* The number of descriptors that the back has. */
static bool
count_descriptors(void *user, const LmtpMail *mail, const char *address, char **ret_mailbox,
                  Status *st)
{
	(void) user, (void) mail, (void) address, (void) st;
	unsigned n = 0;
	DIR *folder = opendir("/proc/self/fd");
	while (folder != NULL && readdir(folder) != NULL)
		n++;
	(void) closedir(folder);
	*ret_mailbox = g_strdup_printf("%u", n);

	return true;
}

static void
adopt(void *user, int fd, const char *octets, size_t len)
{
	(void) user, (void) octets, (void) len;
	(void) close(fd);
}

static unsigned announced; /* in the back */

static char *named; /* a file that the test removes */

static bool
deliver(void *user, const Envelope *envelope, char **ret_done, Status *st)
{
	(void) user, (void) st;
	*ret_done = announced == 0 ? g_strdup(envelope->recipient)
	                           : g_strdup_printf("%u", announced);
	return true;
}

static void
announce(void *user, Envelope *envelope)
{
	(void) user;
	announced++;
	envelope_free(envelope);
}

static void
end(void *user)
{
	(void) user;
}

/* Our end of the channel: split() takes the lowest free number for it. */
static int
start_back_with(const Conf *conf)
{
	LmtpBackend backend = { .recipient = count_descriptors,
		                .adopt = adopt,
		                .announce = announce,
		                .deliver = deliver,
		                .end = end };
	g_auto(Status) st = STATUS_INIT;
	int channel = dup(STDIN_FILENO);

	(void) close(channel);
	assert_true(lmtp_broker_split(conf, -1, &backend, &st));

	return channel;
}

static int
start_back(Conf *conf)
{
	conf->message_size_limit = SIZE_LIMIT;
	return start_back_with(conf);
}

/* False: the back is gone. */
static bool
tell(int channel, const GString *packet, const int *fds, size_t n)
{
	char control[CMSG_SPACE(4 * sizeof(int))] __attribute__((aligned(8))) = { 0 };
	struct iovec payload = { packet->str, packet->len };
	struct msghdr message = { .msg_iov = &payload, .msg_iovlen = 1 };

	if (n > 0) {
		message.msg_control = control;
		message.msg_controllen = CMSG_SPACE(n * sizeof(int));
		struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
		*rights = (struct cmsghdr){ CMSG_LEN(n * sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(rights), fds, n * sizeof(int));
	}

	return sendmsg(channel, &message, MSG_NOSIGNAL) == (ssize_t) packet->len;
}

/* Its answer; NULL: the back is gone. */
static char *
ask(int channel, const GString *packet, const int *fds, size_t n, Status *st)
{
	char buffer[4096], *done = NULL;
	struct pollfd readable = { .fd = channel, .events = POLLIN };
	if (!tell(channel, packet, fds, n))
		return NULL;

	assert_int_equal(poll(&readable, 1, 60 * 1000), 1);
	ssize_t len = recv(channel, buffer, sizeof buffer, 0);
	if (len <= 0)
		return NULL;

	return lmtp_pack_take_outcome(buffer, buffer + len, &done, st) ? done
	                                                               : g_strdup(st->detail);
}

static GString *
recipient_packet(void)
{
	GString *packet = g_string_new("r");
	for (size_t i = 0; i < 4; i++)
		lmtp_pack_string(packet, "a@b.test");
	return packet;
}

/* An envelope whose string `odd` is `text`. */
static GString *
envelope_packet(const char *request, size_t odd, const char *text)
{
	GString *packet = g_string_new(request);
	for (size_t i = 0; i < ENVELOPE_STRINGS; i++)
		lmtp_pack_string(packet, i == odd ? text : "a@b.test");
	return packet;
}

static int
file_of(off_t size)
{
	int fd = memfd_create("message", MFD_CLOEXEC);
	assert_int_equal(ftruncate(fd, size), 0);
	return fd;
}

/* It has a name, for others to find. */
static int
file_with_name(int how)
{
	g_autofree char *name = g_build_filename(g_get_tmp_dir(), "broker-XXXXXX", NULL);
	int fd = mkstemp(name), again = open(name, how | O_CLOEXEC);
	g_autofree char *second = g_strconcat(name, ".link", NULL);

	assert_int_equal(link(name, second), 0);
	assert_int_equal(unlink(name), 0);
	(void) close(fd);
	named = g_strdup(second);
	return again;
}

static int
reopened(int fd, int how)
{
	g_autofree char *name = g_strdup_printf("/proc/self/fd/%d", fd);
	int again = open(name, how | O_CLOEXEC);
	(void) close(fd);
	return again;
}

/* As many descriptors as it takes: the back has as many as before, or it is gone. */
static void
test_descriptors_stay_not(void **state)
{
	(void) state;
	g_autoptr(Conf) conf = g_new0(Conf, 1);
	g_autoptr(GString) packet = recipient_packet();
	for (size_t n = 0; n <= 4; n++) {
		auto_fd int channel = start_back(conf);
		g_auto(Status) st = STATUS_INIT;
		int fds[] = { 0, 0, 0, 0 };
		g_autofree char *before = ask(channel, packet, NULL, 0, &st);
		g_autofree char *with = ask(channel, packet, fds, n, &st);
		g_autofree char *after = ask(channel, packet, NULL, 0, &st);
		assert_non_null(before);
		assert_int_equal(after != NULL, n <= 1);
		if (after != NULL)
			assert_string_equal(after, before);
	}
}

static void
test_spool(void **state)
{
	(void) state;
	int pipes[2];
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	const struct {
		int fd;
		bool good;
	} rows[] = {
		{ file_of(SIZE_LIMIT), true },
		{ file_of(0), true },
		{ file_of(SIZE_LIMIT + 1), false },
		{ file_of((off_t) 1 << 60), false },
		{ pipes[0], false },
		{ open("/", O_RDONLY | O_CLOEXEC), false },
		{ open("/dev/zero", O_RDONLY | O_CLOEXEC), false },
		{ socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), false },
		{ open("/", O_PATH | O_CLOEXEC), false },
		/* what root would make its own */
		{ file_with_name(O_RDWR), false },
		{ reopened(file_of(1), O_RDONLY), false },
		{ reopened(file_of(1), O_RDWR), true },
	};

	g_autoptr(Conf) conf = g_new0(Conf, 1);
	g_autoptr(GString) packet = envelope_packet("d", ENVELOPE_STRINGS, NULL),
			   over = g_string_new("e");
	auto_fd int channel = start_back(conf);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_auto(Status) st = STATUS_INIT;
		g_autofree char *said = ask(channel, packet, &rows[i].fd, 1, &st);
		assert_string_equal(said,
		                    rows[i].good ? "a@b.test" : "a broken request for a delivery");
		assert_true(tell(channel, over, NULL, 0));
		(void) close(rows[i].fd);
	}

	g_auto(Status) st = STATUS_INIT;
	g_autofree char *said = ask(channel, packet, NULL, 0, &st);
	assert_string_equal(said, "a broken request for a delivery");
	(void) close(pipes[1]);
	assert_int_equal(unlink(named), 0);
	g_free(named);
}

/* Octets behind the envelope: as many as may be, and never beside a file, or beside a message. */
static void
test_octets(void **state)
{
	(void) state;
	static const struct {
		gint64 size_limit;
		size_t len;
		bool with_file, with_message, good;
	} rows[] = {
		{ 0, 0, false, false, true },
		{ 0, LIMIT_LMTP_SPOOL_FEW, false, false, true },
		{ 0, LIMIT_LMTP_SPOOL_FEW + 1, false, false, false },
		{ SIZE_LIMIT, SIZE_LIMIT, false, false, true },
		{ SIZE_LIMIT, SIZE_LIMIT + 1, false, false, false },
		{ 0, 1, true, false, false },
		{ 0, 1, false, true, false },
	};
	g_autoptr(GString) plain = envelope_packet("d", ENVELOPE_STRINGS, NULL),
			   more = envelope_packet("a", ENVELOPE_STRINGS, NULL);
	g_autofree char *octets = g_strnfill(LIMIT_LMTP_SPOOL_FEW + 1, '\n');
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(Conf) conf = g_new0(Conf, 1);
		g_auto(Status) st = STATUS_INIT;
		g_autoptr(GString) packet = envelope_packet("o", ENVELOPE_STRINGS, NULL);

		conf->message_size_limit = rows[i].size_limit;
		auto_fd int channel = start_back_with(conf), fd = file_of(1);
		g_string_append_len(packet, octets, (gssize) rows[i].len);
		assert_true(!rows[i].with_message || tell(channel, more, NULL, 0));
		g_autofree char *first = rows[i].with_message ? ask(channel, plain, &fd, 1, &st)
		                                              : NULL;
		g_autofree char *said = ask(channel, packet, &fd, rows[i].with_file ? 1 : 0, &st);
		assert_string_equal(said,
		                    rows[i].good ? "a@b.test" : "a broken request for a delivery");
		assert_true(first == NULL || strcmp(first, "1") == 0);
	}
}

/* No string may be what no client can say. */
static void
test_envelope(void **state)
{
	(void) state;
	static const char *const odd[] = { "a@b.test\nX: y", "\ra", "a\x7f", "\033[2J" };
	g_autoptr(Conf) conf = g_new0(Conf, 1);
	auto_fd int channel = start_back(conf);
	auto_fd int fd = file_of(1);
	for (size_t i = 0; i < ENVELOPE_STRINGS * G_N_ELEMENTS(odd); i++) {
		g_auto(Status) st = STATUS_INIT;
		g_autoptr(GString) packet = envelope_packet("d", i / G_N_ELEMENTS(odd),
		                                            odd[i % G_N_ELEMENTS(odd)]);
		g_autofree char *said = ask(channel, packet, &fd, 1, &st);
		assert_string_equal(said, "a broken request for a delivery");
	}
}

/* Requests of any length, cut anywhere, and with more behind them. */
static void
test_cut(void **state)
{
	(void) state;
	g_autoptr(Conf) conf = g_new0(Conf, 1);
	auto_fd int channel = start_back(conf);
	auto_fd int fd = file_of(1);
	g_autoptr(GString) whole = envelope_packet("d", ENVELOPE_STRINGS, NULL);
	for (size_t len = 1; len <= whole->len + 1; len++) {
		g_auto(Status) st = STATUS_INIT;
		g_autoptr(GString)
			packet = g_string_new_len(whole->str, (gssize) MIN(len, whole->len));
		if (len > whole->len)
			lmtp_pack_string(packet, "more");
		g_autofree char *said = ask(channel, packet, &fd, 1, &st);
		assert_string_equal(said, len == whole->len ? "a@b.test"
		                                            : "a broken request for a delivery");
	}
}

/* As many as a session has; one more, or what is no envelope, and the back is gone. */
static void
test_announcements(void **state)
{
	(void) state;
	static const struct {
		unsigned count;
		size_t odd;
		const char *want;
	} rows[] = {
		{ 1, ENVELOPE_STRINGS, "1" },
		{ LIMIT_LMTP_RECIPIENTS, ENVELOPE_STRINGS, "1000" },
		{ LIMIT_LMTP_RECIPIENTS + 1, ENVELOPE_STRINGS, NULL },
		{ 1, 1, NULL },
	};
	g_autoptr(Conf) conf = g_new0(Conf, 1);
	auto_fd int fd = file_of(1);
	g_autoptr(GString) whole = envelope_packet("d", ENVELOPE_STRINGS, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_auto(Status) st = STATUS_INIT;
		auto_fd int channel = start_back(conf);
		g_autoptr(GString) packet = envelope_packet("a", rows[i].odd, NULL);
		for (unsigned n = 0; n < rows[i].count - 1; n++)
			assert_true(tell(channel, packet, NULL, 0));
		if (rows[i].odd == 1)
			g_string_append_c(packet, 'x');
		assert_true(tell(channel, packet, NULL, 0));
		g_autofree char *said = ask(channel, whole, &fd, 1, &st);
		assert_int_equal(g_strcmp0(said, rows[i].want), 0);
	}
}

/*
 * Deliveries that are under way do not become more; the next message has announcements of its own.
 */
static void
test_late_announcement(void **state)
{
	(void) state;
	g_autoptr(Conf) conf = g_new0(Conf, 1);
	auto_fd int fd = file_of(1);
	g_autoptr(GString) whole = envelope_packet("d", ENVELOPE_STRINGS, NULL),
			   more = envelope_packet("a", ENVELOPE_STRINGS, NULL);
	g_autoptr(GString) over = g_string_new("e");
	for (int ends = 1; ends >= 0; ends--) {
		g_auto(Status) st = STATUS_INIT;
		auto_fd int channel = start_back(conf);
		assert_true(tell(channel, more, NULL, 0));
		g_autofree char *first = ask(channel, whole, &fd, 1, &st);
		assert_string_equal(first, "1");
		assert_true(ends == 0 || tell(channel, over, NULL, 0));
		assert_true(tell(channel, more, NULL, 0));
		g_autofree char *second = ask(channel, whole, &fd, 1, &st);
		assert_int_equal(g_strcmp0(second, ends == 1 ? "2" : NULL), 0);
	}
}

/* A delivery that was not announced ends its message: the next one brings a message of its own. */
static void
test_alone(void **state)
{
	(void) state;
	g_autoptr(Conf) conf = g_new0(Conf, 1);
	g_auto(Status) st = STATUS_INIT;
	auto_fd int fd = file_of(1), channel = start_back(conf);
	g_autoptr(GString) whole = envelope_packet("d", ENVELOPE_STRINGS, NULL),
			   more = envelope_packet("a", ENVELOPE_STRINGS, NULL);
	g_autofree char *first = ask(channel, whole, &fd, 1, &st);
	g_autofree char *again = ask(channel, whole, NULL, 0, &st);
	assert_string_equal(first, "a@b.test");
	assert_string_equal(again, "a broken request for a delivery");
	assert_true(tell(channel, more, NULL, 0));
	g_autofree char *next = ask(channel, whole, &fd, 1, &st);
	assert_string_equal(next, "1");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_descriptors_stay_not),
		cmocka_unit_test(test_spool),
		cmocka_unit_test(test_octets),
		cmocka_unit_test(test_envelope),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_announcements),
		cmocka_unit_test(test_late_announcement),
		cmocka_unit_test(test_alone),
	};
	return cmocka_run_group_tests_name("lmtp-broker", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* The bytes go through untouched, once, and what is missing is noticed. */
#define _GNU_SOURCE
#include "agent/message/message.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/message/line-count.h"
#include "tests/lib/calls.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* A pipe that holds `data`, closed at its end: what pipe(8) gives us. Small enough not to block. */
static int
pipe_with(const char *data, size_t len)
{
	int fds[2];
	g_auto(Status) st = STATUS_INIT;

	assert_int_equal(pipe(fds), 0);
	assert_true(fs_write_all(fds[1], data, len, "pipe", &st));
	close(fds[1]);

	return fds[0];
}

static GBytes *
written(Message *message, const Headers *headers, MessageSize *ret_size, Status *st)
{
	auto_fd int fd = memfd_create("out", MFD_CLOEXEC);
	if (!message_write(message, headers, fd, ret_size, st))
		return NULL;

	size_t size = (size_t) lseek(fd, 0, SEEK_END);
	char *data = g_malloc(size + 1);
	assert_int_equal(pread(fd, data, size, 0), size);

	return g_bytes_new_take(data, size);
}

static void
assert_bytes(GBytes *got, const char *want, size_t len)
{
	assert_int_equal(g_bytes_get_size(got), len);
	assert_memory_equal(g_bytes_get_data(got, NULL), want, len);
}

typedef struct {
	const char *name;
	const char *in;
	size_t len;
	guint64 wire_bytes;
} Row;

#define ROW(name, bytes, wire) \
	{ \
		name, bytes, sizeof bytes - 1, wire \
	}

static const Row rows[] = {
	ROW("plain", "A: 1\n\nbody\n", 14),
	ROW("CRLF", "A: 1\r\n\r\nbody\r\n", 14),
	ROW("mixed line ends", "A: 1\r\n\r\nbo\ndy\r\n", 16),
	ROW("no empty line", "A: 1\nB: 2\n", 12),
	ROW("no empty line before the body", "A: 1\nhello\n", 13),
	ROW("no line end at the end", "A: 1\n\nbody", 12),
	ROW("header without line end", "A: 1", 4),
	ROW("NUL and 8-bit", "A: \0x\n\n\0\xff\xfe\n", 14),
	ROW("empty", "", 0),
	ROW("only a body", "\nbody\n", 8),
	ROW("a fold first", " x\nA: 1\n\n", 12),
};

/* Written twice: once from the pipe, once from its home. */
static void
test_unchanged(void **state)
{
	const Row *row = *state;
	g_auto(Status) st = STATUS_INIT;
	auto_fd int fd = pipe_with(row->in, row->len);
	g_autoptr(Message) message = message_read(fd, &st);

	assert_non_null(message);
	for (int i = 0; i < 2; i++) {
		MessageSize size = { 9999, 9999 };
		g_autoptr(GBytes) got = written(message, message_headers(message), &size, &st);
		assert_non_null(got);
		assert_bytes(got, row->in, row->len);
		assert_int_equal(size.bytes, row->len);
		assert_int_equal(size.wire_bytes, row->wire_bytes);
	}

	assert_int_equal(message_size(message), row->len);
}

/* The same octets from memory and from a pipe are the same message, stored once or twice. */
static void
test_from_octets(void **state)
{
	(void) state;
	static const char *const further[] = { "From x Mon\nA: 1\n\nFrom y\n", "From x", "\n",
		                               " a\n\nb" };
	g_autofree char *full = g_strnfill(MESSAGE_FEW, 'x');
	for (size_t i = 0; i < G_N_ELEMENTS(rows) + G_N_ELEMENTS(further) + 1; i++) {
		size_t at = i - G_N_ELEMENTS(rows);
		bool is_row = i < G_N_ELEMENTS(rows),
		     is_text = !is_row && at < G_N_ELEMENTS(further);
		const char *in = is_row ? rows[i].in : is_text ? further[at] : full;
		size_t len = is_row ? rows[i].len : is_text ? strlen(in) : MESSAGE_FEW;
		g_auto(Status) st = STATUS_INIT;
		auto_fd int fd = pipe_with(in, len);
		g_autoptr(Message) piped = message_read(fd, &st),
				   held = message_from_octets(in, len);
		assert_string_equal(message_from_line(held) != NULL ? message_from_line(held) : "-",
		                    message_from_line(piped) != NULL ? message_from_line(piped)
		                                                     : "-");
		assert_true(message_is_in_memory(held));
		guint64 size_unread = message_size(held);

		for (int times = 0; times < 2; times++) {
			MessageSize want_size, size;
			g_autoptr(GBytes)
				want = written(piped, message_headers(piped), &want_size, &st);
			g_autoptr(GBytes) got = written(held, message_headers(held), &size, &st);
			assert_bytes(got, g_bytes_get_data(want, NULL), g_bytes_get_size(want));
			assert_int_equal(size.bytes, want_size.bytes);
			assert_int_equal(size.wire_bytes, want_size.wire_bytes);
		}

		MessageBody body;
		assert_true(message_body(held, &body));
		assert_int_equal(message_size(held), size_unread);
		assert_string_equal(message_print(held, &st)->text,
		                    message_print(piped, &st)->text);
	}
}

static void
test_from_line_is_dropped(void **state)
{
	(void) state;
	static const char in[] = "From a@b  Thu Jan  1 00:00:00 1970\nA: 1\n\nbody\n";
	g_auto(Status) st = STATUS_INIT;
	auto_fd int fd = pipe_with(in, sizeof in - 1);
	g_autoptr(Message) message = message_read(fd, &st);
	g_autoptr(GBytes) got = written(message, message_headers(message), NULL, &st);
	assert_bytes(got, "A: 1\n\nbody\n", 11);
	assert_string_equal(message_from_line(message), "From a@b  Thu Jan  1 00:00:00 1970");
	assert_int_equal(headers_get(message_headers(message), 0)->line, 1);
}

/* A stamp must not swallow, or be swallowed by, what follows it. */
static void
test_stamp_on_top(void **state)
{
	(void) state;
	static const struct {
		const char *in, *want;
	} stamps[] = {
		{ "A: 1\n\nbody\n", "S: x\nA: 1\n\nbody\n" },
		{ "A: 1\r\n\r\nbody\r\n", "S: x\r\nA: 1\r\n\r\nbody\r\n" },
		{ "\nbody\n", "S: x\n\nbody\n" },
		{ "no header at all\n", "S: x\n\nno header at all\n" },
		{ "", "S: x\n" },
		{ "A: 1", "S: x\nA: 1" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(stamps); i++) {
		g_auto(Status) st = STATUS_INIT;
		auto_fd int fd = pipe_with(stamps[i].in, strlen(stamps[i].in));
		g_autoptr(Message) message = message_read(fd, &st);
		Headers *original = message_headers(message);
		g_autoptr(Headers) edited = headers_new(original, headers_newline(original));
		headers_append_text(edited, "S", "x");
		headers_append_from(edited, original, 0);
		g_autoptr(GBytes) got = written(message, edited, NULL, &st);
		assert_bytes(got, stamps[i].want, strlen(stamps[i].want));
	}
}

static void
test_size_limit_one_over(void **state)
{
	(void) state;
	static const char in[] = "A: 1\n\nbody\n";
	for (guint64 limit = sizeof in - 2; limit <= sizeof in - 1; limit++) {
		g_auto(Status) st = STATUS_INIT;
		auto_fd int fd = pipe_with(in, sizeof in - 1);
		g_autoptr(Message) message = message_read(fd, &st);
		message_limit_size(message, limit);
		g_autoptr(GBytes) got = written(message, message_headers(message), NULL, &st);
		assert_int_equal(st.id, limit < sizeof in - 1 ? STATUS_TOO_BIG : STATUS_OK);
	}
}

/* A refusal tells the whole size, also of what was not read until then. */
static void
test_size_of_refused(void **state)
{
	(void) state;
	static const char head[] = "A: 1\n\n";
	enum { BODY = 1000000 };
	g_auto(Status) st = STATUS_INIT;
	auto_fd int fd = memfd_create("mail", MFD_CLOEXEC);
	g_autofree char *body = g_strnfill(BODY, 'x');
	assert_true(fs_write_all(fd, head, strlen(head), "mail", &st));
	assert_true(fs_write_all(fd, body, BODY, "mail", &st));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	g_autoptr(Message) message = message_read(fd, &st);
	assert_false(message_size_is_known(message));
	message_limit_size(message, 1000);
	assert_null(written(message, message_headers(message), NULL, &st));
	assert_int_equal(st.id, STATUS_TOO_BIG);
	assert_string_equal(status_text(&st), "message of 1000006 bytes is bigger than 1000 bytes, "
	                                      "the limit of this mailbox");
	assert_true(message_size_is_known(message));
}

/* The size of what is in memory is known, and of a stored message when it has been drained. */
static void
test_size_is_known(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Message) few = message_from_octets("A: 1\n\nb\n", 8);
	assert_true(message_size_is_known(few));
	assert_int_equal(message_size(few), 8);

	g_autofree char *text = g_strnfill(300000, 'x');
	memcpy(text, "A: 1\n\n", 6);
	auto_fd int fd = memfd_create("mail", MFD_CLOEXEC);
	assert_true(fs_write_all(fd, text, 300000, "mail", &st));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	g_autoptr(Message) message = message_read(fd, &st);
	assert_false(message_size_is_known(message));
	g_autoptr(GBytes) got = written(message, message_headers(message), NULL, &st);
	assert_bytes(got, text, 300000);
	assert_true(message_size_is_known(message));
	assert_int_equal(message_size(message), 300000);
}

/*
 * Each line counts two octets more than it has. Stamps above this hop's Received are not in
 * ${size}; where header checks took that line away nobody knows whose they are, and they count: a
 * whole message is never taken for a short one. An empty line less at the end is no sign of a loss.
 */
static void
test_truncated(void **state)
{
	(void) state;
	static const struct {
		const char *in, *queue_id;
		guint64 counted;
	} messages[] = {
		{ "Return-Path: <a@b>\nDelivered-To: c@d\nReceived: id 1\n\nbody\n", "1",
		  16 + 2 + 6 },
		{ "Return-Path: <a@b>\nDelivered-To: c@d\nReceived: id 1\n\nbody\n", NULL,
		  16 + 2 + 6 },
		{ "Delivered-To: p@q\nReceived: id 2\n\nbody\n", "1", 19 + 16 + 2 + 6 },
		{ "Delivered-To: p@q\nA: 1\n\nbody\n", "1", 19 + 6 + 2 + 6 },
		{ "Delivered-To: p@q\nA: 1\n\nbody\n", NULL, 19 + 6 + 2 + 6 },
	};
	enum { EMPTY_LINE = 2 };
	for (size_t i = 0; i < 2 * G_N_ELEMENTS(messages); i++) {
		const char *in = messages[i / 2].in;
		g_auto(Status) st = STATUS_INIT;
		auto_fd int fd = pipe_with(in, strlen(in));
		g_autoptr(Message) message = message_read(fd, &st);
		message_expect_size(message, messages[i / 2].counted + EMPTY_LINE + i % 2,
		                    messages[i / 2].queue_id);
		g_autoptr(GBytes) got = written(message, message_headers(message), NULL, &st);
		assert_int_equal(st.id, i % 2 == 0 ? STATUS_OK : STATUS_TRUNCATED);
	}
}

/* Fields past the limit are stored, but seen as body. */
static void
test_field_limit_one_over(void **state)
{
	(void) state;
	g_autoptr(GString) in = g_string_new(NULL);
	for (unsigned i = 0; i < LIMIT_HEADER_FIELDS + 1; i++)
		g_string_append(in, "A: 1\n");

	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Message) message = message_from_bytes(in->str, in->len, &st);
	assert_int_equal(headers_count(message_headers(message)), LIMIT_HEADER_FIELDS);

	g_autoptr(GBytes) got = written(message, message_headers(message), NULL, &st);
	assert_bytes(got, in->str, in->len);
}

/* One field that is bigger than what is kept in memory. */
static void
test_header_limit_one_over(void **state)
{
	(void) state;
	g_autoptr(GString) in = g_string_new("From x\nA: 1\nB: ");
	while (in->len < LIMIT_HEADER_BYTES + 1000)
		g_string_append(in,
		                "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
	g_string_append(in, "\nC: 2\n\nbody\n");

	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Message) message = message_from_bytes(in->str, in->len, &st);
	assert_int_equal(headers_count(message_headers(message)), 1);

	g_autoptr(GBytes) got = written(message, message_headers(message), NULL, &st);
	assert_bytes(got, in->str + 7, in->len - 7);
}

/* In a child: write a header and some body so that each read gets as many octets as `first`. */
static void
write_slowly(int fd, const char *data, size_t len, size_t first)
{
	g_auto(Status) st = STATUS_INIT;
	for (size_t n; len > 0; data += n, len -= n) {
		n = MIN(len, first);
		first = LIMIT_COPY_CHUNK;
		int unread = 1;
		if (!fs_write_all(fd, data, n, "pipe", &st))
			_exit(1);
		while (ioctl(fd, FIONREAD, &unread) == 0 && unread > 0)
			g_usleep(100);
	}
	_exit(0);
}

typedef struct {
	const char *name;
	int from_limit;     /* where the line that ends there or begins there has its line end */
	const char *behind; /* what comes then */
	bool is_long;       /* and goes on without a line end */
} LimitRow;

static const LimitRow limit_rows[] = {
	{ "a line ends at the limit", 0, "D: 4\n\nbody\n", false },
	{ "a line ends one before", -1, "D: 4\n\nbody\n", false },
	{ "a line ends one behind", 1, "D: 4\n\nbody\n", false },
	{ "an empty line at the limit", 0, "\nbody\n", false },
	{ "an empty line with CR at the limit", 0, "\r\nbody\n", false },
	{ "an empty line with CR one before", -1, "\r\nbody\n", false },
	{ "a CR at the limit that ends nothing", 0, "\rx: 1\n\nbody\n", false },
	{ "a long line from the limit on", 0, "D: 4", true },
	{ "a long line from far before", -1000, "D: 4", true },
	{ "a long line from very far before", -(1 << 20), "D: 4", true },
	{ "lines that are no fields", -12, "no field\n\nbody\n", false },
};

/* A field of many lines, one that ends near the limit, and what comes then. */
static GString *
limit_message(const LimitRow *row, bool has_from_line)
{
	const size_t start = has_from_line ? strlen("From x\n") : 0;
	const size_t at = (size_t) ((long) (LIMIT_HEADER_BYTES + start) + row->from_limit);
	GString *in = g_string_new(has_from_line ? "From x\nA: 1\n" : "A: 1\n");

	while (in->len + 200 < at)
		g_string_append(in, "\t0123456789abcdef0123456789abcdef0123456789abcdef\n");
	g_string_append(in, "C: ");
	while (in->len + 1 < at)
		g_string_append_c(in, 'c');
	g_string_append_c(in, '\n');
	g_string_append(in, row->behind);
	for (size_t i = 0; row->is_long && i < LIMIT_HEADER_BYTES / 4; i++)
		g_string_append_c(in, 'd');

	return in;
}

/* What is header is the same however the octets come, and all are stored as they came. */
static void
test_header_limit_in_parts(void **state)
{
	const LimitRow *row = *state;
	const size_t firsts[] = { LIMIT_COPY_CHUNK, 1, 100, LIMIT_COPY_CHUNK - 1,
		                  LIMIT_COPY_CHUNK / 2 };

	for (size_t i = 0; i < 2 * G_N_ELEMENTS(firsts); i++) {
		bool has_from_line = i % 2 == 1;
		size_t start = has_from_line ? strlen("From x\n") : 0;
		g_autoptr(GString) in = limit_message(row, has_from_line);
		g_auto(Status) st = STATUS_INIT;
		g_autoptr(Message) stored = message_from_bytes(in->str, in->len, &st);
		size_t want_len, got_len;
		(void) message_header_octets(stored, &want_len);
		assert_in_range(want_len, LIMIT_HEADER_BYTES - (1 << 20) - 100, LIMIT_HEADER_BYTES);

		int fds[2];
		assert_int_equal(pipe(fds), 0);
		assert_true(fcntl(fds[1], F_SETPIPE_SZ, LIMIT_COPY_CHUNK) > 0);
		pid_t child = fork();
		if (child == 0)
			write_slowly(fds[1], in->str, in->len, firsts[i / 2]);
		close(fds[1]);
		g_autoptr(Message) piped = message_read(fds[0], &st);
		assert_non_null(piped);
		(void) message_header_octets(piped, &got_len);
		assert_int_equal(got_len, want_len);
		assert_int_equal(headers_count(message_headers(piped)),
		                 headers_count(message_headers(stored)));
		g_autoptr(GBytes) got = written(piped, message_headers(piped), NULL, &st);
		assert_bytes(got, in->str + start, in->len - start);
		close(fds[0]);
		assert_int_equal(waitpid(child, NULL, 0), child);
	}
}

/*
 * A file of the kernel says that it is empty; one that grows while it is read says less than there
 * is, too.
 */
static void
test_no_size(void **state)
{
	(void) state;
	g_auto(Status) st = STATUS_INIT;
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	g_autoptr(Message) message = message_from_file(fd, &st);
	assert_null(message);
	assert_int_equal(st.id, STATUS_IO);
}

static int
file_with(const GString *data)
{
	g_auto(Status) st = STATUS_INIT;
	int fd = memfd_create("in", MFD_CLOEXEC);
	assert_true(fs_write_all(fd, data->str, data->len, "file", &st));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

/* What a message is given back as, `stored` or not, is read by another one octet for octet. */
static void
assert_given_back(const GString *in, size_t skipped, bool stored)
{
	g_auto(Status) st = STATUS_INIT;
	auto_fd int fd = file_with(in), head = -1, rest = -1;
	g_autoptr(Message) message = message_read(fd, &st);
	g_autoptr(GBytes) first = stored ? written(message, message_headers(message), NULL, &st)
	                                 : NULL;

	assert_true(message_give_back(message, &head, &rest, &st));
	assert_true((fcntl(head, F_GETFD) & FD_CLOEXEC) != 0);
	assert_true(rest < 0 || (fcntl(rest, F_GETFD) & FD_CLOEXEC) != 0);

	g_autoptr(Message) again = message_read_on(head, rest, &st);
	assert_non_null(again);
	assert_int_equal(message_from_line(again) != NULL, skipped > 0);
	g_autoptr(GBytes) got = written(again, message_headers(again), NULL, &st);
	assert_bytes(got, in->str + skipped, in->len - skipped);
}

static void
test_given_back(void **state)
{
	(void) state;
	static const char from_line[] = "From a@b Mon Nov 30 00:00:00 2026\n";
	/* all in the first read; more than is read ahead; a header of several reads */
	static const struct {
		size_t header, body;
	} sizes[] = { { 0, 0 }, { 0, 10 }, { 100, 70000 }, { 100, 1000000 }, { 700000, 900000 } };

	for (size_t i = 0; i < 4 * G_N_ELEMENTS(sizes); i++) {
		const bool has_from = (i & 1) != 0, stored = (i & 2) != 0;
		g_autoptr(GString) in = g_string_new(has_from ? from_line : "");
		g_string_append(in, "A: 1\n");
		for (size_t end = in->len + sizes[i / 4].header; in->len < end;)
			g_string_append(in, "Field: of some length\n");
		g_string_append_c(in, '\n');
		for (size_t k = 0; k < sizes[i / 4].body; k++)
			g_string_append_c(in, (char) (k % 251));
		assert_given_back(in, has_from ? sizeof from_line - 1 : 0, stored);
	}
}

/* A message that cannot be given back is a fault, and leaves nothing open. */
static void
test_not_given_back(void **state)
{
	(void) state;
	g_autofree char *text = g_strnfill(300000, 'x');
	memcpy(text, "A: 1\n\n", 6);
	static const struct {
		const char *call;
		int err;
		StatusId want;
	} broken[] = { { "fcntl", EMFILE, STATUS_TOO_MANY_FILES },
		       { "memfd_create", ENOMEM, STATUS_NO_MEMORY },
		       { "write", ENOSPC, STATUS_DISK_FULL } };
	for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
		g_auto(Status) st = STATUS_INIT;
		int head = 7, rest = 7;
		auto_fd int fd = memfd_create("mail", MFD_CLOEXEC);
		assert_true(fs_write_all(fd, text, 300000, "mail", &st));
		assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
		g_autoptr(Message) message = message_read(fd, &st);
		assert_non_null(message);
		unsigned before = calls_open_descriptors();
		calls_break(broken[i].call, NULL, CALLS_EACH, broken[i].err);
		assert_false(message_give_back(message, &head, &rest, &st));
		assert_int_equal(calls_end(), 1);
		assert_int_equal(st.id, broken[i].want);
		assert_int_equal(head, 7);
		assert_int_equal(rest, 7);
		assert_int_equal(calls_open_descriptors(), before);
	}
}

/* The rest is asked for by whoever reads: nothing of it is lost where the header ends in it. */
static void
test_rest_goes_on(void **state)
{
	(void) state;
	static const char *const parts[][2] = {
		{ "", "A: 1\n\nbody\n" }, { "A: 1\nB:", " 2\n\nbody\n" }, { "A: 1\n\nbo", "dy\n" },
		{ "A: 1\n\nbody\n", "" }, { "From x\nA", ": 1\n\nb\n" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
		g_auto(Status) st = STATUS_INIT;
		auto_fd int head = pipe_with(parts[i][0], strlen(parts[i][0])),
			    rest = pipe_with(parts[i][1], strlen(parts[i][1]));
		g_autoptr(Message) message = message_read_on(head, rest, &st);
		g_autoptr(GBytes) got = written(message, message_headers(message), NULL, &st);
		g_autofree char *whole = g_strconcat(parts[i][0], parts[i][1], NULL);
		const char *want = g_str_has_prefix(whole, "From x\n") ? whole + 7 : whole;
		assert_bytes(got, want, strlen(want));
	}
}

/* Against one octet after the other; equal octets are what a count of eight bits could lose. */
static void
test_lines_are_counted(void **state)
{
	(void) state;
	enum { MOST = 100 * 1024, SHORT = 400 };
	static const char octets[][5] = { "\n", "\r", "\r\n", "ab\n", "a\rb", "abc" };
	g_autofree char *data = g_malloc(MOST + 1);

	for (size_t i = 0; i < G_N_ELEMENTS(octets); i++) {
		const size_t n = strlen(octets[i]);
		for (size_t k = 0; k <= MOST; k++)
			data[k] = octets[i][k % n];
		for (size_t len = 0; len <= MOST; len += len < SHORT ? 1 : 9973) {
			guint64 wanted = 0;
			for (size_t k = 1; k <= len; k++)
				wanted += data[k] == '\n';
			bool has_cr = false;
			assert_int_equal(line_count(data + 1, len, &has_cr), wanted);
			assert_int_equal(has_cr, memchr(data + 1, '\r', len) != NULL);
		}
	}
}

static void
check_count(const char *data, size_t len)
{
	guint64 wanted = 0;
	for (size_t i = 0; i < len; i++)
		wanted += data[i] == '\n';

	bool has_cr = false;
	assert_int_equal(line_count(data, len, &has_cr), wanted);
	assert_int_equal(has_cr, memchr(data, '\r', len) != NULL);
}

/* Every octet there is, and one carriage return in every place among line ends. */
static void
test_lines_among_all_octets(void **state)
{
	(void) state;
	enum { LEN = 20 * 1024, STEP = 61 };
	g_autofree char *data = g_malloc(LEN);
	g_autoptr(GRand) rand = g_rand_new_with_seed(5);

	for (size_t i = 0; i < LEN; i++)
		data[i] = (char) g_rand_int_range(rand, 0, 256);
	check_count(data, LEN);
	for (size_t i = 0; i < LEN; i++)
		data[i] = data[i] == '\r' ? '\n' : data[i];
	check_count(data, LEN);

	memset(data, '\n', LEN);
	check_count(data, LEN);
	for (size_t at = 0; at < LEN; at += STEP) {
		data[at] = '\r';
		check_count(data, LEN);
		data[at] = '\n';
	}
}

/* In a child: write the octets in two parts, the second one when the first was read. */
static void
write_in_parts(int fd, const char *data, size_t len, size_t first)
{
	g_auto(Status) st = STATUS_INIT;
	int unread = 1;

	if (!fs_write_all(fd, data, first, "pipe", &st))
		_exit(1);
	while (ioctl(fd, FIONREAD, &unread) == 0 && unread > 0)
		g_usleep(1000);
	_exit(fs_write_all(fd, data + first, len - first, "pipe", &st) ? 0 : 1);
}

/* A From_ line that is longer than a chunk is none, in whatever parts it comes. */
static void
test_long_from_line(void **state)
{
	(void) state;
	enum { LONG = LIMIT_COPY_CHUNK + 100 };
	g_autoptr(GString) octets = g_string_new("From ");
	while (octets->len < LONG)
		g_string_append_c(octets, 'x');
	g_string_append(octets, "\nSubject: x\n\n");

	for (int parts = 1; parts <= 2; parts++) {
		int fds[2];
		g_auto(Status) st = STATUS_INIT;
		assert_int_equal(pipe(fds), 0);
		assert_true(fcntl(fds[1], F_SETPIPE_SZ, 2 * LIMIT_COPY_CHUNK) > 0);
		pid_t child = fork();
		if (child == 0)
			write_in_parts(fds[1], octets->str, octets->len,
			               parts == 1 ? octets->len : LIMIT_COPY_CHUNK - 1);
		close(fds[1]);
		g_autoptr(Message) message = message_read(fds[0], &st);
		assert_non_null(message);
		assert_null(message_from_line(message));
		close(fds[0]);
		assert_int_equal(waitpid(child, NULL, 0), child);
	}
}

/* What was read and is nowhere any more: another program would store the message cut short. */
static void
test_lost_octets_are_not_given_back(void **state)
{
	(void) state;
	enum { MOST = 4 * LIMIT_COPY_CHUNK };
	static const char head[] = "Subject: x\n\n";
	auto_fd int in = memfd_create("in", MFD_CLOEXEC);
	assert_true(in >= 0);
	assert_int_equal(write(in, head, sizeof head - 1), sizeof head - 1);
	assert_int_equal(ftruncate(in, MOST), 0);

	for (int drains = 0; drains < 2; drains++) {
		assert_int_equal(lseek(in, 0, SEEK_SET), 0);
		int given = -1, rest = -1;
		g_auto(Status) st = STATUS_INIT, lost = STATUS_INIT;
		g_autoptr(Message) message = message_read(in, &st);
		assert_non_null(message);
		message_limit_size(message, drains ? 0 : LIMIT_COPY_CHUNK);
		assert_int_equal(message_drain(message, &st), drains);
		assert_false(message_give_back(message, &given, &rest, &lost));
		assert_int_equal(lost.id, STATUS_INTERNAL);
	}
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + G_N_ELEMENTS(limit_rows) + 17];
	size_t n = 0;

	UNIT_ROWS(tests, n, rows, test_unchanged);
	UNIT_ROWS(tests, n, limit_rows, test_header_limit_in_parts);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_from_line_is_dropped);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_from_octets);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_stamp_on_top);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_size_limit_one_over);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_size_of_refused);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_size_is_known);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_not_given_back);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_truncated);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_field_limit_one_over);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_header_limit_one_over);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_no_size);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_lines_are_counted);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_lines_among_all_octets);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_given_back);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_rest_goes_on);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_long_from_line);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_lost_octets_are_not_given_back);

	return _cmocka_run_group_tests("message", tests, n, NULL, NULL);
}

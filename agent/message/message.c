/* SPDX-License-Identifier: MIT */
/* message: header in memory, body written once to where it will stay. */
#define _GNU_SOURCE
#include "agent/message/message.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/message/line-count.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* What Postfix's ${size} would be for the bytes seen so far. */
typedef struct {
	guint64 wanted; /* 0: nobody asks */
	guint64 seen;
	size_t line_len; /* of the line that has not ended yet */
} QueueSize;

/*
 * A From_ line and the header at most, the reads that went past its limit, and a place to read the
 * body through.
 */
enum {
	BODY_CHUNK_AT = LIMIT_HEADER_BYTES + 3 * LIMIT_COPY_CHUNK,
	BLOCK_BYTES = BODY_CHUNK_AT + LIMIT_COPY_CHUNK
};

struct Message {
	gatomicrefcount refs;
	char *block; /* header block, and in `ahead` what was read behind it */
	size_t block_len;
	Headers *headers;
	size_t header_len; /* octets of the block that are header */
	char *from_line;
	size_t start;      /* octets of the From_ line at the front of the block */
	const char *ahead; /* body bytes that came with the header */
	size_t ahead_len;
	int input; /* where the rest of the body comes from; -1: nothing is left there */
	int rest;  /* where it goes on when the input has ended; -1: nowhere */
	int home;  /* the file that holds the body; -1: not stored yet */
	off_t home_offset;
	guint64 body_len;
	guint64 max_bytes;
	QueueSize queue;
	bool in_block;   /* the whole body stands in the block */
	BodyPrint print; /* of the whole body */
	bool has_print;
};

static Message *
message_new(void)
{
	Message *message = g_new0(Message, 1);

	g_atomic_ref_count_init(&message->refs);
	message->input = -1;
	message->rest = -1;
	message->home = -1;

	/* Never moved, so that fields can point into it; pages that stay empty cost nothing. */
	message->block = g_malloc(BLOCK_BYTES);
	message->headers = headers_new(NULL, "\n");
	return message;
}

Message *
message_ref(Message *message)
{
	g_atomic_ref_count_inc(&message->refs);
	return message;
}

void
message_unref(Message *message)
{
	if (message == NULL || !g_atomic_ref_count_dec(&message->refs))
		return;
	fs_close_auto(&message->home);
	headers_unref(message->headers);
	g_free(message->from_line);
	g_free(message->block);
	g_free(message);
}

/*
 * Drop a From_ line: local(8) and mbox readers put it on top. False: more bytes are needed to tell.
 */
static bool
skip_from_line(Message *message, bool at_eof)
{
	static const char from[] = "From ";
	size_t len = message->block_len, known = MIN(len, sizeof from - 1);
	if (memcmp(message->block, from, known) != 0)
		return true;

	const char *end = memchr(message->block, '\n', len);
	if (end == NULL && !at_eof && len < LIMIT_COPY_CHUNK)
		return false;
	if (end == NULL)
		return true;

	/* however it came in parts: the block has room for one that is shorter than a chunk */
	size_t line_len = (size_t) (end - message->block);
	if (line_len >= LIMIT_COPY_CHUNK)
		return true;
	message->start = line_len + 1;
	message->from_line = g_strndup(message->block, line_len);
	g_strchomp(message->from_line);

	return true;
}

/* Read from the input, and from where it goes on. */
static bool
read_input(Message *message, char *to, size_t *ret_len, Status *st)
{
	if (!fs_read(message->input, to, LIMIT_COPY_CHUNK, ret_len, "the message", st))
		return false;
	if (*ret_len > 0 || message->rest < 0)
		return true;

	message->input = message->rest;
	message->rest = -1;
	return fs_read(message->input, to, LIMIT_COPY_CHUNK, ret_len, "the message", st);
}

/* This memory will be filled: in big pages it is there sooner, where the system has them. */
static void
expect_much(char *from, char *to)
{
	guintptr page = (guintptr) sysconf(_SC_PAGESIZE);
	char *start = from + (page - (guintptr) from % page) % page;

	if (start < to)
		(void) madvise(start, (size_t) (to - start), MADV_HUGEPAGE);
}

/* What stands in the block behind the header. */
static void
find_ahead(Message *message)
{
	message->ahead = message->block + message->start + message->header_len;
	message->ahead_len = message->block_len - message->start - message->header_len;
}

/*
 * Read until the header has ended; the block grows in place. `at` is where the stored message `fd`
 * is read; -1: the input is.
 */
static bool
read_header(Message *message, int fd, off_t at, Status *st)
{
	bool ended = false, at_eof = false, started = false;

	while (!ended) {
		size_t n = 0;
		char *end = message->block + message->block_len;
		if (at < 0 ? !read_input(message, end, &n, st)
		           : !fs_read_at(fd, at + (off_t) message->block_len, end, LIMIT_COPY_CHUNK,
		                         &n, "the message", st))
			return false;
		at_eof = n == 0;
		message->block_len += n;
		if (message->block_len > LIMIT_COPY_CHUNK)
			expect_much(end, message->block + BLOCK_BYTES);
		if (!started)
			started = skip_from_line(message, at_eof);
		if (started)
			message->header_len = headers_index(message->headers,
			                                    message->block + message->start,
			                                    message->block_len - message->start,
			                                    message->header_len, at_eof, &ended);
	}

	find_ahead(message);
	if (at_eof)
		message->input = -1;

	return true;
}

/*
 * Read on while the body is small: the reads are made in any case, and a body that is known before
 * it is written saves a call.
 */
static bool
read_ahead(Message *message, Status *st)
{
	enum { SMALL_BYTES = 64 * 1024 };
	for (size_t n = 1; n > 0 && message->input >= 0 && message->ahead_len < SMALL_BYTES;) {
		if (!read_input(message, message->block + message->block_len, &n, st))
			return false;
		message->block_len += n;
		message->ahead_len += n;
		if (n == 0)
			message->input = -1;
	}

	message->in_block = message->input < 0;
	return true;
}

Message *
message_read(int fd, Status *st)
{
	return message_read_on(fd, -1, st);
}

Message *
message_read_on(int fd, int rest, Status *st)
{
	g_autoptr(Message) message = message_new();
	message->input = fd;
	message->rest = rest;
	return read_header(message, -1, -1, st) && read_ahead(message, st)
	               ? g_steal_pointer(&message)
	               : NULL;
}

Message *
message_from_octets(const void *octets, size_t len)
{
	bool ended;
	Message *message = message_new();

	g_assert(len <= MESSAGE_FEW);
	memcpy(message->block, octets, len);
	message->block_len = len;
	(void) skip_from_line(message, true);
	message->header_len = headers_index(message->headers, message->block + message->start,
	                                    len - message->start, 0, true, &ended);
	find_ahead(message);
	message->in_block = true;

	return message;
}

/* The octets that were read first, in a file in memory; -1: there is none. */
static int
block_file(const Message *message, size_t len, Status *st)
{
	auto_fd int fd = memfd_create("message", MFD_CLOEXEC);
	if (fd < 0) {
		status_fail_errno(st, errno, "cannot make a file in memory");
		return -1;
	}

	if (!fs_write_all(fd, message->block, len, "message in memory", st))
		return -1;
	if (lseek(fd, 0, SEEK_SET) < 0) {
		status_fail_errno(st, errno, "cannot rewind a file in memory");
		return -1;
	}

	return fs_steal_fd(&fd);
}

/* Was more of the message read than is kept anywhere? */
static bool
has_lost_octets(const Message *message)
{
	return message->home < 0 && !message->in_block &&
	       (message->body_len > 0 || message->input < 0);
}

bool
message_give_back(Message *message, int *ret_head, int *ret_rest, Status *st)
{
	if (has_lost_octets(message))
		return status_fail_detail(st, STATUS_INTERNAL, "a part of the message is gone");

	bool stored = message->home >= 0 && !message->in_block;
	size_t len = stored ? message->start + message->header_len : message->block_len;
	auto_fd int rest = -1;

	if (stored || message->input >= 0) {
		rest = fcntl(stored ? message->home : message->input, F_DUPFD_CLOEXEC, 3);
		if (rest < 0 || (stored && lseek(rest, message->home_offset, SEEK_SET) < 0))
			return status_fail_errno(st, errno, "cannot give the message back");
	}

	int head = block_file(message, len, st);
	if (head < 0)
		return false;

	*ret_head = head;
	*ret_rest = fs_steal_fd(&rest);
	return true;
}

Message *
message_from_file(int fd, Status *st)
{
	g_autoptr(Message) message = message_new();

	message->home = fd;
	off_t offset = lseek(fd, 0, SEEK_CUR);
	struct stat sb;
	if (offset < 0 || fstat(fd, &sb) < 0) {
		status_fail_errno(st, errno, "cannot open the message");
		return NULL;
	}

	if (!read_header(message, fd, offset, st))
		return NULL;
	message->input = -1;
	message->ahead_len = 0;
	message->home_offset = offset + (off_t) (message->start + message->header_len);

	if (sb.st_size < message->home_offset) {
		status_fail_detail(st, STATUS_IO, "the stored message is not a file, or it grows");
		return NULL;
	}

	message->body_len = (guint64) (sb.st_size - message->home_offset);
	message->in_block = message->block_len - message->start - message->header_len ==
	                    message->body_len;
	return g_steal_pointer(&message);
}

/* Some of the octets [from, to) of a stored message, `chunk` having room for LIMIT_COPY_CHUNK. */
static bool
read_chunk(int fd, off_t from, off_t to, char *chunk, size_t *ret_len, Status *st)
{
	size_t len, most = MIN((size_t) (to - from), LIMIT_COPY_CHUNK);

	if (!fs_read_at(fd, from, chunk, most, &len, "stored message", st))
		return false;
	if (len == 0)
		return status_fail_detail(st, STATUS_IO,
		                          "the stored message became shorter while it was copied");

	*ret_len = len;
	return true;
}

/* Octets [from, to) of one file to another. */
static bool
copy_octets(int from_fd, off_t from, off_t to, int fd, Status *st)
{
	g_autofree char *chunk = g_malloc(LIMIT_COPY_CHUNK);

	for (size_t len = 0; from < to; from += (off_t) len)
		if (!read_chunk(from_fd, from, to, chunk, &len, st) ||
		    !fs_write_all(fd, chunk, len, "message in memory", st))
			return false;

	return true;
}

static bool
write_piece(const MessageBody *body, const MessagePiece *piece, int fd, Status *st)
{
	if (piece->data != NULL)
		return fs_write_all(fd, piece->data, piece->len, "message in memory", st);
	return copy_octets(body->fd, piece->from, piece->to, fd, st);
}

Message *
message_assemble(const MessageBody *body, const MessagePiece *pieces, size_t n, Status *st)
{
	auto_fd int fd = memfd_create("message", MFD_CLOEXEC);

	if (fd < 0) {
		status_fail_errno(st, errno, "cannot make a file in memory");
		return NULL;
	}

	for (size_t i = 0; i < n; i++)
		if (!write_piece(body, &pieces[i], fd, st))
			return NULL;
	if (lseek(fd, 0, SEEK_SET) < 0) {
		status_fail_errno(st, errno, "cannot rewind a file in memory");
		return NULL;
	}

	return message_from_file(fs_steal_fd(&fd), st);
}

Message *
message_from_bytes(const void *data, size_t len, Status *st)
{
	MessagePiece piece = { .data = data, .len = len };
	return message_assemble(NULL, &piece, len > 0 ? 1 : 0, st);
}

const char *
message_header_octets(const Message *message, size_t *ret_len)
{
	*ret_len = message->header_len;
	return message->block + message->start;
}

Headers *
message_headers(const Message *message)
{
	return message->headers;
}

const char *
message_from_line(const Message *message)
{
	return message->from_line;
}

guint64
message_size(const Message *message)
{
	/* what is counted below grows while the body is read, and a retry may be asked earlier */
	if (message->in_block)
		return message->block_len - message->start;
	return message->header_len + message->body_len;
}

bool
message_size_is_known(const Message *message)
{
	return message->in_block || message->home >= 0 || message->input < 0;
}

bool
message_body(const Message *message, MessageBody *ret_body)
{
	if (message->home < 0)
		return false;
	*ret_body = (MessageBody){ message->home, message->home_offset, (off_t) message->body_len };
	return true;
}

void
message_limit_size(Message *message, guint64 max_bytes)
{
	message->max_bytes = max_bytes;
}

/*
 * Queue-file octets of one line: a type octet, the length in 7-bit groups, the data. Postfix splits
 * lines at line_length_limit; we do not know that setting, so long lines count a little more than
 * they have: a whole message is never taken for a short one.
 */
static guint64
queue_octets(size_t line_len)
{
	return line_len + (line_len < 128 ? 2 : 3 * (1 + line_len / 512));
}

static void
queue_count(QueueSize *queue, const char *data, size_t len)
{
	if (queue->wanted == 0)
		return;
	while (len > 0) {
		const char *end = memchr(data, '\n', len);
		size_t n = end != NULL ? (size_t) (end - data) : len;
		queue->line_len += n;
		if (end == NULL)
			return;
		queue->seen += queue_octets(queue->line_len);
		queue->line_len = 0;
		data += n + 1;
		len -= n + 1;
	}
}

static bool
is_stamp(const HeaderField *field)
{
	return header_field_is(field, "Return-Path") || header_field_is(field, "X-Original-To") ||
	       header_field_is(field, "Delivered-To");
}

/*
 * Stamps of pipe(8) and local(8) stand above this hop's Received and are not part of ${size}. Where
 * header checks took that line away, those on top may be the message's own: they count.
 */
static size_t
count_stamps(const Headers *headers, const char *queue_id)
{
	size_t n = 0, count = headers_count(headers);

	while (n < count && is_stamp(headers_get(headers, n)))
		n++;
	const HeaderField *below = n < count ? headers_get(headers, n) : NULL;
	bool is_ours = below != NULL && header_field_is(below, "Received") &&
	               (queue_id == NULL ||
	                memmem(below->bytes, below->len, queue_id, strlen(queue_id)) != NULL);

	return is_ours ? n : 0;
}

void
message_expect_size(Message *message, guint64 queue_size, const char *queue_id)
{
	message->queue = (QueueSize){ .wanted = queue_size };
	if (queue_size == 0)
		return;

	for (size_t i = count_stamps(message->headers, queue_id);
	     i < headers_count(message->headers); i++) {
		const HeaderField *field = headers_get(message->headers, i);
		queue_count(&message->queue, field->bytes, field->len);
	}
}

/*
 * Counts what goes by: sizes for the Maildir name, Postfix's own count of the message, and the
 * body's print.
 */
typedef struct {
	MessageSize size;
	guint64 newlines;
	guint64 crlf;
	char last;
	BodyPrinter printer; /* not begun: nobody asks */
} Tally;

static void
tally_add(Tally *tally, const char *data, size_t len)
{
	if (len == 0)
		return;
	tally->size.bytes += len;
	/* Few messages have a CR: the search for one is wide, the walk from line to line is not. */
	bool has_cr;
	tally->newlines += line_count(data, len, &has_cr);
	if (tally->printer.is_begun)
		body_printer_add(&tally->printer, data, len, has_cr);
	if (tally->last == '\r' || has_cr)
		for (const char *c = data; (c = memchr(c, '\n', len - (size_t) (c - data))) != NULL;
		     c++)
			tally->crlf += (c > data ? c[-1] : tally->last) == '\r';

	tally->last = data[len - 1];
}

/* What is written of a message before the rest of its body comes, where it stands. */
typedef struct {
	GArray *pieces; /* FsPiece */
	size_t len;
} Head;

static void
head_clear(Head *head)
{
	g_clear_pointer(&head->pieces, g_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Head, head_clear)

static Head
head_new(void)
{
	return (Head){ g_array_new(FALSE, FALSE, sizeof(FsPiece)), 0 };
}

static void
head_add(Head *head, const char *data, size_t len)
{
	guint n = head->pieces->len;
	FsPiece *last = n > 0 ? &g_array_index(head->pieces, FsPiece, n - 1) : NULL;
	if (len == 0)
		return;

	head->len += len;
	if (last != NULL && last->data + last->len == data) {
		last->len += len;
		return;
	}

	const FsPiece piece = { data, len };
	g_array_append_val(head->pieces, piece);
}

static bool
head_write(const Head *head, int fd, Status *st)
{
	return fs_write_pieces(fd, (const FsPiece *) (void *) head->pieces->data, head->pieces->len,
	                       "message", st);
}

/* `ret_sealed_at` is set where `sealed` (NULL: none) stands. */
static Head
gather_headers(const Message *message, const Headers *headers, const HeaderField *sealed,
               size_t *ret_sealed_at)
{
	size_t count = headers_count(headers);
	const char *newline = headers_newline(headers);
	Head head = head_new();

	for (size_t i = 0; i < count;) {
		size_t len;
		const char *bytes = headers_piece(headers, &i, &len);
		/* a field of our own is a piece by itself */
		if (sealed != NULL && bytes == sealed->bytes)
			*ret_sealed_at = head.len;
		head_add(&head, bytes, len);
		bool ends_whole_message = i == count && message->ahead_len == 0 &&
		                          message->body_len == 0;
		if (bytes[len - 1] != '\n' && !ends_whole_message)
			head_add(&head, newline, strlen(newline));
	}

	/* A body that began without an empty line would otherwise continue our fields. */
	bool had_fields = headers_count(message->headers) > 0;
	if (!had_fields && count > 0 && message->ahead_len > 0 && message->ahead[0] != '\n' &&
	    message->ahead[0] != '\r')
		head_add(&head, newline, strlen(newline));
	return head;
}

/*
 * Is the message complete, as far as we can know? sendmail(1) ends a last line that has no newline
 * by an empty record, of which pipe(8) makes the newline: an empty line less is no sign of a loss.
 */
static bool
check_complete(Message *message, Status *st)
{
	QueueSize *queue = &message->queue;
	guint64 spare = queue->line_len == 0 ? queue_octets(0) : 0;

	if (queue->line_len > 0)
		queue->seen += queue_octets(queue->line_len);
	queue->line_len = 0;
	if (queue->seen + spare >= queue->wanted)
		return true;

	status_fail(st, STATUS_TRUNCATED,
	            "message arrived incomplete: %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
	            " queue bytes",
	            queue->seen, queue->wanted);
	return false;
}

/*
 * Read what is left of the input, so that the refusal can say how big the message is. A fault ends
 * that and changes nothing.
 */
static void
count_rest(Message *message, char *chunk)
{
	g_auto(Status) fault = STATUS_INIT;
	for (size_t len = 1; len > 0 && message->input >= 0; message->body_len += len)
		if (!read_input(message, chunk, &len, &fault))
			return;
	message->input = -1;
}

static bool
within_limit(Message *message, Status *st)
{
	if (message->max_bytes == 0 || message_size(message) <= message->max_bytes)
		return true;
	count_rest(message, message->block + BODY_CHUNK_AT);
	return status_fail(st, STATUS_TOO_BIG,
	                   "message of %" G_GUINT64_FORMAT
	                   " bytes is bigger than %" G_GUINT64_FORMAT
	                   " bytes, the limit of this mailbox",
	                   (guint64) message_size(message), message->max_bytes);
}

bool
message_check_size(Message *message, Status *st)
{
	return within_limit(message, st);
}

/* Octets of the body that came. */
static bool
count_body(Message *message, const char *data, size_t len, Tally *tally, Status *st)
{
	message->body_len += len;
	queue_count(&message->queue, data, len);
	tally_add(tally, data, len);
	return within_limit(message, st);
}

/* Take the body from the input and write it behind `head`; with fd < 0 it is only counted. */
static bool
receive_body(Message *message, Head *head, int fd, Tally *tally, Status *st)
{
	if (!count_body(message, message->ahead, message->ahead_len, tally, st))
		return false;
	/* What came with the header leaves with it. */
	head_add(head, message->ahead, message->ahead_len);
	if (fd >= 0 && !head_write(head, fd, st))
		return false;

	/* A long body: a pipe that holds a whole chunk halves the changes from writer to reader. */
	if (message->input >= 0)
		(void) fcntl(message->input, F_SETPIPE_SZ, LIMIT_COPY_CHUNK);

	char *chunk = message->block + BODY_CHUNK_AT;
	for (size_t len = 1; len > 0 && message->input >= 0;) {
		if (!read_input(message, chunk, &len, st) ||
		    !count_body(message, chunk, len, tally, st) ||
		    (fd >= 0 && !fs_write_all(fd, chunk, len, "message", st)))
			return false;
	}

	message->input = -1;
	message->ahead_len = 0;
	return check_complete(message, st);
}

/*
 * The body again, from its home; sizes need the bytes, the copy does not. With fd < 0 it is only
 * counted.
 */
static bool
copy_body(const Message *message, int fd, Tally *tally, Status *st)
{
	g_autofree char *chunk = g_malloc(LIMIT_COPY_CHUNK);
	off_t from = message->home_offset, to = from + (off_t) message->body_len;

	for (size_t len = 0; from < to; from += (off_t) len) {
		if (!read_chunk(message->home, from, to, chunk, &len, st))
			return false;
		tally_add(tally, chunk, len);
		if (fd >= 0 && !fs_write_all(fd, chunk, len, "message", st))
			return false;
	}

	return true;
}

/* `fd` holds the body from `offset` on, now. */
static bool
adopt_home(Message *message, int fd, off_t offset, Status *st)
{
	message->home = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (message->home < 0)
		return status_fail_errno(st, errno, "cannot keep the stored message open");
	message->home_offset = offset;
	return true;
}

/* The body into `fd`, behind `head`. */
static bool
write_body(Message *message, Head *head, int fd, Tally *tally, Status *st)
{
	off_t body_at = (off_t) head->len;
	if (message->home >= 0)
		return head_write(head, fd, st) && copy_body(message, fd, tally, st);
	return receive_body(message, head, fd, tally, st) && adopt_home(message, fd, body_at, st);
}

/* The body has passed from its first octet to its last. */
static void
take_print(Message *message, Tally *tally)
{
	if (!tally->printer.is_begun)
		return;
	body_printer_end(&tally->printer, &message->print);
	message->has_print = true;
}

static bool
write_sealed(const Message *message, const MessageSeal *seal, int fd, size_t at, Status *st)
{
	g_autofree char *bytes = seal->make(seal->user, &message->print);
	ssize_t n;

	do
		n = pwrite(fd, bytes, seal->field->len, (off_t) at);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t) seal->field->len)
		return status_fail_errno(st, n < 0 ? errno : EIO, "cannot write the message");

	return true;
}

bool
message_write_sealed(Message *message, const Headers *headers, const MessageSeal *seal, int fd,
                     MessageSize *ret_size, Status *st)
{
	Tally tally = { 0 };
	size_t sealed_at = 0;
	g_auto(Head) head = gather_headers(message, headers, seal != NULL ? seal->field : NULL,
	                                   &sealed_at);

	for (guint i = 0; i < head.pieces->len; i++) {
		const FsPiece *piece = &g_array_index(head.pieces, FsPiece, i);
		tally_add(&tally, piece->data, piece->len);
	}
	if (seal != NULL && !message->has_print)
		body_printer_init(&tally.printer);

	bool written = write_body(message, &head, fd, &tally, st);
	if (written)
		take_print(message, &tally);
	if (!written || (seal != NULL && !write_sealed(message, seal, fd, sealed_at, st)))
		return false;

	tally.size.wire_bytes = tally.size.bytes + tally.newlines - tally.crlf;
	if (ret_size != NULL)
		*ret_size = tally.size;
	return true;
}

bool
message_write(Message *message, const Headers *headers, int fd, MessageSize *ret_size, Status *st)
{
	return message_write_sealed(message, headers, NULL, fd, ret_size, st);
}

bool
message_is_in_memory(const Message *message)
{
	return message->has_print || message->in_block;
}

/* Let the printer see the whole body. */
static bool
read_for_print(const Message *message, BodyPrinter *printer, Status *st)
{
	if (message->in_block) {
		const char *body = message->block + message->start + message->header_len;
		body_printer_add(printer, body,
		                 message->block_len - message->start - message->header_len, true);
		return true;
	}

	if (message->home < 0)
		return status_fail_detail(st, STATUS_INTERNAL, "the body is not stored yet");

	Tally tally = { .printer = *printer };
	bool read = copy_body(message, -1, &tally, st);
	*printer = tally.printer;

	return read;
}

static bool
make_print(const Message *message, BodyPrinter *printer, BodyPrint *ret_print, Status *st)
{
	bool read = read_for_print(message, printer, st);
	if (read)
		body_printer_end(printer, ret_print);
	return read;
}

const BodyPrint *
message_print(Message *message, Status *st)
{
	BodyPrinter printer;
	if (message->has_print)
		return &message->print;

	body_printer_init(&printer);
	message->has_print = make_print(message, &printer, &message->print, st);
	return message->has_print ? &message->print : NULL;
}

const BodyPrint *
message_known_print(const Message *message)
{
	return message->has_print ? &message->print : NULL;
}

bool
message_whole_print(Message *message, BodyPrint *ret_print, Status *st)
{
	BodyPrinter printer;
	body_printer_init_whole(&printer);
	return make_print(message, &printer, ret_print, st);
}

bool
message_drain(Message *message, Status *st)
{
	Tally tally = { 0 };
	g_auto(Head) head = head_new();
	return message->home >= 0 || receive_body(message, &head, -1, &tally, st);
}

/* SPDX-License-Identifier: MIT */
/*
 * message: the bytes as they came.
 *
 * The header block is read into memory and indexed; the body stays outside. As long as it has not
 * been stored it is still in the descriptor that the message came by (a pipe), and the first file
 * that it is written to becomes its home: a delivered message is written once, whatever its size.
 * From then on every other copy is made from that home.
 */
#ifndef TODOKE_MESSAGE_H
#define TODOKE_MESSAGE_H

#include "agent/base/status.h"
#include "agent/message/body-print.h"
#include "agent/message/headers.h"

#include <sys/types.h>

typedef struct Message Message;

/* Sizes of a written message: Maildir's ,S= and ,W= (every line end counted as CRLF). */
typedef struct {
	guint64 bytes;
	guint64 wire_bytes;
} MessageSize;

/* Where the body's bytes lie. `fd` is borrowed from the message. */
typedef struct {
	int fd;
	off_t offset;
	off_t size;
} MessageBody;

/*
 * Read the header block from `fd` (borrowed; it must live until the body is stored). A leading mbox
 * "From " line is dropped. An empty input is a message without fields. Faults: STATUS_IO,
 * STATUS_NO_MEMORY. Caller unrefs.
 */
Message *message_read(int fd, Status *st);

/* The same of a message that goes on in `rest` (borrowed; -1: it does not) where `fd` ends. */
Message *message_read_on(int fd, int rest, Status *st);

/*
 * Descriptors, closed by exec, from which the message can be read again as it came, for another
 * program (message_read_on): *ret_head from its first octet, then *ret_rest, -1 where nothing
 * follows. The body has not moved: it is where it came by, or in its home. Use the message for
 * nothing else then. Faults: STATUS_IO, STATUS_NO_MEMORY; STATUS_INTERNAL: some octets are gone.
 */
bool message_give_back(Message *message, int *ret_head, int *ret_rest, Status *st);

/*
 * A message of bytes in memory, with its body stored (in an unnamed file in memory). For composed
 * mail and tests. Caller unrefs; NULL: a fault of message_assemble.
 */
Message *message_from_bytes(const void *data, size_t len, Status *st);

/*
 * A message of no more than MESSAGE_FEW octets, which are copied. As with one that was read from a
 * pipe, the first file that it is written to becomes the body's home. Caller unrefs.
 */
enum { MESSAGE_FEW = 32 * 1024 };
Message *message_from_octets(const void *octets, size_t len);

/*
 * The message in an open regular file from its present offset on, which stays: other processes may
 * read it too. Nothing is copied, the file is the body's home. Takes `fd`. Caller unrefs; NULL: a
 * fault of the file.
 */
Message *message_from_file(int fd, Status *st);

/*
 * A piece of a message that is put together: bytes, or (data is NULL) octets [from, to) of the file
 * that holds a body.
 */
typedef struct {
	const void *data;
	size_t len;
	off_t from;
	off_t to;
} MessagePiece;

/*
 * A message of pieces, in an unnamed file in memory. `body` is what the pieces without data are of;
 * they are copied in chunks, whatever their size. Faults: STATUS_IO, STATUS_NO_MEMORY. Caller
 * unrefs.
 */
Message *
message_assemble(const MessageBody *body, const MessagePiece *pieces, size_t n, Status *st);

Message *message_ref(Message *message);
void message_unref(Message *message);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Message, message_unref)

/* The octets of the header as it was read, without a From_ line. Borrowed. */
const char *message_header_octets(const Message *message, size_t *ret_len);

/* The header as it came; lives as long as the message, and longer for whoever holds a reference. */
Headers *message_headers(const Message *message);

/* The From_ line that was dropped, without its line end; NULL: there was none. */
const char *message_from_line(const Message *message);

/*
 * Say what Postfix's ${size} was (0: not known), and its ${queue_id} (NULL: not known). A body that
 * ends before that many queue-file bytes have been seen makes the first message_write fail with
 * STATUS_TRUNCATED: pipe(8) died in the middle (agent/POSTFIX, INPUT).
 */
void message_expect_size(Message *message, guint64 queue_size, const char *queue_id);

/* Refuse a body that makes the message longer than this (0: any length) with STATUS_TOO_BIG. */
void message_limit_size(Message *message, guint64 max_bytes);

/* Is a message whose body lies in a file within that limit? Fault: STATUS_TOO_BIG. */
bool message_check_size(Message *message, Status *st);

/*
 * Write the message with the fields of `headers` to `fd`, from its present offset on. The first
 * call, which wants an empty file, reads the body from where the message came by, and makes `fd`'s
 * file (a duplicate of the descriptor is kept) the body's home. *ret_size (may be NULL) is set on
 * success only. Not flushed. False: `st` says why.
 */
bool
message_write(Message *message, const Headers *headers, int fd, MessageSize *ret_size, Status *st);

/*
 * A field that can be known only when the whole body has passed: `field` of the header that is
 * written keeps its place, and `make` gives the bytes that take it, as many as there were. Caller
 * frees what it returns.
 */
typedef struct {
	const HeaderField *field;
	char *(*make)(void *user, const BodyPrint *print);
	void *user;
} MessageSeal;

/*
 * message_write, and then put the sealed field (`seal` may be NULL) in its place. Faults as
 * message_write.
 */
bool message_write_sealed(Message *message, const Headers *headers, const MessageSeal *seal, int fd,
                          MessageSize *ret_size, Status *st);

/* Can message_print tell without reading anything? */
bool message_is_in_memory(const Message *message);

/*
 * The print of the body, which is read for it unless it has been written before, or is small.
 * Fault: STATUS_INTERNAL where the body has not been stored yet, STATUS_IO. Borrowed from the
 * message.
 */
const BodyPrint *message_print(Message *message, Status *st);

/* The print where it is known already; NULL: nobody has asked for it yet. Borrowed. */
const BodyPrint *message_known_print(const Message *message);

/* The print of the whole body, however long it is: all of it is read. Faults as message_print. */
bool message_whole_print(Message *message, BodyPrint *ret_print, Status *st);

/*
 * Read the body to its end without keeping it, so that the client can finish writing. Faults: those
 * of reading.
 */
bool message_drain(Message *message, Status *st);

/*
 * Octets of the message as it came (the From_ line not counted). Known once the body has been
 * stored or drained; from the start where message_is_in_memory.
 */
guint64 message_size(const Message *message);

/* Is that the size of the whole message, and not of what was read of it so far? */
bool message_size_is_known(const Message *message);

/* Where the body lies; false before it has been stored. */
bool message_body(const Message *message, MessageBody *ret_body);

#endif

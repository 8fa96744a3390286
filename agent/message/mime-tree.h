/* SPDX-License-Identifier: MIT */
/*
 * mime-tree: the parts of a stored message and where each lies in the file.
 *
 * The boundaries are found by our own scan over the file and not by GMime's parser: GMime gives no
 * offsets for multiparts, returns nothing for messages with a strange header, cuts header values at
 * a NUL, and goes as deep as the message says. What the headers mean (types, parameters, charsets,
 * encodings) is GMime's, and tests/unit/test-mime-oracle.c holds the tree against the one that
 * GMime's parser builds. The contents stay in the file; the tree of a 100 MB message is a few
 * hundred bytes.
 */
#ifndef TODOKE_MIME_TREE_H
#define TODOKE_MIME_TREE_H

#include "agent/message/headers.h"
#include "agent/message/message.h"
#include "agent/message/mime.h"

/* One part. Offsets are of the file. */
typedef struct {
	/* number of the part that holds it; MIME_NO_PARENT for the message itself */
	size_t parent;
	/*
	 * number of the first part that is not inside it: its descendants are (own number, after)
	 */
	size_t after;
	unsigned depth; /* 0: the message itself */
	/* "text" / "plain" where nothing is said; "message" / "rfc822" in a digest */
	MimeValue type;
	MimeValue disposition; /* .type is NULL: none */
	MimeEncoding encoding;
	/* first octet of the part's header; of the message itself: 0, it is not in this file */
	off_t header_at;
	off_t body_at; /* behind the empty line */
	/*
	 * behind the last octet; the line end before a boundary is the boundary's (RFC 2046 5.1.1)
	 */
	off_t end;
	/* a multipart or message that was not looked into: too deep, encoded, no boundary ... */
	bool unopened;
} MimePart;

#define MIME_NO_PARENT ((size_t) -1)

typedef struct MimeTree MimeTree;

/*
 * Find the parts of a message with these fields and this body (both borrowed: they live as long as
 * the tree). Bounds: LIMIT_MIME_DEPTH, LIMIT_MIME_PARTS, LIMIT_MIME_PART_HEADER; what is beyond
 * them is content of the last part that was opened. NULL: STATUS_CONFIG (no module), STATUS_IO. For
 * a message without the module use mime_tree_new_opaque.
 */
MimeTree *mime_tree_new(Headers *headers, const MessageBody *body, Status *st);

/* The message as one text part, nothing looked into: for callers that go on without meaning. */
MimeTree *mime_tree_new_opaque(Headers *headers, const MessageBody *body);

/*
 * The message's fields are these now; those that say what it is made of (Content-*) are what they
 * were.
 */
void mime_tree_set_headers(MimeTree *tree, Headers *headers);

void mime_tree_free(MimeTree *tree);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MimeTree, mime_tree_free)

/* Parts in the order of the message; number 0 is the message itself. */
size_t mime_tree_count(const MimeTree *tree);
const MimePart *mime_tree_part(const MimeTree *tree, size_t i);

/* Was there more than the bounds allow? */
bool mime_tree_is_cut(const MimeTree *tree);

/* Is it a multipart, or a message inside one? */
bool mime_part_is(const MimePart *part, const char *type, const char *subtype);

/*
 * The fields of part `i` (of the message itself: the `headers` of mime_tree_new). Caller unrefs.
 * NULL: STATUS_IO.
 */
Headers *mime_tree_headers(const MimeTree *tree, size_t i, Status *st);

/* Bytes that were taken out of a part. Clear with mime_bytes_clear. */
typedef struct {
	char *data; /* a NUL follows that does not count */
	size_t len;
	bool cut;    /* there was more than `limit` */
	char *guess; /* of mime_tree_text: which charset was guessed; NULL: none */
} MimeBytes;

void mime_bytes_clear(MimeBytes *bytes);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MimeBytes, mime_bytes_clear)

/* The body of part `i` as it stands in the file, at most `limit` octets. Fault: STATUS_IO. */
bool mime_tree_raw(const MimeTree *tree, size_t i, size_t limit, MimeBytes *ret_bytes, Status *st);

/*
 * Octets [from, to) of the file as they stand, at most `limit`: what lies between parts. Faults as
 * mime_tree_raw.
 */
bool mime_tree_range(const MimeTree *tree, off_t from, off_t to, size_t limit, MimeBytes *ret_bytes,
                     Status *st);

/*
 * The body of part `i` with its transfer encoding undone, at most `limit` octets: may hold
 * anything. False: `st` says why.
 */
bool
mime_tree_content(const MimeTree *tree, size_t i, size_t limit, MimeBytes *ret_bytes, Status *st);

typedef enum { MIME_TEXT_AS_IT_IS, MIME_TEXT_WITHOUT_MARKUP } MimeTextForm;

/*
 * The text of part `i` in UTF-8: transfer encoding undone, charset converted (guessed where it must
 * be; HTML may name its own), at most `limit` octets before the conversion. WITHOUT_MARKUP makes
 * text of text/html (RFC 5173 5.3). False: `st` says why.
 */
bool mime_tree_text(const MimeTree *tree, size_t i, size_t limit, MimeTextForm form,
                    MimeBytes *ret_bytes, Status *st);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * sieve-mime: the parts of the message as it is now, for the extensions that look into it (RFC
 * 5173, RFC 5703).
 *
 * The tree of parts is made when the first one asks and kept until the message or its header
 * changes; so are the decoded contents. Loops of foreverypart are noted here, because a replaced
 * part changes where they go on.
 */
#ifndef TODOKE_SIEVE_MIME_H
#define TODOKE_SIEVE_MIME_H

#include "agent/message/mime-tree.h"
#include "filters/sieve/run/sieve-grams.h"
#include "filters/sieve/run/sieve-run.h"

/* A loop over parts [at, end), innermost first; lies on the stack of who runs it. */
typedef struct SieveLoop {
	const char *name; /* NULL: it has none */
	size_t at;
	size_t next;
	size_t end;
	struct SieveLoop *outer;
} SieveLoop;

/* What is kept for a run: the state of `mime`. */
typedef struct {
	MimeTree *tree;
	Headers *headers; /* what it was made of */
	Message *message;
	struct SieveMimePart *parts;
	size_t cached;   /* octets of contents */
	size_t held;     /* octets of grams */
	guint64 asked;   /* commands that asked for contents */
	SieveLoop *loop; /* NULL: none runs */
} SieveMime;

void sieve_mime_clear(void *state);
SieveMime *sieve_mime_state(SieveRun *run);

/*
 * The parts of the message; NULL after a fault. Borrowed until the message or its header changes.
 */
const MimeTree *sieve_mime_tree(SieveRun *run);

/* The part that the innermost loop is at; 0, the message itself, outside of loops. */
size_t sieve_mime_current(SieveRun *run);

/*
 * sieve_run_set_headers where only fields of that name were edited: the tree stays what it is,
 * unless it is Content-*.
 */
void sieve_mime_set_headers(SieveRun *run, SieveText name, Headers *headers);

/* The fields of a part, borrowed like the tree; NULL after a fault. */
Headers *sieve_mime_headers(SieveRun *run, size_t part);

/* What of a part is wanted. Line ends are CRLF in all of them (RFC 5173 4). */
typedef enum {
	SIEVE_PART_RAW,     /* as it stands */
	SIEVE_PART_CONTENT, /* transfer encoding undone; UTF-8 if it is text */
	SIEVE_PART_TEXT,    /* the same without the markup of HTML */
	SIEVE_PART_FORMS,
} SieveMimeForm;

/*
 * The body of a part, at most sieve_max_part_size octets of it; paid for. Lives until the message
 * or its header changes, and at least until the command ends.
 */
bool sieve_mime_part(SieveRun *run, size_t part, SieveMimeForm form, SieveText *ret_text);

/*
 * What sieve_mime_part would give, as grams; made for the second command of a run that asks, as
 * most have but one. *ret_grams is NULL where there are none. Borrowed as contents are. False: a
 * fault of sieve_mime_part.
 */
bool sieve_mime_grams(SieveRun *run, size_t part, SieveMimeForm form, const SieveGrams **ret_grams);

/* Octets between parts, such as a preamble: in run->scratch. */
bool sieve_mime_range(SieveRun *run, off_t from, off_t to, SieveText *ret_text);

/* Forget contents where there are too many; call before the first sieve_mime_part of a command. */
void sieve_mime_trim(SieveRun *run);

/*
 * Make this the message, with these fields (both taken over; NULL: the fields stay). Loops that run
 * end behind their present round: the parts that they went over are no more. Counted
 * (LIMIT_SIEVE_REPLACES) and paid for.
 */
bool
sieve_mime_set_message(SieveRun *run, const SieveCall *call, Headers *headers, Message *message);

/* Put `entity`, a header and a body, in the place of part `part` (not 0). Loops go on behind it. */
bool sieve_mime_replace_part(SieveRun *run, const SieveCall *call, size_t part, const char *entity,
                             size_t len);

/* The fields as they are written, each with its line end. */
GString *sieve_mime_print_headers(const Headers *headers);

/*
 * A MIME entity: its fields and its body, with the line ends of the message. Clear with
 * sieve_entity_clear.
 */
typedef struct {
	Headers *headers;
	GString *body;
} SieveEntity;

void sieve_entity_clear(SieveEntity *entity);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SieveEntity, sieve_entity_clear)

/* Text of the script as an entity of type text/plain in UTF-8, with `n` further fields. */
bool sieve_mime_compose(SieveRun *run, const MimeField *fields, size_t n, SieveText text,
                        SieveEntity *ret_entity);

/* Text of the script that is an entity: fields, an empty line, the body. */
void sieve_mime_read_entity(SieveRun *run, SieveText text, SieveEntity *ret_entity);

/* The entity as a part: all of it but MIME-Version, which only messages have. Caller frees. */
GString *sieve_mime_print_part(const SieveEntity *entity);

/* A fault of the parsed view: for the log, at the call that runs. Always false. */
bool sieve_mime_fail(SieveRun *run, const Status *fault);

#endif

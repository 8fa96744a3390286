/* SPDX-License-Identifier: MIT */
/*
 * headers: the header block of a message as a list of fields, and edited versions of it.
 *
 * A field is a slice of the bytes as they came; nothing is decoded, unfolded or copied. A list is
 * built by appending and only read afterwards, so it can be shared: an edit is a new list that
 * shares the untouched fields of the old one, so it costs only what it touches,
 * however long the header is. Whatever is not edited is written byte for byte.
 */
#ifndef TODOKE_HEADERS_H
#define TODOKE_HEADERS_H

#include <glib.h>
#include <stdbool.h>
#include <string.h>

typedef struct {
	/*
	 * the field as it stands: name, colon, value, folds and line ends; borrowed from the list
	 */
	const char *bytes;
	guint32 len;
	/*
	 * 0: no field but stray lines that are kept: a fold before the first field, or lines
	 * between fields
	 */
	guint32 name_len;
	guint32 value_at; /* offset of the first octet after the colon */
	guint32 line;     /* line of the message as it came, from 1; 0: we added the field */
	guint32 hash;     /* of the name, folded to lower case */
} HeaderField;

typedef struct Headers Headers;

/*
 * An empty list whose own lines end in `newline` ("\n" or "\r\n"). What the fields of `base` (may
 * be NULL) are made of lives as long as the new list: they may be appended. `base` itself need not
 * live.
 */
Headers *headers_new(Headers *base, const char *newline);
Headers *headers_ref(Headers *headers);
void headers_unref(Headers *headers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Headers, headers_unref)

/* Append a field of `base`, or one of a list that lives as long as this one. */
void headers_append(Headers *headers, const HeaderField *field);

/*
 * Append the fields [first, end) of the list's base: shared, whoever edits again and again copies
 * nothing.
 */
void headers_append_range(Headers *headers, const Headers *base, size_t first, size_t end);

/* Append all fields of the base from `first` on; few are copied. */
void headers_append_from(Headers *headers, const Headers *base, size_t first);

/*
 * Octets of memory that the list adds to what it shares with its base, and those that say in which
 * order its fields stand, which go when nobody holds the list any more; the others stay with lists
 * that were made from it.
 */
size_t headers_held(const Headers *headers);
size_t headers_order_bytes(const Headers *headers);

/* Append "name: value" as a field of our own; line ends in `value` become folds. */
void headers_append_text(Headers *headers, const char *name, const char *value);

/*
 * Put `bytes`, as many as field `i` has, in its place: a field of our own (line 0), and whoever
 * borrowed it sees them too.
 */
void headers_overwrite(Headers *headers, size_t i, const char *bytes);

/* Append `field` under another name: what follows the name stays byte for byte. */
void headers_append_renamed(Headers *headers, const HeaderField *field, const char *name);

/*
 * Index the lines of a header block that never moves. *ret_ended says that the end was seen: an
 * empty line, a limit, or `at_eof`; call headers_index with more bytes until it was. Returns the
 * octets that belong to the header, the empty line not included, once the end was seen; before
 * that, those that were looked at, which the next call wants as `done`. It is seen at the latest
 * when `len` is two more than LIMIT_HEADER_BYTES, and in the same place in whatever parts the
 * octets come.
 *
 * Lines that are no field ("From ", ">From ", a fold that lost its blank) are kept as strays:
 * readers of mail read on, so rules must. They are the body's first lines where no field follows
 * and either none stands above or no empty line comes.
 */
size_t headers_index(Headers *headers, const char *block, size_t len, size_t done, bool at_eof,
                     bool *ret_ended);

/*
 * The fields of a whole block, such as the header of a part. Takes `block` (g_malloc). *ret_len:
 * the octets that belong to the header, as headers_index says. Caller unrefs.
 */
Headers *headers_take_block(char *block, size_t len, size_t *ret_len);

size_t headers_count(const Headers *headers);
const HeaderField *headers_get(const Headers *headers, size_t i);

/*
 * The fields from *i (there is one) on whose octets stand side by side: one piece of *ret_len
 * octets. *i becomes the first behind them.
 */
const char *headers_piece(const Headers *headers, size_t *i, size_t *ret_len);

/* What ends our own lines. */
const char *headers_newline(const Headers *headers);

/*
 * The next field of that name at or after *pos; *pos becomes the place after it. NULL: no more.
 * Start with *pos = 0. Names compare without case (RFC 5322 1.2.2).
 */
const HeaderField *headers_next(const Headers *headers, const char *name, size_t *pos);

/* The hash of a name, as in HeaderField. */
guint32 headers_hash(const char *name, size_t len);

/* Where a stamp of ours goes: on top, but behind lines that would become a fold of it. */
size_t headers_top(const Headers *headers);

/*
 * Is this the field's name (without case)? Here, so that the length of a literal is known: each
 * field is asked for some names.
 */
static inline bool
header_field_is(const HeaderField *field, const char *name)
{
	size_t len = strlen(name);
	/* names differ most often in their last letter, whatever its case */
	return field->name_len == len && len > 0 &&
	       ((field->bytes[len - 1] ^ name[len - 1]) & ~('a' - 'A')) == 0 &&
	       g_ascii_strncasecmp(field->bytes, name, len) == 0;
}

/* The name as it is spelled. Caller frees. */
char *header_field_name(const HeaderField *field);

/*
 * The value unfolded (line ends dropped, RFC 5322 2.2.3) and trimmed; bytes as they are, NULs kept
 * out. Caller frees.
 */
char *header_field_value(const HeaderField *field);

/* Name and value as one printable line of UTF-8 for people, cut after `max_bytes`. Caller frees. */
char *header_field_print(const HeaderField *field, size_t max_bytes);

/* Text of a stranger made printable in the same way. Caller frees. */
char *header_text_print(const char *text, size_t max_bytes);

#endif

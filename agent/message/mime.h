/* SPDX-License-Identifier: MIT */
/*
 * mime: what the bytes of a message mean, by GMime.
 *
 * GMime costs 2.5 ms a process to load, so it lives in a module, todoke-mime.so, which is opened
 * only when a rule asks for something that is not plain (mime-plain.h). If the module cannot be
 * opened, every function here that needs it sets STATUS_CONFIG: no mail is lost by it, callers say
 * so once and go on with the raw bytes.
 *
 * All text that comes out is valid UTF-8 without NULs. Where the charset is not said, or is said
 * wrongly, it is guessed:
 *   1. escape sequences of ISO-2022 (JP; CN and KR too) are believed, whatever the label says:
 *      nothing else writes them;
 *   2. the label (as WHATWG reads labels: iso-8859-1 is windows-1252, shift_jis is cp932, gb2312 is
 *      gb18030 ...), if all bytes fit it, or nearly all;
 *   3. UTF-8, if the bytes are valid UTF-8, or but for a few that a careless cut damaged;
 *   4. EUC-JP or Shift_JIS, if the bytes fit and read like Japanese (kana, or runs of common
 *      kanji); gb18030, if they read more like Chinese (the most frequent characters, and no kana);
 *   5. koi8-r or windows-1251, if most of the 8-bit octets are letters there, in words of three and
 *      more that keep to one case behind their first letter (before 4, where there are six such
 *      letters);
 *   6. windows-1252, in which everything is something.
 * A field's octets that no encoded word labels are UTF-8 where they are valid, else in the charset
 * of the Content-Type beside the field, where it fits all of them and is not just iso-8859-1, which
 * programs write without looking; else 3 to 6. `ret_guess` then says in a few words what was taken
 * for what, for the trace: "windows-1252 for us-ascii".
 */
#ifndef TODOKE_MIME_H
#define TODOKE_MIME_H

#include "agent/base/status.h"
#include "agent/message/headers.h"

/*
 * A parameter of Content-Type or Content-Disposition: the name in lower case, the value decoded
 * (RFC 2231, encoded words wherever they stand).
 */
typedef struct {
	char *name;
	char *value;
} MimeParam;

/*
 * A structured value such as "text/plain; charset=utf-8" or "attachment; filename=a": words in
 * lower case.
 */
typedef struct {
	char *type;
	char *subtype; /* NULL: a disposition has none */
	MimeParam *params;
	size_t n_params;
	/*
	 * octets as the lines of the body have them, nothing decoded or converted; NULL: no such
	 * parameter
	 */
	char *boundary;
} MimeValue;

/*
 * Header text (folded or not; `hint`: the charset for octets without a label, or NULL) as people
 * read it: unfolded, trimmed, encoded words decoded (RFC 2047, the usual damage included), charsets
 * guessed. *ret_guess (may be NULL) becomes NULL where nothing was guessed. Plain text
 * (mime-plain.h) needs no module. Caller frees both. False: the module is missing.
 */
bool mime_decode_text(const char *value, size_t len, const char *hint, char **ret_text,
                      char **ret_guess, Status *st);

/*
 * mime_decode_text of a field's value, with the hint of the fields that it stands `beside` (may be
 * NULL). False: the module is missing.
 */
bool mime_decode_field(const HeaderField *field, const Headers *beside, char **ret_text,
                       char **ret_guess, Status *st);

/*
 * The charset that the Content-Type among these fields names, if `value` has octets that need one:
 * beyond ASCII and no UTF-8. NULL: it needs none, or nothing is said. Caller frees.
 */
char *mime_charset_hint(const Headers *beside, const char *value, size_t len);

/*
 * Bytes in `charset` (NULL: not said) to UTF-8. Valid UTF-8 that is said to be so, and ASCII, need
 * no module. Caller frees. False: the module is missing.
 */
bool mime_to_utf8(const char *bytes, size_t len, const char *charset, char **ret_text,
                  size_t *ret_len, char **ret_guess, Status *st);

/*
 * Parse the value of a Content-Type field; what cannot be read is "text/plain" (RFC 2045 5.2).
 * False: the module is missing. Clear *ret_value with mime_value_clear.
 */
bool
mime_parse_type(const char *value, size_t len, const char *hint, MimeValue *ret_value, Status *st);

/*
 * Parse the value of a Content-Disposition field; an empty one is "attachment" (RFC 2183 2.8:
 * unknown is attachment). False: the module is missing.
 */
bool mime_parse_disposition(const char *value, size_t len, const char *hint, MimeValue *ret_value,
                            Status *st);

/*
 * The first parameter of that name (lower case), or NULL: "filename" and "filename*" of one value
 * are two of one name.
 */
const char *mime_value_param(const MimeValue *value, const char *name);

void mime_value_clear(MimeValue *value);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MimeValue, mime_value_clear)

/*
 * How the bytes of a part are written for the wire (RFC 2045 6). Unknown ones are taken as they
 * are.
 */
typedef enum { MIME_PLAIN, MIME_BASE64, MIME_QUOTED, MIME_UUENCODED } MimeEncoding;

/* The encoding that a Content-Transfer-Encoding value names. */
MimeEncoding mime_encoding(const char *value, size_t len);

/* What a field of a composed message holds. */
typedef enum {
	/* written as it is, folded where long: ids, dates, structured values in ASCII */
	MIME_FIELD_RAW,
	MIME_FIELD_TEXT,      /* UTF-8 text; encoded words where needed: Subject */
	MIME_FIELD_ADDRESSES, /* an address list with names in UTF-8: From, To */
} MimeFieldKind;

typedef struct {
	const char *name;
	const char *value;
	MimeFieldKind kind;
} MimeField;

/* A part to compose. Nothing is owned. */
typedef struct MimeDraft {
	const MimeField *fields; /* the part's own fields besides Content-* */
	size_t n_fields;
	/* "text/plain", "multipart/report; report-type=delivery-status", "message/rfc822" */
	const char *type;
	const char *disposition; /* "attachment; filename=x", or NULL */
	const char *description; /* Content-Description in UTF-8, or NULL */
	/* text/...: UTF-8, labelled so, encoded as it must be; message/...: bytes as they stand */
	const void *data;
	size_t len;
	const struct MimeDraft *children; /* of a multipart */
	size_t n_children;
} MimeDraft;

/*
 * Compose a message: fields in their order, MIME-Version, the parts with boundaries. Line ends are
 * LF. Line ends in field values cannot smuggle in fields. Faults: STATUS_CONFIG (no module),
 * STATUS_LIMIT (deeper than LIMIT_MIME_DEPTH).
 */
bool mime_compose(const MimeDraft *draft, GBytes **ret_message, Status *st);

#endif

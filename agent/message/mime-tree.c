/* SPDX-License-Identifier: MIT */
/*
 * mime-tree: one pass over the body finds where the parts begin and end; what they hold is read
 * when it is asked for.
 */
#define _GNU_SOURCE
#include "agent/message/mime-tree.h"

#include "agent/base/limits.h"
#include "agent/message/html-text.h"
#include "agent/message/mime-load.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { WINDOW_BYTES = 64 * 1024, HTML_HEAD_BYTES = 1024, SAMPLE_BYTES = 2048 };

struct MimeTree {
	Headers *headers;
	MessageBody body;
	GArray *parts; /* MimePart */
	bool cut;
};

static void
clear_part(gpointer data)
{
	MimePart *part = data;
	mime_value_clear(&part->type);
	mime_value_clear(&part->disposition);
}

static MimeTree *
tree_new(Headers *headers, const MessageBody *body)
{
	MimeTree *tree = g_new0(MimeTree, 1);

	tree->headers = headers_ref(headers);
	tree->body = *body;
	tree->parts = g_array_new(FALSE, TRUE, sizeof(MimePart));
	g_array_set_clear_func(tree->parts, clear_part);

	return tree;
}

void
mime_tree_free(MimeTree *tree)
{
	if (tree == NULL)
		return;
	headers_unref(tree->headers);
	g_array_unref(tree->parts);
	g_free(tree);
}

static MimePart *
tree_part(const MimeTree *tree, size_t i)
{
	return &g_array_index(tree->parts, MimePart, i);
}

static off_t
tree_end(const MimeTree *tree)
{
	return tree->body.offset + tree->body.size;
}

/*
 * Read until `len` octets are there or the file ends, which is a fault: the message became shorter.
 */
static bool
read_at(int fd, char *data, size_t len, off_t at, Status *st)
{
	while (len > 0) {
		ssize_t n = pread(fd, data, len, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return status_fail_errno(st, errno, "cannot read the stored message");
		if (n == 0)
			return status_fail_detail(
				st, STATUS_IO,
				"the stored message became shorter while it was read");
		data += n;
		len -= (size_t) n;
		at += n;
	}
	return true;
}

/* A boundary that is open, innermost last. */
typedef struct {
	const char *text; /* of the part's type */
	size_t len;
} Boundary;

/* The pass over the body. */
typedef struct {
	MimeTree *tree;
	char *window;
	off_t window_at;
	size_t window_len;
	Boundary boundaries[LIMIT_MIME_DEPTH];
	size_t n_boundaries;
	Status *st;
} Scan;

/* A delimiter line, or the end of the body (level NO_LEVEL). */
typedef struct {
	size_t level; /* which of the open boundaries */
	bool close;   /* "--boundary--" */
	off_t line_at;
	off_t after; /* where the next line begins */
} Delimiter;

#define NO_LEVEL ((size_t) -1)

/*
 * The octets at `at`: `want` of them, or as many as the body has. A fault looks like the end of the
 * body.
 */
static const char *
look(Scan *scan, off_t at, size_t want, size_t *ret_len)
{
	off_t left = tree_end(scan->tree) - at;
	off_t have = scan->window_at + (off_t) scan->window_len - at;

	if (at < scan->window_at || have < MIN((off_t) want, left)) {
		scan->window_at = at;
		scan->window_len = (size_t) CLAMP(left, 0, WINDOW_BYTES);
		if (scan->st->id != STATUS_OK ||
		    !read_at(scan->tree->body.fd, scan->window, scan->window_len, at, scan->st))
			scan->window_len = 0;
		have = (off_t) scan->window_len;
	}

	*ret_len = (size_t) have;
	return scan->window + (at - scan->window_at);
}

/* Where the line at `at` ends: behind its LF, or `stop`. */
static off_t
line_after(Scan *scan, off_t at, off_t stop)
{
	while (at < stop) {
		size_t have;
		const char *from = look(scan, at, 1, &have);
		if (have == 0)
			return stop;
		const char *end = memchr(from, '\n', have);
		if (end != NULL)
			return at + (end - from) + 1;
		at += (off_t) have;
	}
	return at;
}

/* Is it "--" and, with `whole`, nothing else? */
static bool
is_close(const char *text, size_t len, bool whole)
{
	return (whole ? len == 2 : len >= 2) && text[0] == '-' && text[1] == '-';
}

/*
 * Is the line, which starts with "--" and has no blanks at its end, a delimiter of an open
 * boundary? Other text may stand behind the boundary (RFC 2046 5.1.1: "it is sufficient that the
 * boundary appear in its entirety"), but a line that is exactly one of the open boundaries is that
 * one; else it is the longest that it begins with.
 */
static bool
match_boundary(const Scan *scan, const char *line, size_t len, Delimiter *delimiter)
{
	const char *text = line + 2;
	size_t text_len = len - 2, longest = 0;

	for (size_t level = scan->n_boundaries; level-- > 0;) {
		const Boundary *boundary = &scan->boundaries[level];
		if (text_len < boundary->len || memcmp(text, boundary->text, boundary->len) != 0)
			continue;

		const char *rest = text + boundary->len;
		size_t rest_len = text_len - boundary->len;
		bool exact = rest_len == 0 || is_close(rest, rest_len, true);
		if (!exact && boundary->len <= longest)
			continue;
		longest = boundary->len;
		delimiter->level = level;
		delimiter->close = is_close(rest, rest_len, false);
		if (exact)
			return true;
	}

	return longest > 0;
}

/* Is there a delimiter line at `at`, where a line begins? */
static bool
delimiter_at(Scan *scan, off_t at, Delimiter *delimiter)
{
	size_t have;
	const char *line = look(scan, at, LIMIT_MIME_BOUNDARY * 2, &have);
	if (have < 2 || line[0] != '-' || line[1] != '-')
		return false;

	size_t room = MIN(have, LIMIT_MIME_BOUNDARY * 2);
	const char *end = memchr(line, '\n', room);
	size_t len = end != NULL ? (size_t) (end - line) : room;
	while (len > 2 && g_ascii_isspace(line[len - 1]))
		len--;
	if (!match_boundary(scan, line, len, delimiter))
		return false;

	delimiter->line_at = at;
	delimiter->after = line_after(scan, at, tree_end(scan->tree));
	return true;
}

/* The next delimiter line at or behind `at`, where a line begins. */
static Delimiter
find_delimiter(Scan *scan, off_t at)
{
	Delimiter delimiter = { NO_LEVEL, false, tree_end(scan->tree), tree_end(scan->tree) };
	if (scan->n_boundaries == 0 || delimiter_at(scan, at, &delimiter))
		return delimiter;

	for (;;) {
		size_t have;
		const char *from = look(scan, at, 3, &have);
		const char *found = have >= 3 ? memmem(from, have, "\n--", 3) : NULL;
		if (have < 3)
			return (Delimiter){ NO_LEVEL, false, tree_end(scan->tree),
				            tree_end(scan->tree) };
		at += found != NULL ? found - from + 1 : (off_t) have - 2;
		if (found != NULL && delimiter_at(scan, at, &delimiter))
			return delimiter;
	}
}

/* The length of an empty line at `at`; 0: the line is not empty. */
static unsigned
empty_line(Scan *scan, off_t at)
{
	size_t have;
	const char *line = look(scan, at, 2, &have);
	if (have >= 1 && line[0] == '\n')
		return 1;
	return have >= 2 && line[0] == '\r' && line[1] == '\n' ? 2 : 0;
}

/*
 * Where a header that begins at `at` must end at the latest: behind the empty line, at a delimiter,
 * at a limit.
 */
static off_t
header_stop(Scan *scan, off_t at)
{
	off_t stop = MIN(at + (off_t) LIMIT_MIME_PART_HEADER, tree_end(scan->tree));
	Delimiter delimiter;
	while (at < stop && empty_line(scan, at) == 0 && !delimiter_at(scan, at, &delimiter))
		at = line_after(scan, at, stop);
	return at < stop ? at + empty_line(scan, at) : stop;
}

static Headers *
read_headers(const MimeTree *tree, off_t at, off_t stop, size_t *ret_len, Status *st)
{
	size_t len = (size_t) (stop - at);
	g_autofree char *block = g_malloc(len + 1);
	if (!read_at(tree->body.fd, block, len, at, st))
		return NULL;
	return headers_take_block(g_steal_pointer(&block), len, ret_len);
}

static const HeaderField *
find_field(const Headers *headers, const char *name)
{
	size_t pos = 0;
	return headers_next(headers, name, &pos);
}

static void
set_type(MimePart *part, const char *type, const char *subtype)
{
	part->type = (MimeValue){ .type = g_strdup(type), .subtype = g_strdup(subtype) };
}

typedef bool (*StructureReader)(const char *value, size_t len, const char *hint,
                                MimeValue *ret_value, Status *st);

static bool
read_structured(const Headers *headers, const HeaderField *field, StructureReader read,
                MimeValue *ret_value, Status *st)
{
	const char *value = field->bytes + field->value_at;
	size_t len = field->len - field->value_at;
	g_autofree char *hint = mime_charset_hint(headers, value, len);
	return read(value, len, hint, ret_value, st);
}

/* What the fields of a part say of it. The first of doubled fields counts. */
static bool
read_meaning(const Headers *headers, bool in_digest, MimePart *part, Status *st)
{
	const HeaderField *encoding = find_field(headers, "Content-Transfer-Encoding");

	if (encoding != NULL)
		part->encoding = mime_encoding(encoding->bytes + encoding->value_at,
		                               encoding->len - encoding->value_at);
	const HeaderField *disposition = find_field(headers, "Content-Disposition");
	if (disposition != NULL &&
	    !read_structured(headers, disposition, mime_parse_disposition, &part->disposition, st))
		return false;

	const HeaderField *type = find_field(headers, "Content-Type");
	if (type != NULL)
		return read_structured(headers, type, mime_parse_type, &part->type, st);

	set_type(part, in_digest ? "message" : "text", in_digest ? "rfc822" : "plain");
	return true;
}

static bool
is_nested_message(const MimePart *part)
{
	return mime_part_is(part, "message", "rfc822") || mime_part_is(part, "message", "global") ||
	       mime_part_is(part, "message", "news");
}

/*
 * Does a message's header begin here as it stands? Nested messages must not be encoded (RFC 2046
 * 5.2.1), and many of those that say so are not: then a colon stands above the empty line, which
 * base64 does not have.
 */
static bool
begins_header(Scan *scan, off_t at)
{
	size_t have;
	const char *text = look(scan, at, SAMPLE_BYTES, &have);
	size_t len = MIN(have, SAMPLE_BYTES);
	const char *end = memmem(text, len, "\n\n", 2);

	if (end == NULL)
		end = memmem(text, len, "\n\r\n", 3);
	size_t header_len = end != NULL ? (size_t) (end - text) : len;
	bool uuencoded = len >= 6 && memcmp(text, "begin ", 6) == 0;

	return len == 0 || (!uuencoded && memchr(text, ':', header_len) != NULL);
}

/* The boundary of a multipart as its lines show it; false: there is none. */
static bool
part_boundary(const MimePart *part, Boundary *ret_boundary)
{
	const char *text = mime_part_is(part, "multipart", NULL) ? part->type.boundary : NULL;
	size_t len = text != NULL ? strlen(text) : 0;

	/* RFC 2046 5.1.1: it cannot end in a blank */
	while (len > 0 && g_ascii_isspace(text[len - 1]))
		len--;
	*ret_boundary = (Boundary){ text, len };
	return len > 0 && len <= LIMIT_MIME_BOUNDARY;
}

/*
 * Append a part and what its fields say. `at`: its header, in a part of the body; the fields of the
 * message are known.
 */
static size_t
add_part(Scan *scan, size_t parent, off_t at)
{
	MimeTree *tree = scan->tree;
	off_t header_at = parent == MIME_NO_PARENT ? 0 : at;
	MimePart part = {
		.parent = parent, .header_at = header_at, .body_at = at, .end = tree_end(tree)
	};
	g_autoptr(Headers) headers = NULL;
	bool in_digest = false;

	if (parent == MIME_NO_PARENT) {
		headers = headers_ref(tree->headers);
	} else {
		size_t len = 0;
		headers = read_headers(tree, at, header_stop(scan, at), &len, scan->st);
		part.body_at += (off_t) len;
		part.depth = tree_part(tree, parent)->depth + 1;
		in_digest = mime_part_is(tree_part(tree, parent), "multipart", "digest");
	}

	part.body_at += empty_line(scan, part.body_at);
	if (headers == NULL || !read_meaning(headers, in_digest, &part, scan->st))
		set_type(&part, "text", "plain");
	g_array_append_val(tree->parts, part);

	return tree->parts->len - 1;
}

/* The octets of the line end before `at`, no further back than `floor`. */
static off_t
line_end_before(Scan *scan, off_t at, off_t floor)
{
	size_t have;
	off_t from = MAX(at - 2, floor);
	const char *tail = look(scan, from, 2, &have);
	size_t len = (size_t) (at - from);

	if (len == 0 || have < len || tail[len - 1] != '\n')
		return 0;
	return len == 2 && tail[0] == '\r' ? 2 : 1;
}

/*
 * Write down where a part ends: the line end before the delimiter is not part of it, even if that
 * is the empty line behind its header. Then the parts in it, which took that line end for their
 * own, end here too.
 */
static void
end_part(Scan *scan, size_t index, const Delimiter *delimiter)
{
	MimePart *part = tree_part(scan->tree, index);
	off_t floor = part->parent == MIME_NO_PARENT ? part->body_at : part->header_at,
	      end = delimiter->line_at;

	if (delimiter->level != NO_LEVEL)
		end -= line_end_before(scan, end, floor);
	part->after = scan->tree->parts->len;
	part->end = end;
	part->body_at = MIN(part->body_at, end);

	for (size_t i = index + 1; i < part->after; i++) {
		MimePart *inner = tree_part(scan->tree, i);
		inner->header_at = MIN(inner->header_at, end);
		inner->body_at = MIN(inner->body_at, end);
		inner->end = MIN(inner->end, end);
	}
}

static Delimiter scan_part(Scan *scan, size_t parent, off_t at);

/* May another part be opened below `index`? */
static bool
has_room(Scan *scan, size_t index)
{
	bool room = tree_part(scan->tree, index)->depth < LIMIT_MIME_DEPTH &&
	            scan->tree->parts->len < LIMIT_MIME_PARTS;
	scan->tree->cut = scan->tree->cut || !room;
	return room && scan->st->id == STATUS_OK;
}

static Delimiter
scan_multipart(Scan *scan, size_t index, const Boundary *boundary)
{
	size_t level = scan->n_boundaries;

	scan->boundaries[scan->n_boundaries++] = *boundary;
	Delimiter delimiter = find_delimiter(scan, tree_part(scan->tree, index)->body_at);
	while (delimiter.level == level && !delimiter.close && has_room(scan, index))
		delimiter = scan_part(scan, index, delimiter.after);
	scan->n_boundaries = level;

	/* Behind the last delimiter comes the epilogue, to the end of whoever holds this part. */
	return delimiter.level == level ? find_delimiter(scan, delimiter.after) : delimiter;
}

/* One part and what is in it; returns the delimiter that ended it. Depth is bounded by has_room. */
static Delimiter
scan_part(Scan *scan, size_t parent, off_t at)
{
	size_t index = add_part(scan, parent, at);
	const MimePart *part = tree_part(scan->tree, index);
	off_t body_at = part->body_at;
	bool message = is_nested_message(part) &&
	               (part->encoding == MIME_PLAIN || begins_header(scan, body_at));
	bool multipart = mime_part_is(part, "multipart", NULL);
	Boundary boundary;
	bool openable = message || (multipart && part_boundary(part, &boundary));
	Delimiter delimiter;

	if (openable && has_room(scan, index)) {
		delimiter = message ? scan_part(scan, index, body_at)
		                    : scan_multipart(scan, index, &boundary);
	} else {
		tree_part(scan->tree, index)->unopened = multipart ||
		                                         mime_part_is(part, "message", "rfc822");
		delimiter = find_delimiter(scan, body_at);
	}

	end_part(scan, index, &delimiter);
	return delimiter;
}

MimeTree *
mime_tree_new(Headers *headers, const MessageBody *body, Status *st)
{
	g_autoptr(MimeTree) tree = tree_new(headers, body);
	g_auto(Status) fault = STATUS_INIT;
	g_autofree char *window = g_malloc(WINDOW_BYTES);
	Scan scan = { .tree = tree, .window = window, .st = &fault };

	scan_part(&scan, MIME_NO_PARENT, body->offset);
	if (fault.id == STATUS_OK)
		return g_steal_pointer(&tree);

	status_move(st, &fault);
	return NULL;
}

MimeTree *
mime_tree_new_opaque(Headers *headers, const MessageBody *body)
{
	MimeTree *tree = tree_new(headers, body);
	char line[2] = "";

	/* A read that fails leaves the empty line in the text: the next one will say why. */
	ssize_t n = pread(body->fd, line, MIN((size_t) body->size, sizeof line), body->offset);
	off_t skip = n >= 1 && line[0] == '\n'                      ? 1
	             : n == 2 && line[0] == '\r' && line[1] == '\n' ? 2
	                                                            : 0;
	MimePart part = {
		.parent = MIME_NO_PARENT,
		.after = 1,
		.body_at = body->offset + skip,
		.end = body->offset + body->size,
		.unopened = true,
	};

	set_type(&part, "text", "plain");
	g_array_append_val(tree->parts, part);
	return tree;
}

void
mime_tree_set_headers(MimeTree *tree, Headers *headers)
{
	Headers *before = tree->headers;
	tree->headers = headers_ref(headers);
	headers_unref(before);
}

size_t
mime_tree_count(const MimeTree *tree)
{
	return tree->parts->len;
}

const MimePart *
mime_tree_part(const MimeTree *tree, size_t i)
{
	return tree_part(tree, i);
}

bool
mime_tree_is_cut(const MimeTree *tree)
{
	return tree->cut;
}

bool
mime_part_is(const MimePart *part, const char *type, const char *subtype)
{
	return part->type.type != NULL && strcmp(part->type.type, type) == 0 &&
	       (subtype == NULL || g_strcmp0(part->type.subtype, subtype) == 0);
}

Headers *
mime_tree_headers(const MimeTree *tree, size_t i, Status *st)
{
	const MimePart *part = tree_part(tree, i);
	size_t len;
	if (part->parent == MIME_NO_PARENT)
		return headers_ref(tree->headers);
	return read_headers(tree, part->header_at, part->body_at, &len, st);
}

void
mime_bytes_clear(MimeBytes *bytes)
{
	g_free(bytes->data);
	g_free(bytes->guess);
	*bytes = (MimeBytes){ 0 };
}

bool
mime_tree_range(const MimeTree *tree, off_t from, off_t to, size_t limit, MimeBytes *ret_bytes,
                Status *st)
{
	guint64 size = (guint64) (to - from);
	size_t len = (size_t) MIN(size, limit);
	g_autofree char *data = g_malloc(len + 1);

	if (!read_at(tree->body.fd, data, len, from, st))
		return false;
	data[len] = '\0';
	*ret_bytes = (MimeBytes){ .data = g_steal_pointer(&data), .len = len, .cut = size > limit };

	return true;
}

bool
mime_tree_raw(const MimeTree *tree, size_t i, size_t limit, MimeBytes *ret_bytes, Status *st)
{
	const MimePart *part = tree_part(tree, i);
	return mime_tree_range(tree, part->body_at, part->end, limit, ret_bytes, st);
}

/* Feed the part to the decoder until there is enough. */
static bool
decode_part(const MimeTree *tree, const MimePart *part, const MimeModule *module, size_t limit,
            GString *out, Status *st)
{
	g_autofree char *chunk = g_malloc(WINDOW_BYTES);
	MimeDecoder *decoder = module->decoder_new(part->encoding);
	bool ok = true;

	for (off_t at = part->body_at; ok && at < part->end && out->len <= limit;) {
		size_t len = (size_t) MIN(part->end - at, (off_t) WINDOW_BYTES);
		ok = read_at(tree->body.fd, chunk, len, at, st);
		at += (off_t) len;
		if (ok)
			module->decoder_step(decoder, chunk, len, at == part->end, out);
	}

	module->decoder_free(decoder);
	return ok;
}

bool
mime_tree_content(const MimeTree *tree, size_t i, size_t limit, MimeBytes *ret_bytes, Status *st)
{
	const MimePart *part = tree_part(tree, i);
	if (part->encoding == MIME_PLAIN)
		return mime_tree_raw(tree, i, limit, ret_bytes, st);

	const MimeModule *module = mime_load(st);
	g_autoptr(GString) out = g_string_new(NULL);
	if (module == NULL || !decode_part(tree, part, module, limit, out, st))
		return false;

	bool cut = out->len > limit;
	if (cut)
		g_string_truncate(out, limit);
	size_t len = out->len;
	*ret_bytes = (MimeBytes){ .data = g_string_free(g_steal_pointer(&out), FALSE),
		                  .len = len,
		                  .cut = cut };

	return true;
}

/* The charset that HTML names for itself in its head; NULL: none. Caller frees. */
static char *
html_charset(const MimeBytes *html)
{
	g_autofree char *head = g_ascii_strdown(html->data,
	                                        (gssize) MIN(html->len, HTML_HEAD_BYTES));
	const char *found = strstr(head, "charset=");
	if (found == NULL)
		return NULL;

	found += strlen("charset=");
	found += strspn(found, " \"'");
	return g_strndup(found, strspn(found, "abcdefghijklmnopqrstuvwxyz0123456789-_.:"));
}

bool
mime_tree_text(const MimeTree *tree, size_t i, size_t limit, MimeTextForm form,
               MimeBytes *ret_bytes, Status *st)
{
	const MimePart *part = tree_part(tree, i);
	g_auto(MimeBytes) bytes = { 0 };
	if (!mime_tree_content(tree, i, limit, &bytes, st))
		return false;

	bool html = mime_part_is(part, "text", "html");
	const char *charset = mime_value_param(&part->type, "charset");
	g_autofree char *own = charset == NULL && html ? html_charset(&bytes) : NULL;
	MimeBytes text = { .cut = bytes.cut };
	if (!mime_to_utf8(bytes.data, bytes.len, charset != NULL ? charset : own, &text.data,
	                  &text.len, &text.guess, st))
		return false;

	if (html && form == MIME_TEXT_WITHOUT_MARKUP) {
		GString *plain = html_text(text.data, text.len);
		g_free(text.data);
		text.len = plain->len;
		text.data = g_string_free(plain, FALSE);
	}

	*ret_bytes = text;
	return true;
}

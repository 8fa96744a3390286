/* SPDX-License-Identifier: MIT */
/*
 * headers: one pass over the bytes finds the fields. They lie in blocks that never change once
 * their list is built; an edited list has a block of its own for what is new, and runs of other
 * blocks' fields around it. So an edit costs what it touches, and a thousand of them share what
 * they left alone.
 */
#include "agent/message/headers.h"

#include "agent/base/limits.h"

#include <stdint.h>
#include <string.h>

/*
 * Fewer fields are copied where a list is made once: that is cheaper than to look for the run of
 * each.
 */
enum { SHARE_FROM = 64 };

/*
 * Fields and the bytes that are ours. A list's block keeps alive those that its runs and fields
 * point into.
 */
typedef struct Block {
	gatomicrefcount refs;
	GArray *fields; /* HeaderField */
	GPtrArray *own; /* strings of our own fields */
	size_t own_bytes;
	struct Block *base;
} Block;

/* Fields [first, first + n) of a block, which are those from number `at` on of the list. */
typedef struct {
	const Block *block;
	guint first;
	guint n;
	guint at;
} Run;

struct Headers {
	gatomicrefcount refs;
	Block *block;
	GArray *runs; /* Run; NULL: the fields of the block as they stand */
	const char *newline;
	guint32 lines; /* lines indexed so far */
	/*
	 * while indexing: where the lines begin that no field has followed yet; NO_STRAYS: nowhere
	 */
	size_t stray_at;
	guint stray_fields; /* fields above them */
};

#define NO_STRAYS ((size_t) -1)

static Block *
block_new(Block *base, guint room)
{
	Block *block = g_new0(Block, 1);

	g_atomic_ref_count_init(&block->refs);
	block->fields = g_array_sized_new(FALSE, FALSE, sizeof(HeaderField), room);
	if (base != NULL)
		g_atomic_ref_count_inc(&base->refs);
	block->base = base;

	return block;
}

static void
block_unref(Block *block)
{
	/* A loop, not recursion: a script may have edited a thousand times. */
	while (block != NULL && g_atomic_ref_count_dec(&block->refs)) {
		Block *base = block->base;
		g_array_unref(block->fields);
		if (block->own != NULL)
			g_ptr_array_unref(block->own);
		g_free(block);
		block = base;
	}
}

Headers *
headers_new(Headers *base, const char *newline)
{
	Headers *headers = g_new0(Headers, 1);
	size_t fields = base != NULL ? headers_count(base) : 48;

	g_atomic_ref_count_init(&headers->refs);
	headers->block = block_new(base != NULL ? base->block : NULL,
	                           (guint) MIN(fields, SHARE_FROM) + 4);
	headers->newline = newline;
	headers->stray_at = NO_STRAYS;

	return headers;
}

Headers *
headers_ref(Headers *headers)
{
	g_atomic_ref_count_inc(&headers->refs);
	return headers;
}

void
headers_unref(Headers *headers)
{
	if (headers == NULL || !g_atomic_ref_count_dec(&headers->refs))
		return;
	if (headers->runs != NULL)
		g_array_unref(headers->runs);
	block_unref(headers->block);
	g_free(headers);
}

/* GLib's is a call for each octet. */
static guchar
to_lower(char c)
{
	return (guchar) (c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* FNV-1a over the folded name: good enough to make a wrong strcasecmp rare. */
enum { FNV_PRIME = 16777619 };
static const guint32 fnv_basis = 2166136261u;

guint32
headers_hash(const char *name, size_t len)
{
	guint32 hash = fnv_basis;
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ to_lower(name[i])) * FNV_PRIME;
	return hash;
}

/* Put `n` fields of a block behind the list; the list has runs. */
static void
append_run(Headers *headers, const Block *block, guint first, guint n)
{
	GArray *runs = headers->runs;
	Run *last = runs->len > 0 ? &g_array_index(runs, Run, runs->len - 1) : NULL;
	if (n == 0)
		return;

	if (last != NULL && last->block == block && last->first + last->n == first) {
		last->n += n;
		return;
	}

	Run run = { block, first, n, last != NULL ? last->at + last->n : 0 };
	g_array_append_val(runs, run);
}

/* `n` fields were put behind the list's own block: they are the list's, too. */
static void
note_appended(Headers *headers, guint n)
{
	if (headers->runs != NULL)
		append_run(headers, headers->block, headers->block->fields->len - n, n);
}

static void
append_fields(Headers *headers, const HeaderField *fields, guint n)
{
	g_array_append_vals(headers->block->fields, fields, n);
	note_appended(headers, n);
}

static void
begin_runs(Headers *headers)
{
	if (headers->runs != NULL)
		return;
	headers->runs = g_array_new(FALSE, FALSE, sizeof(Run));
	append_run(headers, headers->block, 0, headers->block->fields->len);
}

void
headers_append(Headers *headers, const HeaderField *field)
{
	append_fields(headers, field, 1);
}

void
headers_append_range(Headers *headers, const Headers *base, size_t first, size_t end)
{
	begin_runs(headers);
	if (base->runs == NULL) {
		append_run(headers, base->block, (guint) first, (guint) (MAX(first, end) - first));
		return;
	}

	for (guint i = 0; i < base->runs->len; i++) {
		const Run *run = &g_array_index(base->runs, Run, i);
		size_t from = MAX(first, run->at), to = MIN(end, (size_t) run->at + run->n);
		if (from < to)
			append_run(headers, run->block, run->first + (guint) from - run->at,
			           (guint) (to - from));
	}
}

void
headers_append_from(Headers *headers, const Headers *base, size_t first)
{
	size_t end = headers_count(base);
	if (base->runs != NULL || end >= first + SHARE_FROM)
		headers_append_range(headers, base, first, end);
	else if (first < end)
		append_fields(headers, headers_get(base, first), (guint) (end - first));
}

size_t
headers_held(const Headers *headers)
{
	const Block *block = headers->block;
	return sizeof *headers + sizeof *block + block->fields->len * sizeof(HeaderField) +
	       block->own_bytes;
}

size_t
headers_order_bytes(const Headers *headers)
{
	return headers->runs != NULL ? headers->runs->len * sizeof(Run) : 0;
}

/* Take `bytes` over as a field of our own with a name of `name_len` octets. */
static void
append_own(Headers *headers, char *bytes, size_t len, size_t name_len, size_t value_at,
           guint32 line)
{
	if (headers->block->own == NULL)
		headers->block->own = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(headers->block->own, bytes);
	headers->block->own_bytes += len;

	HeaderField field = {
		.bytes = bytes,
		.len = (guint32) len,
		.name_len = (guint32) name_len,
		.value_at = (guint32) value_at,
		.line = line,
		.hash = headers_hash(bytes, name_len),
	};
	append_fields(headers, &field, 1);
}

void
headers_append_text(Headers *headers, const char *name, const char *value)
{
	GString *bytes = g_string_new(name);

	g_string_append(bytes, ": ");
	for (const char *c = value; *c != '\0';) {
		size_t plain = strcspn(c, "\r\n");
		g_string_append_len(bytes, c, (gssize) plain);
		c += plain;
		if (*c == '\n') {
			g_string_append(bytes, headers->newline);
			if (c[1] != ' ' && c[1] != '\t')
				g_string_append_c(bytes, '\t');
		}
		c += *c != '\0';
	}

	g_string_append(bytes, headers->newline);
	size_t len = bytes->len;
	append_own(headers, g_string_free(bytes, FALSE), len, strlen(name), strlen(name) + 1, 0);
}

void
headers_overwrite(Headers *headers, size_t i, const char *bytes)
{
	const HeaderField *field = headers_get(headers, i);
	g_assert(field->line == 0);
	/* of a string in headers->own */
	memcpy((char *) (uintptr_t) field->bytes, bytes, field->len);
}

void
headers_append_renamed(Headers *headers, const HeaderField *field, const char *name)
{
	size_t name_len = strlen(name), rest = field->len - field->name_len;
	char *bytes = g_malloc(name_len + rest + 1);

	memcpy(bytes, name, name_len);
	memcpy(bytes + name_len, field->bytes + field->name_len, rest);
	bytes[name_len + rest] = '\0';
	append_own(headers, bytes, name_len + rest, name_len,
	           name_len + (field->value_at - field->name_len), field->line);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/*
 * Octets of the field name that the line begins with, its hash, and where the value begins; 0 where
 * the line is no field. One pass: a header may have a hundred thousand names.
 */
static size_t
scan_name(const char *line, size_t len, size_t *ret_value_at, guint32 *ret_hash)
{
/* Octets of a name as they are hashed; 0: none of a name. */
#define SAME(n) [n] = n
#define SAME4(n) SAME(n), SAME((n) + 1), SAME((n) + 2), SAME((n) + 3)
#define LOWER(n) [n] = (n) + ('a' - 'A')
#define LOWER4(n) LOWER(n), LOWER((n) + 1), LOWER((n) + 2), LOWER((n) + 3)
	static const guchar folded[256] = {
		SAME(33),    SAME(34),    SAME(35),    SAME4(36),   SAME4(40),   SAME4(44),
		SAME4(48),   SAME4(52),   SAME(56),    SAME(57),    SAME4(59),   SAME(63),
		SAME(64),    LOWER4('A'), LOWER4('E'), LOWER4('I'), LOWER4('M'), LOWER4('Q'),
		LOWER4('U'), LOWER('Y'),  LOWER('Z'),  SAME(91),    SAME4(92),   SAME4(96),
		SAME4(100),  SAME4(104),  SAME4(108),  SAME4(112),  SAME4(116),  SAME4(120),
		SAME(124),   SAME(125),   SAME(126),
	};
	size_t name_len = 0;
	guint32 hash = fnv_basis;

	for (guchar c; name_len < len && (c = folded[(guchar) line[name_len]]) != 0; name_len++)
		hash = (hash ^ c) * FNV_PRIME;
	*ret_hash = hash;
	size_t colon = name_len;
	while (colon < len && is_blank(line[colon])) /* RFC 5322 4.5.8: a blank before the colon */
		colon++;
	if (name_len == 0 || colon >= len || line[colon] != ':')
		return 0;

	*ret_value_at = colon + 1;
	return name_len;
}

static bool
is_empty_line(const char *line, size_t len)
{
	return line[0] == '\n' || (len >= 2 && line[0] == '\r' && line[1] == '\n');
}

/*
 * Below a line that is no field, text with a colon in it is less surely a field: "12:30",
 * "http://...". A name of letters, digits and hyphens, as all that are registered.
 */
static bool
is_surely_field(const char *line, size_t len, size_t name_len, size_t value_at)
{
	if (!g_ascii_isalpha(line[0]) || value_at != name_len + 1)
		return false;

	for (size_t i = 1; i < name_len; i++)
		if (!g_ascii_isalnum(line[i]) && line[i] != '-' && line[i] != '_')
			return false;

	bool is_url = len >= value_at + 2 && line[value_at] == '/' && line[value_at + 1] == '/';
	return !is_url;
}

static bool
append_line(Headers *headers, const HeaderField *field)
{
	if (headers->block->fields->len >= LIMIT_HEADER_FIELDS)
		return false;
	g_array_append_vals(headers->block->fields, field, 1);
	return true;
}

static void
extend_last(Headers *headers, size_t len)
{
	g_array_index(headers->block->fields, HeaderField, headers->block->fields->len - 1)
		.len += (guint32) len;
}

/*
 * A line at `at` that is no field: a run of them is one stray, which is header if a field follows.
 */
static bool
index_stray(Headers *headers, const char *line, size_t len, size_t at)
{
	if (headers->stray_at != NO_STRAYS) {
		extend_last(headers, len);
		return true;
	}

	headers->stray_at = at;
	headers->stray_fields = headers->block->fields->len;
	HeaderField stray = { .bytes = line, .len = (guint32) len, .line = headers->lines + 1 };

	return append_line(headers, &stray);
}

/* Put the line at `at` into the list; false: that would be one too many. */
static bool
index_line(Headers *headers, const char *line, size_t len, size_t at)
{
	if (is_blank(line[0])) {
		HeaderField stray = { .bytes = line,
			              .len = (guint32) len,
			              .line = headers->lines + 1 };
		if (headers->block->fields->len == 0)
			return append_line(headers, &stray);
		extend_last(headers, len);
		return true;
	}

	size_t value_at = 0;
	guint32 hash;
	size_t name_len = scan_name(line, len, &value_at, &hash);
	if (name_len == 0 ||
	    (headers->stray_at != NO_STRAYS && !is_surely_field(line, len, name_len, value_at)))
		return index_stray(headers, line, len, at);

	headers->stray_at = NO_STRAYS;
	HeaderField field = {
		.bytes = line,
		.len = (guint32) len,
		.name_len = (guint32) name_len,
		.value_at = (guint32) value_at,
		.line = headers->lines + 1,
		.hash = hash,
	};
	return append_line(headers, &field);
}

/*
 * The header ends at `at`. Strays that no field has followed belong to it where an empty line ends
 * them and a field stands above: a parameter that lost its fold may be the last line. Else they are
 * body.
 */
static size_t
end_header(Headers *headers, size_t at, bool by_empty_line)
{
	if (headers->stray_at == NO_STRAYS || (by_empty_line && headers->stray_fields > 0))
		return at;
	g_array_set_size(headers->block->fields,
	                 MIN(headers->stray_fields, headers->block->fields->len));
	return headers->stray_at;
}

/*
 * A line without an end that is beyond the limit and no empty one: whatever comes, it is body. The
 * same octets must end in the same place however they come, so nothing is said before.
 */
static bool
is_surely_too_long(size_t len)
{
	return len >= LIMIT_HEADER_BYTES + strlen("\r\n");
}

size_t
headers_index(Headers *headers, const char *block, size_t len, size_t done, bool at_eof,
              bool *ret_ended)
{
	*ret_ended = false;
	while (done < len) {
		const char *line = block + done;
		const char *end = memchr(line, '\n', len - done);
		if (end == NULL && !at_eof && !is_surely_too_long(len))
			return done;
		size_t line_len = end != NULL ? (size_t) (end - line) + 1 : len - done;

		/* a field may have more folds than a header has fields */
		if (is_blank(line[0]) && headers->lines > 0 &&
		    done + line_len <= LIMIT_HEADER_BYTES && headers->block->fields->len > 0) {
			extend_last(headers, line_len);
			headers->lines++;
			done += line_len;
			continue;
		}

		bool empty = is_empty_line(line, line_len);
		if (empty || done + line_len > LIMIT_HEADER_BYTES ||
		    !index_line(headers, line, line_len, done)) {
			*ret_ended = true;
			return end_header(headers, done, empty);
		}
		if (headers->lines == 0 && line_len >= 2 && line[line_len - 2] == '\r')
			headers->newline = "\r\n";
		headers->lines++;
		done += line_len;
	}

	*ret_ended = at_eof;
	return at_eof ? end_header(headers, done, false) : done;
}

Headers *
headers_take_block(char *block, size_t len, size_t *ret_len)
{
	Headers *headers = headers_new(NULL, "\n");

	headers->block->own = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(headers->block->own, block);
	bool ended;
	*ret_len = headers_index(headers, block, len, 0, true, &ended);

	return headers;
}

size_t
headers_count(const Headers *headers)
{
	const GArray *runs = headers->runs;
	if (runs == NULL)
		return headers->block->fields->len;
	const Run *last = runs->len > 0 ? &g_array_index(runs, Run, runs->len - 1) : NULL;
	return last != NULL ? last->at + last->n : 0;
}

/* The run that holds field `i`, which there is. */
static guint
find_run(const GArray *runs, size_t i)
{
	guint low = 0, high = runs->len;
	while (high - low > 1) {
		guint middle = low + (high - low) / 2;
		if (g_array_index(runs, Run, middle).at <= i)
			low = middle;
		else
			high = middle;
	}

	return low;
}

static const HeaderField *
block_field(const Block *block, size_t i)
{
	return &g_array_index(block->fields, HeaderField, i);
}

const HeaderField *
headers_get(const Headers *headers, size_t i)
{
	if (headers->runs == NULL)
		return block_field(headers->block, i);
	const Run *run = &g_array_index(headers->runs, Run, find_run(headers->runs, i));
	return block_field(run->block, run->first + (i - run->at));
}

const char *
headers_piece(const Headers *headers, size_t *i, size_t *ret_len)
{
	const Run whole = { headers->block, 0, headers->block->fields->len, 0 };
	const Run *run = headers->runs != NULL
	                         ? &g_array_index(headers->runs, Run, find_run(headers->runs, *i))
	                         : &whole;
	const HeaderField *field = block_field(run->block, run->first + (*i - run->at));
	const HeaderField *behind = block_field(run->block, run->first) + run->n;
	const char *start = field->bytes, *end = start;

	for (; field < behind && field->bytes == end; field++, ++*i)
		end += field->len;
	*ret_len = (size_t) (end - start);
	return start;
}

const char *
headers_newline(const Headers *headers)
{
	return headers->newline;
}

/* The first of these fields with that name; `n`: there is none. */
static size_t
find_named(const HeaderField *fields, size_t n, const char *name, size_t name_len, guint32 hash)
{
	for (size_t i = 0; i < n; i++)
		if (fields[i].hash == hash && fields[i].name_len == name_len &&
		    g_ascii_strncasecmp(fields[i].bytes, name, name_len) == 0)
			return i;
	return n;
}

const HeaderField *
headers_next(const Headers *headers, const char *name, size_t *pos)
{
	size_t name_len = strlen(name), count = headers_count(headers);
	guint32 hash = headers_hash(name, name_len);
	const Run whole = { headers->block, 0, (guint) count, 0 };

	for (guint r = headers->runs != NULL && *pos < count ? find_run(headers->runs, *pos) : 0;
	     *pos < count; r++) {
		const Run *run = headers->runs != NULL ? &g_array_index(headers->runs, Run, r)
		                                       : &whole;
		size_t skip = *pos - run->at;
		const HeaderField *fields = block_field(run->block, run->first + skip);
		size_t found = find_named(fields, run->n - skip, name, name_len, hash);
		*pos += found;
		if (found < run->n - skip) {
			++*pos;
			return &fields[found];
		}
	}

	return NULL;
}

size_t
headers_top(const Headers *headers)
{
	size_t i = 0;
	while (i < headers_count(headers) && headers_get(headers, i)->name_len == 0 &&
	       is_blank(headers_get(headers, i)->bytes[0]))
		i++;
	return i;
}

char *
header_field_name(const HeaderField *field)
{
	return g_strndup(field->bytes, field->name_len);
}

char *
header_field_value(const HeaderField *field)
{
	char *value = g_malloc(field->len - field->value_at + 1);
	size_t n = 0;

	for (size_t i = field->value_at; i < field->len; i++) {
		char c = field->bytes[i];
		bool line_end = c == '\n' ||
		                (c == '\r' && i + 1 < field->len && field->bytes[i + 1] == '\n');
		if (!line_end && c != '\0')
			value[n++] = c;
	}

	value[n] = '\0';
	return g_strstrip(value);
}

/* White space as one blank, what cannot be printed as '?'. */
static void
append_printable(GString *out, gunichar c)
{
	bool blank = c < 128 ? g_ascii_isspace((gchar) c) : g_unichar_isspace(c);
	if (!blank)
		g_string_append_unichar(out, g_unichar_isprint(c) ? c : '?');
	else if (out->len > 0 && out->str[out->len - 1] != ' ')
		g_string_append_c(out, ' ');
}

char *
header_text_print(const char *text, size_t max_bytes)
{
	g_autofree char *valid = g_utf8_make_valid(text, (gssize) strnlen(text, 4 * max_bytes));
	GString *out = g_string_sized_new(max_bytes + 8);
	const char *c = valid;

	for (; *c != '\0' && out->len < max_bytes; c = g_utf8_next_char(c))
		append_printable(out, g_utf8_get_char(c));
	if (*c != '\0')
		g_string_append(out, "...");
	return g_string_free(out, FALSE);
}

char *
header_field_print(const HeaderField *field, size_t max_bytes)
{
	g_autofree char *name = header_field_name(field), *value = header_field_value(field);
	g_autofree char *line = g_strconcat(name, ": ", value, NULL);
	return header_text_print(line, max_bytes);
}

/* headers: one pass over the bytes finds the fields; lists of slices make the edits. */
#include "agent/message/headers.h"

#include "agent/base/limits.h"

#include <string.h>

struct Headers {
	gatomicrefcount refs;
	GArray *fields;      /* HeaderField */
	GPtrArray *own;      /* strings of our own fields */
	Headers *base;       /* holds what borrowed fields point into */
	const char *newline;
	guint32 lines;       /* lines indexed so far */
	size_t stray_at;     /* while indexing: where the lines begin that no field has followed yet; NO_STRAYS: nowhere */
	guint stray_fields;  /* fields above them */
};

#define NO_STRAYS ((size_t) -1)

Headers *
headers_new(Headers *base, const char *newline)
{
	Headers *headers = g_new0(Headers, 1);
	g_atomic_ref_count_init(&headers->refs);
	headers->fields = g_array_sized_new(FALSE, FALSE, sizeof(HeaderField), base != NULL ? base->fields->len + 4 : 48);
	headers->base = base != NULL ? headers_ref(base) : NULL;
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
	/* A loop, not recursion: a script may have edited a thousand times. */
	while (headers != NULL && g_atomic_ref_count_dec(&headers->refs)) {
		Headers *base = headers->base;
		g_array_unref(headers->fields);
		if (headers->own != NULL)
			g_ptr_array_unref(headers->own);
		g_free(headers);
		headers = base;
	}
}

/* GLib's is a call for each octet. */
static guchar
to_lower(char c)
{
	return (guchar) (c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* FNV-1a over the folded name: good enough to make a wrong strcasecmp rare. */
guint32
headers_hash(const char *name, size_t len)
{
	guint32 hash = 2166136261u;
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ to_lower(name[i])) * 16777619u;
	return hash;
}

void
headers_append(Headers *headers, const HeaderField *field)
{
	g_array_append_vals(headers->fields, field, 1);
}

void
headers_append_from(Headers *headers, const Headers *base, size_t first)
{
	if (first < base->fields->len)
		g_array_append_vals(headers->fields, &g_array_index(base->fields, HeaderField, first),
		                    base->fields->len - (guint) first);
}

/* Take `bytes` over as a field of our own with a name of `name_len` octets. */
static void
append_own(Headers *headers, char *bytes, size_t len, size_t name_len, size_t value_at, guint32 line)
{
	if (headers->own == NULL)
		headers->own = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(headers->own, bytes);
	HeaderField field = {
		.bytes = bytes,
		.len = (guint32) len,
		.name_len = (guint32) name_len,
		.value_at = (guint32) value_at,
		.line = line,
		.hash = headers_hash(bytes, name_len),
	};
	g_array_append_val(headers->fields, field);
}

void
headers_append_text(Headers *headers, const char *name, const char *value)
{
	GString *bytes = g_string_new(name);
	g_string_append(bytes, ": ");
	for (const char *c = value; *c != '\0'; c++) {
		if (*c == '\n') {
			g_string_append(bytes, headers->newline);
			if (c[1] != ' ' && c[1] != '\t')
				g_string_append_c(bytes, '\t');
		} else if (*c != '\r') {
			g_string_append_c(bytes, *c);
		}
	}
	g_string_append(bytes, headers->newline);
	size_t len = bytes->len;
	append_own(headers, g_string_free(bytes, FALSE), len, strlen(name), strlen(name) + 1, 0);
}

void
headers_append_renamed(Headers *headers, const HeaderField *field, const char *name)
{
	size_t name_len = strlen(name), rest = field->len - field->name_len;
	char *bytes = g_malloc(name_len + rest + 1);
	memcpy(bytes, name, name_len);
	memcpy(bytes + name_len, field->bytes + field->name_len, rest);
	bytes[name_len + rest] = '\0';
	append_own(headers, bytes, name_len + rest, name_len, name_len + (field->value_at - field->name_len), field->line);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Octets of the field name that the line begins with, and where the value begins; 0 where the line is no field. */
static size_t
scan_name(const char *line, size_t len, size_t *ret_value_at)
{
	size_t name_len = 0;
	while (name_len < len && line[name_len] > 32 && line[name_len] < 127 && line[name_len] != ':')
		name_len++;
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
 * Below a line that is no field, text with a colon in it is less surely a field: "12:30", "http://...". A name of letters,
 * digits and hyphens, as all that are registered.
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
	if (headers->fields->len >= LIMIT_HEADER_FIELDS)
		return false;
	g_array_append_vals(headers->fields, field, 1);
	return true;
}

static void
extend_last(Headers *headers, size_t len)
{
	g_array_index(headers->fields, HeaderField, headers->fields->len - 1).len += (guint32) len;
}

/* A line at `at` that is no field: a run of them is one stray, which is header if a field follows. */
static bool
index_stray(Headers *headers, const char *line, size_t len, size_t at)
{
	if (headers->stray_at != NO_STRAYS) {
		extend_last(headers, len);
		return true;
	}

	headers->stray_at = at;
	headers->stray_fields = headers->fields->len;
	HeaderField stray = { .bytes = line, .len = (guint32) len, .line = headers->lines + 1 };
	return append_line(headers, &stray);
}

/* Put the line at `at` into the list; false: that would be one too many. */
static bool
index_line(Headers *headers, const char *line, size_t len, size_t at)
{
	if (is_blank(line[0])) {
		HeaderField stray = { .bytes = line, .len = (guint32) len, .line = headers->lines + 1 };
		if (headers->fields->len == 0)
			return append_line(headers, &stray);
		extend_last(headers, len);
		return true;
	}

	size_t value_at = 0;
	size_t name_len = scan_name(line, len, &value_at);
	if (name_len == 0 || (headers->stray_at != NO_STRAYS && !is_surely_field(line, len, name_len, value_at)))
		return index_stray(headers, line, len, at);

	headers->stray_at = NO_STRAYS;
	HeaderField field = {
		.bytes = line,
		.len = (guint32) len,
		.name_len = (guint32) name_len,
		.value_at = (guint32) value_at,
		.line = headers->lines + 1,
		.hash = headers_hash(line, name_len),
	};
	return append_line(headers, &field);
}

/*
 * The header ends at `at`. Strays that no field has followed belong to it where an empty line ends them and a field stands
 * above: a parameter that lost its fold may be the last line. Else they are body.
 */
static size_t
end_header(Headers *headers, size_t at, bool by_empty_line)
{
	if (headers->stray_at == NO_STRAYS || (by_empty_line && headers->stray_fields > 0))
		return at;
	g_array_set_size(headers->fields, MIN(headers->stray_fields, headers->fields->len));
	return headers->stray_at;
}

size_t
headers_index(Headers *headers, const char *block, size_t len, size_t done, bool at_eof, bool *ret_ended)
{
	*ret_ended = false;
	while (done < len) {
		const char *line = block + done;
		const char *end = memchr(line, '\n', len - done);
		if (end == NULL && !at_eof && len < LIMIT_HEADER_BYTES)
			return done;
		size_t line_len = end != NULL ? (size_t) (end - line) + 1 : len - done;
		bool empty = is_empty_line(line, line_len);
		if (empty || done + line_len > LIMIT_HEADER_BYTES || !index_line(headers, line, line_len, done)) {
			*ret_ended = true;
			return end_header(headers, done, empty);
		}
		if (headers->lines == 0 && line_len >= 2 && line[line_len - 2] == '\r')
			headers->newline = "\r\n";
		headers->lines++;
		done += line_len;
	}
	*ret_ended = at_eof || len >= LIMIT_HEADER_BYTES;
	return *ret_ended ? end_header(headers, done, false) : done;
}

Headers *
headers_take_block(char *block, size_t len, size_t *ret_len)
{
	Headers *headers = headers_new(NULL, "\n");
	headers->own = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(headers->own, block);
	bool ended;
	*ret_len = headers_index(headers, block, len, 0, true, &ended);
	return headers;
}

size_t
headers_count(const Headers *headers)
{
	return headers->fields->len;
}

const HeaderField *
headers_get(const Headers *headers, size_t i)
{
	return &g_array_index(headers->fields, HeaderField, i);
}

const char *
headers_newline(const Headers *headers)
{
	return headers->newline;
}

const HeaderField *
headers_next(const Headers *headers, const char *name, size_t *pos)
{
	size_t name_len = strlen(name);
	guint32 hash = headers_hash(name, name_len);
	for (size_t i = *pos; i < headers->fields->len; i++) {
		const HeaderField *field = &g_array_index(headers->fields, HeaderField, i);
		if (field->hash == hash && field->name_len == name_len && g_ascii_strncasecmp(field->bytes, name, name_len) == 0) {
			*pos = i + 1;
			return field;
		}
	}
	*pos = headers->fields->len;
	return NULL;
}

size_t
headers_top(const Headers *headers)
{
	size_t i = 0;
	while (i < headers->fields->len && headers_get(headers, i)->name_len == 0 && is_blank(headers_get(headers, i)->bytes[0]))
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
		bool line_end = c == '\n' || (c == '\r' && i + 1 < field->len && field->bytes[i + 1] == '\n');
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

/* SPDX-License-Identifier: MIT */
/* mime-params: a scanner over one unfolded value; then the pieces of RFC 2231 are put together. */
#include "agent/message/mime-params.h"

#include "agent/message/mime-charset.h"
#include "agent/message/mime-meaning.h"

#include <string.h>

enum { NO_SECTION = -1, SECTION_DIGITS = 6 };

/* What is left of the value. */
typedef struct {
	const char *at;
	const char *end;
} Cursor;

/* A parameter as it stands. */
typedef struct {
	char *name;    /* lower case, without the marks of RFC 2231 */
	char *text;    /* quotes undone, nothing decoded */
	int section;   /* the N of "name*N"; NO_SECTION: the value is whole */
	bool extended; /* "name*": octets are written %XX */
} Piece;

static void
free_piece(gpointer data)
{
	Piece *piece = data;
	g_free(piece->name);
	g_free(piece->text);
	g_free(piece);
}

/* The scanner */

static bool
at_end(const Cursor *cursor)
{
	return cursor->at >= cursor->end;
}

static bool
is_token_octet(char c)
{
	return (guchar) c > ' ' && c != 127 && strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

/* Behind the comment that begins at `at`; one that never ends goes to the end. */
static const char *
comment_end(const char *at, const char *end)
{
	unsigned depth = 0;
	for (; at < end; at++) {
		if (*at == '\\' && at + 1 < end)
			at++;
		else if (*at == '(')
			depth++;
		else if (*at == ')' && --depth == 0)
			return at + 1;
	}

	return end;
}

static void
skip_space(Cursor *cursor)
{
	while (!at_end(cursor)) {
		if (g_ascii_isspace(*cursor->at))
			cursor->at++;
		else if (*cursor->at == '(')
			cursor->at = comment_end(cursor->at, cursor->end);
		else
			return;
	}
}

static bool
take_sign(Cursor *cursor, char sign)
{
	if (at_end(cursor) || *cursor->at != sign)
		return false;
	cursor->at++;
	return true;
}

/* The token at the cursor in lower case; NULL: there is none. */
static char *
take_token(Cursor *cursor)
{
	const char *from = cursor->at;
	while (!at_end(cursor) && is_token_octet(*cursor->at))
		cursor->at++;
	return cursor->at > from ? g_ascii_strdown(from, cursor->at - from) : NULL;
}

/*
 * Does a known parameter begin at `at`, although no semicolon said so? Only known ones: a value
 * without quotes may hold any other text.
 */
static bool
begins_known_param(const char *at, const char *end)
{
	static const char *const names[] = { "charset",
		                             "boundary",
		                             "name",
		                             "filename",
		                             "format",
		                             "delsp",
		                             "type",
		                             "start",
		                             "size",
		                             "creation-date",
		                             "modification-date",
		                             "read-date",
		                             "report-type",
		                             "protocol",
		                             "micalg",
		                             "access-type" };
	size_t len = 0;

	while (at + len < end && is_token_octet(at[len]) && at[len] != '*')
		len++;
	if (len == 0)
		return false;

	const char *mark = at + len;
	while (mark < end && (*mark == '*' || g_ascii_isdigit(*mark)))
		mark++;
	while (mark < end && g_ascii_isspace(*mark))
		mark++;
	if (mark >= end || *mark != '=')
		return false;

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (len == strlen(names[i]) && g_ascii_strncasecmp(at, names[i], len) == 0)
			return true;
	return false;
}

/*
 * Where a value without quotes ends that begins at `at`: at a semicolon, but encoded words may hold
 * one.
 */
static const char *
loose_end(const char *at, const char *end)
{
	bool after_blank = false;
	while (at < end && *at != ';') {
		size_t word = *at == '=' ? mime_words_length(at, end) : 0;
		if (after_blank && begins_known_param(at, end))
			return at;
		after_blank = g_ascii_isspace(*at);
		at += word > 0 ? word : 1;
	}

	return at;
}

/*
 * Where the text of a value ends: comments and blanks behind it are no part of it, those within it
 * are.
 */
static const char *
text_end(const char *from, const char *end)
{
	const char *stop = from;
	for (const char *at = from; at < end;) {
		const char *behind = *at == '(' ? comment_end(at, end) : at;
		size_t word = *at == '=' ? mime_words_length(at, end) : 0;
		if (behind > at && behind == end && end[-1] != ')')
			return end;
		if (behind > at || g_ascii_isspace(*at)) {
			at = MAX(behind, at + 1);
		} else {
			at += MAX(word, 1);
			stop = at;
		}
	}

	return stop;
}

/* A value without quotes, or what stands behind quotes. */
static void
take_loose(Cursor *cursor, GString *out)
{
	const char *from = cursor->at, *end = loose_end(from, cursor->end),
		   *stop = text_end(from, end);
	cursor->at = end;
	for (; from < stop; from++)
		if (*from != '"')
			g_string_append_c(out, *from);
}

/* What stands in quotes at the cursor. */
static void
take_quoted(Cursor *cursor, GString *out)
{
	for (cursor->at++; !at_end(cursor); cursor->at++) {
		if (*cursor->at == '"') {
			cursor->at++;
			return;
		}
		if (*cursor->at == '\\' && cursor->at + 1 < cursor->end)
			cursor->at++;
		g_string_append_c(out, *cursor->at);
	}
}

/* The value of a parameter, quotes undone. Caller frees. */
static char *
take_value(Cursor *cursor)
{
	GString *out = g_string_new(NULL);

	skip_space(cursor);
	if (at_end(cursor) || *cursor->at != '"') {
		take_loose(cursor, out);
		return g_string_free(out, FALSE);
	}

	take_quoted(cursor, out);
	skip_space(cursor);

	/* name="a" "b", or quotes in the name that nobody escaped */
	if (!at_end(cursor) && *cursor->at != ';' && !begins_known_param(cursor->at, cursor->end))
		take_loose(cursor, out);
	return g_string_free(out, FALSE);
}

/* Take the marks of RFC 2231 off the name: "*" for %XX, "*N" for a piece. */
static void
read_marks(Piece *piece)
{
	piece->section = NO_SECTION;
	size_t len = strlen(piece->name);
	if (len > 1 && piece->name[len - 1] == '*') {
		piece->extended = true;
		piece->name[--len] = '\0';
	}

	char *mark = strrchr(piece->name, '*');
	size_t digits = mark != NULL ? strspn(mark + 1, "0123456789") : 0;
	if (mark == NULL || mark == piece->name || digits == 0 || digits > SECTION_DIGITS ||
	    mark[1 + digits] != '\0')
		return;

	piece->section = (int) g_ascii_strtoull(mark + 1, NULL, 10);
	*mark = '\0';
}

/* The next parameter; NULL: no more, or (the cursor moved) what stands here is none. */
static Piece *
take_piece(Cursor *cursor)
{
	g_autofree char *name = take_token(cursor);

	skip_space(cursor);
	if (name == NULL || !take_sign(cursor, '=')) {
		if (name == NULL && !at_end(cursor))
			cursor->at++;
		return NULL;
	}

	Piece *piece = g_new0(Piece, 1);
	piece->name = g_steal_pointer(&name);
	read_marks(piece);
	piece->text = take_value(cursor);

	return piece;
}

static GPtrArray *
take_pieces(Cursor *cursor)
{
	GPtrArray *pieces = g_ptr_array_new_with_free_func(free_piece);
	for (;;) {
		skip_space(cursor);
		if (at_end(cursor))
			return pieces;
		if (take_sign(cursor, ';'))
			continue;
		Piece *piece = take_piece(cursor);
		if (piece != NULL)
			g_ptr_array_add(pieces, piece);
	}
}

/* What the pieces mean */

static void
append_percent(GString *out, const char *text)
{
	for (const char *c = text; *c != '\0'; c++) {
		if (*c == '%' && g_ascii_isxdigit(c[1]) && g_ascii_isxdigit(c[2])) {
			g_string_append_c(out, (char) (g_ascii_xdigit_value(c[1]) * 16 +
			                               g_ascii_xdigit_value(c[2])));
			c += 2;
		} else {
			g_string_append_c(out, *c);
		}
	}
}

/* Behind charset'language' (RFC 2231 4), and the charset; `text` itself where they are missing. */
static const char *
skip_charset(const char *text, char **ret_charset)
{
	const char *language = strchr(text, '\''),
		   *octets = language != NULL ? strchr(language + 1, '\'') : NULL;
	if (octets == NULL)
		return text;

	g_free(*ret_charset);
	*ret_charset = g_strndup(text, (gsize) (language - text));
	return octets + 1;
}

static char *
decode_plain(const char *text)
{
	g_autofree char *guess = NULL;
	return g_string_free(mime_meaning_decode(text, strlen(text), &guess), FALSE);
}

/* The value of pieces (Piece *) in their order. Caller frees. */
static char *
join_pieces(const GPtrArray *pieces)
{
	g_autoptr(GString) octets = g_string_new(NULL);
	g_autofree char *charset = NULL;
	bool extended = false;

	for (guint i = 0; i < pieces->len; i++) {
		const Piece *piece = pieces->pdata[i];
		const char *text = piece->text;
		if (piece->extended && !extended)
			text = skip_charset(text, &charset);
		if (piece->extended)
			append_percent(octets, text);
		else
			g_string_append(octets, text);
		extended = extended || piece->extended;
	}

	if (!extended)
		return decode_plain(octets->str);
	size_t len;
	const char *label = charset != NULL && *charset != '\0' ? charset : NULL;
	g_autofree char *value = mime_charset_to_utf8(octets->str, octets->len, label, &len, NULL);
	g_strdelimit(value, "\r\n", ' ');

	/* Some programs write encoded words even here, without a charset in front. */
	return charset != NULL ? g_steal_pointer(&value) : decode_plain(value);
}

static gint
compare_sections(gconstpointer a, gconstpointer b)
{
	const Piece *one = *(Piece *const *) a, *other = *(Piece *const *) b;
	return (one->section > other->section) - (one->section < other->section);
}

/*
 * The pieces of each name that is in pieces: name to GPtrArray of Piece, in the order of their
 * numbers.
 */
static GHashTable *
gather_sections(const GPtrArray *pieces)
{
	GHashTable *names = g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
	                                          (GDestroyNotify) g_ptr_array_unref);

	for (guint i = 0; i < pieces->len; i++) {
		Piece *piece = pieces->pdata[i];
		if (piece->section == NO_SECTION)
			continue;
		GPtrArray *sections = g_hash_table_lookup(names, piece->name);
		if (sections == NULL) {
			sections = g_ptr_array_new();
			g_hash_table_insert(names, piece->name, sections);
		}
		g_ptr_array_add(sections, piece);
	}

	GHashTableIter iter;
	gpointer sections;
	g_hash_table_iter_init(&iter, names);
	while (g_hash_table_iter_next(&iter, NULL, &sections))
		g_ptr_array_sort(sections, compare_sections);

	return names;
}

static const char *
find_value(const GArray *params, const char *name)
{
	for (guint i = 0; i < params->len; i++)
		if (strcmp(g_array_index(params, MimeParam, i).name, name) == 0)
			return g_array_index(params, MimeParam, i).value;
	return NULL;
}

static void
append_param(GArray *params, const char *name, char *value)
{
	MimeParam param = { .name = g_strdup(name), .value = value };
	g_array_append_val(params, param);
}

/*
 * The first boundary as it stands: delimiter lines are compared with it octet by octet. Caller
 * frees.
 */
static char *
find_boundary(const GPtrArray *pieces)
{
	for (guint i = 0; i < pieces->len; i++) {
		const Piece *piece = pieces->pdata[i];
		if (strcmp(piece->name, "boundary") == 0 && piece->section == NO_SECTION &&
		    !piece->extended)
			return g_strdup(piece->text);
	}
	return NULL;
}

/*
 * Each value a name was given: the whole ones, those with a charset, and the one in pieces, in the
 * order of the field.
 */
static void
read_params(Cursor *cursor, MimeValue *value)
{
	g_autoptr(GPtrArray) pieces = take_pieces(cursor);
	g_autoptr(GHashTable) sections = gather_sections(pieces);
	GArray *params = g_array_new(TRUE, TRUE, sizeof(MimeParam));
	g_autoptr(GPtrArray) single = g_ptr_array_new();

	for (guint i = 0; i < pieces->len; i++) {
		Piece *piece = pieces->pdata[i];
		if (piece->section == NO_SECTION) {
			g_ptr_array_set_size(single, 0);
			g_ptr_array_add(single, piece);
			append_param(params, piece->name, join_pieces(single));
			continue;
		}
		const GPtrArray *all = g_hash_table_lookup(sections, piece->name);
		if (all == NULL)
			continue;
		append_param(params, piece->name, join_pieces(all));
		g_hash_table_remove(sections, piece->name);
	}

	value->boundary = find_boundary(pieces);
	if (value->boundary == NULL)
		value->boundary = g_strdup(find_value(params, "boundary"));
	value->n_params = params->len;
	value->params = (MimeParam *) (gpointer) g_array_free(params, FALSE);
}

/* Go on to where the parameters begin: behind the semicolon, or where one begins without it. */
static void
skip_to_params(Cursor *cursor)
{
	bool after_blank = true;
	while (!at_end(cursor) && *cursor->at != ';') {
		if (after_blank && begins_known_param(cursor->at, cursor->end))
			return;
		after_blank = g_ascii_isspace(*cursor->at);
		cursor->at = *cursor->at == '(' ? comment_end(cursor->at, cursor->end)
		                                : cursor->at + 1;
	}
}

/* The boundary as it stood before the value was converted. */
static void
take_boundary_of(const char *octets, MimeValue *value)
{
	Cursor cursor = { octets, octets + strlen(octets) };

	skip_to_params(&cursor);
	g_autoptr(GPtrArray) pieces = take_pieces(&cursor);
	char *boundary = find_boundary(pieces);
	if (boundary == NULL)
		return;

	g_free(value->boundary);
	value->boundary = boundary;
}

void
mime_params_read_type(const char *value, const char *octets, MimeValue *ret_value)
{
	Cursor cursor = { value, value + strlen(value) }, start = cursor;

	skip_space(&cursor);
	g_autofree char *type = take_token(&cursor);
	skip_space(&cursor);

	bool slash = take_sign(&cursor, '/');
	skip_space(&cursor);
	g_autofree char *subtype = type != NULL && slash ? take_token(&cursor) : NULL;

	bool named = subtype != NULL;
	ret_value->type = named ? g_steal_pointer(&type) : g_strdup("text");
	ret_value->subtype = named ? g_steal_pointer(&subtype) : g_strdup("plain");
	if (!named)
		cursor = start;
	skip_to_params(&cursor);
	read_params(&cursor, ret_value);
	if (strcmp(value, octets) != 0)
		take_boundary_of(octets, ret_value);
}

void
mime_params_read_disposition(const char *value, MimeValue *ret_value)
{
	Cursor cursor = { value, value + strlen(value) };

	skip_space(&cursor);
	bool only_params = begins_known_param(cursor.at, cursor.end);
	g_autofree char *word = only_params ? NULL : take_token(&cursor);

	ret_value->type = word != NULL ? g_steal_pointer(&word) : g_strdup("attachment");
	ret_value->subtype = NULL;
	skip_to_params(&cursor);
	read_params(&cursor, ret_value);
}

/* SPDX-License-Identifier: MIT */
/*
 * recipe-formail: fields in, fields out. The order in which formail does its options is its own:
 * -a, -A, -i, -I.
 */
#include "filters/recipe/run/recipe-formail.h"

#include "agent/base/limits.h"

#include <string.h>

typedef struct {
	char option;
	const char *field; /* "Name: value" */
	size_t name_len;   /* with the colon */
} Edit;

typedef struct {
	const char *at;
	size_t len;      /* with continuation lines and the line end */
	size_t name_len; /* with the colon; 0: the From_ line */
} Field;

bool
recipe_formail_is(const char *program)
{
	return program != NULL &&
	       (strcmp(program, "formail") == 0 || strcmp(program, "/usr/bin/formail") == 0);
}

/* Octets of a field's name with its colon; 0: that is no field. */
static size_t
name_length(const char *at, size_t len)
{
	size_t n = 0;
	while (n < len && at[n] > ' ' && at[n] < 127 && at[n] != ':')
		n++;
	return n > 0 && n < len && at[n] == ':' ? n + 1 : 0;
}

static bool
same_name(const char *a, size_t a_len, const char *b, size_t b_len)
{
	return a_len == b_len && g_ascii_strncasecmp(a, b, a_len) == 0;
}

static bool
has_from_line(const GString *input)
{
	return g_str_has_prefix(input->str, "From ");
}

/*
 * The fields of a header that ends with an empty line; its From_ line, if any, is the first. NULL:
 * it has other lines.
 */
static GArray *
read_fields(const GString *input)
{
	g_autoptr(GArray) fields = g_array_new(FALSE, FALSE, sizeof(Field));
	const char *at = input->str, *end = at + input->len;
	const guint first = has_from_line(input) ? 1 : 0;

	while (at < end && *at != '\n') {
		const char *newline = memchr(at, '\n', (size_t) (end - at));
		if (newline == NULL || memchr(at, '\r', (size_t) (newline - at)) != NULL ||
		    memchr(at, '\0', (size_t) (newline - at)) != NULL)
			return NULL;
		size_t len = (size_t) (newline + 1 - at), name_len = name_length(at, len);
		bool continues = (*at == ' ' || *at == '\t') && fields->len > first;
		if (!continues && name_len == 0 && fields->len >= first)
			return NULL;
		if (same_name(at, name_len, "Content-Length:", strlen("Content-Length:")))
			return NULL; /* formail counts */
		if (continues) {
			g_array_index(fields, Field, fields->len - 1).len += len;
		} else {
			const Field field = { at, len, fields->len >= first ? name_len : 0 };
			g_array_append_val(fields, field);
		}
		at = newline + 1;
	}

	return at < end && fields->len > first ? g_steal_pointer(&fields) : NULL;
}

static GString *
extract(const GArray *fields, const char *name)
{
	GString *out = g_string_new(NULL);
	for (guint i = 0; i < fields->len; i++) {
		const Field *field = &g_array_index(fields, Field, i);
		if (same_name(field->at, field->name_len, name, strlen(name)))
			g_string_append_len(out, field->at + field->name_len,
			                    (gssize) (field->len - field->name_len));
	}

	return out;
}

static bool
has_field(const GArray *fields, const Edit *edit)
{
	for (guint i = 0; i < fields->len; i++) {
		const Field *field = &g_array_index(fields, Field, i);
		if (same_name(field->at, field->name_len, edit->field, edit->name_len))
			return true;
	}
	return false;
}

/* The edit that asks for fields of this name to go (-I) or to be renamed (-i); NULL: none. */
static const Edit *
find_edit(const GArray *edits, const Field *field)
{
	for (guint i = 0; i < edits->len; i++) {
		const Edit *edit = &g_array_index(edits, Edit, i);
		bool replaces = edit->option == 'I' || edit->option == 'i';
		if (replaces && same_name(field->at, field->name_len, edit->field, edit->name_len))
			return edit;
	}
	return NULL;
}

/* -A, -i and -I add nothing where there is no value. */
static bool
is_added(const GArray *fields, const Edit *edit)
{
	if (edit->option == 'a')
		return !has_field(fields, edit);
	return edit->field[edit->name_len] != '\0';
}

static GString *
apply(const GArray *fields, const GArray *edits)
{
	GString *out = g_string_new(NULL);

	for (guint i = 0; i < fields->len; i++) {
		const Field *field = &g_array_index(fields, Field, i);
		const Edit *edit = find_edit(edits, field);
		if (edit != NULL && edit->option == 'I')
			continue;
		if (edit != NULL)
			g_string_append(out, "Old-");
		g_string_append_len(out, field->at, (gssize) field->len);
	}

	for (const char *option = "aAiI"; *option != '\0'; option++) {
		for (guint i = 0; i < edits->len; i++) {
			const Edit *edit = &g_array_index(edits, Edit, i);
			if (edit->option == *option && is_added(fields, edit))
				g_string_append_printf(out, "%s\n", edit->field);
		}
	}

	g_string_append_c(out, '\n');
	return out;
}

/* Does formail make up the value of this field? */
static bool
is_made_up(const char *field, size_t name_len)
{
	static const char *const ids[] = { "Message-ID:", "Resent-Message-ID:" };
	for (size_t i = 0; i < G_N_ELEMENTS(ids); i++)
		if (same_name(field, name_len, ids[i], strlen(ids[i])))
			return field[name_len] == '\0';
	return false;
}

/* One option and its field, in one word or in two. False: something else. */
static bool
read_edit(const char *const **argv, Edit *ret_edit)
{
	const char *word = **argv;
	if (word[0] != '-' || word[1] == '\0' || strchr("xaAiI", word[1]) == NULL)
		return false;

	const char *field = word + 2;
	if (*field == '\0')
		field = *++*argv;
	size_t name_len = field != NULL ? name_length(field, strlen(field)) : 0;
	if (name_len == 0 || strpbrk(field, "\n\r") != NULL ||
	    strlen(field) > LIMIT_RECIPE_PATTERN_BYTES)
		return false;
	if (word[1] == 'a' && is_made_up(field, name_len))
		return false;

	++*argv;
	*ret_edit = (Edit){ word[1], field, name_len };
	return true;
}

/* Edits that name a field twice depend on each other: those are formail's. */
static GArray *
read_edits(const char *const *argv)
{
	g_autoptr(GArray) edits = g_array_new(FALSE, FALSE, sizeof(Edit));
	while (*argv != NULL) {
		Edit edit;
		if (!read_edit(&argv, &edit))
			return NULL;
		for (guint i = 0; i < edits->len; i++) {
			const Edit *other = &g_array_index(edits, Edit, i);
			if (same_name(other->field, other->name_len, edit.field, edit.name_len))
				return NULL;
		}
		g_array_append_val(edits, edit);
	}

	return edits->len > 0 ? g_steal_pointer(&edits) : NULL;
}

/* "-D MAX CACHE" and nothing else; MAX may be in one word with -D. */
static bool
read_id_call(const char *const *argv, RecipeFormailId *ret_id)
{
	if (*argv == NULL || !g_str_has_prefix(*argv, "-D"))
		return false;
	const char *max = (*argv)[2] != '\0' ? *argv + 2 : *++argv;
	guint64 number;
	if (max == NULL || !g_ascii_string_to_unsigned(max, 10, 1, LIMIT_SMALL_FILE, &number, NULL))
		return false;
	if (argv[1] == NULL || *argv[1] == '\0' || argv[2] != NULL)
		return false;

	*ret_id = (RecipeFormailId){ (size_t) number, argv[1], NULL };
	return true;
}

/*
 * The whole text of the last Message-ID, as formail compares it: folded, with comments, without the
 * blanks before it. NULL: only formail knows. Caller frees.
 */
static char *
read_id(const GArray *fields)
{
	const Field *last = NULL;
	for (guint i = 0; i < fields->len; i++) {
		const Field *field = &g_array_index(fields, Field, i);
		if (same_name(field->at, field->name_len, "Message-ID:", strlen("Message-ID:")))
			last = field;
	}
	if (last == NULL)
		return NULL;

	size_t len = last->len - last->name_len - 1; /* without its last line end */
	g_autofree char *text = g_strndup(last->at + last->name_len, len);
	const char *value = text + strspn(text, " ");

	/* formail compares other octets than ASCII wrongly, and never finds them again */
	return *value != '\0' && g_str_is_ascii(value) ? g_strdup(value) : NULL;
}

bool
recipe_formail_id(const char *const *argv, const GString *input, RecipeFormailId *ret_id)
{
	RecipeFormailId id;
	if (!read_id_call(argv + 1, &id))
		return false;

	g_autoptr(GArray) fields = read_fields(input);
	id.id = fields != NULL ? read_id(fields) : NULL;
	if (id.id == NULL)
		return false;

	*ret_id = id;
	return true;
}

bool
recipe_formail_lacks_id(const char *const *argv, const GString *input)
{
	RecipeFormailId id;
	if (!recipe_formail_is(*argv) || !read_id_call(argv + 1, &id))
		return false;

	/* lines that are no fields end formail's header, but no Message-ID stands behind them */
	g_auto(GStrv) lines = g_strsplit(input->str, "\n", -1);
	for (char **line = lines; *line != NULL && **line != '\0'; line++)
		if (g_ascii_strncasecmp(*line, "Message-ID", strlen("Message-ID")) == 0)
			return false;
	return strlen(input->str) == input->len;
}

bool
recipe_formail(const char *const *argv, const GString *input, GString **ret_output)
{
	if (!recipe_formail_is(*argv))
		return false;
	g_autoptr(GArray) edits = read_edits(argv + 1);
	g_autoptr(GArray) fields = edits != NULL ? read_fields(input) : NULL;
	if (fields == NULL)
		return false;

	const Edit *first = &g_array_index(edits, Edit, 0);
	if (first->option == 'x' && edits->len == 1 && first->field[first->name_len] == '\0') {
		*ret_output = extract(fields, first->field);
		return true;
	}

	for (guint i = 0; i < edits->len; i++)
		if (g_array_index(edits, Edit, i).option == 'x')
			return false;
	if (!has_from_line(input)) /* it would make one */
		return false;

	const Field *last = &g_array_index(fields, Field, fields->len - 1);
	/* there is a body, whose From_ lines it would quote */
	if (last->at + last->len + 1 != input->str + input->len)
		return false;

	*ret_output = apply(fields, edits);
	return true;
}

/* SPDX-License-Identifier: MIT */
/* texts: rows, the site's file, and placeholders. */
#include "agent/base/texts.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/base/nearest.h"
#include "agent/base/words.h"

#include <fcntl.h>
#include <string.h>

static const TextRow rows[TEXT_COUNT] = {
#define TEXT(id, key, placeholders, text) [TEXT_##id] = { key, placeholders, text },
#include "agent/base/text-table.def"
#undef TEXT
};

/* What the settings say, and what the file says: "key" or "key[ja]" to text. */
static struct {
	char *file;
	char *language;
	bool both;
	bool is_read;
	GHashTable *own;
} site;

const TextRow *
texts_row(TextId id)
{
	g_assert(id < TEXT_COUNT);
	return &rows[id];
}

void
texts_use(const TextsSettings *settings)
{
	bool has_file = settings->file != NULL && *settings->file != '\0';

	g_free(site.file);
	g_free(site.language);
	site.file = has_file ? g_strdup(settings->file) : NULL;
	site.language = strcmp(settings->language, "en") != 0 ? g_strdup(settings->language) : NULL;
	site.both = settings->both;
	site.is_read = false;
	g_clear_pointer(&site.own, g_hash_table_unref);
}

/* The placeholders that the text of a key may have; NULL: there is no such key. */
static const char *
find_placeholders(const char *key)
{
	for (TextId id = 0; id < TEXT_COUNT; id++)
		if (strcmp(rows[id].key, key) == 0)
			return rows[id].placeholders;

	const char *prefix = "status.";
	bool is_status = g_str_has_prefix(key, prefix) &&
	                 status_find_name(key + strlen(prefix)) != STATUS_COUNT &&
	                 status_find_name(key + strlen(prefix)) != STATUS_OK;
	return is_status ? "text name" : NULL;
}

/* A line of the file that is being read. */
typedef struct {
	const char *file;
	unsigned line;
	GPtrArray *problems;
} Place;

static void add_problem(const Place *place, const char *code, const char *hint, const char *text,
                        ...) G_GNUC_PRINTF(4, 5);

static void
add_problem(const Place *place, const char *code, const char *hint, const char *text, ...)
{
	if (place->problems == NULL || place->problems->len >= LIMIT_CONF_PROBLEMS)
		return;

	va_list args;
	va_start(args, text);
	g_autofree char *what = g_strdup_vprintf(text, args);
	va_end(args);

	const Problem problem = {
		.file = (char *) place->file,
		.line = place->line,
		.severity = PROBLEM_ERROR,
		.code = code,
		.text = what,
		.hint = (char *) hint,
	};
	problem_add(place->problems, &problem);
}

static void
add_unknown_key(const Place *place, const char *key)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	for (TextId id = 0; id < TEXT_COUNT; id++)
		g_ptr_array_add(names, g_strdup(rows[id].key));
	for (StatusId id = STATUS_OK + 1; id < STATUS_COUNT; id++)
		g_ptr_array_add(names, g_strconcat("status.", status_row(id)->name, NULL));
	g_ptr_array_add(names, NULL);

	const char *nearest = nearest_of(key, (const char *const *) names->pdata);
	g_autofree char *hint = nearest != NULL ? g_strdup_printf("did you mean '%s'?", nearest)
	                                        : NULL;
	add_problem(place, "unknown-text", hint != NULL ? hint : "todoke-bounce(7) lists the keys",
	            "there is no text '%s'", key);
}

/* The name in braces at `text` ("{name}"), or NULL: a brace that is one. Caller frees. */
static char *
placeholder_at(const char *text)
{
	size_t len = *text == '{' ? strspn(text + 1, "abcdefghijklmnopqrstuvwxyz-") : 0;
	return len > 0 && text[1 + len] == '}' ? g_strndup(text + 1, len) : NULL;
}

static bool
has_word(const char *words, const char *word)
{
	g_auto(GStrv) list = g_strsplit(words, " ", -1);
	return g_strv_contains((const char *const *) list, word);
}

/* Does the text use only placeholders that its key has? */
static bool
check_placeholders(const Place *place, const char *key, const char *known, const char *text)
{
	for (const char *at = strchr(text, '{'); at != NULL; at = strchr(at + 1, '{')) {
		g_autofree char *name = placeholder_at(at);
		if (name != NULL && has_word(known, name))
			continue;
		g_autofree char *hint = *known != '\0' ? g_strdup_printf("it may have: %s", known)
		                                       : NULL;
		if (name != NULL)
			add_problem(place, "unknown-placeholder",
			            hint != NULL ? hint : "it may have none",
			            "'%s' has no placeholder {%s}", key, name);
		else
			add_problem(place, "unknown-placeholder", hint,
			            "a brace in '%s' that begins no placeholder", key);
		return false;
	}
	return true;
}

/* "key" or "key[ja]": cuts the language off. False: it is none that there is. */
static bool
split_language(const Place *place, char *key)
{
	char *bracket = strchr(key, '[');
	if (bracket == NULL)
		return true;

	size_t len = strlen(bracket);
	g_autofree char *language = g_strndup(bracket + 1, len - 1);
	char *end = strchr(language, ']');
	bool is_whole = end != NULL && end[1] == '\0';
	if (is_whole)
		*end = '\0';
	*bracket = '\0';
	if (is_whole && (strcmp(language, "ja") == 0 || strcmp(language, "en") == 0))
		return true;

	add_problem(place, "unknown-language", "en and ja are known",
	            "'%s' is no language of a text", language);
	return false;
}

/* One text of the file. Takes nothing. */
static void
take_text(const Place *place, const char *name, const char *text)
{
	g_autofree char *key = g_strdup(name);
	if (!split_language(place, key))
		return;

	const char *known = find_placeholders(key);
	if (known == NULL) {
		add_unknown_key(place, key);
		return;
	}
	if (strlen(text) > LIMIT_TEXT_BYTES) {
		add_problem(place, "long-text", NULL, "the text of '%s' is over %u octets", name,
		            LIMIT_TEXT_BYTES);
		return;
	}
	if (*text == '\0') {
		add_problem(place, "empty-text", NULL, "'%s' has no text", name);
		return;
	}
	if (!g_str_has_prefix(key, "notice.") && strchr(text, '\n') != NULL) {
		add_problem(place, "long-text", "an answer to Postfix is one line",
		            "'%s' has more than one line", name);
		return;
	}
	if (!check_placeholders(place, key, known, text))
		return;

	g_autofree char *full = g_str_has_suffix(name, "[en]") ? g_strdup(key) : g_strdup(name);
	if (g_hash_table_contains(site.own, full)) {
		add_problem(place, "text-twice", "the first one counts", "'%s' stands here twice",
		            name);
		return;
	}
	g_hash_table_insert(site.own, g_steal_pointer(&full), g_strdup(text));
}

/* "key = text"; false: it is no such line. */
static bool
split_line(char *line, char **ret_key, char **ret_text)
{
	char *equals = strchr(line, '=');
	if (equals == NULL)
		return false;

	*equals = '\0';
	*ret_key = g_strstrip(line);
	*ret_text = g_strstrip(equals + 1);
	return **ret_key != '\0';
}

/* The text that begins at lines[i], with the lines that go on with it; moves *i to its last. */
static char *
join_lines(char **lines, size_t *i, const char *first)
{
	GString *text = g_string_new(first);

	while (lines[*i + 1] != NULL && strchr(" \t", *lines[*i + 1]) != NULL &&
	       *lines[*i + 1] != '\0') {
		(*i)++;
		/* a line with only a dot is empty */
		const char *more = g_strstrip(lines[*i]);
		if (text->len > 0)
			g_string_append_c(text, '\n');
		g_string_append(text, strcmp(more, ".") == 0 ? "" : more);
	}
	return g_string_free(text, FALSE);
}

void
texts_read(const char *data, size_t len, const char *file, GPtrArray *problems)
{
	Place place = { .file = file, .problems = problems };

	g_clear_pointer(&site.own, g_hash_table_unref);
	site.own = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	if (!g_utf8_validate(data, (gssize) len, NULL)) {
		add_problem(&place, "not-utf8", "save the file as UTF-8",
		            "the file is not UTF-8 text: none of it is used");
		return;
	}

	g_autofree char *whole = g_strndup(data, len);
	g_auto(GStrv) lines = g_strsplit(whole, "\n", -1);
	for (size_t i = 0; lines[i] != NULL; i++) {
		char *line = lines[i], *key, *first;
		place.line = (unsigned) i + 1;
		if (*line == '#' || line[strspn(line, " \t\r")] == '\0')
			continue;
		if (!split_line(line, &key, &first)) {
			add_problem(&place, "no-text", NULL, "a line is `key = text`");
			continue;
		}
		g_autofree char *text = join_lines(lines, &i, first);
		take_text(&place, key, text);
	}
}

/* Read the site's file once. What cannot be read is as if it were not there. */
static void
load(void)
{
	if (site.is_read)
		return;
	site.is_read = true;
	if (site.file == NULL)
		return;

	g_auto(Status) st = STATUS_INIT;
	g_autofree char *data = NULL;
	size_t len = 0;
	if (fs_read_file(AT_FDCWD, site.file, LIMIT_TEXTS_FILE_BYTES, &data, &len, &st))
		texts_read(data, len, site.file, NULL);
}

/* The site's own text, or NULL. */
static const char *
find_own(const char *key, const char *language)
{
	load();
	if (site.own == NULL)
		return NULL;
	g_autofree char *full = strcmp(language, "en") == 0
	                                ? g_strdup(key)
	                                : g_strdup_printf("%s[%s]", key, language);
	return g_hash_table_lookup(site.own, full);
}

static const char *
value_of(const TextValue *values, const char *name)
{
	for (; values != NULL && values->name != NULL; values++)
		if (strcmp(values->name, name) == 0)
			return values->value != NULL ? values->value : "";
	return NULL;
}

/* Put values in place of placeholders. What a value holds is not looked at again. Caller frees. */
static char *
fill(const char *text, const TextValue *values)
{
	GString *out = g_string_new(NULL);

	for (const char *at = text; *at != '\0'; at++) {
		g_autofree char *name = placeholder_at(at);
		const char *value = name != NULL ? value_of(values, name) : NULL;
		if (value != NULL) {
			g_string_append(out, value);
			at += strlen(name) + 1;
		} else {
			g_string_append_c(out, *at);
		}
	}
	return g_string_free(out, FALSE);
}

static char *
make(TextId id, const char *language, const TextValue *values)
{
	const char *own = find_own(rows[id].key, language);
	return fill(own != NULL ? own : words_in(language, rows[id].text), values);
}

char *
texts_for_owner(TextId id, const TextValue *values)
{
	return make(id, site.language != NULL ? site.language : "en", values);
}

char *
texts_for_sender(TextId id, const TextValue *values)
{
	return make(id, "en", values);
}

char *
texts_answer(const Status *st, bool may_translate)
{
	const StatusRow *row = status_row(st->id);
	const char *language = site.language != NULL ? site.language : "en";
	TextValue values[] = {
		{ "text", status_text(st) },
		{ "name", row->name },
		{ NULL, NULL },
	};
	bool both = may_translate && site.both && strcmp(language, "en") != 0;

	if (site.file == NULL && !both)
		return g_strdup(status_text(st));
	g_autofree char *key = g_strconcat("status.", row->name, NULL);
	const char *own = find_own(key, "en");
	g_autofree char *english = own != NULL ? fill(own, values) : g_strdup(status_text(st));
	if (!both)
		return g_steal_pointer(&english);

	const char *second = find_own(key, language);
	values[0].value = words_in(language, row->text);
	g_autofree char *translated = second != NULL ? fill(second, values)
	                                             : g_strdup(values[0].value);
	return g_strdup_printf("%s / %s", english, translated);
}

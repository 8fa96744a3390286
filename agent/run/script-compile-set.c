/* SPDX-License-Identifier: MIT */
/* script-set: records of "PLACE NAMELEN FILELEN TEXTLEN\n", name, file, text. */
#include "agent/run/script-compile-set.h"

#include <stdio.h>
#include <string.h>

struct ScriptSet {
	GPtrArray *texts; /* ScriptText */
};

static void
text_free(gpointer data)
{
	ScriptText *text = data;
	g_free(text->name);
	g_free(text->file);
	g_free(text->text);
	g_free(text);
}

ScriptSet *
script_set_new(void)
{
	ScriptSet *set = g_new(ScriptSet, 1);
	set->texts = g_ptr_array_new_with_free_func(text_free);
	return set;
}

void
script_set_free(ScriptSet *set)
{
	if (set == NULL)
		return;
	g_ptr_array_unref(set->texts);
	g_free(set);
}

void
script_set_add(ScriptSet *set, ScriptPlace place, const char *name, const char *file, char *text,
               size_t len)
{
	ScriptText *added = g_new(ScriptText, 1);
	*added = (ScriptText){ place, g_strdup(name), g_strdup(file), text, len };
	g_ptr_array_add(set->texts, added);
}

const ScriptText *
script_set_first(const ScriptSet *set)
{
	return set->texts->len > 0 ? set->texts->pdata[0] : NULL;
}

const ScriptText *
script_set_find(const ScriptSet *set, ScriptPlace place, const char *name)
{
	for (guint i = 1; i < set->texts->len; i++) {
		const ScriptText *text = set->texts->pdata[i];
		if (text->place == place && strcmp(text->name, name) == 0)
			return text;
	}
	return NULL;
}

const ScriptText *
script_set_find_file(const ScriptSet *set, const char *file)
{
	for (guint i = 0; i < set->texts->len; i++) {
		const ScriptText *text = set->texts->pdata[i];
		if (strcmp(text->file, file) == 0)
			return text;
	}
	return NULL;
}

/*
 * As FNV-1a, by eight octets: at every delivery, so it must cost next to nothing; a collision hurts
 * only who makes it, the owner. The high octets of the product are folded in, for those of a word
 * reach nothing below them.
 */
guint64
script_sum_add(guint64 sum, const char *data, size_t len)
{
	for (guint64 word; len > 0;) {
		size_t n = MIN(len, sizeof word);
		word = 0;
		memcpy(&word, data, n);
		sum = (sum ^ word) * G_GUINT64_CONSTANT(1099511628211);
		sum ^= sum >> 32;
		data += n;
		len -= n;
	}

	return sum;
}

guint64
script_set_sum(const ScriptSet *set)
{
	guint64 sum = SCRIPT_SUM_START;
	for (guint i = 0; i < set->texts->len; i++) {
		const ScriptText *text = set->texts->pdata[i];
		sum = script_sum_add(sum, text->name, strlen(text->name) + 1);
		sum = script_sum_add(sum, (const char *) &text->len, sizeof text->len);
		sum = script_sum_add(sum, text->text, text->len);
	}

	return sum;
}

GBytes *
script_set_print(const ScriptSet *set)
{
	GString *out = g_string_new(NULL);
	for (guint i = 0; i < set->texts->len; i++) {
		const ScriptText *text = set->texts->pdata[i];
		g_string_append_printf(out, "%d %zu %zu %zu\n%s%s", (int) text->place,
		                       strlen(text->name), strlen(text->file), text->len,
		                       text->name, text->file);
		g_string_append_len(out, text->text, (gssize) text->len);
	}

	return g_string_free_to_bytes(out);
}

/* One record; returns its length, 0: it is none. */
static size_t
parse_record(ScriptSet *set, const char *data, size_t len)
{
	int place, head = 0;
	size_t name_len, file_len, text_len;
	const char *end = memchr(data, '\n', len);
	g_autofree char *line = end != NULL ? g_strndup(data, (size_t) (end - data)) : NULL;

	if (line == NULL ||
	    sscanf(line, "%d %zu %zu %zu%n", &place, &name_len, &file_len, &text_len, &head) != 4)
		return 0;
	size_t used = (size_t) (end - data) + 1, left = len - used;
	if ((size_t) head + 1 != used || place < PLACE_PERSONAL || place > PLACE_PATH ||
	    name_len > left || file_len > left - name_len || text_len > left - name_len - file_len)
		return 0;

	const char *at = data + used;
	g_autofree char *name = g_strndup(at, name_len), *file = g_strndup(at + name_len, file_len);
	char *text = g_malloc(text_len + 1);
	memcpy(text, at + name_len + file_len, text_len);
	text[text_len] = '\0';
	script_set_add(set, (ScriptPlace) place, name, file, text, text_len);

	return used + name_len + file_len + text_len;
}

ScriptSet *
script_set_parse(const char *data, size_t len)
{
	g_autoptr(ScriptSet) set = script_set_new();
	for (size_t at = 0, n; at < len; at += n) {
		n = parse_record(set, data + at, len - at);
		if (n == 0)
			return NULL;
	}

	return script_set_first(set) != NULL ? g_steal_pointer(&set) : NULL;
}

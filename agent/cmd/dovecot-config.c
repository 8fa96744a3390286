/* SPDX-License-Identifier: MIT */
/* dovecot-config: see the header. */
#include "agent/cmd/dovecot-config.h"

#include "agent/base/limits.h"

#include <stdio.h>
#include <string.h>

typedef struct {
	DovecotConfig *config;
	const DovecotBlock *block; /* the innermost that is open; NULL: none */
	unsigned depth;
	unsigned line;
	Status *st;
} Reader;

static void
free_block(void *data)
{
	DovecotBlock *block = data;
	g_free(block->kind);
	g_free(block->title);
	g_free(block);
}

static void
free_setting(void *data)
{
	DovecotSetting *setting = data;
	g_free(setting->name);
	g_free(setting->value);
	g_free(setting);
}

void
dovecot_config_free(DovecotConfig *config)
{
	if (config == NULL)
		return;
	g_ptr_array_unref(config->settings);
	g_ptr_array_unref(config->blocks);
	g_free(config);
}

char *
dovecot_config_name(const DovecotSetting *setting)
{
	GString *name = g_string_new(setting->name);

	for (const DovecotBlock *block = setting->block; block != NULL; block = block->parent) {
		g_string_prepend_c(name, '/');
		g_string_prepend(name, block->title);
		if (*block->title != '\0')
			g_string_prepend_c(name, ' ');
		g_string_prepend(name, block->kind);
	}

	return g_string_free(name, FALSE);
}

/* The text without the quotes around it; a backslash in them takes the next octet as it is. */
static char *
without_quotes(const char *text)
{
	size_t len = strlen(text);
	if (len < 2 || text[0] != '"' || text[len - 1] != '"')
		return g_strdup(text);

	GString *plain = g_string_sized_new(len);
	for (const char *c = text + 1; c < text + len - 1; c++) {
		if (*c == '\\' && c + 1 < text + len - 1)
			c++;
		g_string_append_c(plain, *c);
	}
	return g_string_free(plain, FALSE);
}

/* "# 2.3.19.1 (9b53102964): /etc/dovecot/dovecot.conf", or a line dovecot_config_version. */
static void
take_version(Reader *reader, const char *text)
{
	unsigned minor = 0;
	if (reader->config->minor == 0 && sscanf(text, "2.%3u.", &minor) == 1)
		reader->config->minor = minor;
}

static bool
open_block(Reader *reader, char *head)
{
	if (reader->depth == LIMIT_DOVECOT_DEPTH)
		return status_fail_detail(reader->st, STATUS_USAGE,
		                          "line %u: blocks are nested deeper than %d", reader->line,
		                          LIMIT_DOVECOT_DEPTH);
	if (reader->config->blocks->len == LIMIT_DOVECOT_BLOCKS)
		return status_fail_detail(reader->st, STATUS_USAGE, "line %u: more than %d blocks",
		                          reader->line, LIMIT_DOVECOT_BLOCKS);

	g_strchomp(head);
	size_t len = strcspn(head, " \t");
	DovecotBlock *block = g_new0(DovecotBlock, 1);
	block->kind = g_strndup(head, len);
	g_autofree char *title = g_strstrip(g_strdup(head + len));
	block->title = without_quotes(title);
	block->line = reader->line;
	block->parent = reader->block;

	g_ptr_array_add(reader->config->blocks, block);
	reader->block = block;
	reader->depth++;
	return true;
}

static bool
close_block(Reader *reader)
{
	if (reader->block == NULL)
		return status_fail_detail(reader->st, STATUS_USAGE, "line %u: '}' ends no block",
		                          reader->line);

	reader->block = reader->block->parent;
	reader->depth--;
	return true;
}

static bool
add_setting(Reader *reader, char *words, char *equal)
{
	if (reader->config->settings->len == LIMIT_DOVECOT_SETTINGS)
		return status_fail_detail(reader->st, STATUS_USAGE,
		                          "line %u: more than %d settings", reader->line,
		                          LIMIT_DOVECOT_SETTINGS);

	DovecotSetting *setting = g_new0(DovecotSetting, 1);
	*equal = '\0';
	setting->block = reader->block;
	setting->name = g_strdup(g_strstrip(words));
	setting->value = without_quotes(g_strstrip(equal + 1));
	setting->line = reader->line;
	g_ptr_array_add(reader->config->settings, setting);

	if (strcmp(setting->name, "dovecot_config_version") == 0)
		take_version(reader, setting->value);
	return true;
}

/* A block's title may have a '=' in its quotes, a value may end with '{'. */
static char *
find_equal(char *words)
{
	char *equal = strchr(words, '='), *quote = strchr(words, '"');
	return equal != NULL && quote != NULL && quote < equal ? NULL : equal;
}

static bool
read_line(Reader *reader, char *words)
{
	char *equal = find_equal(words);

	if (*words == '\0')
		return true;
	if (*words == '#') {
		take_version(reader, words + strspn(words, "# "));
		return true;
	}
	if (strcmp(words, "}") == 0)
		return close_block(reader);
	if (equal == NULL && g_str_has_suffix(words, "{")) {
		words[strlen(words) - 1] = '\0';
		return open_block(reader, words);
	}
	if (*words == '!')
		return status_fail_detail(
			reader->st, STATUS_USAGE,
			"line %u: this is a file of Dovecot; give what 'doveconf -n' prints",
			reader->line);
	if (equal == NULL || equal == words)
		return status_fail_detail(reader->st, STATUS_USAGE,
		                          "line %u: neither a setting nor a block", reader->line);

	return add_setting(reader, words, equal);
}

static bool
read_lines(Reader *reader, char *text)
{
	for (char *line = text, *end; line != NULL; line = end) {
		end = strchr(line, '\n');
		if (end != NULL)
			*end++ = '\0';
		reader->line++;
		if (!read_line(reader, g_strstrip(line)))
			return false;
	}

	if (reader->block != NULL)
		return status_fail_detail(reader->st, STATUS_USAGE,
		                          "line %u: the block '%s' has no '}'", reader->block->line,
		                          reader->block->kind);
	return true;
}

DovecotConfig *
dovecot_config_parse(const char *text, size_t len, Status *st)
{
	if (memchr(text, '\0', len) != NULL) {
		status_fail_detail(st, STATUS_USAGE,
		                   "it has NULs: this is not what doveconf prints");
		return NULL;
	}

	g_autoptr(DovecotConfig) config = g_new0(DovecotConfig, 1);
	config->blocks = g_ptr_array_new_with_free_func(free_block);
	config->settings = g_ptr_array_new_with_free_func(free_setting);

	g_autofree char *copy = g_strndup(text, len);
	Reader reader = { .config = config, .st = st };
	return read_lines(&reader, copy) ? g_steal_pointer(&config) : NULL;
}

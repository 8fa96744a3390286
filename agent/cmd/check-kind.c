/* SPDX-License-Identifier: MIT */
/* check-kind: see the header. */
#include "agent/cmd/check-kind.h"

#include "agent/base/blank.h"
#include "conf/conf.h"

#include <glib.h>
#include <string.h>

static const struct {
	const char *suffix;
	CheckKind kind;
} names[] = {
	{ ".conf", CHECK_CONF },         { ".sieve", CHECK_SIEVE }, { ".siv", CHECK_SIEVE },
	{ "procmailrc", CHECK_RECIPES }, { ".rc", CHECK_RECIPES },
};

CheckKind
check_kind_of_name(const char *path)
{
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (g_str_has_suffix(path, names[i].suffix))
			return names[i].kind;
	return CHECK_CONF;
}

/* Does the line begin with this word, and not with a longer one? */
static bool
begins_with(const char *line, const char *word)
{
	size_t len = strlen(word);
	return g_ascii_strncasecmp(line, word, len) == 0 && !g_ascii_isalnum(line[len]) &&
	       line[len] != '_';
}

/* ":0", ":0fw:" */
static bool
is_recipe(const char *line)
{
	return line[0] == ':' && g_ascii_isdigit(line[1]);
}

/* "NAME=value" in capitals, as rc files set their variables. */
static bool
is_variable(const char *line)
{
	size_t len = strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
	return len > 1 && line[len] == '=';
}

static bool
is_setting(const char *line)
{
	size_t len = strspn(line, "abcdefghijklmnopqrstuvwxyz_");
	g_autofree char *name = g_strndup(line, len);
	const char *rest = blank_skip(line + len);

	return (*rest == '=' || strncmp(rest, "+=", 2) == 0) && conf_find_row(name) != NULL;
}

/* A command at the beginning of a line, with what must follow it somewhere in the line. */
static bool
is_sieve(const char *line)
{
	static const struct {
		const char *word, *signs;
	} commands[] = {
		{ "require", "[\"" },   { "if", "" },         { "elsif", "" },
		{ "keep", ";" },        { "discard", ";" },   { "fileinto", "\"" },
		{ "stop", ";" },        { "redirect", "\"" }, { "set", "\"" },
		{ "vacation", "\":t" }, { "addflag", "\"[" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
		if (begins_with(line, commands[i].word) &&
		    (*commands[i].signs == '\0' || strpbrk(line, commands[i].signs) != NULL))
			return true;
	return false;
}

/*
 * Control octets that no editor writes. Octets above ASCII may be text of any charset; a script in
 * ISO-2022-JP has escapes.
 */
static bool
is_text(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (g_ascii_iscntrl(text[i]) && strchr("\t\n\v\f\r\033", text[i]) == NULL)
			return false;
	return memchr(text, '\0', len) == NULL;
}

CheckKind
check_kind_of_text(const char *text, size_t len)
{
	unsigned recipes = 0, sieve = 0, conf = 0;
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (char **at = lines; *at != NULL; at++) {
		const char *line = blank_skip(*at);
		if (*line == '#' || *line == '\0')
			continue;
		recipes += is_recipe(line) || is_variable(line);
		sieve += is_sieve(line);
		conf += is_setting(line);
	}

	bool fits = recipes + sieve + conf > 0;
	if (!fits && !is_text(text, len))
		return CHECK_NO_TEXT;
	if (recipes > sieve && recipes > conf)
		return CHECK_RECIPES;
	if (sieve > conf)
		return CHECK_SIEVE;
	return conf > 0 ? CHECK_CONF : CHECK_UNKNOWN;
}

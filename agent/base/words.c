/* SPDX-License-Identifier: MIT */
/* words: gettext, asked for one language at a time and only when a text is shown. */
#define _GNU_SOURCE
#include "agent/base/words.h"

#include "config.h"

#include <libintl.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#define DOMAIN "todoke"

/* The languages that have a catalogue in po/ and are built. */
static const char *const languages[] = {
#ifdef TODOKE_LINGUAS
	TODOKE_LINGUAS,
#endif
	NULL
};

static const char *chosen = "en";

/* Does a name of a locale ("ja_JP.UTF-8") mean that language? */
static bool
is_language(const char *locale, const char *language)
{
	size_t len = strlen(language);
	return g_ascii_strncasecmp(locale, language, len) == 0 && !g_ascii_isalpha(locale[len]);
}

/* The language that a name of a locale means: one of ours, or "en". */
static const char *
language_of(const char *locale)
{
	for (size_t i = 0; languages[i] != NULL; i++)
		if (is_language(locale, languages[i]))
			return languages[i];
	return "en";
}

void
words_choose(const char *language)
{
	static const char *const variables[] = { "LC_ALL", "LC_MESSAGES", "LANG" };

	for (size_t i = 0; i < G_N_ELEMENTS(variables) && language == NULL; i++) {
		const char *value = getenv(variables[i]);
		if (value != NULL && *value != '\0')
			language = value;
	}

	chosen = language != NULL ? language_of(language) : "en";
}

const char *
words_language(void)
{
	return chosen;
}

/*
 * A locale in which gettext translates: any but "C". Which one does not matter, as LANGUAGE names
 * the language; C.UTF-8 comes with glibc 2.35 and later, the others are often there.
 */
static locale_t
open_locale(void)
{
	static const char *const names[] = { "C.UTF-8", "C.utf8", "en_US.UTF-8", "ja_JP.UTF-8",
		                             "" };
	locale_t locale = (locale_t) 0;

	for (size_t i = 0; i < G_N_ELEMENTS(names) && locale == (locale_t) 0; i++)
		locale = newlocale(LC_MESSAGES_MASK, names[i], (locale_t) 0);

	const char *folder = secure_getenv("TODOKE_LOCALE_DIR");
	bindtextdomain(DOMAIN, folder != NULL ? folder : TODOKE_LOCALE_DIR);
	bind_textdomain_codeset(DOMAIN, "UTF-8");

	return locale;
}

static const char *
look_up(const char *language, const char *text)
{
	static locale_t locale = (locale_t) 0;
	static const char *last = NULL;

	language = language_of(language);
	if (strcmp(language, "en") == 0)
		return text;
	if (locale == (locale_t) 0)
		locale = open_locale();
	if (locale == (locale_t) 0)
		return text;

	/* Only the environment can tell gettext a language whose locale the system does not have. */
	g_autofree char *before = g_strdup(getenv("LANGUAGE"));
	setenv("LANGUAGE", language, 1);
	locale_t old = uselocale(locale);
	if (language != last)
		textdomain(DOMAIN); /* what gettext remembers is of another language */
	last = language;

	const char *translated = dgettext(DOMAIN, text);

	uselocale(old);
	if (before != NULL)
		setenv("LANGUAGE", before, 1);
	else
		unsetenv("LANGUAGE");
	return translated;
}

const char *
words_in(const char *language, const char *text)
{
	return *text != '\0' ? look_up(language, text) : text;
}

const char *
words_translate(const char *text)
{
	return words_in(chosen, text);
}

bool
words_has(const char *language)
{
	if (is_language(language, "en") || is_language(language, "C") ||
	    is_language(language, "POSIX"))
		return true;

	/* The head of a catalogue is the translation of nothing. */
	return *look_up(language, "") != '\0';
}

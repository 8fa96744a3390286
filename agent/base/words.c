/* SPDX-License-Identifier: MIT */
/* words: catalogues are opened only when a text of their language is shown. */
#define _GNU_SOURCE
#include "agent/base/words.h"

#include "agent/base/catalogue.h"

#include "config.h"

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

/* The catalogue of one of our languages, opened when it is first asked; NULL: it is not there. */
static const Catalogue *
catalogue_of(const char *language)
{
	static Catalogue *opened[G_N_ELEMENTS(languages)];
	static bool tried[G_N_ELEMENTS(languages)];

	for (size_t i = 0; languages[i] != NULL; i++) {
		if (strcmp(languages[i], language) != 0)
			continue;
		const char *folder = secure_getenv("TODOKE_LOCALE_DIR");
		g_autofree char *path = g_build_filename(
			folder != NULL ? folder : TODOKE_LOCALE_DIR, language, "LC_MESSAGES",
			DOMAIN ".mo", NULL);
		if (!tried[i])
			opened[i] = catalogue_open(path);
		tried[i] = true;
		return opened[i];
	}

	return NULL;
}

static const char *
look_up(const char *language, const char *text)
{
	const Catalogue *catalogue = catalogue_of(language_of(language));
	const char *translated = catalogue != NULL ? catalogue_find(catalogue, text) : NULL;

	return translated != NULL && *translated != '\0' ? translated : text;
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

/* SPDX-License-Identifier: MIT */
/*
 * words: texts for people in their language, by the catalogues of gettext. The English text is the
 * key.
 *
 * A text that is written where it is shown stands in _(); a text in a table stands in N_() and is
 * translated by _() where it is shown. Log lines and what leaves the process to Postfix or to
 * strangers are not marked: they stay English. po/update-po writes the catalogues.
 */
#ifndef TODOKE_WORDS_H
#define TODOKE_WORDS_H

#include <glib.h>
#include <stdbool.h>

#define N_(text) text
#define _(text) words_translate(text)

/*
 * Let _() speak `language` ("ja", "ja_JP.UTF-8"), or with NULL the one that LC_ALL, LC_MESSAGES or
 * LANG names. Until this is called, and for languages without a catalogue, _() speaks English and
 * costs nothing; no catalogue is opened before the first text.
 */
void words_choose(const char *language);

/* What _() speaks: "en", "ja". */
const char *words_language(void);

/* Is `language` ("ja", "ja_JP.UTF-8") English, or one whose catalogue can be read? */
bool words_has(const char *language);

/* `text` in the language of words_choose; lives for ever, as `text` must. */
const char *words_translate(const char *text) G_GNUC_FORMAT(1);

/*
 * `text` in `language` ("ja"), whatever words_choose said; `text` itself where there is no
 * translation. For what is shown in two languages at once. The locale and the environment of the
 * process are as before when it returns.
 */
const char *words_in(const char *language, const char *text) G_GNUC_FORMAT(2);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * texts: what senders and owners read, by key, in the site's own words where it has some.
 *
 * Nothing is read before a text is made. The site's file is never needed: what is wrong in it is
 * left out, and the text of text-table.def, translated by po/, stands in its place.
 */
#ifndef TODOKE_TEXTS_H
#define TODOKE_TEXTS_H

#include "agent/base/problem.h"
#include "agent/base/status.h"

typedef enum {
#define TEXT(id, key, placeholders, text) TEXT_##id,
#include "agent/base/text-table.def"
#undef TEXT
	TEXT_COUNT
} TextId;

typedef struct {
	const char *key;
	const char *placeholders; /* names with blanks between */
	const char *text;         /* English, as in the catalogue */
} TextRow;

/* For tests: the row of `id`; never NULL. */
const TextRow *texts_row(TextId id);

/* What the settings say. */
typedef struct {
	const char *file;     /* of the site's own texts; NULL or "": none */
	const char *language; /* of owners, and the second one of answers: "en", "ja" */
	bool both;            /* answers are in English and in `language` */
} TextsSettings;

/* From now on these hold. Copies; costs nothing where nothing is set. */
void texts_use(const TextsSettings *settings);

/* A value for a placeholder. */
typedef struct {
	const char *name;
	const char *value;
} TextValue;

/*
 * The text `id` for an owner, in the language of texts_use, with `values` (ended by a NULL name) in
 * place of its placeholders. Caller frees.
 */
char *texts_for_owner(TextId id, const TextValue *values);

/* The same in English, for an answer to Postfix. Caller frees. */
char *texts_for_sender(TextId id, const TextValue *values);

/*
 * The sentence of a failure as it is answered: the site's own text for status.NAME, in which {text}
 * is the fault's sentence and {name} its name, else that sentence. With `may_translate`, and where
 * the site wants both languages, the second one follows behind " / ". One line if the texts are.
 * Caller frees.
 */
char *texts_answer(const Status *st, bool may_translate);

/*
 * Read the site's texts: lines `key = text` or `key[ja] = text`; a line that begins with a blank
 * goes on with the text before it on a new line; `#` begins a comment line. Each problem is added
 * to `problems` (NULL: nobody wants to know) with the line: unknown key, language or placeholder, a
 * key that comes twice, a text over LIMIT_TEXT_BYTES, no UTF-8. What is right is kept for
 * texts_for_owner and its like.
 */
void texts_read(const char *data, size_t len, const char *file, GPtrArray *problems);

#endif

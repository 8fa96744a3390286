/* SPDX-License-Identifier: MIT */
/*
 * recipe-convert-writer: the text of a Sieve script while it grows, its indentation, and what it
 * must require.
 */
#ifndef TODOKE_RECIPE_CONVERT_WRITER_H
#define TODOKE_RECIPE_CONVERT_WRITER_H

#include <glib.h>
#include <stdbool.h>

typedef struct {
	GString *out;
	unsigned depth;         /* blocks around what is written */
	GHashTable *extensions; /* char *: what the script must require; borrowed */
} RecipeWriter;

/* Write text of one or several lines, each indented. */
void recipe_writer_put(RecipeWriter *writer, const char *text);

/* Write `command "argument";`, with :copy where `copy`. */
void recipe_writer_put_action(RecipeWriter *writer, const char *command, bool copy,
                              const char *argument);

/* The script will require `extension`. */
void recipe_writer_needs(RecipeWriter *writer, const char *extension);

/* Append `text` as a string of Sieve. */
void recipe_writer_quote(GString *out, const char *text);

/* Append texts as a list of strings; one is a string by itself. */
void recipe_writer_quote_list(GString *out, const GPtrArray *texts);

/*
 * Join tests, which are freed, by `word` ("allof", "anyof"); one stays as it is. Caller frees.
 */
char *recipe_writer_join(const char *word, GPtrArray *taken_tests);

/*
 * Write into a text of its own from now on, one block deeper where `nested`. Returns the text that
 * was written to before.
 */
GString *recipe_writer_divert(RecipeWriter *writer, bool nested);

/* Go back to `before`, with the same `nested`. Returns what was written since. Caller frees. */
GString *recipe_writer_return(RecipeWriter *writer, GString *before, bool nested);

#endif

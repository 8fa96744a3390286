/* SPDX-License-Identifier: MIT */
/*
 * recipe-pattern: procmail's expressions.
 *
 * They look like egrep's and mean something else: ^ and $ consume a line end, \< and \> a
 * character, a text has a line end before and behind it that nobody wrote, and \/ splits an
 * expression. An expression becomes a small tree; from it come a PCRE2 pattern, which answers
 * whether a text matches, and a set of states that are all followed at once, which answers what \/
 * cut off, where the shortest match ends, and everything that PCRE2 gave up at its limits. The time
 * of the second is the product of text and expression, whatever is nested in what.
 */
#ifndef TODOKE_RECIPE_PATTERN_H
#define TODOKE_RECIPE_PATTERN_H

#include <glib.h>
#include <stdbool.h>

typedef struct RecipePattern RecipePattern;

typedef struct {
	size_t offset;
	const char *text;
} RecipePatternError;

typedef enum {
	RECIPE_MATCH,
	RECIPE_NO_MATCH,
	RECIPE_LIMIT /* a limit was reached: it may match or not */
} RecipeMatch;

/* What \/ cut off, in octets of the text. */
typedef struct {
	size_t start;
	size_t end;
} RecipeSpan;

/*
 * The expression with ^TO_, ^TO, ^FROM_DAEMON and ^FROM_MAILER written out. *ret_folds:
 * ^FROM_DAEMON stands in it, so case does not count. Behind a backslash they stay. Caller frees.
 */
char *recipe_pattern_expand(const char *expression, bool *ret_folds);

/*
 * $\NAME: append `text` with every character disarmed that means something in an expression, behind
 * "()".
 */
void recipe_pattern_disarm(GString *out, const char *text);

/*
 * NULL: an expression that procmail calls invalid, or one over LIMIT_RECIPE_PATTERN_BYTES;
 * *ret_error says why.
 */
RecipePattern *
recipe_pattern_compile(const char *expression, bool case_counts, RecipePatternError *ret_error);
void recipe_pattern_free(RecipePattern *pattern);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RecipePattern, recipe_pattern_free)

/* Has the expression a \/? */
bool recipe_pattern_splits(const RecipePattern *pattern);

/*
 * The work of all searches since this was asked last: octets that PCRE2 looked at, and steps of the
 * states.
 */
guint64 recipe_pattern_take_work(RecipePattern *pattern);

/* Does `text` match? *ret_match is set on a match of an expression that splits; it may be NULL. */
RecipeMatch
recipe_pattern_match(RecipePattern *pattern, const char *text, size_t len, RecipeSpan *ret_match);

/*
 * The first match that begins at octet `from` or later: what scores count. ret_match->end is where
 * it ends, len + 1: it took the line end behind the text. Without \/ it is the shortest match; with
 * it the longest, and ret_match->start is where MATCH begins.
 */
RecipeMatch recipe_pattern_next(RecipePattern *pattern, const char *text, size_t len, size_t from,
                                RecipeSpan *ret_match);

/* As recipe_pattern_match, with the states alone: the fuzzer holds it against PCRE2. */
RecipeMatch recipe_pattern_simulate(RecipePattern *pattern, const char *text, size_t len,
                                    RecipeSpan *ret_match);

#endif

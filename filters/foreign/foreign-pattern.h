/* SPDX-License-Identifier: MIT */
/*
 * foreign-pattern: an expression of PCRE over the lines of a header, as fields and an expression
 * over their values; or over a body. What Sieve cannot ask for is said, not guessed.
 */
#ifndef TODOKE_FOREIGN_PATTERN_H
#define TODOKE_FOREIGN_PATTERN_H

#include "filters/recipe/convert/recipe-convert-pattern.h"

/*
 * The branches (RecipeSievePattern, whose match_group counts the groups that stood before the
 * value and are gone) of a pattern over the header. NULL: `verdict` says why not. Caller unrefs.
 */
GPtrArray *foreign_pattern_fields(const char *pattern, RecipeVerdict *verdict);

/*
 * The pattern for ":regex" over any other text. `lines`: ^ and $ hold at each line. NULL:
 * `verdict` says why not. Caller frees.
 */
char *foreign_pattern_text(const char *pattern, bool lines, RecipeVerdict *verdict);

/* Does POSIX's extended syntax read it in another way, or not at all? */
bool foreign_pattern_needs_pcre(const char *pattern);

/* Capturing groups of a pattern. */
unsigned foreign_pattern_groups(const char *pattern);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * recipe-convert-pattern: an expression of procmail's as what Sieve can ask for: fields and a
 * pattern over their values. What Sieve cannot ask for is said, not guessed.
 */
#ifndef TODOKE_RECIPE_CONVERT_PATTERN_H
#define TODOKE_RECIPE_CONVERT_PATTERN_H

#include <glib.h>
#include <stdbool.h>

typedef enum { VERDICT_SAME, VERDICT_CHANGED, VERDICT_BY_HAND } RecipeVerdictKind;

/* How far the Sieve that was written means the same, and why not more. */
typedef struct {
	RecipeVerdictKind kind;
	GPtrArray *reasons; /* const char *, of the program; each once */
} RecipeVerdict;

void recipe_verdict_init(RecipeVerdict *verdict);
void recipe_verdict_clear(RecipeVerdict *verdict);
void recipe_verdict_changed(RecipeVerdict *verdict, const char *reason);
/* Returns false, for whoever gives up. */
bool recipe_verdict_by_hand(RecipeVerdict *verdict, const char *reason);
/* The same where a pointer is asked for: NULL. */
void *recipe_verdict_nothing(RecipeVerdict *verdict, const char *reason);

typedef enum { PATTERN_IN_HEADER, PATTERN_IN_BODY, PATTERN_IN_VARIABLE } RecipePatternPlace;

/* One of the branches of an expression; a text matches if it matches one of them. */
typedef struct {
	GPtrArray *fields;    /* char *: names; NULL outside of the header */
	GString *text;        /* the pattern, or plain text */
	bool plain;           /* `text` is searched for as it is; "" is everywhere */
	unsigned match_group; /* the group that becomes MATCH; 0: none */
} RecipeSievePattern;

/* The branches (RecipeSievePattern) of `expression`; NULL: `verdict` says why not. */
GPtrArray *recipe_convert_pattern(const char *expression, bool case_counts,
                                  RecipePatternPlace place, RecipeVerdict *verdict);

#endif

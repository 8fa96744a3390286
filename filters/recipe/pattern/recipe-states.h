/* SPDX-License-Identifier: MIT */
/*
 * recipe-states: an expression as a set of states that are followed at once: linear in the text,
 * whatever the expression.
 */
#ifndef TODOKE_RECIPE_STATES_H
#define TODOKE_RECIPE_STATES_H

#include "filters/recipe/pattern/recipe-tree.h"

typedef struct RecipeStates RecipeStates;

typedef struct {
	const char *text;
	size_t len;
	size_t from; /* octet of the text from which on a match may begin */
	/* go on for the longest match right of \/; else the first end is the answer */
	bool longest;
	/*
	 * the span may go over the line end behind the text: a search that goes on behind it needs
	 * to know
	 */
	bool counts;
	guint64 *steps; /* NULL, or the steps of the search are added there */
} RecipeSearch;

RecipeStates *recipe_states_new(const RecipeTree *tree);
void recipe_states_free(RecipeStates *states);

/*
 * Search. On a match *ret_span is what \/ cut off, without the line ends that nobody wrote unless
 * `counts`; without `longest` only its end means something, that of the match. RECIPE_LIMIT: more
 * than LIMIT_RECIPE_PATTERN_STEPS.
 */
RecipeMatch
recipe_states_run(const RecipeStates *states, const RecipeSearch *search, RecipeSpan *ret_span);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * recipe-literal: octets that a text must have, or an expression cannot match it. They are read off
 * the expression without parsing it: most expressions of an rc file do not match, and need no more.
 */
#ifndef TODOKE_RECIPE_LITERAL_H
#define TODOKE_RECIPE_LITERAL_H

#include <glib.h>
#include <stdbool.h>

typedef struct {
	char octets[64]; /* lower case; a line end may be one that nobody wrote */
	size_t len;
} RecipeLiteral;

/*
 * The longest row of octets that stands in each match of the expression, whether or not case
 * counts. False: none was found, or the expression is invalid, or too complicated to tell.
 */
bool recipe_literal_find(const char *expression, RecipeLiteral *ret_literal);

/*
 * The text that recipe_literal_is_in searches: `text` in lower case, between the two line ends that
 * nobody wrote. Caller frees.
 */
GString *recipe_literal_prepare(const char *text, size_t len);

bool recipe_literal_is_in(const RecipeLiteral *literal, const GString *prepared);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * recipe-parser: the text of an rc file -> tree. Procmail says "Skipped" and goes on where it does
 * not understand; so do we, with an error in the list: what was meant there does not happen, all
 * the rest does.
 */
#ifndef TODOKE_RECIPE_PARSER_H
#define TODOKE_RECIPE_PARSER_H

#include "filters/filter.h"
#include "filters/recipe/lang/recipe-ast.h"

/*
 * The nodes of `source`, owned by the array. NULL: blocks nested deeper than LIMIT_RECIPE_NESTING,
 * or a NUL in the text.
 */
GPtrArray *recipe_parse(const FilterSource *source, GPtrArray *problems);

/*
 * The same; the comments of the file (RecipeComment) are appended to `comments`, which frees them.
 */
GPtrArray *
recipe_parse_comments(const FilterSource *source, GPtrArray *problems, GPtrArray *comments);
void recipe_comment_free(gpointer comment);

/* Does `c` belong to a name? */
static inline bool
recipe_is_name(char c)
{
	return g_ascii_isalnum(c) || c == '_';
}

#endif

/* SPDX-License-Identifier: MIT */
/* recipe-explain: an rc file in plain words, for `todoke check --explain`. */
#ifndef TODOKE_RECIPE_EXPLAIN_H
#define TODOKE_RECIPE_EXPLAIN_H

#include <glib.h>

/*
 * One paragraph a recipe: number, line, conditions, action, and what happens after it. Caller
 * frees.
 */
char *recipe_explain(const GPtrArray *nodes);

#endif

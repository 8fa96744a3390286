/* SPDX-License-Identifier: MIT */
/*
 * recipe-tree: an expression of procmail's as a tree, and the tree as a PCRE2 pattern. Shared by
 * recipe-pattern and recipe-states.
 */
#ifndef TODOKE_RECIPE_TREE_H
#define TODOKE_RECIPE_TREE_H

#include "filters/recipe/pattern/recipe-pattern.h"

typedef enum {
	TREE_EMPTY,
	TREE_SET,    /* one octet of `set`; the two line ends that nobody wrote are octets too */
	TREE_START,  /* ^^: the line end before the text */
	TREE_END,    /* ^^ as the last thing of a branch: the line end behind the text */
	TREE_SPLIT,  /* \/ */
	TREE_CONCAT, /* left, then right */
	TREE_OR,
	TREE_STAR, /* of left, as the two below */
	TREE_PLUS,
	TREE_MAYBE
} RecipeTreeKind;

typedef struct {
	guint32 bits[8];
} RecipeSet;

typedef struct RecipeTreeNode {
	RecipeTreeKind kind;
	struct RecipeTreeNode *left;
	struct RecipeTreeNode *right;
	RecipeSet set;
} RecipeTreeNode;

typedef struct {
	RecipeTreeNode *root;
	GPtrArray *nodes; /* owns all of them */
	bool splits;
} RecipeTree;

static inline bool
recipe_set_has(const RecipeSet *set, guchar c)
{
	return (set->bits[c >> 5] >> (c & 31)) & 1;
}

/* NULL: invalid, or too deep; *ret_error says why. */
RecipeTree *
recipe_tree_parse(const char *expression, bool case_counts, RecipePatternError *ret_error);
void recipe_tree_free(RecipeTree *tree);

/* The tree as a pattern of PCRE2, which is told to fold letter case or not. Caller frees. */
GString *recipe_tree_pcre(const RecipeTree *tree, bool folds);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * recipe-ast: an rc file as a tree. Strings are the raw text, quotes and all: what they stand for
 * is known when they are reached.
 */
#ifndef TODOKE_RECIPE_AST_H
#define TODOKE_RECIPE_AST_H

#include <glib.h>
#include <stdbool.h>

typedef enum { RECIPE_ASSIGN, RECIPE_UNSET, RECIPE_RULE } RecipeKind;

typedef enum {
	RECIPE_ACTION_NONE, /* an error was reported: the recipe does nothing */
	RECIPE_ACTION_FOLDER,
	RECIPE_ACTION_FORWARD,
	RECIPE_ACTION_PROGRAM,
	RECIPE_ACTION_BLOCK
} RecipeActionKind;

/* Parts of a mail, as flags and conditions name them. */
typedef enum { RECIPE_HEADER = 1, RECIPE_BODY = 2, RECIPE_BOTH = 3 } RecipeParts;

/* Text that begins at a place of the file; lines and columns from 1. */
typedef struct {
	char *text;
	unsigned line;
	unsigned column;
} RecipeText;

typedef struct {
	RecipeKind kind;
	unsigned line;
	unsigned column;
	unsigned last_line; /* where it ends */
	/* ASSIGN, UNSET; RULE: the variable that takes a program's output, or NULL */
	char *name;
	RecipeText value;      /* ASSIGN */
	RecipeText start;      /* RULE: flags and lockfile, behind ":0" */
	GPtrArray *conditions; /* RULE: RecipeText */
	RecipeActionKind action_kind;
	RecipeText action; /* RULE: behind "!" or "|", without the blanks in front */
	/* RULE: these blanks, where it is a program: logs and LASTFOLDER show them; NULL: none */
	char *indent;
	GPtrArray *block; /* RULE: RecipeNode */
} RecipeNode;

/* A comment that stands where no text is. */
typedef struct {
	unsigned line;
	char *text; /* with its '#' */
} RecipeComment;

void recipe_node_free(gpointer node);

#endif

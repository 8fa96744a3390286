/* SPDX-License-Identifier: MIT */
/* recipe-flags: the first line of a recipe: its flags and its lockfile. */
#ifndef TODOKE_RECIPE_FLAGS_H
#define TODOKE_RECIPE_FLAGS_H

#include "filters/recipe/lang/recipe-ast.h"

/* The first line of a recipe, expanded. */
typedef struct {
	bool case_counts;          /* D */
	bool also;                 /* A */
	bool also_success;         /* a */
	bool otherwise;            /* E */
	bool on_failure;           /* e */
	bool filters;              /* f */
	bool copies;               /* c */
	bool waits;                /* w, W */
	bool quiet;                /* W: a failure is no error worth the log */
	bool ignores_write_errors; /* i */
	bool raw;                  /* r */
	RecipeParts area;          /* H, B */
	RecipeParts feeds;         /* h, b */
	bool locks;
	char *lock; /* NULL: by the folder's name */
	/* the first character that is no flag; procmail reads no further. 0: none */
	char unknown;
} RecipeFlags;

/* Read flags and lockfile. */
void recipe_flags_parse(RecipeFlags *flags, const char *start);
void recipe_flags_clear(RecipeFlags *flags);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RecipeFlags, recipe_flags_clear)

#endif

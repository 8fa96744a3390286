/* recipe-cond: the conditions of a recipe, with their scores. */
#ifndef TODOKE_RECIPE_COND_H
#define TODOKE_RECIPE_COND_H

#include "filters/recipe/run/recipe-run.h"

typedef struct {
	RecipeParts area;   /* flags H and B */
	bool case_counts;   /* flag D */
} RecipeCondFlags;

/* Do all conditions hold? Sets $= and MATCH. An expression that is wrong, or that reached a limit, does not hold, and a note says so. */
bool recipe_cond_hold(RecipeRun *run, const RecipeNode *node, const RecipeCondFlags *flags);

/* What a condition asks for, once its marks are read; shared with recipe-check. */
typedef struct {
	const char *rest;   /* what is behind the marks: an expression, a program, a number */
	char kind;          /* 'r' expression, '?' '<' '>' */
	bool inverted;
	bool weighted;
	bool escaped;       /* `rest` stood behind a backslash */
	bool substitutes;   /* a `$`: `rest` has to be expanded and read again */
	double weight;
	double exponent;
	RecipeParts area;   /* 0: not named */
	char *variable;     /* VAR ??; NULL: none */
	bool fields;        /* set by the caller: DECODE is on, so that a name may be that of a field, "List-Id ??" */
} RecipeCond;

/* Read the marks of `text`, from where `cond` stands; NULL-initialised. `cond->rest` borrows from `text`. */
void recipe_cond_read(RecipeCond *cond, const char *text);

/* `rest` of an expression, where ^TO_ and its like stand for what they name: behind a backslash they name nothing. Caller frees. */
char *recipe_cond_expression(const RecipeCond *cond);

#endif

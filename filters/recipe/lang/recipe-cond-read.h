/* SPDX-License-Identifier: MIT */
/*
 * recipe-cond-read: the marks in front of a condition. What the condition asks is answered by
 * recipe-cond, in a run.
 */
#ifndef TODOKE_RECIPE_COND_READ_H
#define TODOKE_RECIPE_COND_READ_H

#include "filters/recipe/lang/recipe-ast.h"

/* What a condition asks for, once its marks are read. */
typedef struct {
	const char *rest; /* what is behind the marks: an expression, a program, a number */
	char kind;        /* 'r' expression, '?' '<' '>' */
	bool inverted;
	bool weighted;
	bool escaped;     /* `rest` stood behind a backslash */
	bool substitutes; /* a `$`: `rest` has to be expanded and read again */
	double weight;
	double exponent;
	RecipeParts area; /* 0: not named */
	char *variable;   /* VAR ??; NULL: none */
	/* set by the caller: DECODE is on, so that a name may be that of a field, "List-Id ??" */
	bool fields;
} RecipeCond;

/*
 * Read the marks of `text`, from where `cond` stands; NULL-initialised. `cond->rest` borrows from
 * `text`.
 */
void recipe_cond_read(RecipeCond *cond, const char *text);

/*
 * `rest` of an expression, where ^TO_ and its like stand for what they name: behind a backslash
 * they name nothing. Caller frees.
 */
char *recipe_cond_expression(const RecipeCond *cond);

#endif

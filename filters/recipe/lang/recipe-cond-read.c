/* SPDX-License-Identifier: MIT */
/*
 * recipe-cond-read: weights, areas and negations may come in any order and more than once, as
 * procmail takes them.
 */
#include "filters/recipe/lang/recipe-cond-read.h"

#include "agent/base/blank.h"
#include "filters/recipe/lang/recipe-parser.h"

#include <string.h>

/* A number as strtod(3) takes it, but for infinity and the like. NULL: there is no number. */
static const char *
read_number(const char *at, double *ret_number)
{
	const char *digits = at + (*at == '-' || *at == '+');

	digits += *digits == '.';
	if (!g_ascii_isdigit(*digits))
		return NULL;

	char *behind;
	*ret_number = g_ascii_strtod(at, &behind);
	return behind;
}

/* NULL: no weight here. */
static const char *
read_weight(RecipeCond *cond, const char *at)
{
	double weight, exponent;
	const char *behind = read_number(at, &weight);
	if (behind == NULL || *(behind = blank_skip(behind)) != '^')
		return NULL;

	behind = read_number(blank_skip(behind + 1), &exponent);
	if (behind == NULL)
		return NULL;

	cond->weighted = true;
	cond->weight = weight;
	cond->exponent = exponent;

	return behind;
}

/* NAME ??; NULL: no such thing here. */
static const char *
read_area(RecipeCond *cond, const char *at)
{
	const char *behind = at;

	while (recipe_is_name(*behind) || (cond->fields && behind > at && *behind == '-'))
		behind++;
	const char *marks = blank_skip(behind);
	if (behind == at || marks[0] != '?' || marks[1] != '?')
		return NULL;

	g_autofree char *name = g_strndup(at, (gsize) (behind - at));
	g_clear_pointer(&cond->variable, g_free);
	cond->area = strcmp(name, "H") == 0                               ? RECIPE_HEADER
	             : strcmp(name, "B") == 0                             ? RECIPE_BODY
	             : strcmp(name, "HB") == 0 || strcmp(name, "BH") == 0 ? RECIPE_BOTH
	                                                                  : 0;
	if (cond->area == 0)
		cond->variable = g_steal_pointer(&name);

	return marks + 2;
}

void
recipe_cond_read(RecipeCond *cond, const char *text)
{
	const char *at = blank_skip(text);

	cond->kind = 'r';
	cond->substitutes = cond->escaped = false;
	for (;; at = blank_skip(at)) {
		const char *behind = read_weight(cond, at);
		if (behind == NULL)
			behind = read_area(cond, at);
		if (behind == NULL && *at == '!') {
			cond->inverted = !cond->inverted;
			behind = at + 1;
		}
		if (behind == NULL)
			break;
		at = behind;
	}

	if (*at == '$') {
		cond->substitutes = true;
		at++;
	} else if (*at == '?' || *at == '<' || *at == '>') {
		cond->kind = *at++;
	} else if (*at == '\\') {
		cond->escaped = true;
		at++;
	}

	cond->rest = cond->kind == 'r' && !cond->substitutes ? at : blank_skip(at);
}

char *
recipe_cond_expression(const RecipeCond *cond)
{
	bool names_nothing = cond->escaped && *cond->rest == '^';
	return names_nothing ? g_strconcat("^()", cond->rest + 1, NULL) : g_strdup(cond->rest);
}

/* SPDX-License-Identifier: MIT */
/* recipe-vars: a table of strings, and of switches the last value that said something. */
#include "filters/recipe/run/recipe-vars.h"

#include "agent/base/blank.h"
#include "agent/base/limits.h"

#include <stdlib.h>
#include <string.h>

static const char *const switches[RECIPE_SWITCHES] = {
	[RECIPE_VERBOSE] = "VERBOSE",
	[RECIPE_LOGABSTRACT] = "LOGABSTRACT",
	[RECIPE_DECODE] = "DECODE",
};

struct RecipeVars {
	GHashTable *values;
	int levels[RECIPE_SWITCHES];
};

RecipeVars *
recipe_vars_new(void)
{
	RecipeVars *vars = g_new(RecipeVars, 1);
	vars->values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	for (size_t i = 0; i < RECIPE_SWITCHES; i++)
		vars->levels[i] = RECIPE_NOT_SAID;
	return vars;
}

void
recipe_vars_free(RecipeVars *vars)
{
	if (vars == NULL)
		return;
	g_hash_table_unref(vars->values);
	g_free(vars);
}

RecipeVars *
recipe_vars_copy(const RecipeVars *vars)
{
	RecipeVars *copy = recipe_vars_new();
	GHashTableIter iter;
	gpointer name, value;

	g_hash_table_iter_init(&iter, vars->values);
	while (g_hash_table_iter_next(&iter, &name, &value))
		g_hash_table_insert(copy->values, g_strdup(name), g_strdup(value));
	memcpy(copy->levels, vars->levels, sizeof copy->levels);
	return copy;
}

const char *
recipe_vars_get(const RecipeVars *vars, const char *name)
{
	return g_hash_table_lookup(vars->values, name);
}

const char *
recipe_vars_text(const RecipeVars *vars, const char *name)
{
	const char *value = recipe_vars_get(vars, name);
	return value != NULL ? value : "";
}

/* procmail's words for yes and no; what is neither leaves things as they were. */
static int
read_level(const char *value, int before)
{
	char *end;
	long number = strtol(value, &end, 10);
	if (end > value)
		return number == 0 ? RECIPE_NO : number == RECIPE_ALL ? RECIPE_ALL : RECIPE_YES;

	value = blank_skip(value);
	switch (g_ascii_tolower(value[0])) {
	case 'a':
		return RECIPE_ALL;
	case 'e':
	case 't':
	case 'y':
		return RECIPE_YES;
	case 'd':
	case 'f':
	case 'n':
		return RECIPE_NO;
	case 'o': {
		char second = g_ascii_tolower(value[1]);
		return second == 'n' ? RECIPE_YES : second == 'f' ? RECIPE_NO : before;
	}
	default:
		return before;
	}
}

int
recipe_vars_level(const RecipeVars *vars, RecipeSwitch which)
{
	return vars->levels[which];
}

void
recipe_vars_set(RecipeVars *vars, const char *name, const char *value)
{
	for (size_t i = 0; i < RECIPE_SWITCHES; i++)
		if (value != NULL && strcmp(name, switches[i]) == 0)
			vars->levels[i] = read_level(value, vars->levels[i]);
	if (value == NULL && strcmp(name, switches[RECIPE_DECODE]) == 0)
		vars->levels[RECIPE_DECODE] = RECIPE_NO;

	if (value == NULL) {
		g_hash_table_remove(vars->values, name);
		return;
	}

	size_t len = strlen(value);
	if (len > LIMIT_RECIPE_VALUE_BYTES)
		g_hash_table_insert(vars->values, g_strdup("PROCMAIL_OVERFLOW"), g_strdup("yes"));

	/* it fills all that it is told to */
	char *copy = g_strndup(value, MIN(len, LIMIT_RECIPE_VALUE_BYTES));
	g_hash_table_insert(vars->values, g_strdup(name), copy);
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

char **
recipe_vars_environment(const RecipeVars *vars)
{
	GPtrArray *list = g_ptr_array_new();
	GHashTableIter iter;
	gpointer name, value;

	g_hash_table_iter_init(&iter, vars->values);
	while (g_hash_table_iter_next(&iter, &name, &value))
		g_ptr_array_add(
			list, g_strdup_printf("%s=%s", (const char *) name, (const char *) value));
	g_ptr_array_sort(list, compare_names);
	g_ptr_array_add(list, NULL);

	return (char **) g_ptr_array_free(list, FALSE);
}

/* SPDX-License-Identifier: MIT */
/* recipe-vars: a table of strings. */
#include "filters/recipe/run/recipe-vars.h"

#include "agent/base/limits.h"

#include <stdlib.h>
#include <string.h>

struct RecipeVars {
	GHashTable *values;
};

RecipeVars *
recipe_vars_new(void)
{
	RecipeVars *vars = g_new(RecipeVars, 1);
	vars->values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
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

void
recipe_vars_set(RecipeVars *vars, const char *name, const char *value)
{
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

bool
recipe_vars_bool(const RecipeVars *vars, const char *name, bool otherwise)
{
	const char *value = recipe_vars_text(vars, name);
	char first = g_ascii_tolower(*value);
	if (g_ascii_isdigit(first))
		return strtol(value, NULL, 10) != 0;

	if (first == 'o')
		return g_ascii_tolower(value[1]) == 'n' ||
		       (g_ascii_tolower(value[1]) != 'f' && otherwise);
	if (first == 'y' || first == 't' || first == 'e')
		return true;

	return first != 'n' && first != 'f' && first != 'd' && otherwise;
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

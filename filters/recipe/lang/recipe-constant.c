/* SPDX-License-Identifier: MIT */
/* recipe-constant: a table of values; a name with the value NULL is one that nobody can know. */
#include "filters/recipe/lang/recipe-constant.h"

#include "filters/recipe/lang/recipe-parser.h"
#include "filters/recipe/pattern/recipe-pattern.h"

#include <string.h>

struct RecipeConstants {
	GHashTable *values;
};

typedef struct {
	const RecipeConstants *constants;
	const char *at;
	GString *out;
	RecipeUnknown unknown;
	gpointer user;
} Expander;

RecipeConstants *
recipe_constants_new(FilterEnv *env)
{
	static const char *const names[] = { "HOME",    "MAILDIR", "DEFAULT",
		                             "ORGMAIL", "LOGNAME", "HOST" };
	RecipeConstants *constants = g_new(RecipeConstants, 1);

	constants->values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	for (size_t i = 0; env->recipes->recipe_variable != NULL && i < G_N_ELEMENTS(names); i++)
		g_hash_table_insert(constants->values, g_strdup(names[i]),
		                    g_strdup(env->recipes->recipe_variable(env, names[i])));
	return constants;
}

void
recipe_constants_free(RecipeConstants *constants)
{
	if (constants == NULL)
		return;
	g_hash_table_unref(constants->values);
	g_free(constants);
}

const char *
recipe_constants_get(const RecipeConstants *constants, const char *name)
{
	return g_hash_table_lookup(constants->values, name);
}

void
recipe_constants_follow(RecipeConstants *constants, const RecipeNode *node, bool certain)
{
	char *value = node->kind == RECIPE_ASSIGN && certain
	                      ? recipe_constants_expand(constants, node->value.text, NULL, NULL)
	                      : NULL;
	g_hash_table_insert(constants->values, g_strdup(node->name), value);
}

/* Behind "$": a name, in braces or not. NULL: something that only a run knows. */
static char *
take_name(Expander *expander)
{
	bool braces = *expander->at == '{';
	const char *start = expander->at + braces, *end = start;

	while (recipe_is_name(*end))
		end++;
	if (end == start || g_ascii_isdigit(*start) || (braces && *end != '}'))
		return NULL;

	expander->at = end + braces;
	return g_strndup(start, (gsize) (end - start));
}

static bool
put_variable(Expander *expander)
{
	bool disarms = *expander->at == '\\';

	expander->at += disarms;
	g_autofree char *name = take_name(expander);
	const char *value = name != NULL ? recipe_constants_get(expander->constants, name) : NULL;
	if (value != NULL && disarms)
		recipe_pattern_disarm(expander->out, value);
	else if (value != NULL)
		g_string_append(expander->out, value);

	return value != NULL || (name != NULL && expander->unknown != NULL &&
	                         expander->unknown(expander->out, name, expander->user));
}

/* Behind a backslash. */
static void
put_escaped(Expander *expander, bool quoted)
{
	char c = *expander->at;

	if (c != '\0')
		expander->at++;
	if (c == '\n')
		return;

	if (c == '\0' || (quoted && strchr("\\$`\"", c) == NULL))
		g_string_append_c(expander->out, '\\');
	if (c != '\0')
		g_string_append_c(expander->out, c);
}

static void
put_single_quoted(Expander *expander)
{
	size_t len = strcspn(expander->at, "'");
	g_string_append_len(expander->out, expander->at, (gssize) len);
	expander->at += len + (expander->at[len] != '\0');
}

static char *
expand(Expander *expander_start, bool all_quoted)
{
	g_autoptr(GString) out = g_string_new(NULL);
	Expander expander = *expander_start;

	expander.out = out;
	bool quoted = all_quoted;
	while (*expander.at != '\0') {
		char c = *expander.at++;
		if (c == '`' || (c == '$' && !put_variable(&expander)))
			return NULL;
		if (c == '$')
			continue;
		if (c == '\\')
			put_escaped(&expander, quoted);
		else if (c == '"' && !all_quoted)
			quoted = !quoted;
		else if (c == '\'' && !quoted)
			put_single_quoted(&expander);
		else
			g_string_append_c(out, c);
	}

	return g_strdup(out->str);
}

char *
recipe_constants_expand(const RecipeConstants *constants, const char *text, RecipeUnknown unknown,
                        gpointer user)
{
	Expander expander = { constants, text, NULL, unknown, user };
	return expand(&expander, false);
}

char *
recipe_constants_expand_quoted(const RecipeConstants *constants, const char *text)
{
	Expander expander = { constants, text, NULL, NULL, NULL };
	return expand(&expander, true);
}

char *
recipe_constants_path(const RecipeConstants *constants, const char *path)
{
	const char *folder = recipe_constants_get(constants, "MAILDIR");
	if (folder == NULL || *folder != '/')
		folder = recipe_constants_get(constants, "HOME");
	return *path == '/' || folder == NULL ? g_strdup(path)
	                                      : g_build_filename(folder, path, NULL);
}

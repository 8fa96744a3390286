/* SPDX-License-Identifier: MIT */
/* recipes: which file, and what comes before it. */
#define _GNU_SOURCE
#include "agent/run/recipes.h"

#include "agent/base/blank.h"
#include "agent/base/outcome.h"
#include "conf/conf-choices.h"
#include "filters/recipe/run/recipe-run.h"

#include <string.h>
#include <unistd.h>

/* Where the door stands, or at home. Caller frees. */
static char *
named_path(const Account *account, const char *file)
{
	bool in_place = *file == '/' || g_str_has_prefix(file, "./") ||
	                g_str_has_prefix(file, "../") || account->home == NULL;
	return in_place ? g_strdup(file) : g_build_filename(account->home, file, NULL);
}

static char *
find_named(const Account *account, const char *const *files)
{
	for (; *files != NULL; files++) {
		g_autofree char *path = named_path(account, *files);
		/* the last one is told of when it cannot be read */
		if (outcome_script_is_there(path) || files[1] == NULL)
			return g_steal_pointer(&path);
	}
	return NULL;
}

char *
recipes_next(const Account *account, const RecipeCall *call, const char *file)
{
	bool found = false;
	for (const char *const *named = call != NULL ? call->files : NULL;
	     named != NULL && *named != NULL && !found; named++) {
		g_autofree char *path = named_path(account, *named);
		found = strcmp(path, file) == 0;
		if (found && named[1] != NULL)
			return find_named(account, named + 1);
	}

	return NULL;
}

bool
recipes_site_runs(const Conf *conf, const RecipeCall *call)
{
	return *conf->recipe_site != '\0' && (call == NULL || !call->without_site);
}

static bool
may_run(const Conf *conf, const Account *account)
{
	return conf->recipes == CONF_RECIPES_ALL ||
	       (conf->recipes == CONF_RECIPES_YES && account->is_system);
}

char *
recipes_find(const Conf *conf, const Account *account, const RecipeCall *call, Status *st)
{
	if (call != NULL && call->files != NULL)
		return find_named(account, call->files);
	if (call == NULL && !may_run(conf, account))
		return NULL;

	for (char **place = conf->recipe_files; *place != NULL; place++) {
		g_autofree char *path = account_expand(account, *place, st);
		if (path == NULL)
			return NULL;
		/* one that cannot be read, or trusted, is told when it is to run */
		if (outcome_script_is_there(path))
			return g_steal_pointer(&path);
	}

	/* An empty file: the site's recipes, and its DEFAULT, hold for who has none that runs. */
	return recipes_site_runs(conf, call) || *conf->recipe_default != '\0'
	               ? g_strdup(RECIPES_NONE)
	               : NULL;
}

/* As the value of an assignment. */
static void
append_quoted(GString *text, const char *value)
{
	g_string_append_c(text, '"');
	for (const char *c = value; *c != '\0'; c++) {
		if (strchr("\\$`\"", *c) != NULL)
			g_string_append_c(text, '\\');
		g_string_append_c(text, *c);
	}

	g_string_append(text, "\"\n");
}

/*
 * A value of the command line as one of an rc file: its quotes and variables count, a blank does
 * not end it. Backquotes are characters: programs that call us put words of the sender there
 * (SENDER=...).
 */
static void
append_value(GString *text, const char *value)
{
	char quote = '\0';

	value = blank_skip(value);
	for (const char *c = value; *c != '\0' && (quote != '\0' || *c != '\n'); c++) {
		bool word_begins = c == value || c[-1] == ' ' || c[-1] == '\t';
		if (quote == '\0' && *c == '#' && word_begins)
			break;
		if (*c == '\\' && quote != '\'') {
			if (c[1] == '\0')
				break;
			g_string_append_c(text, *c++);
		} else if (*c == quote) {
			quote = '\0';
		} else if (quote == '\0' && (*c == '"' || *c == '\'')) {
			quote = *c;
		} else if ((quote == '\0' && (*c == ' ' || *c == '\t')) ||
		           (quote != '\'' && *c == '`')) {
			g_string_append_c(text, '\\');
		}
		g_string_append_c(text, *c);
	}

	if (quote != '\0')
		g_string_append_c(text, quote);
	g_string_append_c(text, '\n');
}

char *
recipes_prelude(const Conf *conf, const RecipeCall *call)
{
	g_autoptr(GString) text = g_string_new(NULL);
	const char *const *assignment = call != NULL ? call->assignments : NULL;

	for (; assignment != NULL && *assignment != NULL; assignment++) {
		const char *value = strchr(*assignment, '=') + 1;
		if (g_str_has_prefix(*assignment, "INCLUDERC=") ||
		    g_str_has_prefix(*assignment, "SWITCHRC="))
			continue; /* of no effect there, says procmailrc(5) */
		g_string_append_len(text, *assignment, value - *assignment);
		append_value(text, value);
	}

	if (recipes_site_runs(conf, call)) {
		g_string_append(text, "PATH_=\"$PATH\" PATH=" RECIPE_SITE_PATH "\nINCLUDERC=");
		append_quoted(text, conf->recipe_site);
		/* what the site has made of it was for its own programs */
		g_string_append(text, "PATH=\"$PATH_\" PATH_\n");
	}

	return text->len > 0 ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

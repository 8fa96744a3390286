/* SPDX-License-Identifier: MIT */
/* recipe-store: where a folder leads, and what the plan needs to store there. */
#include "filters/recipe/run/recipe-store.h"

#include "agent/plan/plan-store.h"
#include "filters/recipe/run/recipe-expand.h"
#include "filters/recipe/run/recipe-log.h"
#include "filters/recipe/run/recipe-plan.h"

#include <string.h>

static bool
is_directory_name(const char *path)
{
	return g_str_has_suffix(path, "/") || g_str_has_suffix(path, "/.");
}

/*
 * The From_ line that stands before the header now, or the one that a store in `path` needs. Caller
 * frees.
 */
static char *
from_line(const RecipeRun *run, const char *path)
{
	const FilterRecipes *services = run->env->recipes;
	g_autoptr(GString) header = recipe_mail_bytes(run->state->mail, RECIPE_HEADER, true);
	const char *end = strchr(header->str, '\n');
	bool is_mbox = !is_directory_name(path) &&
	               (services->path_kind == NULL ||
	                services->path_kind(run->env, path) != PATH_DIRECTORY);

	if (end == NULL || !g_str_has_prefix(header->str, "From "))
		return is_mbox ? g_strdup(recipe_mail_made_from(run->state->mail)) : NULL;
	return g_strndup(header->str, (gsize) (end - header->str));
}

/* procmail's words for a folder that takes no mail; `is_first`: the whole recipe fails for it. */
static void
complain_of_store(const RecipeRun *run, const char *name, const char *path, bool is_first,
                  unsigned line)
{
	const FilterRecipes *services = run->env->recipes;

	recipe_run_note(run, line, "cannot store to '%s'", path);
	if (services->path_kind != NULL && services->path_kind(run->env, path) == PATH_DIRECTORY) {
		recipe_log_complain(run, "Couldn't create or rename temp file \"%s\"", name);
		return;
	}

	g_autofree char *plain = g_strdup(name);
	for (size_t len = strlen(plain); len > 1 && is_directory_name(plain); len--)
		plain[len - 1] = '\0';
	if (!is_first || is_directory_name(name))
		recipe_log_complain(run, "Unable to treat as directory \"%s\"", plain);
	recipe_log_complain(run, is_first ? "Error while writing to \"%s\"" : "Skipped \"%s\"",
	                    plain);
}

/* A file in a plain directory is named by MSGPREFIX, which can name no other directory. */
static bool
has_good_name(const RecipeRun *run, const char *path)
{
	const FilterRecipes *services = run->env->recipes;
	bool plain = !is_directory_name(path) && services->path_kind != NULL &&
	             services->path_kind(run->env, path) == PATH_DIRECTORY;
	return !plain || strchr(recipe_vars_text(run->state->vars, "MSGPREFIX"), '/') == NULL;
}

/* A Maildir or MH folder by its name, but a file is there: then it is an mbox. */
static void
forget_directory(const RecipeRun *run, char *path)
{
	const FilterRecipes *services = run->env->recipes;
	size_t len = strlen(path), end = len;

	while (end > 1 && (path[end - 1] == '/' || (path[end - 1] == '.' && path[end - 2] == '/')))
		end--;
	if (end == len || services->path_kind == NULL)
		return;

	g_autofree char *plain = g_strndup(path, end);
	if (services->path_kind(run->env, plain) != PATH_FILE)
		return;

	path[end] = '\0';
	recipe_log_complain(run, "Unable to treat as directory \"%s\"", path);
}

/* A file takes no others; of directories only those count where a store is possible. */
static GPtrArray *
store_paths(const RecipeRun *run, const GPtrArray *words, unsigned line)
{
	const FilterRecipes *services = run->env->recipes;
	GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < words->len; i++) {
		g_autofree char *path = recipe_run_path(run, words->pdata[i]);
		if (i == 0)
			forget_directory(run, path);
		bool directory = i > 0 || is_directory_name(path) ||
		                 (services->path_kind != NULL &&
		                  services->path_kind(run->env, path) == PATH_DIRECTORY);
		if (!has_good_name(run, path) ||
		    (services->can_store != NULL && !services->can_store(run->env, path)))
			complain_of_store(run, words->pdata[i], path, i == 0, line);
		else
			g_ptr_array_add(paths, g_steal_pointer(&path));
		if (!directory && i + 1 < words->len)
			recipe_log_complain(run, "Skipped \"%s\"",
			                    (const char *) words->pdata[i + 1]);
		if (!directory)
			break;
	}

	return paths;
}

/* Is it stored as a file of its own? All but the first path of a recipe are. */
static bool
takes_files(const RecipeRun *run, const char *path, bool is_first)
{
	const FilterRecipes *services = run->env->recipes;
	return is_directory_name(path) || !is_first ||
	       (services->path_kind != NULL &&
	        services->path_kind(run->env, path) == PATH_DIRECTORY);
}

/*
 * The names of the files in `paths`; NULL for one that is not known yet: an MH folder's, and what
 * goes to the end of an mbox.
 */
static GPtrArray *
file_names(const RecipeRun *run, const GPtrArray *paths)
{
	const FilterRecipes *services = run->env->recipes;
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < paths->len; i++) {
		const char *path = paths->pdata[i];
		const char *prefix = g_str_has_suffix(path, "/")
		                             ? NULL
		                             : recipe_vars_text(run->state->vars, "MSGPREFIX");
		bool is_known = services->file_name != NULL && takes_files(run, path, i == 0) &&
		                !g_str_has_suffix(path, "/.");
		g_ptr_array_add(names, is_known ? services->file_name(run->env, prefix) : NULL);
	}

	return names;
}

/* LASTFOLDER has the files, in folders as the rule writes them. */
static void
set_last_folder(const RecipeRun *run, const PlanStore *store, bool as_written)
{
	RecipeState *state = run->state;
	const char *first = store->paths->pdata[0];

	state->is_maildir = g_str_has_suffix(first, "/");
	state->is_directory = !state->is_maildir && takes_files(run, first, true);
	state->is_pending = true;

	g_autoptr(GString) files = g_string_new(NULL);
	size_t len = as_written ? strlen(state->folder) : 0;
	for (guint i = 0; i < store->paths->len; i++) {
		const char *path = store->paths->pdata[i], *name = store->names->pdata[i];
		bool below = len > 0 && strncmp(path, state->folder, len) == 0 && path[len] == '/';
		g_string_append_printf(files, "%s%s", i > 0 ? " " : "",
		                       below ? path + len + 1 : path);
		if (name != NULL)
			g_string_append_printf(files, "%s%s",
			                       g_str_has_suffix(path, "/") ? "new/" : "/", name);
	}

	recipe_log_set(run, "LASTFOLDER", files->str);
}

/*
 * The lock file that a rule asks for beside the one that an mbox has by itself; NULL: none. Caller
 * frees.
 */
static char *
store_lock(const RecipeRun *run, const char *path, const RecipeFlags *flags)
{
	if (flags->lock != NULL)
		return recipe_run_path(run, flags->lock);
	const char *extension = recipe_vars_text(run->state->vars, "LOCKEXT");
	bool own = *extension == '\0' || strcmp(extension, ".lock") == 0;

	return flags->locks && !own && !is_directory_name(path) ? g_strconcat(path, extension, NULL)
	                                                        : NULL;
}

/* `as_written`: LASTFOLDER has the paths below MAILDIR without it. */
static bool
add_store(RecipeRun *run, GPtrArray *taken_paths, const RecipeFlags *flags, bool as_written,
          unsigned line, Status *st)
{
	g_autoptr(PlanAction) action = plan_action_new(PLAN_STORE, recipe_run_file(run), line);

	action->copy = flags->copies;
	action->mailbox = g_strdup(taken_paths->pdata[0]);
	PlanStore *store = plan_store_of(action);
	store->paths = taken_paths;
	store->names = file_names(run, taken_paths);

	/* Who can still ask for LASTFOLDER: recipes behind a copy, and TRAP. */
	store->is_exact = flags->copies || *recipe_vars_text(run->state->vars, "TRAP") != '\0';
	store->raw = flags->raw;
	store->lock = store_lock(run, action->mailbox, flags);
	store->lock_timeout = g_strdup(recipe_vars_get(run->state->vars, "LOCKTIMEOUT"));
	store->prefix = g_strdup(recipe_vars_text(run->state->vars, "MSGPREFIX"));
	store->umask = g_strdup(recipe_vars_get(run->state->vars, "UMASK"));
	store->from_line = flags->feeds & RECIPE_HEADER ? from_line(run, action->mailbox) : NULL;
	set_last_folder(run, store, as_written);

	return recipe_plan_take_mail(run, action, flags->feeds, st) &&
	       recipe_plan_add(run, g_steal_pointer(&action), st);
}

bool
recipe_store_to(RecipeRun *run, const GPtrArray *words, const RecipeFlags *flags, unsigned line,
                bool *ret_stored, Status *st)
{
	const char *first = words->pdata[0];

	*ret_stored = true;
	if (strcmp(first, "/dev/null") == 0) {
		recipe_plan_last_folder(run, first);
		return flags->copies ||
		       recipe_plan_add(
			       run, plan_action_new(PLAN_DISCARD, recipe_run_file(run), line), st);
	}

	GPtrArray *paths = store_paths(run, words, line);
	if (paths->len > 0)
		return add_store(run, paths, flags, *first != '/', line, st);

	g_ptr_array_unref(paths);
	*ret_stored = false;
	return true;
}

bool
recipe_store_do(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags,
                bool *ret_succeeded, Status *st)
{
	g_autoptr(GPtrArray) words = recipe_expand_words(run, node->action.text);

	if (words->len > 0 && *(const char *) words->pdata[0] != '\0')
		return recipe_store_to(run, words, flags, node->line, ret_succeeded, st);

	*ret_succeeded = false;
	recipe_run_note(run, node->action.line, "the folder has no name");
	return true;
}

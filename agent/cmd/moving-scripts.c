/* SPDX-License-Identifier: MIT */
/* moving-scripts: scripts and extensions of Sieve. */
#include "agent/cmd/moving.h"

#include "filters/sieve/lang/sieve-site.h"

#include <string.h>

/*
 * The path of a script's location, "file:~/sieve;active=~/.dovecot.sieve"; *ret_active is its
 * symbolic link (NULL: not said). NULL: it is in no file. Callers free both.
 */
static char *
script_path(const char *location, char **ret_active)
{
	g_auto(GStrv) parts = g_strsplit(location, ";", -1);
	const char *path = parts[0] != NULL ? parts[0] : "";
	const char *colon = strchr(path, ':');

	*ret_active = NULL;
	if (g_str_has_prefix(path, "file:"))
		path += strlen("file:");
	else if (colon != NULL && strchr(path, '/') != NULL && colon < strchr(path, '/'))
		return NULL;
	for (char **part = parts; *part != NULL && *ret_active == NULL; part++)
		if (g_str_has_prefix(*part, "active="))
			*ret_active = g_strdup(*part + strlen("active="));

	return g_strdup(path);
}

/*
 * A path without an initial slash begins at the home. Caller frees.
 */
static char *
at_home(const char *path)
{
	bool is_whole = *path == '/' || *path == '~' || *path == '%';
	return is_whole ? g_strdup(path) : g_strconcat("~/", path, NULL);
}

/*
 * The path that a setting names, where its letters can be kept; "" where it names none. NULL: it
 * cannot be moved. Caller frees.
 */
static char *
movable_path(Moving *moving, const DovecotSetting *from)
{
	g_autofree char *active = NULL;
	g_autofree char *path = script_path(from->value, &active);

	moving->reason = "todoke reads scripts from files";
	bool can_move = path != NULL && (*path == '\0' || moving_knows_letters(moving, path));
	return can_move ? g_steal_pointer(&path) : NULL;
}

bool
moving_scripts_take(Moving *moving, const char *ours, const DovecotSetting *from)
{
	g_autofree char *path = movable_path(moving, from);
	if (path == NULL)
		return false;
	if (*path != '\0')
		moving_set(moving, ours, path, from);
	return true;
}

static void
set_personal(Moving *moving, const char *path, const char *active, const DovecotSetting *from)
{
	bool is_file = g_str_has_suffix(path, ".sieve") && active == NULL;
	g_autofree char *folder = at_home(path);
	g_autofree char *script = at_home(active != NULL ? active : "~/.dovecot.sieve");

	moving_set(moving, "sieve_scripts", is_file ? folder : script, from);
	if (!is_file)
		moving_set(moving, "sieve_personal", folder, from);
}

bool
moving_scripts_take_personal(Moving *moving, const char *ours, const DovecotSetting *from)
{
	(void) ours;
	g_autofree char *active = NULL;
	g_autofree char *path = script_path(from->value, &active);
	moving->reason = "todoke reads scripts from files";
	if (path == NULL || *path == '\0')
		return false;
	if (!moving_knows_letters(moving, path) ||
	    (active != NULL && !moving_knows_letters(moving, active)))
		return false;
	set_personal(moving, path, active, from);
	return true;
}

static int
compare_names(const void *one, const void *other)
{
	return strcmp(*(const char *const *) one, *(const char *const *) other);
}

/* A folder stands for its scripts, in the order of their names. */
static bool
set_scripts(Moving *moving, const char *ours, const char *path, const DovecotSetting *from)
{
	g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
	if (folder == NULL && g_str_has_suffix(path, ".sieve")) {
		moving_set(moving, ours, path, from);
		return true;
	}
	moving->reason = "this is no script and no folder that can be read here: name each script";
	if (folder == NULL)
		return false;

	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	for (const char *name; (name = g_dir_read_name(folder)) != NULL;)
		if (g_str_has_suffix(name, ".sieve"))
			g_ptr_array_add(names, g_build_filename(path, name, NULL));
	g_ptr_array_sort(names, compare_names);
	for (guint i = 0; i < names->len; i++)
		moving_set(moving, ours, names->pdata[i], from);
	return true;
}

bool
moving_scripts_take_list(Moving *moving, const char *ours, const DovecotSetting *from)
{
	g_autofree char *path = movable_path(moving, from);
	if (path == NULL)
		return false;
	return *path == '\0' || set_scripts(moving, ours, path, from);
}

static void
note_unknown(void *user, const char *word, const char *hint)
{
	(void) hint;
	GString *unknown = user;
	g_string_append_printf(unknown, " %s ", word + strspn(word, "+-"));
}

/* Extensions that todoke has; the others, such as obsolete ones, are lost. */
static void
set_extensions(Moving *moving, const char *ours, const char *words, const DovecotSetting *from)
{
	g_autoptr(GString) unknown = g_string_new(NULL), known = g_string_new(NULL);
	g_auto(GStrv) list = g_strsplit_set(words, " \t,", -1);

	sieve_site_unknown(words, note_unknown, unknown);
	for (char **word = list; *word != NULL; word++) {
		const char *name = *word + strspn(*word, "+-");
		g_autofree char *padded = g_strdup_printf(" %s ", name);
		if (*name == '\0')
			continue;
		if (strstr(unknown->str, padded) == NULL)
			g_string_append_printf(known, "%s%s", known->len > 0 ? " " : "", *word);
		else if (**word != '-')
			moving_lose(moving, from, "todoke does not have all of these extensions");
	}
	if (known->len > 0)
		moving_set(moving, ours, known->str, from);
}

bool
moving_scripts_take_extensions(Moving *moving, const char *ours, const DovecotSetting *from)
{
	set_extensions(moving, ours, from->value, from);
	return true;
}

/* `sieve_extensions { fileinto = yes }` of 2.4 adds to Dovecot's default set, `no` takes away. */
static void
take_extension_blocks(Moving *moving, const char *kind, const char *ours)
{
	g_autoptr(GString) words = g_string_new(NULL);
	const DovecotSetting *last = NULL;

	for (guint i = 0; i < moving->config->settings->len; i++) {
		const DovecotSetting *setting = moving_setting(moving, i);
		if (!moving_is_in(setting->block, kind) || setting->block->parent != NULL)
			continue;
		moving->is_done[i] = true;
		last = setting;
		bool adds = strcmp(setting->value, "yes") == 0;
		g_string_append_printf(words, " %c%s", adds ? '+' : '-', setting->name);
	}
	if (last != NULL)
		set_extensions(moving, ours, words->str, last);
}

/* A block without a path: another driver has it in a block of its own, a file has a default. */
static void
take_script_without_path(Moving *moving, const DovecotBlock *block, const char *type)
{
	const DovecotSetting *driver = moving_find_in(moving, block, "driver"),
			     *active = moving_find_in(moving, block, "active_path");

	if (driver != NULL && strcmp(driver->value, "file") != 0)
		moving_lose(moving, driver, "todoke reads scripts from files");
	else if (active == NULL)
		return;
	else if (*type != '\0' && strcmp(type, "personal") != 0)
		moving_lose(moving, active, "this kind of script has a path");
	else if (moving_knows_letters(moving, active->value))
		set_personal(moving, "~/sieve", active->value, active);
	else
		moving_lose(moving, active, moving->reason);
}

/* `sieve_script NAME { type = before, path = ... }` of 2.4. */
static void
take_script_block(Moving *moving, const DovecotBlock *block)
{
	static const char *const single[] = { "default", "discard", "global" };
	const DovecotSetting *path = moving_find_in(moving, block, "path");
	const char *type = moving_value_in(moving, block, "type"),
		   *driver = moving_value_in(moving, block, "driver");
	moving_done_with(moving, block);
	if (path == NULL) {
		take_script_without_path(moving, block, type);
		return;
	}
	if (*driver != '\0' && strcmp(driver, "file") != 0) {
		moving_lose(moving, path, "todoke reads scripts from files");
		return;
	}

	const char *active = moving_value_in(moving, block, "active_path");
	bool good = moving_knows_letters(moving, path->value) &&
	            moving_knows_letters(moving, active);
	if (good && (*type == '\0' || strcmp(type, "personal") == 0))
		set_personal(moving, path->value, *active != '\0' ? active : NULL, path);
	else if (good && (strcmp(type, "before") == 0 || strcmp(type, "after") == 0))
		good = set_scripts(moving,
		                   strcmp(type, "before") == 0 ? "sieve_before" : "sieve_after",
		                   path->value, path);
	else if (good) {
		g_autofree char *ours = g_strconcat("sieve_", type, NULL);
		good = g_strv_contains(
			(const char *const[]){ single[0], single[1], single[2], NULL }, type);
		moving->reason = "todoke has no such kind of script";
		if (good)
			moving_set(moving, ours, path->value, path);
	}
	if (!good)
		moving_lose(moving, path, moving->reason);
}

void
moving_scripts(Moving *moving)
{
	const GPtrArray *blocks = moving->config->blocks;

	take_extension_blocks(moving, "sieve_extensions", "sieve_extensions");
	take_extension_blocks(moving, "sieve_global_extensions", "sieve_site_extensions");
	for (guint i = 0; i < blocks->len; i++)
		if (moving_is_in(blocks->pdata[i], "sieve_script"))
			take_script_block(moving, blocks->pdata[i]);
}

/* SPDX-License-Identifier: MIT */
/* check-files: see the header. */
#define _GNU_SOURCE
#include "agent/cmd/check-files.h"

#include "agent/cmd/check-conf.h"
#include "agent/store/folder.h"
#include "conf/conf-choices.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* What a setting names, and what its absence does. */
typedef struct {
	const char *setting;
	bool is_folder;
	const char *effect;
} Named;

static const Named named[] = {
	{ "sieve_before", false, "it does not run, and each delivery notes that" },
	{ "sieve_after", false, "it does not run, and each delivery notes that" },
	{ "sieve_default", false, "owners without a script have no rules" },
	{ "sieve_discard", false, "it does not run, and each delivery notes that" },
	{ "sieve_global", true, "scripts that include from it do not run" },
	{ "recipe_site", false, "no recipes of the site run" },
	{ "program_folder", true, "no program of rules runs: their mail is stored instead" },
};

static void
check_one(const Conf *conf, const Named *row, const char *path, GPtrArray *problems)
{
	struct stat sb;
	bool is_there = stat(path, &sb) == 0;
	bool is_right = is_there && (S_ISDIR(sb.st_mode) ? row->is_folder : !row->is_folder);

	/* what we may not look at may be there */
	if (*path != '/' || strchr(path, '%') != NULL || is_right ||
	    (!is_there && errno != ENOENT && errno != ENOTDIR))
		return;

	g_autofree char *text = g_strdup_printf("%s names '%s', which %s: %s", row->setting, path,
	                                        !is_there        ? "does not exist"
	                                        : row->is_folder ? "is not a folder"
	                                                         : "is a folder",
	                                        row->effect);
	g_autofree char *quoted = g_shell_quote(path);
	g_autofree char *hint = is_there ? NULL
	                                 : g_strdup_printf(
						   "%s %s  # it does nothing while it is empty",
						   row->is_folder ? "mkdir -p" : "touch", quoted);
	check_conf_about(problems, conf, row->setting, PROBLEM_ERROR, "missing-file", text, hint);
}

static void
check_lists(const Conf *conf, GPtrArray *problems)
{
	for (char **item = conf->sieve_lists; item != NULL && *item != NULL; item++) {
		const char *equal = strchr(*item, '=');
		const Named row = { "sieve_lists", false,
			            "tests of that list fail, and the script with them" };
		if (equal != NULL)
			check_one(conf, &row, equal + 1, problems);
	}
}

void
check_files_missing(const Conf *conf, GPtrArray *problems)
{
	for (size_t i = 0; i < G_N_ELEMENTS(named); i++) {
		const ConfRow *row = conf_find_row(named[i].setting);
		char *one[] = { row->type == CONF_TEXT ? G_STRUCT_MEMBER(char *, conf, row->offset)
			                               : NULL,
			        NULL };
		char *const *list = row->type == CONF_LIST
		                            ? G_STRUCT_MEMBER(char **, conf, row->offset)
		                            : one;
		for (; *list != NULL; list++)
			check_one(conf, &named[i], *list, problems);
	}

	check_lists(conf, problems);
}

/* Does the template name the user, and not only the domain? */
static bool
names_user(const char *template)
{
	return strstr(template, "%n") != NULL || strstr(template, "%u") != NULL;
}

/* Is anything of the owner's looked for at home? */
static bool
uses_home(const Conf *conf)
{
	for (char **script = conf->sieve_scripts; *script != NULL; script++)
		if (**script == '~' || strstr(*script, "%h") != NULL)
			return true;
	return *conf->sieve_personal == '~' || conf->recipes != CONF_RECIPES_NO;
}

bool
check_files_shares_home(const Conf *conf, char **ret_home)
{
	bool is_virtual = conf->users == CONF_USERS_VIRTUAL ||
	                  (conf->users == CONF_USERS_AUTO && *conf->passwd_file == '\0' &&
	                   *conf->maildir == '/' && strstr(conf->maildir, "%h") == NULL);
	if (!is_virtual || !names_user(conf->maildir) || !uses_home(conf))
		return false;

	g_autofree char *home = *conf->home != '\0' ? g_strdup(conf->home)
	                                            : g_path_get_dirname(conf->maildir);
	if (names_user(home))
		return false;

	*ret_home = g_steal_pointer(&home);
	return true;
}

void
check_files_shared_home(const Conf *conf, GPtrArray *problems)
{
	g_autofree char *home = NULL;
	if (!check_files_shares_home(conf, &home))
		return;

	g_autofree char *text = g_strdup_printf(
		"all users of a domain have one home, '%s', and so one script and one set of "
		"recipes: whoever can write there decides for all of them",
		home);
	g_autofree char *hint = g_strdup_printf(
		"home = \"%s/%%n\" and a maildir below it; todoke setup home lists what has to "
		"move",
		home);
	check_conf_about(problems, conf, *conf->home != '\0' ? "home" : "maildir", PROBLEM_WARNING,
	                 "shared-home", text, hint);
}

void
check_files_special_use(const Conf *conf, GPtrArray *problems)
{
	FolderRules rules = folder_rules_of(conf);

	for (char **item = conf->special_use; item != NULL && *item != NULL; item++) {
		const char *equal = strchr(*item, '='), *why = NULL;
		if (equal == NULL || equal[1] == '\0')
			continue;

		g_autofree char *path = folder_path(&rules, NULL, equal + 1, &why);
		if (path != NULL)
			continue;
		g_autofree char *text = g_strdup_printf(
			"'%s' can be no folder: it %s; such mail goes to the INBOX", equal + 1,
			why);
		g_autofree char *better = folder_better_name(&rules, equal + 1);
		g_autofree char *hint = better != NULL ? g_strdup_printf("write \"%s\"", better)
		                                       : NULL;
		check_conf_about(problems, conf, "special_use", PROBLEM_ERROR, "folder-name", text,
		                 hint);
	}
}

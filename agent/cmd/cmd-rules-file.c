/* SPDX-License-Identifier: MIT */
/* reading: what check and convert have in common. */
#include "agent/cmd/cmd-rules-file.h"

#include "agent/base/fs.h"
#include "agent/message/address.h"
#include "agent/run/trust.h"
#include "agent/deliver/deliver.h"
#include "agent/store/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

/* Octets of a file that an rc file includes. */
enum { LIMIT_INCLUDED = 64 * 1024 * 1024 };

void
reading_clear(Reading *reading)
{
	world_free(reading->world);
	envelope_free(reading->envelope);
	account_free(reading->account);
	site_free(reading->site);
	g_free(reading->text);
}

/* Whoever has the file is taken for the owner whose rules it has. */
static bool
take_ids(Account *account, const char *path, Status *st)
{
	g_autofree char *folder = g_path_get_dirname(path);
	struct stat file, parent;
	if (stat(path, &file) < 0 || stat(folder, &parent) < 0)
		return status_fail_errno(st, errno, "cannot open '%s'", path);

	/* Of ids that no account has, deliveries take the group from the folder, too. */
	const struct passwd *owner = getpwuid(file.st_uid);
	account->uid = file.st_uid;
	account->gid = owner != NULL ? owner->pw_gid : parent.st_gid;
	return true;
}

bool
reading_open(Reading *reading, Conf *taken_conf, const char *path, const char *recipient, ScriptTrust trust, Status *st)
{
	size_t len;
	g_autofree char *address = address_read(recipient != NULL ? recipient : "owner");
	reading->site = site_new(taken_conf, st);
	reading->account = reading->site != NULL ? account_imagined(reading->site->conf, address, st) : NULL;
	if (reading->account == NULL || !take_ids(reading->account, path, st) ||
	    !fs_read_file(AT_FDCWD, path, (size_t) reading->site->conf->sieve_max_script_size, &reading->text, &len, st))
		return false;
	reading->envelope = envelope_new(DOOR_TRY);
	reading->world = world_new(reading->site, reading->account, reading->envelope, NULL, g_get_real_time() / G_USEC_PER_SEC, NULL,
	                           NULL);
	reading->source = (FilterSource){ .file = path, .text = reading->text, .len = len, .trust = trust };
	return true;
}

static bool
open_included(FilterEnv *env, ScriptPlace place, const char *name, char **ret_file, char **ret_text, size_t *ret_len, Status *st)
{
	(void) env, (void) place;
	const Trust trust = { .rule = TRUST_INCLUDED, .path = name, .owner = TRUST_ANYBODY };
	if (!fs_read_judged(AT_FDCWD, name, LIMIT_INCLUDED, trust_judge, &trust, ret_text, ret_len, st))
		return false;
	*ret_file = g_strdup(name);
	return true;
}

static const char *
variable_of_caller(FilterEnv *env, const char *name)
{
	(void) env;
	if (strcmp(name, "HOST") == 0)
		return g_get_host_name();
	return strcmp(name, "HOME") == 0 ? g_get_home_dir() : NULL;
}

char *
reading_inbox(const Reading *reading)
{
	const char *template = reading->site->conf->maildir;
	bool is_below_home = g_str_has_prefix(template, "~/") && strchr(template, '%') == NULL;
	g_autofree char *path = g_build_filename(g_get_home_dir(),
	                                         is_below_home ? template + 2 : "Maildir", NULL);
	return g_canonicalize_filename(path, "/");
}

char *
reading_mailbox_at(const Reading *reading, const Maildir *inbox, const char *path)
{
	g_autofree char *root = reading_inbox(reading);
	g_autofree char *plain = g_canonicalize_filename(path, "/");
	size_t len = strlen(root);
	if (!g_str_has_prefix(plain, root) || (plain[len] != '/' && plain[len] != '\0'))
		return NULL;
	FolderRules rules = folder_rules_of(reading->site->conf);
	return folder_name(&rules, inbox, plain + len + (plain[len] == '/'));
}

static char *
mailbox_at(FilterEnv *env, const char *path)
{
	return env->user != NULL ? reading_mailbox_at(env->user, NULL, path) : NULL;
}

const FilterServices reading_recipe_services = {
	.open_script = open_included,
	.recipe_variable = variable_of_caller,
	.mailbox_at = mailbox_at,
};

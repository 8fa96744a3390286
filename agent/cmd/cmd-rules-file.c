/* SPDX-License-Identifier: MIT */
/* rules-file: what check and convert have in common. */
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
#include <unistd.h>

/* Octets of a file that an rc file includes. */
enum { LIMIT_INCLUDED = 64 * 1024 * 1024 };

void
rules_file_clear(RulesFile *rules)
{
	services_free(rules->services);
	envelope_free(rules->envelope);
	account_free(rules->account);
	site_free(rules->site);
	g_free(rules->text);
	g_free(rules->home);
	g_free(rules->user);
	g_free(rules->inbox);
}

/* Root looks at the rules of others, whose HOME is not root's. */
static void
take_home(RulesFile *rules, const struct passwd *owner)
{
	bool is_others = owner != NULL && geteuid() == 0 && owner->pw_uid != 0;
	rules->home = g_strdup(is_others ? owner->pw_dir : g_get_home_dir());
	rules->user = g_strdup(is_others ? owner->pw_name : g_get_user_name());
}

/* Whoever has the file is taken for the owner whose rules it has. */
static bool
take_owner(RulesFile *rules, const char *path, Status *st)
{
	g_autofree char *folder = g_path_get_dirname(path);
	struct stat file, parent;
	Account *account = rules->account;
	if (stat(path, &file) < 0 || stat(folder, &parent) < 0)
		return status_fail_errno(st, errno, "cannot open '%s'", path);

	/* Of ids that no account has, deliveries take the group from the folder, too. */
	const struct passwd *owner = getpwuid(file.st_uid);
	account->uid = file.st_uid;
	account->gid = owner != NULL ? owner->pw_gid : parent.st_gid;
	take_home(rules, owner);

	return true;
}

bool
rules_file_open(RulesFile *rules, Conf *taken_conf, const char *path, const char *recipient,
                ScriptTrust trust, Status *st)
{
	size_t len;
	g_autofree char *address = address_read(recipient != NULL ? recipient : "owner");

	rules->site = site_new(taken_conf, st);
	rules->account = rules->site != NULL ? account_imagined(rules->site->conf, address, st)
	                                     : NULL;
	if (rules->account == NULL || !take_owner(rules, path, st) ||
	    !fs_read_file(AT_FDCWD, path, (size_t) rules->site->conf->sieve_max_script_size,
	                  &rules->text, &len, st))
		return false;

	rules->envelope = envelope_new(DOOR_TRY);
	rules->services = services_new(rules->site, rules->account, rules->envelope, NULL,
	                               g_get_real_time() / G_USEC_PER_SEC, NULL, NULL);
	rules->source = (FilterSource){
		.file = path, .text = rules->text, .len = len, .trust = trust
	};

	return true;
}

static bool
open_included(FilterEnv *env, ScriptPlace place, const char *name, char **ret_file, char **ret_text,
              size_t *ret_len, Status *st)
{
	(void) env, (void) place;
	const Trust trust = { .rule = TRUST_INCLUDED, .path = name, .owner = TRUST_ANYBODY };
	if (!fs_read_judged(AT_FDCWD, name, LIMIT_INCLUDED, trust_judge, &trust, ret_text, ret_len,
	                    st))
		return false;

	*ret_file = g_strdup(name);
	return true;
}

static void
replace(char **member, const char *value)
{
	g_free(*member);
	*member = g_strdup(value);
}

void
rules_file_take_account(RulesFile *rules, const Account *account)
{
	replace(&rules->user, account->user);
	replace(&rules->inbox, account->maildir);
	if (account->home == NULL)
		return;
	replace(&rules->home, account->home);
	replace(&rules->account->home, account->home);
}

bool
rules_file_set_owner(RulesFile *rules, const char *recipient, Status *st)
{
	g_autofree char *address = address_read(recipient);
	g_autoptr(Account) account = account_find(rules->site->conf, address, st);
	if (account == NULL)
		return status_prefix(st, "'%s'", recipient);
	if (account->home == NULL)
		return status_fail_detail(st, STATUS_CONFIG, "'%s' has no home", account->user);

	rules_file_take_account(rules, account);
	return true;
}

static const char *
variable_of_owner(FilterEnv *env, const char *name)
{
	const RulesFile *rules = env->user;
	if (strcmp(name, "HOST") == 0)
		return fs_host_name();
	return strcmp(name, "HOME") == 0 ? rules->home : NULL;
}

char *
rules_file_inbox(const RulesFile *rules)
{
	const char *template = rules->site->conf->maildir;
	if (rules->inbox != NULL)
		return g_canonicalize_filename(rules->inbox, "/");

	bool is_below_home = g_str_has_prefix(template, "~/") && strchr(template, '%') == NULL;
	g_autofree char *path = g_build_filename(rules->home,
	                                         is_below_home ? template + 2 : "Maildir", NULL);
	return g_canonicalize_filename(path, "/");
}

char *
rules_file_mailbox_at(const RulesFile *rules, const Maildir *inbox, const char *path)
{
	g_autofree char *root = rules_file_inbox(rules);
	g_autofree char *plain = g_canonicalize_filename(path, "/");
	size_t len = strlen(root);

	if (!g_str_has_prefix(plain, root) || (plain[len] != '/' && plain[len] != '\0'))
		return NULL;
	FolderRules folders = folder_rules_of(rules->site->conf);
	return folder_name(&folders, inbox, plain + len + (plain[len] == '/'));
}

static char *
mailbox_at(FilterEnv *env, const char *path)
{
	return rules_file_mailbox_at(env->user, NULL, path);
}

static const FilterServices services = {
	.open_script = open_included,
};

static const FilterRecipes recipes = {
	.recipe_variable = variable_of_owner,
	.mailbox_at = mailbox_at,
};

static PathAnswer
path_kind(FilterEnv *env, const char *path)
{
	FilterEnv *own = services_env(((const RulesFile *) env->user)->services);
	return own->recipes->path_kind(own, path);
}

static bool
can_store(FilterEnv *env, const char *path)
{
	FilterEnv *own = services_env(((const RulesFile *) env->user)->services);
	return own->recipes->can_store(own, path);
}

/* What stands on the disk counts, too. */
static const FilterRecipes checked_recipes = {
	.recipe_variable = variable_of_owner,
	.mailbox_at = mailbox_at,
	.path_kind = path_kind,
	.can_store = can_store,
};

FilterEnv
rules_file_env(const RulesFile *rules)
{
	return (FilterEnv){
		.services = &services,
		.recipes = &recipes,
		.conf = rules->site->conf,
		.user = (gpointer) rules,
		.now = services_env(rules->services)->now,
		.trace_level = -1,
	};
}

FilterEnv
rules_file_check_env(const RulesFile *rules)
{
	FilterEnv env = rules_file_env(rules);
	env.recipes = &checked_recipes;
	return env;
}

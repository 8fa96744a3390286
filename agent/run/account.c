/* SPDX-License-Identifier: MIT */
/* account: look up by the table that the configuration names; become that user. */
#define _GNU_SOURCE
#include "agent/run/account-parts.h"
#include "agent/run/account-source.h"
#include "agent/base/path-template.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/base/owner-walk.h"
#include "agent/message/address.h"
#include "agent/state/record-line.h"
#include "conf/conf-choices.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *
account_address(const Account *account)
{
	return account->domain != NULL ? g_strconcat(account->local, "@", account->domain, NULL)
	                               : g_strdup(account->local);
}

PathTemplateValues
account_template_values(const Account *account)
{
	return (PathTemplateValues){ account->user, account->local, account->domain,
		                     account->home };
}

Conf *
account_conf(const Account *account, const Conf *conf)
{
	bool has_settings = account->settings != NULL;
	if ((conf->scopes->len == 0 && !has_settings) || account->local == NULL)
		return NULL;

	g_autofree char *address = account_address(account);
	Conf *own = conf_for_recipient(conf, address);
	if (own == NULL && has_settings)
		own = conf_copy(conf);
	for (guint i = 0; has_settings && i < account->settings->len; i++)
		conf_use_item(own, account->settings->pdata[i], account->source);
	return own;
}

void
account_free(Account *account)
{
	if (account == NULL)
		return;
	g_free(account->rights_of);
	g_free(account->user);
	g_free(account->local);
	g_free(account->domain);
	g_free(account->detail);
	g_free(account->home);
	g_free(account->maildir);
	g_free(account->returns_to);
	g_free(account->mail);
	if (account->settings != NULL)
		g_ptr_array_unref(account->settings);
	if (account->unused != NULL)
		g_ptr_array_unref(account->unused);
	tree_clear(&account->tree);
	if (account->addresses != NULL)
		g_ptr_array_unref(account->addresses);
	g_free(account);
}

/* A value that the address brings, as a part of a path. */
static bool
check_value(const Account *account, const char *path_template, char letter, const char *raw,
            const char *value, Status *st)
{
	if (letter == 'd' && account->domain == NULL)
		/*
		 * Whoever calls us left it out, not the sender: a bounce would punish the wrong
		 * one.
		 */
		return status_fail_detail(
			st, STATUS_CONFIG,
			"'%s' needs a domain, and the recipient '%s' has none: give the whole "
			"address (in master.cf: -d ${recipient})",
			path_template, account->local);

	/* A part of a short name may be empty, as it is for Dovecot; the name itself never is. */
	bool is_same = strcmp(raw, value) == 0;
	bool is_safe = path_template_is_safe(raw) &&
	               (is_same || *value == '\0' || path_template_is_safe(value));
	return is_safe ||
	       status_fail_detail(st, STATUS_BAD_ADDRESS,
	                          "'%s' of the address cannot be part of '%s'", raw, path_template);
}

char *
account_expand(const Account *account, const char *path_template, Status *st)
{
	const PathTemplateValues values = account_template_values(account);
	g_autoptr(GString) out = g_string_new(NULL);
	const char *c = path_template;

	if (c[0] == '~' && (c[1] == '/' || c[1] == '\0')) {
		if (account->home == NULL) {
			status_fail_detail(st, STATUS_CONFIG,
			                   "'%s' needs a home, and '%s' has none", path_template,
			                   account->user);
			return NULL;
		}
		g_string_append(out, account->home);
		c++;
	}

	while (*c != '\0') {
		if (*c != '%') {
			g_string_append_c(out, *c++);
			continue;
		}
		c++;
		const char *raw;
		char letter;
		g_autofree char *value = path_template_value(&values, &c, &raw, &letter, st);
		if (value == NULL) {
			status_prefix(st, "'%s'", path_template);
			return NULL;
		}
		if (strchr("und", letter) != NULL &&
		    !check_value(account, path_template, letter, raw, value, st))
			return NULL;
		g_string_append(out, value);
	}

	return g_steal_pointer(&out->str);
}

/* A path that needs nothing of the system's accounts makes the users virtual. */
unsigned
account_kind_of_users(const Conf *conf)
{
	if (conf->users != CONF_USERS_AUTO)
		return conf->users;
	if (*conf->passwd_file != '\0')
		return CONF_USERS_PASSWD_FILE;
	if (conf->maildir[0] == '/' && !path_template_names(conf->maildir, 'h'))
		return CONF_USERS_VIRTUAL;

	return CONF_USERS_SYSTEM;
}

/* The domain that the recipient's is another name of. */
static void
use_domain_alias(const Conf *conf, Account *account)
{
	const char *domain = conf_find_item(conf->domain_aliases, account->domain);
	if (domain == NULL)
		return;

	g_free(account->domain);
	account->domain = g_ascii_strdown(domain, -1);
	account->is_alias = true;
}

/* The halves of the address, folded as the site wishes; detail is kept as it was written. */
Account *
account_begin(const Conf *conf, const char *recipient, Status *st)
{
	if (*recipient == '\0') {
		status_fail_detail(st, STATUS_USAGE,
		                   "the recipient is empty: pass -d ${recipient}");
		return NULL;
	}

	if (strlen(recipient) > LIMIT_ADDRESS_BYTES) {
		status_fail_detail(st, STATUS_BAD_ADDRESS, "the address is longer than %u octets",
		                   LIMIT_ADDRESS_BYTES);
		return NULL;
	}

	g_autoptr(Account) account = g_new0(Account, 1);
	account->uid = ACCOUNT_NO_UID;
	account->addresses = g_ptr_array_new_with_free_func(g_free);

	g_autofree char *local = NULL;
	address_split(recipient, &local, &account->domain);
	address_split_detail(local, conf->delimiters, &account->local, &account->detail);

	if (conf->fold_local) {
		char *folded = g_ascii_strdown(account->local, -1);
		g_free(account->local);
		account->local = folded;
	}

	if (account->domain != NULL) {
		char *folded = g_ascii_strdown(account->domain, -1);
		g_free(account->domain);
		account->domain = folded;
		use_domain_alias(conf, account);
	}

	return g_steal_pointer(&account);
}

/* Those of the setting, behind the ones that are known by themselves. */
static bool
add_further_addresses(const Conf *conf, Account *account, Status *st)
{
	for (char **address = conf->addresses; *address != NULL; address++) {
		g_autofree char *expanded = account_expand(account, *address, st);
		if (expanded == NULL)
			return false;
		g_ptr_array_add(account->addresses, address_read(expanded));
	}

	return true;
}

/* What every kind of account has once its home is known. */
bool
account_set_paths(const Conf *conf, Account *account, const char *recipient, Status *st)
{
	const char *path_template = account->mail != NULL ? account->mail : conf->maildir;

	/* A source need not name a home, where one setting says it for everybody. */
	if (account->home == NULL && *conf->home != '\0') {
		account->home = account_expand(account, conf->home, st);
		if (account->home == NULL)
			return false;
	}
	account->maildir = account_expand(account, path_template, st);
	if (account->maildir == NULL)
		return false;

	if (account->maildir[0] != '/')
		return status_fail_detail(st, STATUS_CONFIG, "maildir '%s' is not an absolute path",
		                          account->maildir);
	if (account->home == NULL)
		account->home = g_path_get_dirname(account->maildir);
	if (account->domain != NULL)
		g_ptr_array_add(account->addresses,
		                g_strconcat(account->local, "@", account->domain, NULL));
	if (recipient != NULL && (account->detail != NULL || account->is_alias))
		g_ptr_array_add(account->addresses, g_strdup(recipient));

	return add_further_addresses(conf, account, st);
}

/* The template that says where all mailboxes lie; NULL: each lies in a home of its own. */
const char *
account_tree_template(const Conf *conf)
{
	bool is_at_home = conf->maildir[0] == '~' || g_str_has_prefix(conf->maildir, "%h") ||
	                  g_str_has_prefix(conf->maildir, "%{home}");
	if (!is_at_home)
		return conf->maildir;
	return account_kind_of_users(conf) == CONF_USERS_VIRTUAL && *conf->home != '\0' ? conf->home
	                                                                                : NULL;
}

/* A source that says where the mailbox lies names no tree for all. */
static const char *
tree_template(const Conf *conf, const Account *account)
{
	return account->mail != NULL ? NULL : account_tree_template(conf);
}

/* The home, if the mailbox lies in it; else the folder of the mailbox. Caller frees. */
static char *
home_of_mailbox(const Account *account)
{
	bool is_inside = account->mail == NULL ||
	                 (g_str_has_prefix(account->maildir, account->home) &&
	                  account->maildir[strlen(account->home)] == '/');
	return is_inside ? g_strdup(account->home) : g_path_get_dirname(account->maildir);
}

/* Once for an account, while we are still who may read the memory of trees. */
static bool
recall_tree(const Conf *conf, Account *account, Status *st)
{
	const char *path_template = tree_template(conf, account);
	if (account->tree.path != NULL || account->returns_to != NULL)
		return true;

	unsigned how = account->look_only ? TREE_LOOK_ONLY : 0;
	if (path_template == NULL) {
		g_autofree char *home = home_of_mailbox(account);
		return tree_recall(conf, home, how | TREE_OF_HOME, &account->tree, st);
	}

	g_autofree char *path = tree_of_template(path_template);
	return tree_recall(conf, path, how, &account->tree, st);
}

/*
 * What recall_tree looks at: the folder of all mailboxes, or that above a home. Such a folder and
 * all above it are the same for each home in it. NULL: the root folder. Caller frees.
 */
static char *
place_of_tree(const Conf *conf, const Account *account)
{
	const char *path_template = tree_template(conf, account);
	if (path_template != NULL)
		return tree_of_template(path_template);

	g_autofree char *home = home_of_mailbox(account);
	return g_path_get_dirname(home);
}

/* Places of trees that were there: path -> gint64, until when that counts (monotonic). */
static GHashTable *good_places;

static bool
was_good_lately(const char *place)
{
	const gint64 *until = good_places != NULL ? g_hash_table_lookup(good_places, place) : NULL;
	return until != NULL && g_get_monotonic_time() < *until;
}

static void
note_good(const char *place)
{
	gint64 until = g_get_monotonic_time() + G_USEC_PER_SEC;

	if (good_places == NULL)
		good_places = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	if (g_hash_table_size(good_places) >= LIMIT_TREES_KEPT)
		g_hash_table_remove_all(good_places);
	(void) g_hash_table_replace(good_places, g_strdup(place), g_memdup2(&until, sizeof until));
}

/* Is the tree there? A server that asks for each recipient looks again after a second. */
static bool
check_tree(const Conf *conf, Account *account, Status *st)
{
	g_autofree char *place = place_of_tree(conf, account);
	if (place != NULL && was_good_lately(place))
		return true;
	if (!recall_tree(conf, account, st) || !tree_check(&account->tree, st))
		return false;
	if (place != NULL)
		note_good(place);

	return true;
}

bool
account_mark_tree(const Conf *conf, Status *st)
{
	const char *path_template = account_tree_template(conf);
	g_autofree char *path = path_template != NULL ? tree_of_template(path_template) : NULL;
	g_auto(Tree) tree = { 0 };
	return path == NULL || tree_recall(conf, path, 0, &tree, st);
}

/* A missing mailbox means that there is no such user, where there can be users at all. */
static bool
fail_unknown(const Account *account, Status *st)
{
	bool is_empty;
	if (!tree_check(&account->tree, st) || !tree_is_empty(&account->tree, &is_empty, st))
		return false;
	if (is_empty)
		return status_fail_detail(
			st, STATUS_TREE,
			"'%s', below which the mailboxes lie, is empty: mount its file system",
			account->tree.path);

	return status_fail_detail(st, STATUS_UNKNOWN_USER,
	                          "there is no '%s', and create_maildir = no makes none: `todoke "
	                          "account --create ADDRESS` does",
	                          account->maildir);
}

bool
account_check(const Conf *conf, Account *account, Status *st)
{
	if (account->returns_to != NULL)
		return true;
	if (!check_tree(conf, account, st))
		return false;
	if (conf->create_maildir || access(account->maildir, F_OK) == 0)
		return true;
	if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
		return status_fail_errno(st, errno, "cannot look for '%s'", account->maildir);

	if (errno == EACCES)
		return status_fail_detail(st, STATUS_LOOKUP, "cannot look for '%s': no permission",
		                          account->maildir);
	return recall_tree(conf, account, st) && fail_unknown(account, st);
}

char *
account_state_folder(const Account *account, const Conf *conf, Status *st)
{
	if (*conf->state_folder != '\0')
		return account_expand(account, conf->state_folder, st);
	if (account->is_system && account->home != NULL)
		return g_build_filename(account->home, ".local/state/todoke", NULL);
	return g_build_filename(account->maildir, "todoke-state", NULL);
}

char *
account_record_path(const Account *account, const Conf *conf, Status *st)
{
	if (*conf->record_file != '\0')
		return account_expand(account, conf->record_file, st);

	g_autofree char *folder = account_state_folder(account, conf, st);
	return folder != NULL ? g_build_filename(folder, RECORD_FILE, NULL) : NULL;
}

void
account_send_on(Account *account, const char *address)
{
	const struct passwd *nobody = geteuid() == 0 ? getpwnam("nobody") : NULL;

	account->returns_to = g_strdup(address);
	account->uid = nobody != NULL ? nobody->pw_uid : ACCOUNT_NO_UID;
	account->gid = nobody != NULL ? nobody->pw_gid : 0;
	account->is_system = false;
	g_clear_pointer(&account->home, g_free);
	g_free(account->maildir);
	account->maildir = g_strdup("/nonexistent");
}

/* Root has no mailbox: send its mail on to the address that a setting names. False: none does. */
bool
account_send_on_root(const Conf *conf, Account *account, Status *st)
{
	if (*conf->root_mail_to == '\0')
		return status_fail_detail(
			st, STATUS_CONFIG,
			"'%s' is root, which has no mailbox: set root_mail_to, or give root's mail "
			"to a "
			"person by an alias",
			account->user);

	account_send_on(account, conf->root_mail_to);
	account->forwards_all = true;
	return true;
}

/* Take over what a passwd entry says. */
void
account_use_passwd(Account *account, const struct passwd *pw)
{
	account->user = g_strdup(pw->pw_name);
	account->home = g_strdup(pw->pw_dir);
	account->uid = pw->pw_uid;
	account->gid = pw->pw_gid;
	account->is_system = true;
}

bool
account_fail_lookup(const char *source, const char *name, const char *words, Status *st)
{
	status_set_outside(st, outside_new(OUTSIDE_USERS, source, name, words));
	return false;
}

bool
account_fail_silent(const char *source, const char *name, const char *words, Status *st)
{
	Outside *outside = outside_new(OUTSIDE_USERS, source, name, words);
	outside->is_down = true;
	status_set_outside(st, outside);
	return false;
}

bool
account_system_entry(const char *name, struct passwd *ret_pw, char *buffer, size_t size,
                     bool *ret_found, Status *st)
{
	struct passwd *found = NULL;
	int err = getpwnam_r(name, ret_pw, buffer, size, &found);

	/* What glibc and its modules say for "no such name" varies; the list is getpwnam(3)'s. */
	if (err != 0 && err != ENOENT && err != ESRCH && err != EBADF && err != EPERM) {
		status_fail_detail(st, STATUS_LOOKUP, "cannot look up account '%s': %s", name,
		                   status_error_text(err));
		return account_fail_lookup("nsswitch", name, status_error_text(err), st);
	}

	*ret_found = found != NULL;
	return true;
}

/* Root was told by its environment whom it acts for: the ids to become. */
static bool
find_ids(Account *account, Status *st)
{
	g_autofree char *buffer = g_malloc(ACCOUNT_PASSWD_BUFFER);
	struct passwd pw;
	bool found = false;

	if (!account_system_entry(account->user, &pw, buffer, ACCOUNT_PASSWD_BUFFER, &found, st))
		return false;
	if (!found)
		return status_fail_detail(st, STATUS_CONFIG,
		                          "runs as root, and '%s' is not an account of this system",
		                          account->user);

	account->uid = pw.pw_uid;
	account->gid = pw.pw_gid;
	return true;
}

Account *
account_of_process(const Conf *conf, const char *recipient, const char *user, const char *home,
                   Status *st)
{
	g_autofree char *buffer = g_malloc(ACCOUNT_PASSWD_BUFFER);
	struct passwd pw, *found = NULL;

	if ((user == NULL || home == NULL) &&
	    (getpwuid_r(geteuid(), &pw, buffer, ACCOUNT_PASSWD_BUFFER, &found) != 0 ||
	     found == NULL)) {
		status_fail_detail(st, STATUS_LOOKUP, "cannot look up the account of uid %d",
		                   (int) geteuid());
		return NULL;
	}

	const char *name = user != NULL ? user : pw.pw_name;
	g_autoptr(Account) account = account_begin(conf, recipient != NULL ? recipient : name, st);
	if (account == NULL)
		return NULL;

	account->user = g_strdup(name);
	account->home = g_strdup(home != NULL ? home : pw.pw_dir);
	account->uid = geteuid();
	account->gid = getegid();
	account->is_system = true;

	/* local(8) runs a command for root as nobody (default_privs). */
	bool is_root = strcmp(account->user, "root") == 0;
	if (account->uid == 0 && !is_root && !find_ids(account, st))
		return NULL;
	if (is_root || account->uid == 0)
		return account_send_on_root(conf, account, st) ? g_steal_pointer(&account) : NULL;
	if (!account_set_paths(conf, account, recipient, st))
		return NULL;

	return g_steal_pointer(&account);
}

Account *
account_imagined(const Conf *conf, const char *recipient, Status *st)
{
	g_autoptr(Account) account = account_begin(conf, recipient, st);
	if (account == NULL)
		return NULL;

	account->user = account->domain != NULL
	                        ? g_strconcat(account->local, "@", account->domain, NULL)
	                        : g_strdup(account->local);
	account->home = g_strdup("/nonexistent");
	account->maildir = g_strdup("/nonexistent/Maildir");
	if (account->domain != NULL)
		g_ptr_array_add(account->addresses, g_strdup(account->user));
	if (!add_further_addresses(conf, account, st))
		return NULL;

	return g_steal_pointer(&account);
}

/*
 * The group that belongs to an owner: of the owner's account; else the folder's, unless that is
 * root's.
 */
static bool
group_of_owner(uid_t uid, gid_t folder_group, gid_t *ret_gid, Status *st)
{
	enum { NO_GROUP = 65534 };
	g_autofree char *buffer = g_malloc(ACCOUNT_PASSWD_BUFFER);
	struct passwd pw, *found = NULL;
	int err = getpwuid_r(uid, &pw, buffer, ACCOUNT_PASSWD_BUFFER, &found);
	if (err != 0 && err != ENOENT && err != ESRCH && err != EBADF && err != EPERM) {
		g_autofree char *number = g_strdup_printf("uid %d", (int) uid);
		status_fail_detail(st, STATUS_LOOKUP, "cannot look up %s: %s", number,
		                   status_error_text(err));
		return account_fail_lookup("nsswitch", number, status_error_text(err), st);
	}

	gid_t by_folder = folder_group != 0 ? folder_group : NO_GROUP;
	*ret_gid = found != NULL ? pw.pw_gid : by_folder;
	return true;
}

/* There is no uid to switch to for this path: say why, and which setting helps. */
static bool
refuse_owner(const Conf *conf, const Account *account, const OwnerWalk *walk, Status *st)
{
	const char *setting = account_kind_of_users(conf) == CONF_USERS_PASSWD_FILE
	                              ? "ids in passwd_file"
	                              : "virtual_user";

	if (walk->answer == OWNER_MISSING)
		return status_fail_detail(
			st, STATUS_CONFIG,
			"'%s' is not there, and only root could make it: make it for its owner, or "
			"set %s",
			walk->at, setting);

	if (walk->answer == OWNER_ROOT || walk->uid == 0)
		return status_fail_detail(
			st, STATUS_CONFIG,
			"'%s' is root's, and root is nobody's mailbox: give it to its owner, or "
			"set %s",
			walk->at, setting);

	return status_fail_detail(
		st, STATUS_CONFIG,
		"'%s' of '%s' belongs to uid %d, which is below first_valid_uid = %d", walk->at,
		account->user, (int) walk->uid, (int) conf->first_valid_uid);
}

/*
 * No source names the ids: they are those of the first thing on the way to the INBOX that root
 * alone cannot change.
 */
static bool
infer_owner(const Conf *conf, Account *account, Status *st)
{
	g_auto(OwnerWalk) walk = { 0 };
	if (!owner_walk(account->maildir, &walk, st))
		return false;

	bool is_owner = walk.answer == OWNER_FOUND && walk.uid != 0 &&
	                walk.uid >= (uid_t) conf->first_valid_uid;
	if (walk.answer == OWNER_MISSING &&
	    (!conf->create_maildir || !tree_check(&account->tree, st)))
		return st->id == STATUS_OK ? fail_unknown(account, st) : false;
	if (!is_owner)
		return refuse_owner(conf, account, &walk, st);
	if (!group_of_owner(walk.uid, walk.gid, &account->gid, st))
		return false;

	account->uid = walk.uid;
	return true;
}

/*
 * Who root becomes for a virtual user: the account that the site named, else the owner of the
 * mailbox.
 */
static bool
choose_user(const Conf *conf, Account *account, Status *st)
{
	if (*conf->virtual_user == '\0')
		return infer_owner(conf, account, st);
	g_autofree char *buffer = g_malloc(ACCOUNT_PASSWD_BUFFER);
	struct passwd pw;
	bool found = false;
	if (!account_system_entry(conf->virtual_user, &pw, buffer, ACCOUNT_PASSWD_BUFFER, &found,
	                          st))
		return false;

	if (!found || pw.pw_uid == 0)
		return status_fail_detail(
			st, STATUS_CONFIG,
			"virtual_user '%s' is not an account of this system, or root",
			conf->virtual_user);

	account->uid = pw.pw_uid;
	account->gid = pw.pw_gid;
	return true;
}

/* Groups first: without root they cannot be changed any more. */
static bool
drop_to(const Account *account, Status *st)
{
	account_source_close();
	int rc = account->is_system ? initgroups(account->user, account->gid) : setgroups(0, NULL);

	if (rc < 0 || setresgid(account->gid, account->gid, account->gid) < 0 ||
	    setresuid(account->uid, account->uid, account->uid) < 0)
		return status_fail_errno(st, errno, "cannot become uid %d of '%s'",
		                         (int) account->uid, account->user);

	if (setuid(0) == 0 || geteuid() != account->uid || getegid() != account->gid)
		return status_fail_detail(st, STATUS_INTERNAL, "still root after becoming uid %d",
		                          (int) account->uid);
	return true;
}

bool
account_find_owner(const Conf *conf, Account *account, Status *st)
{
	if (account->uid == ACCOUNT_NO_UID && !choose_user(conf, account, st))
		return false;
	if (account->uid == 0)
		return status_fail_detail(st, STATUS_CONFIG,
		                          "'%s' is uid 0, which no delivery may be", account->user);
	return true;
}

bool
account_lend_rights(Account *account, const char *name, Status *st)
{
	g_autofree char *buffer = g_malloc(ACCOUNT_PASSWD_BUFFER);
	struct passwd pw;
	bool found = false;
	if (geteuid() != 0)
		return status_fail_detail(st, STATUS_USAGE,
		                          "only root can look in the rights of '%s'", name);
	if (!account_system_entry(name, &pw, buffer, ACCOUNT_PASSWD_BUFFER, &found, st))
		return false;
	if (!found)
		return status_fail_detail(st, STATUS_USAGE, "there is no account '%s'", name);

	account->uid = pw.pw_uid;
	account->gid = pw.pw_gid;
	g_free(account->rights_of);
	account->rights_of = g_strdup(name);

	return account->uid != 0 ||
	       status_fail_detail(st, STATUS_USAGE, "'%s' is uid 0, which no delivery may be",
	                          name);
}

/* With the groups of the account that lends its rights, or those of a system account. */
static int
take_groups(const Account *account)
{
	const char *name = account->rights_of != NULL ? account->rights_of
	                   : account->is_system       ? account->user
	                                              : NULL;
	return name != NULL ? initgroups(name, account->gid) : setgroups(0, NULL);
}

/* Is there anybody else whose rights we could have? */
static bool
has_other_rights(const Account *account)
{
	return getuid() == 0 && account->uid != 0 && account->uid != ACCOUNT_NO_UID;
}

bool
account_enter(const Account *account, Status *st)
{
	if (!has_other_rights(account))
		return true;
	if (take_groups(account) < 0 || setegid(account->gid) < 0 || seteuid(account->uid) < 0)
		return status_fail_errno(st, errno, "cannot look with the rights of uid %d",
		                         (int) account->uid);

	return true;
}

bool
account_leave(const Account *account, Status *st)
{
	if (!has_other_rights(account))
		return true;
	if (seteuid(0) < 0 || setegid(0) < 0 || setgroups(0, NULL) < 0)
		return status_fail_errno(st, errno, "cannot go on as root");
	return true;
}

bool
account_locate(const Conf *conf, Account *account, Status *st)
{
	return recall_tree(conf, account, st) && account_find_owner(conf, account, st);
}

bool
account_become(const Conf *conf, Account *account, Status *st)
{
	uid_t we = fs_own_euid();
	if (we != 0) {
		if (account->uid == ACCOUNT_NO_UID || account->uid == we)
			return true;
		return status_fail_detail(
			st, STATUS_CONFIG,
			"runs as uid %d, but '%s' is uid %d: start it as that user (local(8)) or "
			"as root",
			(int) we, account->user, (int) account->uid);
	}

	return account_locate(conf, account, st) && drop_to(account, st);
}

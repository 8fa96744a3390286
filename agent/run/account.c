/* SPDX-License-Identifier: MIT */
/* account: look up by the table that the configuration names; become that user. */
#define _GNU_SOURCE
#include "agent/run/account-parts.h"

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

Conf *
account_conf(const Account *account, const Conf *conf)
{
	if (conf->scopes->len == 0 || account->local == NULL)
		return NULL;

	g_autofree char *address = account->domain != NULL
	                                   ? g_strdup_printf("%s@%s", account->local,
	                                                     account->domain)
	                                   : g_strdup(account->local);
	return conf_for_recipient(conf, address);
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
	tree_clear(&account->tree);
	if (account->addresses != NULL)
		g_ptr_array_unref(account->addresses);
	g_free(account);
}

/* May this stand as one component of a path? Outsiders choose it. */
static bool
is_safe_component(const char *part)
{
	size_t len = strlen(part);
	if (len == 0 || len > LIMIT_FILE_NAME || part[0] == '.' || part[0] == '-')
		return false;

	for (size_t i = 0; i < len; i++)
		if (part[i] == '/' || g_ascii_iscntrl(part[i]))
			return false;
	return true;
}

/* The value that `letter` stands for in a template; NULL: no such letter, or nothing known. */
static const char *
expansion(const Account *account, char letter)
{
	switch (letter) {
	case 'u':
		return account->user;
	case 'n':
		return account->local;
	case 'd':
		return account->domain != NULL ? account->domain : "";
	case 'h':
		return account->home;
	case '%':
		return "%";
	default:
		return NULL;
	}
}

char *
account_expand(const Account *account, const char *path_template, Status *st)
{
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

	for (; *c != '\0'; c++) {
		if (*c != '%') {
			g_string_append_c(out, *c);
			continue;
		}
		const char *value = expansion(account, *++c);
		if (value == NULL) {
			status_fail_detail(
				st, STATUS_CONFIG,
				"'%s': '%%%c' is not known here; there are %%u %%n %%d %%h %%%%",
				path_template, *c);
			return NULL;
		}
		if (*c == 'd' && account->domain == NULL) {
			/*
			 * Whoever calls us left it out, not the sender: a bounce would punish the
			 * wrong one.
			 */
			status_fail_detail(
				st, STATUS_CONFIG,
				"'%s' needs a domain, and the recipient '%s' has none: pass -d "
				"${recipient}",
				path_template, account->local);
			return NULL;
		}
		if (strchr("und", *c) != NULL && !is_safe_component(value)) {
			status_fail_detail(st, STATUS_BAD_ADDRESS,
			                   "'%s' of the address cannot be part of '%s'", value,
			                   path_template);
			return NULL;
		}
		g_string_append(out, value);
	}

	return g_steal_pointer(&out->str);
}

static bool
template_says(const char *path_template, const char *letters)
{
	for (const char *c = path_template; (c = strchr(c, '%')) != NULL && c[1] != '\0'; c += 2)
		if (strchr(letters, c[1]) != NULL)
			return true;
	return false;
}

/* A path that needs nothing of the system's accounts makes the users virtual. */
unsigned
account_kind_of_users(const Conf *conf)
{
	if (conf->users != CONF_USERS_AUTO)
		return conf->users;
	if (*conf->passwd_file != '\0')
		return CONF_USERS_PASSWD_FILE;
	if (conf->maildir[0] == '/' && !template_says(conf->maildir, "h"))
		return CONF_USERS_VIRTUAL;

	return CONF_USERS_SYSTEM;
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
	account->maildir = account_expand(account, conf->maildir, st);
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
	if (recipient != NULL && account->detail != NULL)
		g_ptr_array_add(account->addresses, g_strdup(recipient));

	return add_further_addresses(conf, account, st);
}

/* The template that says where all mailboxes lie; NULL: each lies in a home of its own. */
const char *
account_tree_template(const Conf *conf)
{
	bool is_at_home = conf->maildir[0] == '~' || g_str_has_prefix(conf->maildir, "%h");
	if (!is_at_home)
		return conf->maildir;
	return account_kind_of_users(conf) == CONF_USERS_VIRTUAL && *conf->home != '\0' ? conf->home
	                                                                                : NULL;
}

/* Once for an account, while we are still who may read the memory of trees. */
static bool
recall_tree(const Conf *conf, Account *account, Status *st)
{
	const char *path_template = account_tree_template(conf);
	if (account->tree.path != NULL || account->returns_to != NULL)
		return true;

	unsigned how = account->look_only ? TREE_LOOK_ONLY : 0;
	if (path_template == NULL)
		return tree_recall(conf, account->home, how | TREE_OF_HOME, &account->tree, st);

	g_autofree char *path = tree_of_template(path_template);
	return tree_recall(conf, path, how, &account->tree, st);
}

/* Is the tree there? A server that asks for each recipient looks again after a second. */
static bool
check_tree(const Conf *conf, Account *account, Status *st)
{
	static gint64 good_until;
	static char *good_template;
	const char *path_template = account_tree_template(conf);
	bool was_looked_at = path_template != NULL && g_get_monotonic_time() < good_until;

	if (was_looked_at && strcmp(path_template, good_template) == 0)
		return true;
	if (!recall_tree(conf, account, st) || !tree_check(&account->tree, st))
		return false;

	if (path_template != NULL) {
		g_free(good_template);
		good_template = g_strdup(path_template);
		good_until = g_get_monotonic_time() + G_USEC_PER_SEC;
	}

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
	if (!tree_check(&account->tree, st))
		return false;
	if (tree_is_empty(&account->tree))
		return status_fail_detail(
			st, STATUS_TREE,
			"'%s', below which the mailboxes lie, is empty: mount its file system",
			account->tree.path);

	return status_fail(st, STATUS_UNKNOWN_USER, NULL);
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

static bool
find_virtual(const Conf *conf, Account *account, Status *st)
{
	account->user = account->domain != NULL
	                        ? g_strconcat(account->local, "@", account->domain, NULL)
	                        : g_strdup(account->local);
	if (*conf->home != '\0') {
		account->home = account_expand(account, conf->home, st);
		return account->home != NULL;
	}

	return true;
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
static bool
send_on_root(const Conf *conf, Account *account, Status *st)
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

/* A look-up that fails (LDAP away) is not a user that does not exist. */
/* `st` says what failed; whom we asked for what, and the answer, go with it. */
static bool
fail_lookup(const char *source, const char *name, const char *words, Status *st)
{
	status_set_outside(st, outside_new(OUTSIDE_USERS, source, name, words));
	return false;
}

static bool
system_entry(const char *name, struct passwd *ret_pw, char *buffer, size_t size, bool *ret_found,
             Status *st)
{
	struct passwd *found = NULL;
	int err = getpwnam_r(name, ret_pw, buffer, size, &found);

	/* What glibc and its modules say for "no such name" varies; the list is getpwnam(3)'s. */
	if (err != 0 && err != ENOENT && err != ESRCH && err != EBADF && err != EPERM) {
		status_fail_detail(st, STATUS_LOOKUP, "cannot look up account '%s': %s", name,
		                   status_error_text(err));
		return fail_lookup("nsswitch", name, status_error_text(err), st);
	}

	*ret_found = found != NULL;
	return true;
}

enum { PASSWD_BUFFER = 16384 };

/* "user+detail" may itself be an account: the whole local part is tried first. */
static bool
find_system(const Conf *conf, Account *account, const char *recipient, Status *st)
{
	g_autofree char *buffer = g_malloc(PASSWD_BUFFER);
	g_autofree char *whole = NULL, *domain = NULL;

	address_split(recipient, &whole, &domain);
	const char *names[] = { whole, account->local };
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		struct passwd pw;
		bool found = false;
		if (!is_safe_component(names[i]))
			continue;
		if (!system_entry(names[i], &pw, buffer, PASSWD_BUFFER, &found, st))
			return false;
		if (!found)
			continue;
		if (i == 0)
			g_clear_pointer(&account->detail, g_free);
		account_use_passwd(account, &pw);
		return pw.pw_uid != 0 || send_on_root(conf, account, st);
	}

	return status_fail(st, STATUS_UNKNOWN_USER, NULL);
}

/*
 * One line of the passwd-like file: user:password:uid:gid:gecos:home. Empty uid and gid mean:
 * whoever we are.
 */
bool
account_use_line(Account *account, char **fields, const char *file, unsigned line, Status *st)
{
	guint64 uid = 0, gid = 0;
	bool has_ids = *fields[2] != '\0' || *fields[3] != '\0';

	if (has_ids && (!g_ascii_string_to_unsigned(fields[2], 10, 1, G_MAXINT32, &uid, NULL) ||
	                !g_ascii_string_to_unsigned(fields[3], 10, 0, G_MAXINT32, &gid, NULL)))
		return status_fail_detail(st, STATUS_CONFIG,
		                          "%s:%u: uid and gid must be numbers, and uid not 0", file,
		                          line);

	if (fields[5][0] != '/')
		return status_fail_detail(st, STATUS_CONFIG,
		                          "%s:%u: home '%s' is not an absolute path", file, line,
		                          fields[5]);

	account->user = g_strdup(fields[0]);
	account->home = g_strdup(fields[5]);
	if (has_ids) {
		account->uid = (uid_t) uid;
		account->gid = (gid_t) gid;
	}

	return true;
}

/* FsJudge: the file decides which uid root switches to. */
static char *
judge_passwd_file(const struct stat *sb, const void *user)
{
	const char *file = user;
	if (owner_is_root_alone(sb))
		return NULL;

	g_autofree char *quoted = g_shell_quote(file);
	return g_strdup_printf(
		"passwd_file '%s': others than root can write it: chown root %s; chmod go-w %s",
		file, quoted, quoted);
}

char *
account_read_lines(const Conf *conf, Status *st)
{
	const char *file = conf->passwd_file;
	char *data = NULL;
	size_t len;
	g_auto(Status) read = STATUS_INIT;
	FsJudge *judge = fs_own_euid() == 0 ? judge_passwd_file : NULL;

	if (fs_read_judged(AT_FDCWD, file, LIMIT_PASSWD_FILE, judge, file, &data, &len, &read))
		return data;

	StatusId id = read.id == STATUS_UNTRUSTED ? STATUS_UNTRUSTED : STATUS_LOOKUP;
	status_fail_detail(st, id, "%s", read.detail);
	(void) fail_lookup(file, NULL, read.detail, st);
	return NULL;
}

static bool
find_in_passwd_file(const Conf *conf, Account *account, Status *st)
{
	const char *file = conf->passwd_file;
	g_autofree char *data = account_read_lines(conf, st);
	if (data == NULL)
		return false;

	g_autofree char *full = account->domain != NULL
	                                ? g_strconcat(account->local, "@", account->domain, NULL)
	                                : NULL;
	unsigned number = 0;
	for (char *line = data, *next; line != NULL && *line != '\0'; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		number++;
		g_auto(GStrv) fields = g_strsplit(line, ":", 7);
		bool is_ours = g_strcmp0(fields[0], account->local) == 0 ||
		               (full != NULL && g_strcmp0(fields[0], full) == 0);
		if (!is_ours)
			continue;
		if (g_strv_length(fields) < 6)
			return status_fail_detail(
				st, STATUS_CONFIG,
				"%s:%u: a line is user:password:uid:gid:gecos:home", file, number);
		return account_use_line(account, fields, file, number, st);
	}

	return status_fail(st, STATUS_UNKNOWN_USER, NULL);
}

Account *
account_find(const Conf *conf, const char *recipient, Status *st)
{
	g_autoptr(Account) account = account_begin(conf, recipient, st);
	if (account == NULL)
		return NULL;

	bool found;
	switch (account_kind_of_users(conf)) {
	case CONF_USERS_VIRTUAL:
		found = find_virtual(conf, account, st);
		break;
	case CONF_USERS_PASSWD_FILE:
		found = find_in_passwd_file(conf, account, st);
		break;
	default:
		found = find_system(conf, account, recipient, st);
	}

	if (!found ||
	    (account->returns_to == NULL && !account_set_paths(conf, account, recipient, st)))
		return NULL;
	return g_steal_pointer(&account);
}

/* Root was told by its environment whom it acts for: the ids to become. */
static bool
find_ids(Account *account, Status *st)
{
	g_autofree char *buffer = g_malloc(PASSWD_BUFFER);
	struct passwd pw;
	bool found = false;

	if (!system_entry(account->user, &pw, buffer, PASSWD_BUFFER, &found, st))
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
	g_autofree char *buffer = g_malloc(PASSWD_BUFFER);
	struct passwd pw, *found = NULL;

	if ((user == NULL || home == NULL) &&
	    (getpwuid_r(geteuid(), &pw, buffer, PASSWD_BUFFER, &found) != 0 || found == NULL)) {
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
		return send_on_root(conf, account, st) ? g_steal_pointer(&account) : NULL;
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
	g_autofree char *buffer = g_malloc(PASSWD_BUFFER);
	struct passwd pw, *found = NULL;
	int err = getpwuid_r(uid, &pw, buffer, PASSWD_BUFFER, &found);
	if (err != 0 && err != ENOENT && err != ESRCH && err != EBADF && err != EPERM) {
		g_autofree char *number = g_strdup_printf("uid %d", (int) uid);
		status_fail_detail(st, STATUS_LOOKUP, "cannot look up %s: %s", number,
		                   status_error_text(err));
		return fail_lookup("nsswitch", number, status_error_text(err), st);
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
	g_autofree char *buffer = g_malloc(PASSWD_BUFFER);
	struct passwd pw;
	bool found = false;
	if (!system_entry(conf->virtual_user, &pw, buffer, PASSWD_BUFFER, &found, st))
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
	g_autofree char *buffer = g_malloc(PASSWD_BUFFER);
	struct passwd pw;
	bool found = false;
	if (geteuid() != 0)
		return status_fail_detail(st, STATUS_USAGE,
		                          "only root can look in the rights of '%s'", name);
	if (!system_entry(name, &pw, buffer, PASSWD_BUFFER, &found, st))
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

/* SPDX-License-Identifier: MIT */
/* record-owners: from accounts to files; each file once. */
#define _GNU_SOURCE
#include "agent/cmd/record-owners.h"

#include "agent/base/owner-walk.h"
#include "agent/cmd/user-address.h"
#include "agent/run/account-list.h"
#include "agent/run/early-record.h"
#include "agent/state/record-reader.h"

#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
owner_free(gpointer data)
{
	RecordOwner *owner = data;
	account_free(owner->account);
	g_free(owner->path);
	g_strfreev(owner->only);
	g_free(owner->delimiters);
	g_free(owner);
}

/*
 * The account is taken over; one whose record lies nowhere, or where another's does, is left out.
 */
static void
add_owner(GPtrArray *owners, GHashTable *seen, const Conf *conf, Account *taken)
{
	g_autoptr(Account) account = taken;
	g_auto(Status) nowhere = STATUS_INIT;
	if (account->returns_to != NULL)
		return;

	g_autofree char *path = account_record_path(account, conf, &nowhere);
	if (path == NULL || g_hash_table_contains(seen, path))
		return;

	RecordOwner *owner = g_new0(RecordOwner, 1);
	owner->account = g_steal_pointer(&account);
	owner->path = g_steal_pointer(&path);
	g_hash_table_add(seen, owner->path);
	g_ptr_array_add(owners, owner);
}

/* Is it one file for all? */
static bool
is_one_file(const Conf *conf)
{
	const char *file = conf->record_file;
	return *file != '\0' && *file != '~' && strchr(file, '%') == NULL;
}

/*
 * What was answered before a delivery began: for root, and for the account whose processes wrote
 * it.
 */
static void
add_early(const Conf *conf, GPtrArray *owners)
{
	static const char *const names[] = { EARLY_RECORD_UNKNOWN, EARLY_RECORD_OTHERS };
	struct stat sb;
	if (*conf->early_record_folder != '/' || lstat(conf->early_record_folder, &sb) < 0 ||
	    !S_ISDIR(sb.st_mode) || (geteuid() != 0 && sb.st_uid != geteuid()))
		return;

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		RecordOwner *owner = g_new0(RecordOwner, 1);
		owner->path = g_build_filename(conf->early_record_folder, names[i], NULL);
		owner->is_second = i > 0;
		g_ptr_array_add(owners, owner);
	}
}

static GPtrArray *
one_file(const Conf *conf, GPtrArray *owners)
{
	add_early(conf, owners);

	RecordOwner *owner = g_new0(RecordOwner, 1);
	owner->path = g_strdup(conf->record_file);
	g_ptr_array_add(owners, owner);
	return owners;
}

/* Whose deliveries run as this process does. */
static bool
is_own_account(const Conf *conf)
{
	g_auto(Status) unknown = STATUS_INIT;
	g_autoptr(Account) own = account_of_process(conf, NULL, NULL, NULL, &unknown);
	g_autoptr(Account) found = own != NULL ? account_find(conf, own->user, &unknown) : NULL;
	return found != NULL && found->is_system;
}

GPtrArray *
record_owners_find(const Conf *conf, const char *const *names, Status *st)
{
	g_autoptr(GPtrArray) owners = g_ptr_array_new_with_free_func(owner_free);
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	bool has_names = names != NULL && names[0] != NULL;

	if (is_one_file(conf))
		return one_file(conf, g_steal_pointer(&owners));

	for (size_t i = 0; has_names && names[i] != NULL; i++) {
		Account *account = account_find(conf, names[i], st);
		if (account == NULL) {
			status_prefix(st, "'%s'", names[i]);
			return NULL;
		}
		add_owner(owners, seen, conf, account);
	}

	if (!has_names && geteuid() != 0 && is_own_account(conf)) {
		Account *account = account_of_process(conf, NULL, NULL, NULL, st);
		if (account == NULL)
			return NULL;
		add_owner(owners, seen, conf, account);
		return g_steal_pointer(&owners);
	}

	if (has_names)
		return g_steal_pointer(&owners);
	add_early(conf, owners);

	g_autoptr(GPtrArray) accounts = account_list(conf, st);
	if (accounts == NULL)
		return NULL;
	g_ptr_array_set_free_func(accounts, NULL);
	for (guint i = 0; i < accounts->len; i++)
		add_owner(owners, seen, conf, accounts->pdata[i]);
	return g_steal_pointer(&owners);
}

/* What records call this user: of one file for all no owner has been looked up. Caller frees. */
static char *
name_in_records(const Conf *conf, const GPtrArray *owners, const char *user)
{
	const RecordOwner *only = owners->len == 1 ? owners->pdata[0] : NULL;
	if (only != NULL && only->account != NULL)
		return g_strdup(only->account->user);

	g_auto(Status) unknown = STATUS_INIT;
	g_autoptr(Account) account = account_find(conf, user, &unknown);
	return g_strdup(account != NULL ? account->user : user);
}

void
record_owners_narrow(const Conf *conf, GPtrArray *owners, const char *const *users)
{
	g_autoptr(GPtrArray) only = g_ptr_array_new_with_free_func(g_free);

	for (; *users != NULL; users++) {
		g_ptr_array_add(only, name_in_records(conf, owners, *users));
		g_ptr_array_add(only, g_strdup(*users));
	}
	g_ptr_array_add(only, NULL);

	if (!is_one_file(conf))
		add_early(conf, owners);
	for (guint i = 0; i < owners->len; i++) {
		RecordOwner *owner = owners->pdata[i];
		if (owner->account != NULL)
			continue;
		owner->only = g_strdupv((char **) only->pdata);
		owner->delimiters = g_strdup(conf->delimiters);
	}
}

bool
record_owner_has(const RecordOwner *owner, const json_t *record)
{
	const char *user = json_string_value(json_object_get(record, "user")),
		   *to = json_string_value(json_object_get(record, "to"));
	if (owner->only == NULL)
		return true;

	for (size_t i = 0; owner->only[i] != NULL; i++) {
		bool is_user = user != NULL && strcmp(user, owner->only[i]) == 0;
		bool is_to = user == NULL && to != NULL &&
		             user_address_is(to, owner->only[i], owner->delimiters);
		if (is_user || is_to)
			return true;
	}

	return false;
}

bool
record_owner_has_line(const RecordOwner *owner, const char *text, size_t len)
{
	if (owner->only == NULL)
		return true;

	json_t *record = record_reader_parse(text, len);
	bool has = record != NULL && record_owner_has(owner, record);
	json_decref(record);
	return has;
}

/*
 * Is the folder closed to whom the folders above belong to? So it is left by a lmtpd that ran as
 * root; with root's rights nobody goes where the other decides what lies there.
 */
static bool
is_closed(const char *folder, uid_t uid, Status *st)
{
	struct stat sb;
	if (lstat(folder, &sb) < 0 || sb.st_uid == uid || (sb.st_mode & S_IXOTH) != 0)
		return false;
	status_fail_detail(st, STATUS_CONFIG,
	                   "left out, as '%s' belongs to uid %u and lies in a folder of uid %u: "
	                   "todoke doctor shows the command that mends it",
	                   folder, (unsigned) sb.st_uid, (unsigned) uid);
	return true;
}

/* The site's file: whose is the first folder that others than root can change? */
static bool
enter_site(RecordOwner *owner, Status *st)
{
	if (geteuid() != 0)
		return true;

	g_autofree char *folder = g_path_get_dirname(owner->path);
	g_auto(OwnerWalk) walk = { 0 };
	if (!owner_walk(folder, &walk, st) || walk.answer == OWNER_MISSING)
		return false;
	if (walk.answer == OWNER_ROOT || walk.uid == 0)
		return true;
	owner->is_closed = is_closed(folder, walk.uid, st);
	if (owner->is_closed)
		return false;

	owner->uid = walk.uid;
	owner->gid = walk.gid;
	if (setgroups(0, NULL) < 0 || setegid(walk.gid) < 0 || seteuid(walk.uid) < 0)
		return status_fail_detail(st, STATUS_INTERNAL,
		                          "cannot look with the rights of uid %d", (int) walk.uid);
	return true;
}

bool
record_owner_enter(const Conf *conf, RecordOwner *owner, Status *st)
{
	Account *account = owner->account;
	if (account == NULL)
		return enter_site(owner, st);
	if (geteuid() != 0)
		return true;
	return account_find_owner(conf, account, st) && account_enter(account, st);
}

bool
record_owner_leave(const RecordOwner *owner, Status *st)
{
	if (owner->account != NULL)
		return account_leave(owner->account, st);
	if (owner->uid == 0)
		return true;
	if (seteuid(0) < 0 || setegid(0) < 0)
		return status_fail_detail(st, STATUS_INTERNAL, "cannot go on as root");
	return true;
}

const char *
record_owner_closed(const RecordOwner *owner, const Status *st)
{
	return owner->is_closed && !owner->is_second ? st->detail : NULL;
}

/* SPDX-License-Identifier: MIT */
/* account-answer: one row a field. */
#define _GNU_SOURCE
#include "agent/run/account-answer.h"

#include "agent/base/path-template.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>

#define NO_GID ((gid_t) -1)

/* While the fields are read: some take effect only together. */
typedef struct {
	AccountAnswer *answer;
	const char *who;
	const char *inbox_path; /* mail_inbox_path */
} Reader;

void
account_answer_free(AccountAnswer *answer)
{
	if (answer == NULL)
		return;
	g_free(answer->user);
	g_free(answer->home);
	g_free(answer->mail);
	g_ptr_array_unref(answer->settings);
	g_ptr_array_unref(answer->unused);
	g_free(answer);
}

static bool
fail_field(const Reader *reader, const char *name, const char *value, const char *why, Status *st)
{
	return status_fail_detail(st, STATUS_CONFIG, "%s: field %s: '%.200s' %s", reader->who, name,
	                          value, why);
}

/* Does a component of the path lead upwards? */
static bool
has_way_up(const char *path)
{
	for (const char *at = path; (at = strstr(at, "..")) != NULL; at += 2)
		if ((at == path || at[-1] == '/') && (at[2] == '/' || at[2] == '\0'))
			return true;
	return false;
}

static bool
add_setting(Reader *reader, const char *field, const char *name, const char *value, Status *st)
{
	g_autofree char *item = g_strconcat(name, "=", value, NULL), *problem = NULL;
	if (!conf_try_item(item, &problem))
		return status_fail_detail(st, STATUS_CONFIG, "%s: field %s: %s", reader->who, field,
		                          problem);

	g_ptr_array_add(reader->answer->settings, g_steal_pointer(&item));
	return true;
}

static bool
take_user(Reader *reader, const char *name, const char *value, Status *st)
{
	(void) name, (void) st;
	if (*value == '\0')
		return true;
	g_free(reader->answer->user);
	reader->answer->user = g_strdup(value);
	return true;
}

static bool
take_home(Reader *reader, const char *name, const char *value, Status *st)
{
	if (*value == '\0')
		return true;
	if (*value != '/' || has_way_up(value))
		return fail_field(reader, name, value, "is not an absolute path", st);

	g_free(reader->answer->home);
	reader->answer->home = g_strdup(value);
	return true;
}

/* A number, or the name of an account or group of this host. */
static bool
read_id(const char *value, bool is_group, guint64 *ret_id)
{
	if (g_ascii_string_to_unsigned(value, 10, is_group ? 0 : 1, G_MAXINT32, ret_id, NULL))
		return true;
	if (*value == '\0' || g_ascii_isdigit(*value) || *value == '-')
		return false;

	const struct group *group = is_group ? getgrnam(value) : NULL;
	const struct passwd *user = is_group ? NULL : getpwnam(value);
	if (group == NULL && (user == NULL || user->pw_uid == 0))
		return false;
	*ret_id = group != NULL ? group->gr_gid : user->pw_uid;
	return true;
}

static bool
take_uid(Reader *reader, const char *name, const char *value, Status *st)
{
	guint64 id;
	if (*value == '\0')
		return true;
	if (!read_id(value, false, &id))
		return fail_field(reader, name, value, "is no uid that root may switch to", st);
	reader->answer->uid = (uid_t) id;
	return true;
}

static bool
take_gid(Reader *reader, const char *name, const char *value, Status *st)
{
	guint64 id;
	if (*value == '\0')
		return true;
	if (!read_id(value, true, &id))
		return fail_field(reader, name, value, "is no gid", st);
	reader->answer->gid = (gid_t) id;
	return true;
}

static bool
set_mail(Reader *reader, const char *name, const char *path, Status *st)
{
	bool is_path = *path == '/' || *path == '~' || *path == '%';
	if (!is_path || has_way_up(path))
		return fail_field(reader, name, path, "is not an absolute path", st);
	if (!path_template_check(path, "undh%", st)) {
		status_prefix(st, "%s: field %s", reader->who, name);
		return false;
	}

	g_free(reader->answer->mail);
	reader->answer->mail = g_strdup(path);
	return true;
}

static bool
set_layout(Reader *reader, const char *field, const char *layout, Status *st)
{
	bool is_fs = g_ascii_strcasecmp(layout, "fs") == 0;
	if (!is_fs && g_ascii_strcasecmp(layout, "maildir++") != 0)
		return fail_field(reader, field, layout, "is a layout that todoke does not write",
		                  st);
	return add_setting(reader, field, "folder_layout", is_fs ? "fs" : "maildir++", st);
}

/* Part of a location behind the path: LAYOUT=fs, UTF-8, INBOX=... */
static bool
take_location_part(Reader *reader, const char *name, const char *part, Status *st)
{
	static const char layout[] = "LAYOUT=", inbox[] = "INBOX=";

	if (g_ascii_strncasecmp(part, layout, strlen(layout)) == 0)
		return set_layout(reader, name, part + strlen(layout), st);
	if (g_ascii_strcasecmp(part, "UTF-8") == 0)
		return add_setting(reader, name, "folder_names", "utf-8", st);
	if (g_ascii_strncasecmp(part, inbox, strlen(inbox)) != 0)
		return true; /* INDEX, CONTROL and the like are Dovecot's own */

	const char *path = part + strlen(inbox);
	if (g_strcmp0(path, reader->answer->mail) == 0)
		return true;
	return fail_field(reader, name, part,
	                  "puts the INBOX elsewhere than the folders, which todoke does not do",
	                  st);
}

static bool
is_maildir_driver(const char *driver, size_t len)
{
	return len == strlen("maildir") && g_ascii_strncasecmp(driver, "maildir", len) == 0;
}

/* 2.3: "maildir:~/Maildir:LAYOUT=fs". */
static bool
take_mail(Reader *reader, const char *name, const char *value, Status *st)
{
	if (*value == '\0')
		return true;

	const char *colon = strchr(value, ':');
	bool has_driver = *value != '/' && *value != '~' && *value != '%';
	if (has_driver && (colon == NULL || !is_maildir_driver(value, (size_t) (colon - value))))
		return fail_field(reader, name, value,
		                  "is a kind of mailbox that todoke does not write: it wants "
		                  "maildir:PATH",
		                  st);

	g_auto(GStrv) parts = g_strsplit(has_driver ? colon + 1 : value, ":", -1);
	if (!set_mail(reader, name, parts[0] != NULL ? parts[0] : "", st))
		return false;
	for (char **part = parts + 1; *part != NULL; part++)
		if (!take_location_part(reader, name, *part, st))
			return false;
	return true;
}

static bool
take_path(Reader *reader, const char *name, const char *value, Status *st)
{
	return *value == '\0' || set_mail(reader, name, value, st);
}

static bool
take_driver(Reader *reader, const char *name, const char *value, Status *st)
{
	if (*value == '\0' || is_maildir_driver(value, strlen(value)))
		return true;
	return fail_field(reader, name, value, "is a kind of mailbox that todoke does not write",
	                  st);
}

static bool
take_inbox_path(Reader *reader, const char *name, const char *value, Status *st)
{
	(void) name, (void) st;
	reader->inbox_path = value;
	return true;
}

static bool
take_layout(Reader *reader, const char *name, const char *value, Status *st)
{
	return *value == '\0' || set_layout(reader, name, value, st);
}

static bool
is_yes(const char *value)
{
	return *value == 'y' || *value == 'Y' || *value == '1' ||
	       g_ascii_strcasecmp(value, "true") == 0;
}

static bool
take_utf8(Reader *reader, const char *name, const char *value, Status *st)
{
	return add_setting(reader, name, "folder_names", is_yes(value) ? "utf-8" : "utf-7", st);
}

/*
 * "1G", "500M", "1048576", "10 MB": octets; without a unit it counts in `unit`. -1: it is none of
 * these.
 */
static gint64
read_size(const char *text, gint64 unit)
{
	static const char letters[] = "BKMGT";
	char *end;
	guint64 number = g_ascii_strtoull(text, &end, 10);
	if (!g_ascii_isdigit(*text))
		return -1;

	while (*end == ' ')
		end++;
	const char *letter = *end != '\0' ? strchr(letters, g_ascii_toupper(*end)) : NULL;
	if (*end != '\0' && letter == NULL)
		return -1;
	if (letter != NULL) {
		unit = 1;
		for (const char *at = letters; at < letter; at++)
			unit *= 1024;
		if (g_ascii_strcasecmp(end + 1, "") != 0 && g_ascii_strcasecmp(end + 1, "B") != 0 &&
		    g_ascii_strcasecmp(end + 1, "iB") != 0)
			return -1;
	}

	static const guint64 most = G_GUINT64_CONSTANT(1) << 50;
	return number > most / (guint64) unit ? (gint64) most : (gint64) number * unit;
}

static bool
set_number(Reader *reader, const char *field, const char *setting, const char *text, gint64 unit,
           Status *st)
{
	gint64 number = read_size(text, unit);
	if (number < 0)
		return fail_field(reader, field, text, "is not a size", st);

	g_autofree char *value = g_strdup_printf("%" G_GINT64_FORMAT, number);
	return add_setting(reader, field, setting, value, st);
}

/* A limit of the site counts from now on, for this user. */
static bool
set_limit(Reader *reader, const char *field, const char *setting, const char *text, gint64 unit,
          Status *st)
{
	return set_number(reader, field, setting, text, unit, st) &&
	       add_setting(reader, field, "quota", "site", st);
}

static bool
take_rule_part(Reader *reader, const char *name, const char *part, Status *st)
{
	static const struct {
		const char *name, *setting;
		gint64 unit; /* of a number that names none */
	} kinds[] = {
		{ "storage=", "quota_bytes", 1024 },
		{ "bytes=", "quota_bytes", 1 },
		{ "messages=", "quota_messages", 1 },
	};

	if (strcmp(part, "ignore") == 0)
		return add_setting(reader, name, "quota", "off", st);
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (g_str_has_prefix(part, kinds[i].name))
			return set_limit(reader, name, kinds[i].setting,
			                 part + strlen(kinds[i].name), kinds[i].unit, st);
	return fail_field(reader, name, part,
	                  "is no rule: it wants storage=, bytes=, messages= or ignore", st);
}

/* 2.3: "*:storage=1G:messages=1000"; storage without a unit is in kilobytes. */
static bool
take_quota_rule(Reader *reader, const char *name, const char *value, Status *st)
{
	g_auto(GStrv) parts = g_strsplit(value, ":", -1);
	if (parts[0] == NULL || strcmp(parts[0], "*") != 0) {
		g_ptr_array_add(reader->answer->unused, g_strdup_printf("%s (%s)", name, value));
		return true; /* of a single folder */
	}

	for (char **part = parts + 1; *part != NULL; part++)
		if (!take_rule_part(reader, name, *part, st))
			return false;

	return true;
}

static bool
take_storage(Reader *reader, const char *name, const char *value, Status *st)
{
	if (strcmp(value, "unlimited") == 0)
		return add_setting(reader, name, "quota_bytes", "0", st);
	return *value == '\0' || set_limit(reader, name, "quota_bytes", value, 1, st);
}

static bool
take_count(Reader *reader, const char *name, const char *value, Status *st)
{
	if (strcmp(value, "unlimited") == 0)
		return add_setting(reader, name, "quota_messages", "0", st);
	return *value == '\0' || set_limit(reader, name, "quota_messages", value, 1, st);
}

static bool
take_mail_size(Reader *reader, const char *name, const char *value, Status *st)
{
	if (strcmp(value, "unlimited") == 0)
		return add_setting(reader, name, "message_size_limit", "0", st);
	return *value == '\0' || set_number(reader, name, "message_size_limit", value, 1, st);
}

/* "file:~/sieve;active=~/.dovecot.sieve", "~/.dovecot.sieve": the script that runs. */
static char *
script_of_location(const char *value)
{
	static const char file[] = "file:", active[] = ";active=";
	if (!g_str_has_prefix(value, file))
		return g_strdup(value);

	const char *named = strstr(value, active);
	const char *path = named != NULL ? named + strlen(active) : "~/.dovecot.sieve";
	return g_strndup(path, strcspn(path, ";"));
}

static bool
take_sieve(Reader *reader, const char *name, const char *value, Status *st)
{
	g_autofree char *path = script_of_location(value);
	return *value == '\0' || add_setting(reader, name, "sieve_scripts", path, st);
}

static bool
take_held(Reader *reader, const char *name, const char *value, Status *st)
{
	return !is_yes(value) || add_setting(reader, name, "mailbox_state", "held", st);
}

static bool
take_disabled(Reader *reader, const char *name, const char *value, Status *st)
{
	return !is_yes(value) || add_setting(reader, name, "mailbox_state", "disabled", st);
}

static const struct {
	const char *name;
	bool (*take)(Reader *reader, const char *name, const char *value, Status *st);
} rows[] = {
	{ "user", take_user },
	{ "home", take_home },
	{ "uid", take_uid },
	{ "gid", take_gid },
	{ "mail", take_mail },
	{ "mail_location", take_mail },
	{ "maildir", take_path },
	{ "mail_driver", take_driver },
	{ "mail_path", take_path },
	{ "mail_inbox_path", take_inbox_path },
	{ "mailbox_list_layout", take_layout },
	{ "mailbox_list_utf8", take_utf8 },
	{ "quota_rule", take_quota_rule },
	{ "quota_rule2", take_quota_rule },
	{ "quota_rule3", take_quota_rule },
	{ "quota_rule4", take_quota_rule },
	{ "quota_storage_size", take_storage },
	{ "quota_message_count", take_count },
	{ "quota_max_mail_size", take_mail_size },
	{ "quota_mail_size", take_mail_size },
	{ "sieve", take_sieve },
	{ "sieve_script_path", take_sieve },
	{ "held", take_held },
	{ "disabled", take_disabled },
};

static bool
take_field(Reader *reader, const char *name, const char *value, Status *st)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return rows[i].take(reader, name, value, st);

	const ConfRow *row = conf_find_row(name);
	if (row != NULL && conf_row_is_scoped(row))
		return add_setting(reader, name, name, value, st);
	g_ptr_array_add(reader->answer->unused, g_strdup(name));
	return true;
}

static bool
is_printable(const char *text)
{
	for (; *text != '\0'; text++)
		if (g_ascii_iscntrl(*text))
			return false;
	return true;
}

static bool
read_field(Reader *reader, const char *field, Status *st)
{
	static const char prefix[] = "userdb_";
	const char *bare = g_str_has_prefix(field, prefix) ? field + strlen(prefix) : field;
	const char *equal = strchr(bare, '=');
	g_autofree char *name = equal != NULL ? g_strndup(bare, (gsize) (equal - bare))
	                                      : g_strdup(bare);
	const char *value = equal != NULL ? equal + 1 : "yes";

	if (!g_utf8_validate(field, -1, NULL) || !is_printable(field))
		return status_fail_detail(st, STATUS_CONFIG,
		                          "%s: field %.40s has control characters or is not UTF-8",
		                          reader->who, is_printable(name) ? name : "?");
	return take_field(reader, name, value, st);
}

/* 2.4 says the INBOX's place beside the folders'. */
static bool
check_inbox_path(const Reader *reader, Status *st)
{
	const char *path = reader->inbox_path, *mail = reader->answer->mail;
	if (path == NULL || *path == '\0' || strcmp(path, ".") == 0 || g_strcmp0(path, mail) == 0)
		return true;
	return fail_field(reader, "mail_inbox_path", path,
	                  "puts the INBOX elsewhere than the folders, which todoke does not do",
	                  st);
}

/* A uid without gid: the gid is that of its account. Root's group is no default. */
static bool
complete_ids(const Reader *reader, Status *st)
{
	AccountAnswer *answer = reader->answer;
	if (answer->gid != NO_GID || answer->uid == ACCOUNT_NO_UID)
		return true;

	const struct passwd *pw = getpwuid(answer->uid);
	if (pw == NULL)
		return status_fail_detail(st, STATUS_CONFIG,
		                          "%s: field uid: %u is no account of this host, so a "
		                          "field gid is wanted",
		                          reader->who, (unsigned) answer->uid);
	answer->gid = pw->pw_gid;
	return true;
}

AccountAnswer *
account_answer_read(const GPtrArray *fields, const char *who, Status *st)
{
	g_autoptr(AccountAnswer) answer = g_new0(AccountAnswer, 1);
	Reader reader = { .answer = answer, .who = who };

	answer->uid = ACCOUNT_NO_UID;
	answer->gid = NO_GID;
	answer->settings = g_ptr_array_new_with_free_func(g_free);
	answer->unused = g_ptr_array_new_with_free_func(g_free);
	for (guint i = 0; i < fields->len; i++)
		if (!read_field(&reader, fields->pdata[i], st))
			return NULL;

	if (!check_inbox_path(&reader, st) || !complete_ids(&reader, st))
		return NULL;
	return g_steal_pointer(&answer);
}

static void *
copy_text(const void *text, void *user)
{
	(void) user;
	return g_strdup(text);
}

void
account_answer_use(const AccountAnswer *answer, Account *account)
{
	if (answer->user != NULL) {
		g_free(account->user);
		account->user = g_strdup(answer->user);
	}
	g_free(account->home);
	account->home = g_strdup(answer->home);
	g_free(account->mail);
	account->mail = g_strdup(answer->mail);
	account->uid = answer->uid;
	account->gid = answer->gid;
	account->has_ids = answer->uid != ACCOUNT_NO_UID;

	g_clear_pointer(&account->settings, g_ptr_array_unref);
	if (answer->settings->len > 0) {
		account->settings = g_ptr_array_copy(answer->settings, copy_text, NULL);
		g_ptr_array_set_free_func(account->settings, g_free);
	}
	g_clear_pointer(&account->unused, g_ptr_array_unref);
	if (answer->unused->len > 0) {
		account->unused = g_ptr_array_copy(answer->unused, copy_text, NULL);
		g_ptr_array_set_free_func(account->unused, g_free);
	}
}

/* SPDX-License-Identifier: MIT */
/* moving-users: who the users are, and as whom their mail is stored. */
#include "agent/cmd/moving.h"

#include "agent/base/path-template.h"

#include <pwd.h>
#include <string.h>

/* A user's name or number as the account that deliveries switch to. */
static void
set_account(Moving *moving, const char *uid, const DovecotSetting *from)
{
	char *end;
	guint64 number = g_ascii_strtoull(uid, &end, 10);
	const struct passwd *entry = *end == '\0' && number <= G_MAXINT32 ? getpwuid((uid_t) number)
	                                                                  : NULL;
	if (*end == '\0' && entry == NULL)
		moving_lose(moving, from, "virtual_user is a name, and this number has none here");
	else
		moving_set(moving, "virtual_user", entry != NULL ? entry->pw_name : uid, from);
}

/*
 * Settings of a userdb whose values are fields of all users: "uid=vmail gid=vmail home=/srv/%n".
 */
static const char *const field_lists[] = { "default_fields", "override_fields" };

/* Does todoke take this field of all users from its own settings? */
static bool
is_own_field(const char *word, bool is_static)
{
	static const char *const both[] = { "uid=", "gid=", "allow_all_users=" };
	for (size_t i = 0; i < G_N_ELEMENTS(both); i++)
		if (g_str_has_prefix(word, both[i]))
			return true;

	g_auto(Status) st = STATUS_INIT;
	return *word == '\0' || (is_static && g_str_has_prefix(word, "home=") &&
	                         path_template_check(word, "und%", &st));
}

static bool
are_own_fields(const char *text, bool is_static)
{
	g_auto(GStrv) words = g_strsplit_set(text, " \t", -1);
	for (char **word = words; *word != NULL; word++)
		if (!is_own_field(*word, is_static))
			return false;
	return true;
}

static void
take_fields(Moving *moving, const char *text, const DovecotSetting *from)
{
	g_auto(GStrv) words = g_strsplit_set(text, " \t", -1);

	for (char **word = words; *word != NULL; word++)
		if (g_str_has_prefix(*word, "uid="))
			set_account(moving, *word + strlen("uid="), from);
		else if (g_str_has_prefix(*word, "home="))
			moving_set(moving, "home", *word + strlen("home="), from);
}

/*
 * `fields { uid = vmail }` of 2.4 as words: a variable loses its blanks, which would part them.
 * NULL: the setting is none of the userdb's fields. Caller frees.
 */
static char *
field_of(const DovecotSetting *setting, const DovecotBlock *userdb)
{
	const DovecotBlock *block = setting->block;
	if (block == NULL || block->parent != userdb || !g_str_has_suffix(block->kind, "fields"))
		return NULL;

	g_autoptr(GString) value = g_string_new(setting->value);
	g_string_replace(value, " ", "", 0);
	return g_strdup_printf("%s=%s", setting->name, value->str);
}

/* Fields of all users that only Dovecot's userdb knows. */
static bool
has_foreign_fields(Moving *moving, const DovecotBlock *userdb, bool is_static)
{
	for (size_t i = 0; i < G_N_ELEMENTS(field_lists); i++)
		if (!are_own_fields(moving_value_in(moving, userdb, field_lists[i]), is_static))
			return true;
	if (is_static && !are_own_fields(moving_value_in(moving, userdb, "args"), is_static))
		return true;

	for (guint i = 0; i < moving->config->settings->len; i++) {
		g_autofree char *field = field_of(moving_setting(moving, i), userdb);
		if (field != NULL && !is_own_field(field, is_static))
			return true;
	}
	return false;
}

static void
take_all_fields(Moving *moving, const DovecotBlock *userdb, bool is_static)
{
	const DovecotSetting *args = moving_find_in(moving, userdb, "args");
	if (is_static && args != NULL)
		take_fields(moving, args->value, args);

	for (guint i = 0; i < moving->config->settings->len; i++) {
		g_autofree char *field = field_of(moving_setting(moving, i), userdb);
		if (field != NULL)
			take_fields(moving, field, moving_setting(moving, i));
	}
	for (size_t i = 0; i < G_N_ELEMENTS(field_lists); i++) {
		const DovecotSetting *given = moving_find_in(moving, userdb, field_lists[i]);
		if (given != NULL)
			take_fields(moving, given->value, given);
	}
}

/* Does Dovecot look users up by another name than the whole address? */
static bool
has_own_names(Moving *moving)
{
	static const char *const whole[] = {
		"%u", "%Lu", "%{user}", "%{user | lower}", "%{user|lower}", "", NULL
	};
	const DovecotSetting *format = moving_find(moving, "auth_username_format");
	return format != NULL && !g_strv_contains(whole, format->value);
}

/* "scheme=CRYPT username_format=%u /etc/dovecot/users": the path is what has no '='. */
static bool
take_passwd_file(Moving *moving, const char *args, const DovecotSetting *from)
{
	g_auto(GStrv) words = g_strsplit_set(args, " \t", -1);
	const char *path = NULL;

	for (char **word = words; *word != NULL; word++) {
		bool is_format = g_str_has_prefix(*word, "username_format=");
		const char *format = is_format ? *word + strlen("username_format=") : "";
		if (is_format && strcmp(format, "%u") != 0 && strcmp(format, "%Lu") != 0)
			return false;
		if (**word == '/')
			path = *word;
	}
	if (path == NULL || strchr(path, '%') != NULL)
		return false;

	moving_set(moving, "passwd_file", path, from);
	moving_set(moving, "users", "passwd_file", from);
	return true;
}

static void
ask_dovecot(Moving *moving, const DovecotSetting *from)
{
	const DovecotSetting *base = moving_find(moving, "base_dir");
	g_autofree char *line = moving_quote(from);
	g_autofree char *why = g_strdup_printf("%s; the running Dovecot is asked over its socket",
	                                       line);

	g_autofree char *problem = convert_settings_set(moving->made, "users", "dovecot", why);
	if (base != NULL && *base->value != '\0') {
		g_autofree char *path = g_build_filename(base->value, "auth-userdb", NULL);
		moving_set(moving, "dovecot_socket", path, base);
	} else {
		g_autofree char *fault = convert_settings_set(
			moving->made, "dovecot_socket", "/run/dovecot/auth-userdb",
			"unix_listener auth-userdb of service auth: Dovecot's default");
	}
}

/* The userdbs that know users by themselves: prefetch only passes on what a passdb said. */
static GPtrArray *
userdbs(Moving *moving)
{
	GPtrArray *found = g_ptr_array_new();
	for (guint i = 0; i < moving->config->blocks->len; i++) {
		DovecotBlock *block = moving->config->blocks->pdata[i];
		const char *driver = moving_value_in(moving, block, "driver");
		if (!moving_is_in(block, "userdb") || block->parent != NULL)
			continue;
		moving_done_with(moving, block);
		if (strcmp(*driver != '\0' ? driver : block->title, "prefetch") != 0)
			g_ptr_array_add(found, block);
	}
	return found;
}

/* The driver of a userdb or its own name (2.4), and a setting of it for the comment. */
static const char *
driver_of(Moving *moving, const DovecotBlock *block, DovecotSetting *ret_from)
{
	const DovecotSetting *driver = moving_find_in(moving, block, "driver");
	*ret_from = driver != NULL ? *driver
	                           : (DovecotSetting){ .block = NULL,
		                                       .name = block->kind,
		                                       .value = block->title,
		                                       .line = block->line };
	return ret_from->value;
}

/* The file of a passwd-file; NULL: none is named. */
static const DovecotSetting *
passwd_file_of(Moving *moving, const DovecotBlock *block)
{
	static const char *const names[] = { "args", "passwd_file_path", "path" };
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		const DovecotSetting *found = moving_find_in(moving, block, names[i]);
		if (found != NULL)
			return found;
	}
	return NULL;
}

static void
take_userdb(Moving *moving, const DovecotBlock *block)
{
	DovecotSetting from;
	const char *driver = driver_of(moving, block, &from);
	const DovecotSetting *file = passwd_file_of(moving, block);
	bool is_static = strcmp(driver, "static") == 0, is_system = strcmp(driver, "passwd") == 0,
	     is_file = strcmp(driver, "passwd-file") == 0;

	bool is_foreign = has_foreign_fields(moving, block, is_static) ||
	                  (!is_system && has_own_names(moving));
	if (is_foreign || (!is_system && !is_static && !is_file) ||
	    (is_file && (file == NULL || !take_passwd_file(moving, file->value, file)))) {
		ask_dovecot(moving, &from);
		return; /* the fields are among its answers */
	}

	if (!is_file)
		moving_set(moving, "users", is_system ? "system" : "virtual", &from);
	take_all_fields(moving, block, is_static);
}

void
moving_users(Moving *moving)
{
	g_autoptr(GPtrArray) found = userdbs(moving);
	const DovecotSetting *uid = moving_find(moving, "mail_uid");
	DovecotSetting from;

	if (uid != NULL && *uid->value != '\0')
		set_account(moving, uid->value, uid);
	if (found->len == 1) {
		take_userdb(moving, found->pdata[0]);
	} else if (found->len > 1) {
		(void) driver_of(moving, found->pdata[0], &from);
		ask_dovecot(moving, &from);
	}
}

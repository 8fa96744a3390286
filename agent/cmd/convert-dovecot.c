/* SPDX-License-Identifier: MIT */
/* convert-dovecot: see the header. */
#include "agent/cmd/convert-dovecot.h"

#include "agent/cmd/moving.h"
#include "agent/send/compose.h"

#include <string.h>

static bool
take_plain(Moving *moving, const char *ours, const DovecotSetting *from)
{
	if (*from->value != '\0')
		moving_set(moving, ours, from->value, from);
	else if (strcmp(ours, "delimiters") == 0)
		moving_set(moving, ours, "", from);
	return true;
}

static bool
take_opposite(Moving *moving, const char *ours, const DovecotSetting *from)
{
	moving_set(moving, ours, strcmp(from->value, "yes") == 0 ? "no" : "yes", from);
	return true;
}

static bool
take_template(Moving *moving, const char *ours, const DovecotSetting *from)
{
	if (*from->value == '\0')
		return true;
	if (!moving_knows_letters(moving, from->value))
		return false;
	if (strcmp(ours, "home") == 0 && strstr(from->value, "%h") != NULL) {
		moving->reason = "the home cannot depend on the home";
		return false;
	}
	moving_set(moving, ours, from->value, from);
	return true;
}

static bool
take_address(Moving *moving, const char *ours, const DovecotSetting *from)
{
	g_autofree char *address = compose_first_address(from->value);

	if (strchr(from->value, '%') == NULL && address == NULL && *from->value != '\0') {
		moving->reason = "postmaster_address is a whole address, with its domain";
		return false;
	}
	if (strchr(from->value, '%') == NULL)
		moving_set(moving, ours, from->value, from);
	else if (!g_str_has_prefix(from->value, "postmaster@%")) {
		moving->reason = "the address of the postmaster has no variables";
		return false;
	}
	return true;
}

static bool
take_size(Moving *moving, const char *ours, const DovecotSetting *from)
{
	gint64 octets;
	moving->reason = "this is no size";
	if (!moving_read_size(from->value, 1, &octets))
		return false;
	moving_set_number(moving, ours, octets, from);
	return true;
}

static bool
take_time(Moving *moving, const char *ours, const DovecotSetting *from)
{
	gint64 seconds;
	moving->reason = "this is no time";
	if (!moving_read_time(from->value, &seconds))
		return false;
	if (seconds == 0 && strcmp(ours, "sieve_vacation_max") == 0) {
		moving->reason = "sieve_vacation_max is a time: there is always a longest one";
		return false;
	}
	moving_set_number(moving, ours, seconds, from);
	if (strcmp(ours, "sieve_vacation_min") == 0) /* Dovecot's is for :seconds too */
		moving_set_number(moving, "sieve_vacation_seconds_min", seconds, from);
	return true;
}

static bool
take_subject(Moving *moving, const char *ours, const DovecotSetting *from)
{
	g_autoptr(GString) value = g_string_new(from->value);
	g_string_replace(value, "%$", "%{subject}", 0);
	moving_set(moving, ours, value->str, from);
	return true;
}

static bool
take_sendmail(Moving *moving, const char *ours, const DovecotSetting *from)
{
	moving->reason = "submit takes a path without arguments";
	if (*from->value != '/' || strchr(from->value, ' ') != NULL)
		return false;
	g_autofree char *value = g_strconcat("sendmail:", from->value, NULL);
	if (moving_find(moving, "submission_host") == NULL)
		moving_set(moving, ours, value, from);
	return true;
}

static bool
take_submission(Moving *moving, const char *ours, const DovecotSetting *from)
{
	if (*from->value == '\0')
		return true;
	bool has_port = strrchr(from->value, ':') != NULL &&
	                (*from->value != '[' || strstr(from->value, "]:") != NULL);
	g_autofree char *value = g_strconcat("smtp:", from->value, has_port ? "" : ":25", NULL);
	moving_set(moving, ours, value, from);
	return true;
}

static bool
take_fsync(Moving *moving, const char *ours, const DovecotSetting *from)
{
	moving_set(moving, ours, strcmp(from->value, "never") == 0 ? "none" : "full", from);
	return true;
}

static bool
take_attributes(Moving *moving, const char *ours, const DovecotSetting *from)
{
	const char *name = strrchr(from->value, '/');
	moving->reason = "metadata_file is a file in the INBOX's folder, or a full path";
	if (!g_str_has_prefix(from->value, "file:") || name == NULL)
		return false;
	const char *path = from->value + strlen("file:");
	moving_set(moving, ours, strchr(path, '%') != NULL ? name + 1 : path, from);
	return true;
}

static bool
take_tempfail(Moving *moving, const char *ours, const DovecotSetting *from)
{
	bool waits = strcmp(from->value, "yes") == 0;
	moving_set(moving, ours, waits ? "defer" : "bounce", from);
	if (waits)
		moving_set(moving, "quota_defer_for", "0", from);
	return true;
}

/* "storage=95%% quota-warning 95 %u": the program gives way to a mail of ours. */
static bool
take_warning(Moving *moving, const char *ours, const DovecotSetting *from)
{
	const char *value = from->value;
	moving->reason = "only 'storage=N%' becomes a warning, which is a mail to the owner";
	if (!g_str_has_prefix(value, "storage="))
		return false;
	value += strlen("storage=");
	size_t digits = strspn(value, "0123456789");
	if (digits == 0 || digits > 3 || value[digits] != '%')
		return false;
	g_autofree char *percent = g_strdup_printf("%.*s%%", (int) digits, value);
	moving_set(moving, ours, percent, from);
	return true;
}

static bool
take_sender(Moving *moving, const char *ours, const DovecotSetting *from)
{
	static const struct {
		const char *theirs, *ours;
	} words[] = { { "sender", "original" },
		      { "recipient", "recipient" },
		      { "orig_recipient", "original_recipient" },
		      { "user_email", "owner" },
		      { "postmaster", "postmaster" } };
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		if (strcmp(from->value, words[i].theirs) != 0)
			continue;
		bool is_redirect = strcmp(ours, "redirect_sender") == 0;
		moving_set(moving, ours, i == 0 && !is_redirect ? "sender" : words[i].ours, from);
		return true;
	}
	moving->reason = "todoke does not send as this address";
	return false;
}

static bool
take_programs(Moving *moving, const char *ours, const DovecotSetting *from)
{
	const char *earlier = convert_settings_find(moving->made, ours);
	moving->reason = "todoke has one folder for all programs of rules";
	if (earlier != NULL && strcmp(earlier, from->value) != 0)
		return false;
	moving_set(moving, ours, from->value, from);
	return true;
}

typedef bool TakeSetting(Moving *moving, const char *ours, const DovecotSetting *from);

static const struct {
	const char *theirs;
	const char *ours;
	TakeSetting *take;
} rows[] = {
#define ROW(theirs, ours, take) { theirs, ours, take },
#define WHY(pattern, value, reason)
#include "agent/cmd/convert-dovecot.def"
#undef ROW
#undef WHY
};

static const struct {
	const char *pattern;
	const char *value;
	const char *reason;
} reasons[] = {
#define ROW(theirs, ours, take)
#define WHY(pattern, value, reason) { pattern, value, reason },
#include "agent/cmd/convert-dovecot.def"
#undef ROW
#undef WHY
};

static bool
take_by_row(Moving *moving, const DovecotSetting *from)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		if (!moving_is_named(from->name, rows[i].theirs))
			continue;
		if (!rows[i].take(moving, rows[i].ours, from))
			moving_lose(moving, from, moving->reason);
		return true;
	}
	return false;
}

/* Items of todoke's lists whose names of Dovecot have the item's name in them. */
static bool
take_by_prefix(Moving *moving, const DovecotSetting *from)
{
	static const struct {
		const char *prefix, *ours;
	} lists[] = { { "sieve_env_", "sieve_environment" },
		      { "sieve_spamtest_text_value", "sieve_spamtest_text_values" },
		      { "sieve_virustest_text_value", "sieve_virustest_text_values" } };
	for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
		if (!g_str_has_prefix(from->name, lists[i].prefix))
			continue;
		g_autofree char *item = g_strdup_printf(
			"%s=%s", from->name + strlen(lists[i].prefix), from->value);
		moving_set(moving, lists[i].ours, item, from);
		return true;
	}
	return false;
}

static void
give_reason(Moving *moving, const DovecotSetting *from)
{
	for (size_t i = 0; i < G_N_ELEMENTS(reasons); i++) {
		if (!g_pattern_match_simple(reasons[i].pattern, from->name) ||
		    !g_pattern_match_simple(reasons[i].value, from->value))
			continue;
		if (*reasons[i].reason != '\0')
			moving_lose(moving, from, reasons[i].reason);
		return;
	}
	moving_lose(moving, from, "todoke does not know this setting");
}

/* Blocks that are about other things than delivery. */
static bool
is_elsewhere(const DovecotBlock *block)
{
	static const char *const kinds[] = { "service",
		                             "passdb",
		                             "dict",
		                             "metric",
		                             "event_exporter",
		                             "protocol",
		                             "protocols",
		                             "mail_plugins",
		                             "local_name",
		                             "acl",
		                             "fts",
		                             "language",
		                             "sql",
		                             "mysql",
		                             "pgsql",
		                             "sqlite",
		                             "ldap",
		                             "ssl_server",
		                             "ssl_client",
		                             "inet_listener",
		                             "mail_attribute",
		                             "dict_server",
		                             "dict_map",
		                             "auth_policy",
		                             "auth_mechanisms",
		                             "imapsieve_from",
		                             "sieve_plugins",
		                             "sieve_imapsieve",
		                             NULL };
	for (const DovecotBlock *in = block; in != NULL; in = in->parent)
		if (g_strv_contains(kinds, in->kind))
			return true;
	return false;
}

static void
take_rest(Moving *moving)
{
	for (guint i = 0; i < moving->config->settings->len; i++) {
		const DovecotSetting *setting = moving_setting(moving, i);
		if (moving->is_done[i])
			continue;
		if (moving_is_general(setting)) {
			if (!take_by_row(moving, setting) && !take_by_prefix(moving, setting))
				give_reason(moving, setting);
		} else if (!is_elsewhere(setting->block)) {
			moving_lose(moving, setting, "todoke does not know this block");
		}
	}
}

/* lmtp_save_to_detail_mailbox makes the folder only where folders are made at all. */
static void
take_detail(Moving *moving)
{
	const DovecotSetting *from = moving_find(moving, "lmtp_save_to_detail_mailbox");
	const char *creates = convert_settings_find(moving->made, "create_folders");
	moving_done(moving, from);
	if (from != NULL && strcmp(from->value, "yes") == 0)
		moving_set(moving, "detail_folder",
		           g_strcmp0(creates, "yes") == 0 ? "create" : "existing", from);
}

/* What Dovecot does where its configuration says nothing, if todoke would do something else. */
static void
set_defaults(Moving *moving)
{
	moving_set_default(moving, "create_folders", "no",
	                   "Dovecot's default: lda_mailbox_autocreate = no");
	moving_set_default(moving, "subscribe_folders", "no",
	                   "Dovecot's default: lda_mailbox_autosubscribe = no");
	moving_set_default(moving, "first_valid_uid", "500",
	                   "Dovecot's default of first_valid_uid");
}

ConvertSettings *
convert_dovecot(const DovecotConfig *config)
{
	g_autoptr(ConvertSettings) made = convert_settings_new();
	g_autofree bool *is_done = g_new0(bool, config->settings->len + 1);
	Moving moving = { .config = config, .made = made, .is_done = is_done };

	const DovecotSetting *home = moving_find(&moving, "mail_home");
	if (home != NULL && !take_template(&moving, "home", home))
		moving_lose(&moving, home, moving.reason);
	moving_done(&moving, home);

	moving_users(&moving);
	moving_place(&moving);
	moving_scripts(&moving);
	moving_quota(&moving);
	take_rest(&moving);
	take_detail(&moving);
	set_defaults(&moving);

	return g_steal_pointer(&made);
}

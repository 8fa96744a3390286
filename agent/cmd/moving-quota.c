/* SPDX-License-Identifier: MIT */
/* moving-quota: limits of mailboxes, in the words of 2.3 and of 2.4. */
#include "agent/cmd/moving.h"

#include <string.h>

/* "storage=1G:messages=1000", or "ignore" and "storage=+10%%" for a folder. */
static void
take_folder_rule(Moving *moving, const char *folder, const char *limits, const DovecotSetting *from)
{
	g_autofree char *rule = NULL;
	gint64 octets;

	if (strcmp(limits, "ignore") == 0)
		rule = g_strdup_printf("%s:ignore", folder);
	else if (g_str_has_prefix(limits, "storage=+") && strchr(limits, ':') == NULL) {
		const char *more = limits + strlen("storage=+");
		size_t digits = strspn(more, "0123456789");
		if (digits > 0 && more[digits] == '%')
			rule = g_strdup_printf("%s:+%.*s%%", folder, (int) digits, more);
		else if (moving_read_size(more, 1024, &octets))
			rule = g_strdup_printf("%s:+%" G_GINT64_FORMAT, folder, octets);
	}

	if (rule != NULL)
		moving_set(moving, "quota_rules", rule, from);
	else
		moving_lose(moving, from,
		            "a folder's rule is 'ignore' or 'storage=+more' in todoke");
}

static void
take_general_rule(Moving *moving, const char *limits, const DovecotSetting *from)
{
	g_auto(GStrv) parts = g_strsplit(limits, ":", 16);
	gint64 number;

	for (char **part = parts; *part != NULL; part++) {
		const char *value = strchr(*part, '=');
		bool is_storage = g_str_has_prefix(*part, "storage="),
		     is_bytes = g_str_has_prefix(*part, "bytes=");
		if (value != NULL && (is_storage || is_bytes) &&
		    moving_read_size(value + 1, is_storage ? 1024 : 1, &number))
			moving_set_number(moving, "quota_bytes", number, from);
		else if (g_str_has_prefix(*part, "messages="))
			moving_set(moving, "quota_messages", value + 1, from);
		else
			moving_lose(moving, from, "todoke does not know this limit");
	}
}

/* "*:storage=1G" (2.3) */
static void
take_quota_rule(Moving *moving, const DovecotSetting *from)
{
	const char *colon = strchr(from->value, ':');
	g_autofree char *folder = colon != NULL
	                                  ? g_strndup(from->value, (gsize) (colon - from->value))
	                                  : NULL;
	if (folder == NULL)
		moving_lose(moving, from, "this is no rule of a quota");
	else if (strcmp(folder, "*") == 0 || strcmp(folder, "?") == 0)
		take_general_rule(moving, colon + 1, from);
	else
		take_folder_rule(moving, folder, colon + 1, from);
}

/* "10%%" of the limit, or a size. `text` NULL: Dovecot's default. */
static void
set_grace(Moving *moving, const DovecotSetting *from)
{
	const char *limit = convert_settings_find(moving->made, "quota_bytes");
	gint64 whole = limit != NULL ? g_ascii_strtoll(limit, NULL, 10) : 0, octets = 0;
	const char *text = from != NULL ? from->value : moving->config->minor == 4 ? "10M" : "10%";
	char *end;
	guint64 percent = g_ascii_strtoull(text, &end, 10);
	g_autofree char *value = NULL;

	if (*end == '%' && whole == 0) {
		if (from != NULL)
			moving_lose(moving, from,
			            "quota_grace is a size, and here each user's "
			            "own limit decides what a percentage is");
		return;
	}
	if (*end == '%' && percent <= 1000)
		octets = whole / 100 * (gint64) percent;
	else if (!moving_read_size(text, 1024, &octets)) {
		moving_lose(moving, from, "this is no size");
		return;
	}
	value = g_strdup_printf("%" G_GINT64_FORMAT, octets);
	if (from != NULL)
		moving_set(moving, "quota_grace", value, from);
	else
		moving_set_default(moving, "quota_grace", value,
		                   "Dovecot's default of quota_grace");
}

/* quota_rule, quota_rule2 ... */
static void
take_quota_rules(Moving *moving)
{
	for (guint i = 0; i < moving->config->settings->len; i++) {
		const DovecotSetting *setting = moving_setting(moving, i);
		if (!moving_is_general(setting) || !moving_is_named(setting->name, "quota_rule"))
			continue;
		moving->is_done[i] = true;
		take_quota_rule(moving, setting);
	}
}

/* Where the service quota-status listens, as quota_service wants it; NULL: nowhere. */
static char *
quota_service(const Moving *moving, const DovecotBlock **ret_block)
{
	for (guint i = 0; i < moving->config->blocks->len; i++) {
		const DovecotBlock *block = moving->config->blocks->pdata[i];
		if (!moving_is_in(block->parent, "service") ||
		    strcmp(block->parent->title, "quota-status") != 0)
			continue;
		*ret_block = block;
		const char *port = moving_value_in(moving, block, "port"),
			   *address = moving_value_in(moving, block, "address");
		if (moving_is_in(block, "unix_listener"))
			return g_strdup_printf("unix:%s%s",
			                       *block->title == '/' ? "" : "/run/dovecot/",
			                       block->title);
		if (moving_is_in(block, "inet_listener") && *port != '\0')
			return g_strdup_printf("%s:%s", *address != '\0' ? address : "127.0.0.1",
			                       port);
	}
	return NULL;
}

/* maildirsize is shared with Dovecot; what it counts elsewhere its own service has to say. */
static void
set_quota(Moving *moving, const char *driver, const DovecotSetting *from)
{
	bool has_limit = convert_settings_find(moving->made, "quota_bytes") != NULL ||
	                 convert_settings_find(moving->made, "quota_messages") != NULL;
	const DovecotBlock *block = NULL;

	if (strcmp(driver, "maildir") == 0) {
		moving_set(moving, "quota", has_limit ? "site" : "maildirsize", from);
		return;
	}

	static const char *const ours[] = { "quota_bytes", "quota_messages", "quota_grace",
		                            "quota_rules" };
	for (size_t i = 0; i < G_N_ELEMENTS(ours); i++)
		convert_settings_drop(moving->made, ours[i]);
	g_autofree char *service = quota_service(moving, &block);
	if (service == NULL) {
		moving_lose(
			moving, from,
			"only Dovecot can count this: let it run service quota-status, and set quota "
			"= dovecot and quota_service");
		return;
	}
	g_autofree char *why = g_strdup_printf("line %u: service quota-status", block->line);
	moving_set(moving, "quota", "dovecot", from);
	g_autofree char *problem = convert_settings_set(moving->made, "quota_service", service,
	                                                why);
}

/* The quota of 2.4: `quota "User quota" { driver = maildir }`, limits inside or outside of it. */
static const DovecotSetting *
take_quota_blocks(Moving *moving, const char **ret_driver)
{
	static DovecotSetting from; /* of a block without a driver, which counts */
	const DovecotSetting *found = NULL;

	for (guint i = 0; i < moving->config->blocks->len; i++) {
		const DovecotBlock *block = moving->config->blocks->pdata[i];
		if (!moving_is_in(block, "quota") || block->parent != NULL)
			continue;
		moving_done_with(moving, block);
		const DovecotSetting *driver = moving_find_in(moving, block, "driver");
		from = (DovecotSetting){ .name = block->kind,
			                 .value = block->title,
			                 .line = block->line };
		if (found != NULL)
			moving_lose(moving, &from, "todoke counts one quota");
		found = driver != NULL ? driver : &from;
		*ret_driver = driver != NULL ? driver->value : "count";
	}
	return found;
}

/* The setting, wherever it stands: outside, or in a block `quota`. */
static const DovecotSetting *
find_quota(Moving *moving, const char *name)
{
	for (guint i = moving->config->settings->len; i > 0; i--) {
		const DovecotSetting *setting = moving_setting(moving, i - 1);
		g_autofree char *long_name = g_strconcat("quota_", setting->name, NULL);
		bool is_here = moving_is_in(setting->block, "quota") &&
		               strcmp(long_name, name) == 0;
		bool can_be = moving_is_general(setting) || moving_is_in(setting->block, "quota");
		if (is_here || (can_be && strcmp(setting->name, name) == 0)) {
			moving->is_done[i - 1] = true;
			return setting;
		}
	}
	return NULL;
}

/* `quota_warning NAME { quota_storage_percentage = 95 }` of 2.4 */
static void
take_warning_blocks(Moving *moving)
{
	for (guint i = 0; i < moving->config->blocks->len; i++) {
		const DovecotBlock *block = moving->config->blocks->pdata[i];
		if (!moving_is_in(block, "quota_warning"))
			continue;
		const DovecotSetting *percent = moving_find_in(moving, block,
		                                               "quota_storage_percentage");
		const char *threshold = moving_value_in(moving, block, "threshold");
		moving_done_with(moving, block);
		DovecotSetting from = { .name = block->kind,
			                .value = block->title,
			                .line = block->line };
		if (percent == NULL || (*threshold != '\0' && strcmp(threshold, "over") != 0)) {
			moving_lose(moving, &from,
			            "only a percentage of the storage that is exceeded "
			            "becomes a warning, which is a mail to the owner");
			continue;
		}
		g_autofree char *item = g_strconcat(percent->value, "%", NULL);
		moving_set(moving, "quota_warnings", item, percent);
	}
}

void
moving_quota(Moving *moving)
{
	const DovecotSetting *old = moving_find(moving, "quota"),
			     *grace = find_quota(moving, "quota_grace");
	const char *driver = "";
	g_autofree char *old_driver = old != NULL ? g_strndup(old->value, strcspn(old->value, ":"))
	                                          : NULL;
	moving_done(moving, old);
	take_quota_rules(moving);

	const DovecotSetting *from = take_quota_blocks(moving, &driver);
	if (old != NULL && *old_driver != '\0') {
		from = old;
		driver = old_driver;
	}
	if (grace == NULL)
		grace = find_quota(moving, "quota_storage_grace");
	const DovecotSetting *bytes = find_quota(moving, "quota_storage_size"),
			     *messages = find_quota(moving, "quota_message_count");
	gint64 octets;
	if (bytes != NULL && moving_read_size(bytes->value, 1, &octets))
		moving_set_number(moving, "quota_bytes", octets, bytes);
	else if (bytes != NULL && *bytes->value != '\0')
		moving_lose(moving, bytes, "todoke wants a size");
	if (messages != NULL && *messages->value != '\0')
		moving_set(moving, "quota_messages", messages->value, messages);
	take_warning_blocks(moving);

	if (from == NULL)
		return; /* limits alone do nothing in Dovecot either */
	set_grace(moving, grace);
	set_quota(moving, driver, from);
	moving_set_default(moving, "quota_full", "bounce",
	                   "Dovecot's default: quota_full_tempfail = no");
}

/* SPDX-License-Identifier: MIT */
/* moving: see the header. */
#include "agent/cmd/moving.h"

#include "agent/base/path-template.h"

#include <string.h>

const DovecotSetting *
moving_setting(const Moving *moving, guint i)
{
	return moving->config->settings->pdata[i];
}

/* "line 12: mail_location = maildir:~/Maildir". Caller frees. */
char *
moving_quote(const DovecotSetting *setting)
{
	g_autofree char *name = dovecot_config_name(setting);
	return g_strdup_printf("line %u: %s = %s", setting->line, name, setting->value);
}

void
moving_lose(Moving *moving, const DovecotSetting *setting, const char *reason)
{
	g_autofree char *line = moving_quote(setting);
	convert_settings_lose(moving->made, line, reason);
}

/* Set `ours`; what is wrong with the value is said in the list at the end. */
void
moving_set(Moving *moving, const char *ours, const char *value, const DovecotSetting *from)
{
	g_autofree char *line = moving_quote(from);
	g_autofree char *problem = convert_settings_set(moving->made, ours, value, line);
	if (problem != NULL)
		moving_lose(moving, from, problem);
}

void
moving_set_default(Moving *moving, const char *ours, const char *value, const char *why)
{
	g_autofree char *problem = NULL;
	if (convert_settings_find(moving->made, ours) == NULL)
		problem = convert_settings_set(moving->made, ours, value, why);
}

bool
moving_is_in(const DovecotBlock *block, const char *kind)
{
	return block != NULL && strcmp(block->kind, kind) == 0;
}

/*
 * Does the setting hold for a delivery: outside of blocks, in `plugin`, or in the blocks of LMTP
 * and of dovecot-lda?
 */
bool
moving_is_general(const DovecotSetting *setting)
{
	const DovecotBlock *block = setting->block;
	if (moving_is_in(block, "plugin"))
		block = block->parent;
	bool is_delivery = moving_is_in(block, "protocol") &&
	                   (strcmp(block->title, "lmtp") == 0 || strcmp(block->title, "lda") == 0);
	return block == NULL || (is_delivery && block->parent == NULL);
}

/* The last setting of this name that holds for a delivery; NULL: none. */
const DovecotSetting *
moving_find(const Moving *moving, const char *name)
{
	for (guint i = moving->config->settings->len; i > 0; i--) {
		const DovecotSetting *setting = moving_setting(moving, i - 1);
		if (strcmp(setting->name, name) == 0 && moving_is_general(setting))
			return setting;
	}
	return NULL;
}

/*
 * The setting `name` right in `block`; Dovecot 2.4 lets it begin with the block's kind, or with
 * what the block is (passwd_file_path in `userdb passwd-file`).
 */
const DovecotSetting *
moving_find_in(const Moving *moving, const DovecotBlock *block, const char *name)
{
	g_autofree char *long_name = g_strdup_printf("%s_%s", block->kind, name);
	for (guint i = moving->config->settings->len; i > 0; i--) {
		const DovecotSetting *setting = moving_setting(moving, i - 1);
		if (setting->block == block &&
		    (strcmp(setting->name, name) == 0 || strcmp(setting->name, long_name) == 0))
			return setting;
	}
	return NULL;
}

const char *
moving_value_in(const Moving *moving, const DovecotBlock *block, const char *name)
{
	const DovecotSetting *setting = moving_find_in(moving, block, name);
	return setting != NULL ? setting->value : "";
}

/* All that stands in the block, or in blocks in it, was seen. */
void
moving_done_with(Moving *moving, const DovecotBlock *block)
{
	for (guint i = 0; i < moving->config->settings->len; i++)
		for (const DovecotBlock *in = moving_setting(moving, i)->block; in != NULL;
		     in = in->parent)
			moving->is_done[i] |= in == block;
}

void
moving_done(Moving *moving, const DovecotSetting *setting)
{
	guint at;
	if (setting != NULL && g_ptr_array_find(moving->config->settings, setting, &at))
		moving->is_done[at] = true;
}

/* "512 M" and "1GB" as octets; a plain number counts `plain`. False: it is no such thing. */
bool
moving_read_size(const char *text, gint64 plain, gint64 *ret_octets)
{
	static const char units[] = "BKMGT";
	char *end;
	if (!g_ascii_isdigit(*text))
		return false;

	guint64 number = g_ascii_strtoull(text, &end, 10);
	while (*end == ' ')
		end++;
	const char *unit = *end != '\0' ? strchr(units, g_ascii_toupper(*end)) : NULL;
	if (*end != '\0' && unit == NULL)
		return false;

	guint64 factor = unit != NULL ? G_GUINT64_CONSTANT(1) << (10 * (unit - units))
	                              : (guint64) plain;
	const char *rest = unit != NULL ? end + 1 : end;
	if (*rest != '\0' && g_ascii_strcasecmp(rest, "B") != 0 &&
	    g_ascii_strcasecmp(rest, "iB") != 0)
		return false;
	if (number > G_MAXINT64 / factor)
		return false;
	*ret_octets = (gint64) (number * factor);
	return true;
}

/* "7d", "30 mins", "1 weeks" as seconds. */
bool
moving_read_time(const char *text, gint64 *ret_seconds)
{
	static const struct {
		const char *word;
		guint64 seconds;
	} units[] = { { "secs", 1 },     { "seconds", 1 },  { "mins", 60 },     { "minutes", 60 },
		      { "hours", 3600 }, { "days", 86400 }, { "weeks", 604800 } };
	char *end;
	if (!g_ascii_isdigit(*text))
		return false;

	guint64 number = g_ascii_strtoull(text, &end, 10), factor = *end == '\0' ? 1 : 0;
	while (*end == ' ')
		end++;
	for (size_t i = 0; i < G_N_ELEMENTS(units) && factor == 0; i++)
		if (g_ascii_strncasecmp(units[i].word, end, strlen(end)) == 0)
			factor = units[i].seconds;
	if (factor == 0 || number > G_MAXINT64 / factor)
		return false;
	*ret_seconds = (gint64) (number * factor);
	return true;
}

void
moving_set_number(Moving *moving, const char *ours, gint64 number, const DovecotSetting *from)
{
	g_autofree char *value = g_strdup_printf("%" G_GINT64_FORMAT, number);
	moving_set(moving, ours, value, from);
}

/* Does our engine know these variables? What Dovecot alone knows cannot be converted. */
bool
moving_knows_letters(Moving *moving, const char *value)
{
	g_auto(Status) st = STATUS_INIT;
	if (path_template_check(value, "undh%", &st))
		return true;
	moving->reason = "todoke has no such variable (PATHS in todoke.conf(5))";
	return false;
}

/* sieve_before2 continues sieve_before. */
bool
moving_is_named(const char *name, const char *wanted)
{
	static const char *const counted[] = { "sieve_before", "sieve_after", "quota_rule",
		                               "quota_warning", NULL };
	if (strcmp(name, wanted) == 0)
		return true;
	size_t len = strlen(wanted);
	return g_strv_contains(counted, wanted) && g_str_has_prefix(name, wanted) &&
	       name[len + strspn(name + len, "0123456789")] == '\0';
}

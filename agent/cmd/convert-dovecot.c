/* SPDX-License-Identifier: MIT */
/* convert-dovecot: see the header. */
#include "agent/cmd/convert-dovecot.h"

#include "agent/base/path-template.h"
#include "filters/sieve/lang/sieve-site.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
	const DovecotConfig *config;
	ConvertSettings *made;
	bool *is_done;      /* by number of the setting: nothing more is to be said of it */
	guint at;           /* the setting in hand */
	const char *reason; /* set by a take_... that returns false: why it cannot be; static */
} Convert;

static const DovecotSetting *
setting_at(const Convert *convert, guint i)
{
	return convert->config->settings->pdata[i];
}

/* "line 12: mail_location = maildir:~/Maildir". Caller frees. */
static char *
quote_line(const DovecotSetting *setting)
{
	g_autofree char *name = dovecot_config_name(setting);
	return g_strdup_printf("line %u: %s = %s", setting->line, name, setting->value);
}

static void
lose(Convert *convert, const DovecotSetting *setting, const char *reason)
{
	g_autofree char *line = quote_line(setting);
	convert_settings_lose(convert->made, line, reason);
}

/* Set `ours`; what is wrong with the value is said in the list at the end. */
static void
set_from(Convert *convert, const char *ours, const char *value, const DovecotSetting *from)
{
	g_autofree char *line = quote_line(from);
	g_autofree char *problem = convert_settings_set(convert->made, ours, value, line);
	if (problem != NULL)
		lose(convert, from, problem);
}

static void
set_default(Convert *convert, const char *ours, const char *value, const char *why)
{
	g_autofree char *problem = NULL;
	if (convert_settings_find(convert->made, ours) == NULL)
		problem = convert_settings_set(convert->made, ours, value, why);
}

static bool
is_in(const DovecotBlock *block, const char *kind)
{
	return block != NULL && strcmp(block->kind, kind) == 0;
}

/*
 * Does the setting hold for a delivery: outside of blocks, in `plugin`, or in the blocks of LMTP
 * and of dovecot-lda?
 */
static bool
is_general(const DovecotSetting *setting)
{
	const DovecotBlock *block = setting->block;
	if (is_in(block, "plugin"))
		block = block->parent;
	bool is_delivery = is_in(block, "protocol") &&
	                   (strcmp(block->title, "lmtp") == 0 || strcmp(block->title, "lda") == 0);
	return block == NULL || (is_delivery && block->parent == NULL);
}

/* The last setting of this name that holds for a delivery; NULL: none. */
static const DovecotSetting *
find_general(const Convert *convert, const char *name)
{
	for (guint i = convert->config->settings->len; i > 0; i--) {
		const DovecotSetting *setting = setting_at(convert, i - 1);
		if (strcmp(setting->name, name) == 0 && is_general(setting))
			return setting;
	}
	return NULL;
}

/*
 * The setting `name` right in `block`; Dovecot 2.4 lets it begin with the block's kind, or with
 * what the block is (passwd_file_path in `userdb passwd-file`).
 */
static const DovecotSetting *
find_in(const Convert *convert, const DovecotBlock *block, const char *name)
{
	g_autofree char *long_name = g_strdup_printf("%s_%s", block->kind, name);
	for (guint i = convert->config->settings->len; i > 0; i--) {
		const DovecotSetting *setting = setting_at(convert, i - 1);
		if (setting->block == block &&
		    (strcmp(setting->name, name) == 0 || strcmp(setting->name, long_name) == 0))
			return setting;
	}
	return NULL;
}

static const char *
value_in(const Convert *convert, const DovecotBlock *block, const char *name)
{
	const DovecotSetting *setting = find_in(convert, block, name);
	return setting != NULL ? setting->value : "";
}

/* All that stands in the block, or in blocks in it, was seen. */
static void
done_with(Convert *convert, const DovecotBlock *block)
{
	for (guint i = 0; i < convert->config->settings->len; i++)
		for (const DovecotBlock *in = setting_at(convert, i)->block; in != NULL;
		     in = in->parent)
			convert->is_done[i] |= in == block;
}

static void
done(Convert *convert, const DovecotSetting *setting)
{
	guint at;
	if (setting != NULL && g_ptr_array_find(convert->config->settings, setting, &at))
		convert->is_done[at] = true;
}

/* ---- values ---- */

/* "512 M" and "1GB" as octets; a plain number counts `plain`. False: it is no such thing. */
static bool
read_size(const char *text, gint64 plain, gint64 *ret_octets)
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
static bool
read_time(const char *text, gint64 *ret_seconds)
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

static void
set_number(Convert *convert, const char *ours, gint64 number, const DovecotSetting *from)
{
	g_autofree char *value = g_strdup_printf("%" G_GINT64_FORMAT, number);
	set_from(convert, ours, value, from);
}

/* Does our engine know these variables? What Dovecot alone knows cannot be converted. */
static bool
has_known_letters(Convert *convert, const char *value)
{
	g_auto(Status) st = STATUS_INIT;
	if (path_template_check(value, "undh%", &st))
		return true;
	convert->reason = "todoke has no such variable (PATHS in todoke.conf(5))";
	return false;
}

static bool
take_plain(Convert *convert, const char *ours, const DovecotSetting *from)
{
	if (*from->value != '\0')
		set_from(convert, ours, from->value, from);
	else if (strcmp(ours, "delimiters") == 0)
		set_from(convert, ours, "", from);
	return true;
}

static bool
take_opposite(Convert *convert, const char *ours, const DovecotSetting *from)
{
	set_from(convert, ours, strcmp(from->value, "yes") == 0 ? "no" : "yes", from);
	return true;
}

static bool
take_template(Convert *convert, const char *ours, const DovecotSetting *from)
{
	if (*from->value == '\0')
		return true;
	if (!has_known_letters(convert, from->value))
		return false;
	if (strcmp(ours, "home") == 0 && strstr(from->value, "%h") != NULL) {
		convert->reason = "the home cannot depend on the home";
		return false;
	}
	set_from(convert, ours, from->value, from);
	return true;
}

static bool
take_address(Convert *convert, const char *ours, const DovecotSetting *from)
{
	if (strchr(from->value, '%') == NULL)
		set_from(convert, ours, from->value, from);
	else if (!g_str_has_prefix(from->value, "postmaster@%")) {
		convert->reason = "the address of the postmaster has no variables";
		return false;
	}
	return true;
}

static bool
take_size(Convert *convert, const char *ours, const DovecotSetting *from)
{
	gint64 octets;
	convert->reason = "this is no size";
	if (!read_size(from->value, 1, &octets))
		return false;
	set_number(convert, ours, octets, from);
	return true;
}

static bool
take_time(Convert *convert, const char *ours, const DovecotSetting *from)
{
	gint64 seconds;
	convert->reason = "this is no time";
	if (!read_time(from->value, &seconds))
		return false;
	if (seconds == 0 && strcmp(ours, "sieve_vacation_max") == 0) {
		convert->reason = "sieve_vacation_max is a time: there is always a longest one";
		return false;
	}
	set_number(convert, ours, seconds, from);
	return true;
}

static bool
take_subject(Convert *convert, const char *ours, const DovecotSetting *from)
{
	g_autoptr(GString) value = g_string_new(from->value);
	g_string_replace(value, "%$", "%{subject}", 0);
	set_from(convert, ours, value->str, from);
	return true;
}

static bool
take_sendmail(Convert *convert, const char *ours, const DovecotSetting *from)
{
	convert->reason = "submit takes a path without arguments";
	if (*from->value != '/' || strchr(from->value, ' ') != NULL)
		return false;
	g_autofree char *value = g_strconcat("sendmail:", from->value, NULL);
	if (find_general(convert, "submission_host") == NULL)
		set_from(convert, ours, value, from);
	return true;
}

static bool
take_submission(Convert *convert, const char *ours, const DovecotSetting *from)
{
	if (*from->value == '\0')
		return true;
	bool has_port = strrchr(from->value, ':') != NULL &&
	                (*from->value != '[' || strstr(from->value, "]:") != NULL);
	g_autofree char *value = g_strconcat("smtp:", from->value, has_port ? "" : ":25", NULL);
	set_from(convert, ours, value, from);
	return true;
}

static bool
take_fsync(Convert *convert, const char *ours, const DovecotSetting *from)
{
	set_from(convert, ours, strcmp(from->value, "never") == 0 ? "none" : "full", from);
	return true;
}

static bool
take_attributes(Convert *convert, const char *ours, const DovecotSetting *from)
{
	const char *name = strrchr(from->value, '/');
	convert->reason = "metadata_file is a file in the INBOX's folder, or a full path";
	if (!g_str_has_prefix(from->value, "file:") || name == NULL)
		return false;
	const char *path = from->value + strlen("file:");
	set_from(convert, ours, strchr(path, '%') != NULL ? name + 1 : path, from);
	return true;
}

static bool
take_tempfail(Convert *convert, const char *ours, const DovecotSetting *from)
{
	bool waits = strcmp(from->value, "yes") == 0;
	set_from(convert, ours, waits ? "defer" : "bounce", from);
	if (waits)
		set_from(convert, "quota_defer_for", "0", from);
	return true;
}

/* "storage=95%% quota-warning 95 %u": the program gives way to a mail of ours. */
static bool
take_warning(Convert *convert, const char *ours, const DovecotSetting *from)
{
	const char *value = from->value;
	convert->reason = "only 'storage=N%' becomes a warning, which is a mail to the owner";
	if (!g_str_has_prefix(value, "storage="))
		return false;
	value += strlen("storage=");
	size_t digits = strspn(value, "0123456789");
	if (digits == 0 || digits > 3 || value[digits] != '%')
		return false;
	g_autofree char *percent = g_strdup_printf("%.*s%%", (int) digits, value);
	set_from(convert, ours, percent, from);
	return true;
}

static bool
take_sender(Convert *convert, const char *ours, const DovecotSetting *from)
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
		set_from(convert, ours, i == 0 && !is_redirect ? "sender" : words[i].ours, from);
		return true;
	}
	convert->reason = "todoke does not send as this address";
	return false;
}

static bool
take_programs(Convert *convert, const char *ours, const DovecotSetting *from)
{
	const char *earlier = convert_settings_find(convert->made, ours);
	convert->reason = "todoke has one folder for all programs of rules";
	if (earlier != NULL && strcmp(earlier, from->value) != 0)
		return false;
	set_from(convert, ours, from->value, from);
	return true;
}

/* ---- scripts ---- */

/*
 * The path of a script's location, "file:~/sieve;active=~/.dovecot.sieve"; *ret_active is its
 * symbolic link (NULL: not said). NULL: it is in no file. Callers free both.
 */
static char *
script_path(const char *location, char **ret_active)
{
	g_auto(GStrv) parts = g_strsplit(location, ";", -1);
	const char *path = parts[0] != NULL ? parts[0] : "";
	const char *colon = strchr(path, ':');

	*ret_active = NULL;
	if (g_str_has_prefix(path, "file:"))
		path += strlen("file:");
	else if (colon != NULL && strchr(path, '/') != NULL && colon < strchr(path, '/'))
		return NULL;
	for (char **part = parts; *part != NULL && *ret_active == NULL; part++)
		if (g_str_has_prefix(*part, "active="))
			*ret_active = g_strdup(*part + strlen("active="));

	return g_strdup(path);
}

/*
 * A path without an initial slash begins at the home. Caller frees.
 */
static char *
at_home(const char *path)
{
	bool is_whole = *path == '/' || *path == '~' || *path == '%';
	return is_whole ? g_strdup(path) : g_strconcat("~/", path, NULL);
}

static bool
take_script(Convert *convert, const char *ours, const DovecotSetting *from)
{
	g_autofree char *active = NULL;
	g_autofree char *path = script_path(from->value, &active);
	convert->reason = "todoke reads scripts from files";
	if (path == NULL)
		return false;
	if (*path == '\0')
		return true;
	if (!has_known_letters(convert, path))
		return false;
	set_from(convert, ours, path, from);
	return true;
}

static void
set_personal(Convert *convert, const char *path, const char *active, const DovecotSetting *from)
{
	bool is_file = g_str_has_suffix(path, ".sieve") && active == NULL;
	g_autofree char *folder = at_home(path);
	g_autofree char *script = at_home(active != NULL ? active : "~/.dovecot.sieve");

	set_from(convert, "sieve_scripts", is_file ? folder : script, from);
	if (!is_file)
		set_from(convert, "sieve_personal", folder, from);
}

static bool
take_personal(Convert *convert, const char *ours, const DovecotSetting *from)
{
	(void) ours;
	g_autofree char *active = NULL;
	g_autofree char *path = script_path(from->value, &active);
	convert->reason = "todoke reads scripts from files";
	if (path == NULL || *path == '\0')
		return false;
	if (!has_known_letters(convert, path) ||
	    (active != NULL && !has_known_letters(convert, active)))
		return false;
	set_personal(convert, path, active, from);
	return true;
}

static int
compare_names(const void *one, const void *other)
{
	return strcmp(*(const char *const *) one, *(const char *const *) other);
}

/* A folder stands for its scripts, in the order of their names. */
static bool
set_scripts(Convert *convert, const char *ours, const char *path, const DovecotSetting *from)
{
	g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
	if (folder == NULL && g_str_has_suffix(path, ".sieve")) {
		set_from(convert, ours, path, from);
		return true;
	}
	convert->reason = "this is no script and no folder that can be read here: name each script";
	if (folder == NULL)
		return false;

	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	for (const char *name; (name = g_dir_read_name(folder)) != NULL;)
		if (g_str_has_suffix(name, ".sieve"))
			g_ptr_array_add(names, g_build_filename(path, name, NULL));
	g_ptr_array_sort(names, compare_names);
	for (guint i = 0; i < names->len; i++)
		set_from(convert, ours, names->pdata[i], from);
	return true;
}

static bool
take_scripts(Convert *convert, const char *ours, const DovecotSetting *from)
{
	g_autofree char *active = NULL;
	g_autofree char *path = script_path(from->value, &active);
	convert->reason = "todoke reads scripts from files";
	if (path == NULL)
		return false;
	if (*path == '\0')
		return true;
	return has_known_letters(convert, path) && set_scripts(convert, ours, path, from);
}

static void
note_unknown(void *user, const char *word, const char *hint)
{
	(void) hint;
	GString *unknown = user;
	g_string_append_printf(unknown, " %s ", word + strspn(word, "+-"));
}

/* Extensions that todoke has; the others, such as obsolete ones, are lost. */
static void
set_extensions(Convert *convert, const char *ours, const char *words, const DovecotSetting *from)
{
	g_autoptr(GString) unknown = g_string_new(NULL), known = g_string_new(NULL);
	g_auto(GStrv) list = g_strsplit_set(words, " \t,", -1);

	sieve_site_unknown(words, note_unknown, unknown);
	for (char **word = list; *word != NULL; word++) {
		const char *name = *word + strspn(*word, "+-");
		g_autofree char *padded = g_strdup_printf(" %s ", name);
		if (*name == '\0')
			continue;
		if (strstr(unknown->str, padded) == NULL)
			g_string_append_printf(known, "%s%s", known->len > 0 ? " " : "", *word);
		else if (**word != '-')
			lose(convert, from, "todoke does not have all of these extensions");
	}
	if (known->len > 0)
		set_from(convert, ours, known->str, from);
}

static bool
take_extensions(Convert *convert, const char *ours, const DovecotSetting *from)
{
	set_extensions(convert, ours, from->value, from);
	return true;
}

/* `sieve_extensions { fileinto = yes }` of 2.4 adds to Dovecot's default set, `no` takes away. */
static void
take_extension_blocks(Convert *convert, const char *kind, const char *ours)
{
	g_autoptr(GString) words = g_string_new(NULL);
	const DovecotSetting *last = NULL;

	for (guint i = 0; i < convert->config->settings->len; i++) {
		const DovecotSetting *setting = setting_at(convert, i);
		if (!is_in(setting->block, kind) || setting->block->parent != NULL)
			continue;
		convert->is_done[i] = true;
		last = setting;
		bool adds = strcmp(setting->value, "yes") == 0;
		g_string_append_printf(words, " %c%s", adds ? '+' : '-', setting->name);
	}
	if (last != NULL)
		set_extensions(convert, ours, words->str, last);
}

/* `sieve_script NAME { type = before, path = ... }` of 2.4. */
static void
take_script_block(Convert *convert, const DovecotBlock *block)
{
	static const char *const single[] = { "default", "discard", "global" };
	const DovecotSetting *path = find_in(convert, block, "path");
	const char *type = value_in(convert, block, "type"),
		   *driver = value_in(convert, block, "driver");
	done_with(convert, block);
	if (path == NULL)
		return;
	if (*driver != '\0' && strcmp(driver, "file") != 0) {
		lose(convert, path, "todoke reads scripts from files");
		return;
	}

	const char *active = value_in(convert, block, "active_path");
	bool good = has_known_letters(convert, path->value) && has_known_letters(convert, active);
	if (good && (*type == '\0' || strcmp(type, "personal") == 0))
		set_personal(convert, path->value, *active != '\0' ? active : NULL, path);
	else if (good && (strcmp(type, "before") == 0 || strcmp(type, "after") == 0))
		good = set_scripts(convert,
		                   strcmp(type, "before") == 0 ? "sieve_before" : "sieve_after",
		                   path->value, path);
	else if (good) {
		g_autofree char *ours = g_strconcat("sieve_", type, NULL);
		good = g_strv_contains(
			(const char *const[]){ single[0], single[1], single[2], NULL }, type);
		convert->reason = "todoke has no such kind of script";
		if (good)
			set_from(convert, ours, path->value, path);
	}
	if (!good)
		lose(convert, path, convert->reason);
}

/* ---- where mail lies ---- */

/* A virtual tree wants paths that name the user: "~" becomes the home. Caller frees. */
static char *
without_home(const char *path, const char *home)
{
	static const char *const marks[] = { "~", "%h", "%{home}" };
	for (size_t i = 0; home != NULL && i < G_N_ELEMENTS(marks); i++) {
		const char *rest = path + strlen(marks[i]);
		if (g_str_has_prefix(path, marks[i]) && (*rest == '/' || *rest == '\0'))
			return g_strconcat(home, rest, NULL);
	}
	return g_strdup(path);
}

static char *
without_last_slash(const char *path)
{
	size_t len = strlen(path);
	while (len > 1 && path[len - 1] == '/')
		len--;
	return g_strndup(path, len);
}

static void
set_maildir(Convert *convert, const char *path, const DovecotSetting *from)
{
	const char *users = convert_settings_find(convert->made, "users");
	bool is_virtual = g_strcmp0(users, "virtual") == 0;
	g_autofree char *plain = without_last_slash(path);
	g_autofree char *full = without_home(
		plain, is_virtual ? convert_settings_find(convert->made, "home") : NULL);

	bool is_placed = *full == '/' || *full == '~' || g_str_has_prefix(full, "%h") ||
	                 g_str_has_prefix(full, "%{home}");
	convert->reason = "the path begins neither with '/' nor at the home";
	if (!is_placed || !has_known_letters(convert, full)) {
		lose(convert, from, convert->reason);
		return;
	}
	convert->reason =
		"users are virtual, and this names none of them: all would share a mailbox";
	if (is_virtual && strchr(full, '%') == NULL) {
		lose(convert, from, convert->reason);
		return;
	}
	set_from(convert, "maildir", full, from);
}

static void
set_layout(Convert *convert, const char *layout, const DovecotSetting *from)
{
	g_autofree char *word = g_ascii_strdown(layout, -1);
	if (strcmp(word, "fs") == 0 || strcmp(word, "maildir++") == 0)
		set_from(convert, "folder_layout", word, from);
	else
		lose(convert, from, "todoke knows the layouts maildir++ and fs");
}

static bool
is_same_path(const char *one, const char *other)
{
	g_autofree char *first = without_last_slash(one), *second = without_last_slash(other);
	return strcmp(first, second) == 0;
}

/* An option behind the path of mail_location. False: it moves what todoke needs. */
static bool
take_location_option(Convert *convert, const char *option, const char *path,
                     const DovecotSetting *from)
{
	static const char *const moved[] = { "CONTROL=", "DIRNAME=", "MAILBOXDIR=",
		                             "SUBSCRIPTIONS=", "ALT=" };

	if (g_ascii_strncasecmp(option, "LAYOUT=", 7) == 0)
		set_layout(convert, option + 7, from);
	else if (strcmp(option, "UTF-8") == 0)
		set_from(convert, "folder_names", "utf-8", from);
	else if (g_str_has_prefix(option, "BROKENCHAR="))
		convert->reason = "folder_escape is Dovecot's listescape_char, not BROKENCHAR";
	else if (g_str_has_prefix(option, "INBOX=") && !is_same_path(option + 6, path))
		convert->reason = "todoke has the INBOX in the folder that holds the other folders";
	for (size_t i = 0; i < G_N_ELEMENTS(moved); i++)
		if (g_str_has_prefix(option, moved[i]))
			convert->reason = "todoke has subscriptions, keywords and mail in the "
					  "folder's own place";
	return convert->reason == NULL;
}

/* "maildir:~/Maildir:LAYOUT=fs:INDEX=/var/index/%u" */
static void
take_old_location(Convert *convert, const DovecotSetting *from)
{
	g_auto(GStrv) parts = g_strsplit(from->value, ":", 64);
	const char *driver = parts[0] != NULL ? parts[0] : "";

	if (strcmp(driver, "maildir") != 0 || parts[1] == NULL || *parts[1] == '\0') {
		lose(convert, from,
		     "todoke stores into Maildirs whose place it knows (maildir:PATH)");
		return;
	}
	convert->reason = NULL;
	for (char **option = parts + 2; *option != NULL; option++)
		if (!take_location_option(convert, *option, parts[1], from)) {
			lose(convert, from, convert->reason);
			convert->reason = NULL;
		}
	set_maildir(convert, parts[1], from);
}

/* mail_driver, mail_path, mail_inbox_path, mailbox_list_* of 2.4 */
static void
take_new_location(Convert *convert)
{
	const DovecotSetting *driver = find_general(convert, "mail_driver"),
			     *path = find_general(convert, "mail_path"),
			     *inbox = find_general(convert, "mail_inbox_path"),
			     *layout = find_general(convert, "mailbox_list_layout"),
			     *utf8 = find_general(convert, "mailbox_list_utf8");
	done(convert, driver);
	done(convert, path);
	done(convert, inbox);
	done(convert, layout);
	done(convert, utf8);

	if (driver != NULL && strcmp(driver->value, "maildir") != 0)
		lose(convert, driver, "todoke stores into Maildirs whose place it knows");
	else if (path != NULL && *path->value != '\0')
		set_maildir(convert, path->value, path);
	if (inbox != NULL && *inbox->value != '\0' &&
	    (path == NULL || !is_same_path(inbox->value, path->value)))
		lose(convert, inbox,
		     "todoke has the INBOX in the folder that holds the other folders");
	if (layout != NULL && *layout->value != '\0')
		set_layout(convert, layout->value, layout);
	if (utf8 != NULL && strcmp(utf8->value, "yes") == 0)
		set_from(convert, "folder_names", "utf-8", utf8);
}

static void
take_location(Convert *convert)
{
	const DovecotSetting *old = find_general(convert, "mail_location");
	unsigned lost = convert_settings_lost(convert->made);
	done(convert, old);
	if (old != NULL && *old->value != '\0')
		take_old_location(convert, old);
	take_new_location(convert);
	if (convert_settings_find(convert->made, "maildir") == NULL &&
	    convert_settings_lost(convert->made) == lost)
		convert_settings_lose(convert->made, "the place of mailboxes",
		                      "write it into the setting maildir, unless the users' "
		                      "source says it");
}

/* ---- namespaces ---- */

/* `mailbox Trash { special_use = \Trash }`: the folders' uses, if they are not todoke's own. */
static void
take_mailbox(Convert *convert, const DovecotBlock *block)
{
	const DovecotSetting *use = find_in(convert, block, "special_use"),
			     *ignored = find_in(convert, block, "quota_ignore");
	g_auto(GStrv) uses = g_strsplit_set(use != NULL ? use->value : "", " \t", -1);

	for (char **word = uses; *word != NULL; word++) {
		g_autofree char *item = g_strdup_printf("%s=%s", *word, block->title);
		if (**word != '\0')
			set_from(convert, "special_use", item, use);
	}
	if (ignored != NULL && strcmp(ignored->value, "yes") == 0) {
		g_autofree char *item = g_strdup_printf("%s:ignore", block->title);
		set_from(convert, "quota_rules", item, ignored);
	}
}

static void
take_namespace(Convert *convert, const DovecotBlock *block)
{
	const DovecotSetting *prefix = find_in(convert, block, "prefix"),
			     *separator = find_in(convert, block, "separator"),
			     *location = find_in(convert, block, "location");

	if (prefix != NULL && *prefix->value != '\0')
		set_from(convert, "folder_prefix", prefix->value, prefix);
	if (separator != NULL && *separator->value != '\0')
		set_from(convert, "folder_separator", separator->value, separator);
	if (location != NULL && *location->value != '\0')
		take_old_location(convert, location);
}

static void
take_namespaces(Convert *convert)
{
	for (guint i = 0; i < convert->config->blocks->len; i++) {
		const DovecotBlock *block = convert->config->blocks->pdata[i];
		bool is_mailbox = is_in(block, "mailbox") && is_in(block->parent, "namespace");
		bool is_ours = is_mailbox || is_in(block, "namespace");
		if (!is_ours)
			continue;

		const DovecotBlock *space = is_mailbox ? block->parent : block;
		done_with(convert, block);
		if (strcmp(value_in(convert, space, "inbox"), "yes") == 0) {
			if (is_mailbox)
				take_mailbox(convert, block);
			else
				take_namespace(convert, block);
		} else if (!is_mailbox &&
		           strcmp(value_in(convert, block, "disabled"), "yes") != 0) {
			g_autofree char *what = g_strdup_printf("line %u: namespace %s",
			                                        block->line, block->title);
			convert_settings_lose(
				convert->made, what,
				"rules of todoke reach the namespace of the INBOX only");
		}
	}
}

/* ---- users ---- */

/* A user's name or number as the account that deliveries switch to. */
static void
set_account(Convert *convert, const char *uid, const DovecotSetting *from)
{
	char *end;
	guint64 number = g_ascii_strtoull(uid, &end, 10);
	const struct passwd *entry = *end == '\0' && number <= G_MAXINT32 ? getpwuid((uid_t) number)
	                                                                  : NULL;
	if (*end == '\0' && entry == NULL)
		lose(convert, from, "virtual_user is a name, and this number has none here");
	else
		set_from(convert, "virtual_user", entry != NULL ? entry->pw_name : uid, from);
}

/* "uid=vmail gid=vmail home=/var/vmail/%d/%n", fields of all users. */
static void
take_fields(Convert *convert, const char *text, bool is_static, const DovecotSetting *from)
{
	g_auto(GStrv) words = g_strsplit_set(text, " \t", -1);

	for (char **word = words; *word != NULL; word++) {
		const char *value = strchr(*word, '=');
		value = value != NULL ? value + 1 : "";
		if (g_str_has_prefix(*word, "uid=")) {
			set_account(convert, value, from);
		} else if (g_str_has_prefix(*word, "home=") && is_static) {
			if (has_known_letters(convert, value) && strstr(value, "%h") == NULL)
				set_from(convert, "home", value, from);
			else
				lose(convert, from, "todoke has no such variable in a home");
		} else if (**word != '\0' && !g_str_has_prefix(*word, "gid=") &&
		           !g_str_has_prefix(*word, "allow_all_users=")) {
			lose(convert, from,
			     "write these fields into each user's line, or let "
			     "users be dovecot");
		}
	}
}

/* `fields { uid = vmail }` of 2.4 */
static void
take_field_blocks(Convert *convert, const DovecotBlock *userdb, bool is_static)
{
	for (guint i = 0; i < convert->config->settings->len; i++) {
		const DovecotSetting *setting = setting_at(convert, i);
		if (setting->block == NULL || setting->block->parent != userdb ||
		    !g_str_has_suffix(setting->block->kind, "fields"))
			continue;
		/* blanks that a variable of 2.4 may have would part the words */
		g_autoptr(GString) value = g_string_new(setting->value);
		g_string_replace(value, " ", "", 0);
		g_autofree char *text = g_strdup_printf("%s=%s", setting->name, value->str);
		take_fields(convert, text, is_static, setting);
	}
}

/* "scheme=CRYPT username_format=%u /etc/dovecot/users": the path is what has no '='. */
static bool
take_passwd_file(Convert *convert, const char *args, const DovecotSetting *from)
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

	set_from(convert, "passwd_file", path, from);
	set_from(convert, "users", "passwd_file", from);
	return true;
}

static void
ask_dovecot(Convert *convert, const DovecotSetting *from)
{
	const DovecotSetting *base = find_general(convert, "base_dir");
	g_autofree char *line = quote_line(from);
	g_autofree char *why = g_strdup_printf("%s; the running Dovecot is asked over its socket",
	                                       line);

	g_autofree char *problem = convert_settings_set(convert->made, "users", "dovecot", why);
	if (base != NULL && *base->value != '\0') {
		g_autofree char *path = g_build_filename(base->value, "auth-userdb", NULL);
		set_from(convert, "dovecot_socket", path, base);
	} else {
		g_autofree char *fault = convert_settings_set(
			convert->made, "dovecot_socket", "/run/dovecot/auth-userdb",
			"unix_listener auth-userdb of service auth: Dovecot's default");
	}
}

/* The userdbs that know users by themselves: prefetch only passes on what a passdb said. */
static GPtrArray *
userdbs(Convert *convert)
{
	GPtrArray *found = g_ptr_array_new();
	for (guint i = 0; i < convert->config->blocks->len; i++) {
		DovecotBlock *block = convert->config->blocks->pdata[i];
		const char *driver = value_in(convert, block, "driver");
		if (!is_in(block, "userdb") || block->parent != NULL)
			continue;
		done_with(convert, block);
		if (strcmp(*driver != '\0' ? driver : block->title, "prefetch") != 0)
			g_ptr_array_add(found, block);
	}
	return found;
}

/* The driver of a userdb or its own name (2.4), and a setting of it for the comment. */
static const char *
driver_of(Convert *convert, const DovecotBlock *block, DovecotSetting *ret_from)
{
	const DovecotSetting *driver = find_in(convert, block, "driver");
	*ret_from = driver != NULL ? *driver
	                           : (DovecotSetting){ .block = NULL,
		                                       .name = block->kind,
		                                       .value = block->title,
		                                       .line = block->line };
	return ret_from->value;
}

static void
take_userdb(Convert *convert, const DovecotBlock *block)
{
	DovecotSetting from;
	const char *driver = driver_of(convert, block, &from);
	const DovecotSetting *args = find_in(convert, block, "args"),
			     *path = find_in(convert, block, "passwd_file_path");
	bool is_static = strcmp(driver, "static") == 0,
	     is_file = strcmp(driver, "passwd-file") == 0;
	if (path == NULL && is_file)
		path = find_in(convert, block, "path");

	if (strcmp(driver, "passwd") == 0)
		set_from(convert, "users", "system", &from);
	else if (is_static)
		set_from(convert, "users", "virtual", &from);
	else if (!is_file || !take_passwd_file(convert,
	                                       args != NULL   ? args->value
	                                       : path != NULL ? path->value
	                                                      : "",
	                                       args != NULL   ? args
	                                       : path != NULL ? path
	                                                      : &from)) {
		ask_dovecot(convert, &from);
		return; /* the fields are among its answers */
	}

	if (is_static && args != NULL)
		take_fields(convert, args->value, is_static, args);
	take_field_blocks(convert, block, is_static);
	static const char *const more[] = { "default_fields", "override_fields" };
	for (size_t i = 0; i < G_N_ELEMENTS(more); i++) {
		const DovecotSetting *given = find_in(convert, block, more[i]);
		if (given != NULL)
			take_fields(convert, given->value, is_static, given);
	}
}

static void
take_users(Convert *convert)
{
	g_autoptr(GPtrArray) found = userdbs(convert);
	const DovecotSetting *uid = find_general(convert, "mail_uid");
	DovecotSetting from;

	if (uid != NULL && *uid->value != '\0')
		set_account(convert, uid->value, uid);
	if (found->len == 1) {
		take_userdb(convert, found->pdata[0]);
	} else if (found->len > 1) {
		(void) driver_of(convert, found->pdata[0], &from);
		ask_dovecot(convert, &from);
	}
}

/* ---- quota ---- */

/* "storage=1G:messages=1000", or "ignore" and "storage=+10%%" for a folder. */
static void
take_folder_rule(Convert *convert, const char *folder, const char *limits,
                 const DovecotSetting *from)
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
		else if (read_size(more, 1024, &octets))
			rule = g_strdup_printf("%s:+%" G_GINT64_FORMAT, folder, octets);
	}

	if (rule != NULL)
		set_from(convert, "quota_rules", rule, from);
	else
		lose(convert, from, "a folder's rule is 'ignore' or 'storage=+more' in todoke");
}

static void
take_general_rule(Convert *convert, const char *limits, const DovecotSetting *from)
{
	g_auto(GStrv) parts = g_strsplit(limits, ":", 16);
	gint64 number;

	for (char **part = parts; *part != NULL; part++) {
		const char *value = strchr(*part, '=');
		bool is_storage = g_str_has_prefix(*part, "storage="),
		     is_bytes = g_str_has_prefix(*part, "bytes=");
		if (value != NULL && (is_storage || is_bytes) &&
		    read_size(value + 1, is_storage ? 1024 : 1, &number))
			set_number(convert, "quota_bytes", number, from);
		else if (g_str_has_prefix(*part, "messages="))
			set_from(convert, "quota_messages", value + 1, from);
		else
			lose(convert, from, "todoke does not know this limit");
	}
}

/* "*:storage=1G" (2.3) */
static void
take_quota_rule(Convert *convert, const DovecotSetting *from)
{
	const char *colon = strchr(from->value, ':');
	g_autofree char *folder = colon != NULL
	                                  ? g_strndup(from->value, (gsize) (colon - from->value))
	                                  : NULL;
	if (folder == NULL)
		lose(convert, from, "this is no rule of a quota");
	else if (strcmp(folder, "*") == 0 || strcmp(folder, "?") == 0)
		take_general_rule(convert, colon + 1, from);
	else
		take_folder_rule(convert, folder, colon + 1, from);
}

/* "10%%" of the limit, or a size. `text` NULL: Dovecot's default. */
static void
set_grace(Convert *convert, const DovecotSetting *from)
{
	const char *limit = convert_settings_find(convert->made, "quota_bytes");
	gint64 whole = limit != NULL ? g_ascii_strtoll(limit, NULL, 10) : 0, octets = 0;
	const char *text = from != NULL ? from->value : convert->config->minor == 4 ? "10M" : "10%";
	char *end;
	guint64 percent = g_ascii_strtoull(text, &end, 10);
	g_autofree char *value = NULL;

	if (*end == '%' && percent <= 1000)
		octets = whole / 100 * (gint64) percent;
	else if (!read_size(text, 1024, &octets)) {
		lose(convert, from, "this is no size");
		return;
	}
	value = g_strdup_printf("%" G_GINT64_FORMAT, octets);
	if (from != NULL)
		set_from(convert, "quota_grace", value, from);
	else
		set_default(convert, "quota_grace", value, "Dovecot's default of quota_grace");
}

/* sieve_before2 continues sieve_before. */
static bool
is_named(const char *name, const char *wanted)
{
	static const char *const counted[] = { "sieve_before", "sieve_after", "quota_rule",
		                               "quota_warning", NULL };
	if (strcmp(name, wanted) == 0)
		return true;
	size_t len = strlen(wanted);
	return g_strv_contains(counted, wanted) && g_str_has_prefix(name, wanted) &&
	       name[len + strspn(name + len, "0123456789")] == '\0';
}

/* quota_rule, quota_rule2 ... */
static void
take_quota_rules(Convert *convert)
{
	for (guint i = 0; i < convert->config->settings->len; i++) {
		const DovecotSetting *setting = setting_at(convert, i);
		if (!is_general(setting) || !is_named(setting->name, "quota_rule"))
			continue;
		convert->is_done[i] = true;
		take_quota_rule(convert, setting);
	}
}

/* Where the service quota-status listens, as quota_service wants it; NULL: nowhere. */
static char *
quota_service(const Convert *convert, const DovecotBlock **ret_block)
{
	for (guint i = 0; i < convert->config->blocks->len; i++) {
		const DovecotBlock *block = convert->config->blocks->pdata[i];
		if (!is_in(block->parent, "service") ||
		    strcmp(block->parent->title, "quota-status") != 0)
			continue;
		*ret_block = block;
		const char *port = value_in(convert, block, "port"),
			   *address = value_in(convert, block, "address");
		if (is_in(block, "unix_listener"))
			return g_strdup_printf("unix:%s%s",
			                       *block->title == '/' ? "" : "/run/dovecot/",
			                       block->title);
		if (is_in(block, "inet_listener") && *port != '\0')
			return g_strdup_printf("%s:%s", *address != '\0' ? address : "127.0.0.1",
			                       port);
	}
	return NULL;
}

/* maildirsize is shared with Dovecot; what it counts elsewhere its own service has to say. */
static void
set_quota(Convert *convert, const char *driver, const DovecotSetting *from)
{
	bool has_limit = convert_settings_find(convert->made, "quota_bytes") != NULL ||
	                 convert_settings_find(convert->made, "quota_messages") != NULL;
	const DovecotBlock *block = NULL;

	if (strcmp(driver, "maildir") == 0) {
		set_from(convert, "quota", has_limit ? "site" : "maildirsize", from);
		return;
	}

	static const char *const ours[] = { "quota_bytes", "quota_messages", "quota_grace",
		                            "quota_rules" };
	for (size_t i = 0; i < G_N_ELEMENTS(ours); i++)
		convert_settings_drop(convert->made, ours[i]);
	g_autofree char *service = quota_service(convert, &block);
	if (service == NULL) {
		lose(convert, from,
		     "only Dovecot can count this: let it run service quota-status, and set quota "
		     "= dovecot and quota_service");
		return;
	}
	g_autofree char *why = g_strdup_printf("line %u: service quota-status", block->line);
	set_from(convert, "quota", "dovecot", from);
	g_autofree char *problem = convert_settings_set(convert->made, "quota_service", service,
	                                                why);
}

/* The quota of 2.4: `quota "User quota" { driver = maildir }`, limits inside or outside of it. */
static const DovecotSetting *
take_quota_blocks(Convert *convert, const char **ret_driver)
{
	static DovecotSetting from; /* of a block without a driver, which counts */
	const DovecotSetting *found = NULL;

	for (guint i = 0; i < convert->config->blocks->len; i++) {
		const DovecotBlock *block = convert->config->blocks->pdata[i];
		if (!is_in(block, "quota") || block->parent != NULL)
			continue;
		done_with(convert, block);
		const DovecotSetting *driver = find_in(convert, block, "driver");
		from = (DovecotSetting){ .name = block->kind,
			                 .value = block->title,
			                 .line = block->line };
		if (found != NULL)
			lose(convert, &from, "todoke counts one quota");
		found = driver != NULL ? driver : &from;
		*ret_driver = driver != NULL ? driver->value : "count";
	}
	return found;
}

/* The setting, wherever it stands: outside, or in a block `quota`. */
static const DovecotSetting *
find_quota(Convert *convert, const char *name)
{
	for (guint i = convert->config->settings->len; i > 0; i--) {
		const DovecotSetting *setting = setting_at(convert, i - 1);
		g_autofree char *long_name = g_strconcat("quota_", setting->name, NULL);
		bool is_here = is_in(setting->block, "quota") && strcmp(long_name, name) == 0;
		bool can_be = is_general(setting) || is_in(setting->block, "quota");
		if (is_here || (can_be && strcmp(setting->name, name) == 0)) {
			convert->is_done[i - 1] = true;
			return setting;
		}
	}
	return NULL;
}

/* `quota_warning NAME { quota_storage_percentage = 95 }` of 2.4 */
static void
take_warning_blocks(Convert *convert)
{
	for (guint i = 0; i < convert->config->blocks->len; i++) {
		const DovecotBlock *block = convert->config->blocks->pdata[i];
		if (!is_in(block, "quota_warning"))
			continue;
		const DovecotSetting *percent = find_in(convert, block, "quota_storage_percentage");
		const char *threshold = value_in(convert, block, "threshold");
		done_with(convert, block);
		DovecotSetting from = { .name = block->kind,
			                .value = block->title,
			                .line = block->line };
		if (percent == NULL || (*threshold != '\0' && strcmp(threshold, "over") != 0)) {
			lose(convert, &from,
			     "only a percentage of the storage that is exceeded "
			     "becomes a warning, which is a mail to the owner");
			continue;
		}
		g_autofree char *item = g_strconcat(percent->value, "%", NULL);
		set_from(convert, "quota_warnings", item, percent);
	}
}

static void
take_quota(Convert *convert)
{
	const DovecotSetting *old = find_general(convert, "quota"),
			     *grace = find_quota(convert, "quota_grace");
	const char *driver = "";
	g_autofree char *old_driver = old != NULL ? g_strndup(old->value, strcspn(old->value, ":"))
	                                          : NULL;
	done(convert, old);
	take_quota_rules(convert);

	const DovecotSetting *from = take_quota_blocks(convert, &driver);
	if (old != NULL && *old_driver != '\0') {
		from = old;
		driver = old_driver;
	}
	if (grace == NULL)
		grace = find_quota(convert, "quota_storage_grace");
	const DovecotSetting *bytes = find_quota(convert, "quota_storage_size"),
			     *messages = find_quota(convert, "quota_message_count");
	gint64 octets;
	if (bytes != NULL && read_size(bytes->value, 1, &octets))
		set_number(convert, "quota_bytes", octets, bytes);
	else if (bytes != NULL && *bytes->value != '\0')
		lose(convert, bytes, "todoke wants a size");
	if (messages != NULL && *messages->value != '\0')
		set_from(convert, "quota_messages", messages->value, messages);
	take_warning_blocks(convert);

	if (from == NULL)
		return; /* limits alone do nothing in Dovecot either */
	set_grace(convert, grace);
	set_quota(convert, driver, from);
	set_default(convert, "quota_full", "bounce", "Dovecot's default: quota_full_tempfail = no");
}

/* ---- all together ---- */

typedef bool TakeSetting(Convert *convert, const char *ours, const DovecotSetting *from);

static const struct {
	const char *theirs;
	const char *ours;
	TakeSetting *take;
} rows[] = {
#define ROW(theirs, ours, how) { theirs, ours, take_##how },
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
#define ROW(theirs, ours, how)
#define WHY(pattern, value, reason) { pattern, value, reason },
#include "agent/cmd/convert-dovecot.def"
#undef ROW
#undef WHY
};

static bool
take_by_row(Convert *convert, const DovecotSetting *from)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		if (!is_named(from->name, rows[i].theirs))
			continue;
		if (!rows[i].take(convert, rows[i].ours, from))
			lose(convert, from, convert->reason);
		return true;
	}
	return false;
}

/* Items of todoke's lists whose names of Dovecot have the item's name in them. */
static bool
take_by_prefix(Convert *convert, const DovecotSetting *from)
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
		set_from(convert, lists[i].ours, item, from);
		return true;
	}
	return false;
}

static void
give_reason(Convert *convert, const DovecotSetting *from)
{
	for (size_t i = 0; i < G_N_ELEMENTS(reasons); i++) {
		if (!g_pattern_match_simple(reasons[i].pattern, from->name) ||
		    !g_pattern_match_simple(reasons[i].value, from->value))
			continue;
		if (*reasons[i].reason != '\0')
			lose(convert, from, reasons[i].reason);
		return;
	}
	lose(convert, from, "todoke does not know this setting");
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
take_rest(Convert *convert)
{
	for (guint i = 0; i < convert->config->settings->len; i++) {
		const DovecotSetting *setting = setting_at(convert, i);
		if (convert->is_done[i])
			continue;
		if (is_general(setting)) {
			if (!take_by_row(convert, setting) && !take_by_prefix(convert, setting))
				give_reason(convert, setting);
		} else if (!is_elsewhere(setting->block)) {
			lose(convert, setting, "todoke does not know this block");
		}
	}
}

/* lmtp_save_to_detail_mailbox makes the folder only where folders are made at all. */
static void
take_detail(Convert *convert)
{
	const DovecotSetting *from = find_general(convert, "lmtp_save_to_detail_mailbox");
	const char *creates = convert_settings_find(convert->made, "create_folders");
	done(convert, from);
	if (from != NULL && strcmp(from->value, "yes") == 0)
		set_from(convert, "detail_folder",
		         g_strcmp0(creates, "yes") == 0 ? "create" : "existing", from);
}

/* What Dovecot does where its configuration says nothing, if todoke would do something else. */
static void
set_defaults(Convert *convert)
{
	set_default(convert, "create_folders", "no",
	            "Dovecot's default: lda_mailbox_autocreate = no");
	set_default(convert, "subscribe_folders", "no",
	            "Dovecot's default: lda_mailbox_autosubscribe = no");
	set_default(convert, "first_valid_uid", "500", "Dovecot's default of first_valid_uid");
}

ConvertSettings *
convert_dovecot(const DovecotConfig *config)
{
	g_autoptr(ConvertSettings) made = convert_settings_new();
	g_autofree bool *is_done = g_new0(bool, config->settings->len + 1);
	Convert convert = { .config = config, .made = made, .is_done = is_done };

	const DovecotSetting *home = find_general(&convert, "mail_home");
	if (home != NULL && !take_template(&convert, "home", home))
		lose(&convert, home, convert.reason);
	done(&convert, home);

	take_users(&convert);
	take_location(&convert);
	take_namespaces(&convert);
	take_extension_blocks(&convert, "sieve_extensions", "sieve_extensions");
	take_extension_blocks(&convert, "sieve_global_extensions", "sieve_site_extensions");
	for (guint i = 0; i < config->blocks->len; i++)
		if (is_in(config->blocks->pdata[i], "sieve_script"))
			take_script_block(&convert, config->blocks->pdata[i]);
	take_quota(&convert);
	take_rest(&convert);
	take_detail(&convert);
	set_defaults(&convert);

	return g_steal_pointer(&made);
}

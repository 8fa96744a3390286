/* SPDX-License-Identifier: MIT */
/*
 * doctor-dovecot: does Dovecot look for mail where todoke puts it, and do both call folders by the
 * same names? Asked from doveconf(1), in the words of Dovecot 2.3 and of 2.4.
 */
#include "agent/cmd/doctor.h"

#include "agent/cmd/doctor-version.h"
#include "conf/conf-choices.h"

#include <string.h>

/* What doveconf says. */
typedef struct {
	GHashTable *values; /* "namespace inbox/separator" -> "/"; words of a block by one blank */
	char *version;      /* "2.3.19.1"; NULL: not said */
	char *file;         /* of the configuration */
} Dovecot;

static void
dovecot_clear(Dovecot *dovecot)
{
	g_clear_pointer(&dovecot->values, g_hash_table_unref);
	g_free(dovecot->version);
	g_free(dovecot->file);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Dovecot, dovecot_clear)

/* "# 2.3.19.1 (9b53102964): /etc/dovecot/dovecot.conf" */
static void
take_first_line(Dovecot *dovecot, const char *line)
{
	const char *path = strstr(line, ": ");
	if (!g_str_has_prefix(line, "# ") || !g_ascii_isdigit(line[2]) || path == NULL)
		return;
	dovecot->version = g_strndup(line + 2, strcspn(line + 2, " :"));
	dovecot->file = g_strdup(path + 2);
}

static void
parse(Dovecot *dovecot, char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	g_autoptr(GPtrArray) blocks = g_ptr_array_new_with_free_func(g_free);

	dovecot->values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	if (lines[0] != NULL)
		take_first_line(dovecot, lines[0]);
	for (char **line = lines; *line != NULL; line++) {
		char *words = g_strstrip(*line), *equal = strchr(words, '=');
		if (*words == '#' || *words == '\0')
			continue;
		if (strcmp(words, "}") == 0) {
			if (blocks->len > 0)
				g_ptr_array_set_size(blocks, (gint) blocks->len - 1);
		} else if (g_str_has_suffix(words, "{")) {
			words[strlen(words) - 1] = '\0';
			g_strchomp(words);
			g_ptr_array_add(
				blocks,
				blocks->len > 0
					? g_strdup_printf("%s/%s",
			                                  (char *) blocks->pdata[blocks->len - 1],
			                                  words)
					: g_strdup(words));
		} else if (equal != NULL) {
			g_autofree char *name = g_strndup(words, (gsize) (equal - words));
			const char *block = blocks->len > 0 ? blocks->pdata[blocks->len - 1] : NULL;
			char *key = block != NULL
			                    ? g_strdup_printf("%s/%s", block, g_strchomp(name))
			                    : g_strdup(g_strchomp(name));
			g_hash_table_replace(dovecot->values, key, g_strdup(g_strchug(equal + 1)));
		}
	}
}

static const char *
value_of(const Dovecot *dovecot, const char *name)
{
	const char *value = g_hash_table_lookup(dovecot->values, name);
	return value != NULL ? value : "";
}

/* Where mail lies, whichever version says it. */
typedef struct {
	char *driver; /* "maildir"; "": Dovecot looks what is there */
	char *path;   /* "" likewise */
	char *layout; /* "maildir++", "fs"; NULL: doveconf does not say */
	bool has_utf8_names;
} Location;

static void
location_clear(Location *location)
{
	g_free(location->driver);
	g_free(location->path);
	g_free(location->layout);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Location, location_clear)

/* "maildir:~/Maildir:LAYOUT=fs:UTF-8" */
static void
read_old_location(const char *text, Location *ret)
{
	g_auto(GStrv) parts = g_strsplit(text, ":", -1);
	guint count = g_strv_length(parts);

	ret->driver = g_strdup(count > 0 ? parts[0] : "");
	ret->path = g_strdup(count > 1 ? parts[1] : "");
	for (guint i = 2; i < count; i++) {
		if (g_ascii_strncasecmp(parts[i], "LAYOUT=", strlen("LAYOUT=")) == 0 &&
		    ret->layout == NULL)
			ret->layout = g_ascii_strdown(parts[i] + strlen("LAYOUT="), -1);
		ret->has_utf8_names |= strcmp(parts[i], "UTF-8") == 0;
	}
	if (ret->layout == NULL)
		ret->layout = g_strdup("maildir++");
}

static void
read_location(const Dovecot *dovecot, Location *ret)
{
	const char *old = value_of(dovecot, "mail_location");
	if (*old != '\0') {
		read_old_location(old, ret);
		return;
	}

	/* Where it is set to "fs", doveconf takes that for the default and prints nothing. */
	const char *layout = value_of(dovecot, "mailbox_list_layout");
	ret->driver = g_strdup(value_of(dovecot, "mail_driver"));
	ret->path = g_strdup(value_of(dovecot, "mail_path"));
	ret->layout = *layout != '\0' ? g_ascii_strdown(layout, -1) : NULL;
	ret->has_utf8_names = strcmp(value_of(dovecot, "mailbox_list_utf8"), "yes") == 0;
}

/* A path with our letters: of Dovecot 2.4's words, and "~" as %h. Caller frees. */
static char *
with_letters(const char *path)
{
	static const struct {
		const char *words;
		const char *letter;
	} known[] = { { "%{user|username|lower}", "%n" },
		      { "%{user|domain|lower}", "%d" },
		      { "%{user|username}", "%n" },
		      { "%{user|domain}", "%d" },
		      { "%{user}", "%u" },
		      { "%{home}", "%h" },
		      { "%Lu", "%u" },
		      { "%Ln", "%n" },
		      { "%Ld", "%d" } };
	g_auto(GStrv) blanks = g_strsplit(path, " ", -1);
	GString *text = g_string_new(NULL);
	g_autofree char *plain = strstr(path, "%{") != NULL ? g_strjoinv("", blanks)
	                                                    : g_strdup(path);

	g_string_assign(text, plain);
	for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
		g_string_replace(text, known[i].words, known[i].letter, 0);
	if (text->str[0] == '~' && (text->str[1] == '/' || text->str[1] == '\0')) {
		g_string_erase(text, 0, 1);
		g_string_prepend(text, "%h");
	}
	while (text->len > 1 && text->str[text->len - 1] == '/')
		g_string_truncate(text, text->len - 1);

	return g_string_free(text, FALSE);
}

static bool
has_userdb(const Dovecot *dovecot)
{
	GHashTableIter iter;
	gpointer key;
	g_hash_table_iter_init(&iter, dovecot->values);
	while (g_hash_table_iter_next(&iter, &key, NULL))
		if (g_str_has_prefix(key, "userdb ") || g_str_has_prefix(key, "userdb/"))
			return true;
	return false;
}

/*
 * The home that Dovecot gives to users, with our letters; NULL: only its userdb knows. Its userdb's
 * goes before mail_home, which Debian 13 sets for all.
 */
static char *
home_of_users(const Dovecot *dovecot)
{
	const char *home = value_of(dovecot, "userdb static/fields/home");
	g_auto(GStrv) words = g_strsplit(value_of(dovecot, "userdb/args"), " ", -1);
	for (char **word = words; *word != NULL; word++)
		if (g_str_has_prefix(*word, "home="))
			return with_letters(*word + strlen("home="));

	if (*home == '\0' && !has_userdb(dovecot))
		home = value_of(dovecot, "mail_home");
	return *home != '\0' ? with_letters(home) : NULL;
}

/* The path with `home` in the place of %h. Caller frees. */
static char *
at_home(const char *path, const char *home)
{
	return home != NULL && g_str_has_prefix(path, "%h")
	               ? g_strconcat(home, path + strlen("%h"), NULL)
	               : g_strdup(path);
}

static char *
quoted_setting(const char *value)
{
	g_auto(GStrv) parts = g_strsplit(value, "\\", -1);
	g_autofree char *escaped = g_strjoinv("\\\\", parts);
	return g_strdup_printf("\"%s\"", escaped);
}

static void
compare_path(Doctor *doctor, const Dovecot *dovecot, const Location *location)
{
	const Conf *conf = doctor->conf;
	g_autofree char *theirs = with_letters(location->path), *ours = with_letters(conf->maildir),
			*their_home = home_of_users(dovecot),
			*our_home = *conf->home != '\0' ? with_letters(conf->home) : NULL;
	g_autofree char *their_path = at_home(theirs, their_home),
			*our_path = at_home(ours, our_home);

	bool is_known = *location->path != '\0' &&
	                g_str_has_prefix(their_path, "%h") == g_str_has_prefix(our_path, "%h");
	if (!is_known || strcmp(their_path, our_path) == 0)
		return;

	g_autofree char *value = quoted_setting(their_path);
	doctor_find(doctor, DOCTOR_DOVECOT_PATH, "dovecot.conf",
	            doctor_set_command(doctor, "maildir", value), location->path, conf->maildir,
	            NULL);
}

static void
compare_folders(Doctor *doctor, const Location *location)
{
	const Conf *conf = doctor->conf;
	bool is_fs = g_strcmp0(location->layout, "fs") == 0,
	     ours_is_fs = conf->folder_layout == CONF_FOLDER_LAYOUT_FS,
	     ours_is_utf8 = conf->folder_names == CONF_FOLDER_NAMES_UTF_8;
	const char *their_names = location->has_utf8_names ? "utf-8" : "utf-7";

	if (location->layout != NULL && is_fs != ours_is_fs) {
		const char *wanted = is_fs ? "fs" : "\"maildir++\"";
		doctor_find(doctor, DOCTOR_DOVECOT_LAYOUT, "dovecot.conf",
		            doctor_set_command(doctor, "folder_layout", wanted), location->layout,
		            ours_is_fs ? "fs" : "maildir++", NULL);
	}
	if (location->has_utf8_names != ours_is_utf8)
		doctor_find(doctor, DOCTOR_DOVECOT_NAMES, "dovecot.conf",
		            doctor_set_command(doctor, "folder_names", their_names), their_names,
		            ours_is_utf8 ? "utf-8" : "utf-7", NULL);
}

/* The namespace of the INBOX is the one with inbox = yes. */
static void
compare_namespace(Doctor *doctor, const Dovecot *dovecot)
{
	GHashTableIter iter;
	void *key;
	g_autofree char *block = NULL;

	g_hash_table_iter_init(&iter, dovecot->values);
	while (block == NULL && g_hash_table_iter_next(&iter, &key, NULL)) {
		g_auto(GStrv) parts = g_strsplit(key, "/", -1);
		if (g_str_has_prefix(key, "namespace ") && g_strv_length(parts) == 2 &&
		    strcmp(parts[1], "inbox") == 0 && strcmp(value_of(dovecot, key), "yes") == 0)
			block = g_strdup(parts[0]);
	}
	if (block == NULL)
		return;

	const Conf *conf = doctor->conf;
	g_autofree char *separator_name = g_strconcat(block, "/separator", NULL),
			*prefix_name = g_strconcat(block, "/prefix", NULL);
	const char *separator = value_of(dovecot, separator_name),
		   *prefix = value_of(dovecot, prefix_name);
	g_autofree char *separator_value = quoted_setting(separator),
			*prefix_value = quoted_setting(prefix);

	if (strcmp(prefix, conf->folder_prefix) != 0)
		doctor_find(doctor, DOCTOR_DOVECOT_PREFIX, "dovecot.conf",
		            doctor_set_command(doctor, "folder_prefix", prefix_value), prefix,
		            conf->folder_prefix, NULL);
	if (*separator != '\0' && strcmp(conf->folder_separator, "auto") != 0 &&
	    strcmp(separator, conf->folder_separator) != 0)
		doctor_find(doctor, DOCTOR_DOVECOT_SEPARATOR, "dovecot.conf",
		            doctor_set_command(doctor, "folder_separator", separator_value),
		            separator, conf->folder_separator, NULL);
}

/* The driver of Dovecot's quota, "" for none. Caller frees. */
static char *
quota_driver(const Dovecot *dovecot)
{
	const char *old = value_of(dovecot, "plugin/quota");
	if (*old != '\0')
		return g_strndup(old, strcspn(old, ":"));

	GHashTableIter iter;
	void *key, *value;
	g_hash_table_iter_init(&iter, dovecot->values);
	while (g_hash_table_iter_next(&iter, &key, &value))
		if (g_str_has_prefix(key, "quota ") && g_str_has_suffix(key, "/driver"))
			return g_strdup(value);
	return g_strdup("");
}

static bool
has_quota_service(const Dovecot *dovecot)
{
	GHashTableIter iter;
	void *key;
	g_hash_table_iter_init(&iter, dovecot->values);
	while (g_hash_table_iter_next(&iter, &key, NULL))
		if (g_str_has_prefix(key, "service quota-status"))
			return true;
	return false;
}

/*
 * The driver maildir counts by the file that todoke keeps; with another one Dovecot has to be
 * asked, or it alone limits mailboxes.
 */
static const char *
fitting_quota(const Dovecot *dovecot, bool reads_file)
{
	if (reads_file)
		return "maildirsize";
	return has_quota_service(dovecot) ? "dovecot" : "off";
}

static void
compare_quota(Doctor *doctor, const Dovecot *dovecot)
{
	static const char *const names[] = { "off", "site", "maildirsize", "dovecot" };
	g_autofree char *driver = quota_driver(dovecot);
	unsigned ours = doctor->conf->quota;
	bool reads_file = strcmp(driver, "maildir") == 0;
	bool is_good = reads_file ? ours == CONF_QUOTA_SITE || ours == CONF_QUOTA_MAILDIRSIZE
	                          : ours == CONF_QUOTA_OFF || ours == CONF_QUOTA_DOVECOT;
	if (*driver == '\0' || is_good)
		return;

	doctor_find(doctor, DOCTOR_DOVECOT_QUOTA, "dovecot.conf",
	            doctor_set_command(doctor, "quota", fitting_quota(dovecot, reads_file)), driver,
	            names[ours], NULL);
}

/* By which clients read, move and delete mail. */
static const char *const reading_protocols[] = { "imap", "pop3" };

static bool
has_word(const char *words, const char *word)
{
	g_auto(GStrv) list = g_strsplit_set(words, " \t\"", -1);
	return g_strv_contains((const char *const *) list, word);
}

/* Does this Dovecot serve it? Where nothing is said it serves all that it has. */
static bool
serves(const Dovecot *dovecot, const char *protocol)
{
	g_autofree char *name = g_strconcat("protocols/", protocol, NULL);
	const char *list = g_hash_table_lookup(dovecot->values, "protocols"),
		   *own = g_hash_table_lookup(dovecot->values, name);

	if (own != NULL)
		return strcmp(own, "yes") == 0;
	return list == NULL || has_word(list, protocol);
}

/*
 * Is mail_log loaded for the protocol? A list of 2.3 in the protocol's own block replaces that of
 * all; in 2.4 it adds to it.
 */
static bool
logs_changes(const Dovecot *dovecot, const char *protocol)
{
	g_autofree char *block = g_strdup_printf("protocol %s/mail_plugins", protocol),
			*member = g_strconcat(block, "/mail_log", NULL);
	const char *own = g_hash_table_lookup(dovecot->values, block);

	return strcmp(value_of(dovecot, member), "yes") == 0 ||
	       strcmp(value_of(dovecot, "mail_plugins/mail_log"), "yes") == 0 ||
	       has_word(own != NULL ? own : value_of(dovecot, "mail_plugins"), "mail_log");
}

/*
 * In the protocols' own blocks: a list for all of 2.3 does not reach a protocol that has one of its
 * own.
 */
static void
look_for_mail_log(Doctor *doctor, const Dovecot *dovecot)
{
	bool is_2_4 = dovecot->version != NULL &&
	              doctor_version_compare(dovecot->version, "2.4") >= 0;
	g_autoptr(GString) silent = g_string_new(NULL);
	g_autoptr(GString) command = g_string_new("printf '%s\\n'");
	if (dovecot->file == NULL)
		return;

	for (size_t i = 0; i < G_N_ELEMENTS(reading_protocols); i++) {
		const char *protocol = reading_protocols[i];
		if (!serves(dovecot, protocol) || logs_changes(dovecot, protocol))
			continue;
		g_string_append_printf(silent, "%s%s", silent->len > 0 ? ", " : "", protocol);
		g_string_append_printf(command, " 'protocol %s {' %s '}'", protocol,
		                       is_2_4 ? "'  mail_plugins {' '    notify = yes' "
		                                "'    mail_log = yes' '  }'"
		                              : "'  mail_plugins = $mail_plugins notify mail_log'");
	}
	if (silent->len == 0)
		return;

	g_autofree char *file = g_shell_quote(dovecot->file);
	g_string_append_printf(command, " >>%s && doveadm reload", file);
	doctor_find(doctor, DOCTOR_DOVECOT_LOG, "dovecot.conf", g_strdup(command->str), silent->str,
	            NULL);
}

/* recipe_default may be the very mbox that Dovecot shows, as procmail left it. */
static bool
is_mbox_of_recipes(const Conf *conf, const char *driver)
{
	const char *place = conf->recipe_default;
	return strcmp(driver, "mbox") == 0 && *place != '\0' && !g_str_has_suffix(place, "/");
}

void
doctor_dovecot(Doctor *doctor)
{
	static const char *const argv[] = { "doveconf", "-n", NULL };
	g_autofree char *text = NULL;
	int code;
	if (!doctor_ask(argv, &text, &code))
		return; /* no Dovecot here */
	if (code != 0) {
		doctor_find(doctor, DOCTOR_DOVECOT_CONF, "doveconf", NULL, g_strstrip(text), NULL);
		return;
	}

	g_auto(Dovecot) dovecot = { 0 };
	g_auto(Location) location = { 0 };
	parse(&dovecot, text);
	read_location(&dovecot, &location);
	if (dovecot.version != NULL)
		doctor_version_judge(doctor, "Dovecot", dovecot.version);

	if (*location.driver != '\0' && strcmp(location.driver, "maildir") != 0) {
		if (!is_mbox_of_recipes(doctor->conf, location.driver))
			doctor_find(doctor, DOCTOR_DOVECOT_DRIVER, "dovecot.conf", NULL,
			            location.driver, NULL);
		return;
	}
	if (*location.driver != '\0') {
		compare_path(doctor, &dovecot, &location);
		compare_folders(doctor, &location);
	}
	compare_namespace(doctor, &dovecot);
	compare_quota(doctor, &dovecot);
	look_for_mail_log(doctor, &dovecot);
}

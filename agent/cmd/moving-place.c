/* SPDX-License-Identifier: MIT */
/* moving-place: where mail lies, and how folders are called. */
#include "agent/cmd/moving.h"

#include <string.h>

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
set_maildir(Moving *moving, const char *path, const DovecotSetting *from)
{
	const char *users = convert_settings_find(moving->made, "users");
	bool is_virtual = g_strcmp0(users, "virtual") == 0;
	g_autofree char *plain = without_last_slash(path);
	g_autofree char *full = without_home(
		plain, is_virtual ? convert_settings_find(moving->made, "home") : NULL);

	bool is_placed = *full == '/' || *full == '~' || g_str_has_prefix(full, "%h") ||
	                 g_str_has_prefix(full, "%{home}");
	moving->reason = "the path begins neither with '/' nor at the home";
	if (!is_placed || !moving_knows_letters(moving, full)) {
		moving_lose(moving, from, moving->reason);
		return;
	}
	moving->reason =
		"users are virtual, and this names none of them: all would share a mailbox";
	if (is_virtual && strchr(full, '%') == NULL) {
		moving_lose(moving, from, moving->reason);
		return;
	}
	moving_set(moving, "maildir", full, from);
}

static void
set_layout(Moving *moving, const char *layout, const DovecotSetting *from)
{
	g_autofree char *word = g_ascii_strdown(layout, -1);
	if (strcmp(word, "fs") == 0 || strcmp(word, "maildir++") == 0)
		moving_set(moving, "folder_layout", word, from);
	else
		moving_lose(moving, from, "todoke knows the layouts maildir++ and fs");
}

static bool
is_same_path(const char *one, const char *other)
{
	g_autofree char *first = without_last_slash(one), *second = without_last_slash(other);
	return strcmp(first, second) == 0;
}

/* An option behind the path of mail_location. False: it moves what todoke needs. */
static bool
take_location_option(Moving *moving, const char *option, const char *path,
                     const DovecotSetting *from)
{
	static const char *const moved[] = { "CONTROL=", "DIRNAME=", "MAILBOXDIR=",
		                             "SUBSCRIPTIONS=", "ALT=" };

	if (g_ascii_strncasecmp(option, "LAYOUT=", 7) == 0)
		set_layout(moving, option + 7, from);
	else if (strcmp(option, "UTF-8") == 0)
		moving_set(moving, "folder_names", "utf-8", from);
	else if (g_str_has_prefix(option, "BROKENCHAR="))
		moving->reason = "folder_escape is Dovecot's listescape_char, not BROKENCHAR";
	else if (g_str_has_prefix(option, "INBOX=") && !is_same_path(option + 6, path))
		moving->reason = "todoke has the INBOX in the folder that holds the other folders";
	for (size_t i = 0; i < G_N_ELEMENTS(moved); i++)
		if (g_str_has_prefix(option, moved[i]))
			moving->reason = "todoke has subscriptions, keywords and mail in the "
					 "folder's own place";
	return moving->reason == NULL;
}

/* "maildir:~/Maildir:LAYOUT=fs:INDEX=/var/index/%u" */
static void
take_old_location(Moving *moving, const DovecotSetting *from)
{
	g_auto(GStrv) parts = g_strsplit(from->value, ":", 64);
	const char *driver = parts[0] != NULL ? parts[0] : "";

	if (strcmp(driver, "maildir") != 0 || parts[1] == NULL || *parts[1] == '\0') {
		moving_lose(moving, from,
		            "todoke stores into Maildirs whose place it knows (maildir:PATH)");
		return;
	}
	moving->reason = NULL;
	for (char **option = parts + 2; *option != NULL; option++)
		if (!take_location_option(moving, *option, parts[1], from)) {
			moving_lose(moving, from, moving->reason);
			moving->reason = NULL;
		}
	set_maildir(moving, parts[1], from);
}

/* mail_driver, mail_path, mail_inbox_path, mailbox_list_* of 2.4 */
static void
take_new_location(Moving *moving)
{
	const DovecotSetting *driver = moving_find(moving, "mail_driver"),
			     *path = moving_find(moving, "mail_path"),
			     *inbox = moving_find(moving, "mail_inbox_path"),
			     *layout = moving_find(moving, "mailbox_list_layout"),
			     *utf8 = moving_find(moving, "mailbox_list_utf8");
	moving_done(moving, driver);
	moving_done(moving, path);
	moving_done(moving, inbox);
	moving_done(moving, layout);
	moving_done(moving, utf8);

	if (driver != NULL && strcmp(driver->value, "maildir") != 0)
		moving_lose(moving, driver, "todoke stores into Maildirs whose place it knows");
	else if (path != NULL && *path->value != '\0')
		set_maildir(moving, path->value, path);
	if (inbox != NULL && *inbox->value != '\0' &&
	    (path == NULL || !is_same_path(inbox->value, path->value)))
		moving_lose(moving, inbox,
		            "todoke has the INBOX in the folder that holds the other folders");
	if (layout != NULL && *layout->value != '\0')
		set_layout(moving, layout->value, layout);
	else if (driver != NULL && strcmp(driver->value, "maildir") == 0)
		moving_set_default(
			moving, "folder_layout", "maildir++",
			"Dovecot's default; doveconf does not print mailbox_list_layout = fs: "
			"where dovecot.conf has that, say \"fs\" here");
	if (utf8 != NULL && strcmp(utf8->value, "yes") == 0)
		moving_set(moving, "folder_names", "utf-8", utf8);
}

static void
take_location(Moving *moving)
{
	const DovecotSetting *old = moving_find(moving, "mail_location");
	unsigned lost = convert_settings_lost(moving->made);
	moving_done(moving, old);
	if (old != NULL && *old->value != '\0')
		take_old_location(moving, old);
	take_new_location(moving);
	if (convert_settings_find(moving->made, "maildir") == NULL &&
	    convert_settings_lost(moving->made) == lost)
		convert_settings_lose(moving->made, "the place of mailboxes",
		                      "write it into the setting maildir, unless the users' "
		                      "source says it");
}

/* `mailbox Trash { special_use = \Trash }`: the folders' uses, if they are not todoke's own. */
static void
take_mailbox(Moving *moving, const DovecotBlock *block)
{
	const DovecotSetting *use = moving_find_in(moving, block, "special_use"),
			     *ignored = moving_find_in(moving, block, "quota_ignore");
	g_auto(GStrv) uses = g_strsplit_set(use != NULL ? use->value : "", " \t", -1);

	for (char **word = uses; *word != NULL; word++) {
		g_autofree char *item = g_strdup_printf("%s=%s", *word, block->title);
		if (**word != '\0')
			moving_set(moving, "special_use", item, use);
	}
	if (ignored != NULL && strcmp(ignored->value, "yes") == 0) {
		g_autofree char *item = g_strdup_printf("%s:ignore", block->title);
		moving_set(moving, "quota_rules", item, ignored);
	}
}

static void
take_namespace(Moving *moving, const DovecotBlock *block)
{
	const DovecotSetting *prefix = moving_find_in(moving, block, "prefix"),
			     *separator = moving_find_in(moving, block, "separator"),
			     *location = moving_find_in(moving, block, "location");

	if (prefix != NULL && *prefix->value != '\0')
		moving_set(moving, "folder_prefix", prefix->value, prefix);
	if (separator != NULL && *separator->value != '\0')
		moving_set(moving, "folder_separator", separator->value, separator);
	if (location != NULL && *location->value != '\0')
		take_old_location(moving, location);
}

static void
take_namespaces(Moving *moving)
{
	for (guint i = 0; i < moving->config->blocks->len; i++) {
		const DovecotBlock *block = moving->config->blocks->pdata[i];
		bool is_mailbox = moving_is_in(block, "mailbox") &&
		                  moving_is_in(block->parent, "namespace");
		bool is_ours = is_mailbox || moving_is_in(block, "namespace");
		if (!is_ours)
			continue;

		const DovecotBlock *space = is_mailbox ? block->parent : block;
		moving_done_with(moving, block);
		if (strcmp(moving_value_in(moving, space, "inbox"), "yes") == 0) {
			if (is_mailbox)
				take_mailbox(moving, block);
			else
				take_namespace(moving, block);
		} else if (!is_mailbox &&
		           strcmp(moving_value_in(moving, block, "disabled"), "yes") != 0) {
			g_autofree char *what = g_strdup_printf("line %u: namespace %s",
			                                        block->line, block->title);
			convert_settings_lose(
				moving->made, what,
				"rules of todoke reach the namespace of the INBOX only");
		}
	}
}

void
moving_place(Moving *moving)
{
	take_location(moving);
	take_namespaces(moving);
}

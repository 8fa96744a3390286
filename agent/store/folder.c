/* SPDX-License-Identifier: MIT */
/* folder: from the name in a rule to an open Maildir. */
#define _GNU_SOURCE
#include "agent/store/folder.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/base/outcome.h"
#include "agent/store/folder-id.h"
#include "agent/store/subscriptions.h"
#include "agent/store/utf7.h"
#include "conf/conf-choices.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

char
folder_escape_sign(const char *setting)
{
	bool is_one = setting != NULL && setting[0] != '\0' && setting[1] == '\0';
	bool is_sign = is_one && g_ascii_ispunct(setting[0]) &&
	               strchr("./~&,-:*", setting[0]) == NULL;
	return is_sign ? setting[0] : '\0';
}

FolderRules
folder_rules_of(const Conf *conf)
{
	return (FolderRules){
		.layout = conf->folder_layout,
		.names = conf->folder_names,
		.separator = conf->folder_separator != NULL ? conf->folder_separator : "",
		.escape = folder_escape_sign(conf->folder_escape),
		.prefix = conf->folder_prefix != NULL ? conf->folder_prefix : "",
		.create = conf->create_folders,
		.subscribe = conf->subscribe_folders,
	};
}

/* Why the level cannot be on the disk; NULL: it can. */
static const char *
level_fault(const FolderRules *rules, const char *level)
{
	bool is_escaped = rules->escape != '\0';
	if (level[0] == '\0')
		return "has an empty level";
	if (level[0] == '.' && !is_escaped)
		return "has a level that begins with '.'";
	if (strchr(level, '/') != NULL && !is_escaped)
		return "has a '/' within a level";

	if (rules->layout == CONF_FOLDER_LAYOUT_MAILDIRPP)
		return strchr(level, '.') != NULL && !is_escaped
		               ? "has a '.' within a level, which Maildir++ cannot hold"
		               : NULL;

	if (strcmp(level, "tmp") == 0 || strcmp(level, "new") == 0 || strcmp(level, "cur") == 0)
		return "has a level that is a part of every Maildir";
	return NULL;
}

static const char *
name_fault(const FolderRules *rules, const char *name)
{
	if (strlen(name) > LIMIT_FOLDER_NAME)
		return "is too long";
	if (!g_utf8_validate(name, -1, NULL))
		return "is not valid UTF-8";
	if (name[0] == '~' && rules->escape == '\0')
		return "begins with '~'";

	for (const char *c = name; *c != '\0'; c++)
		if (g_ascii_iscntrl(*c))
			return "has a control character";
	return NULL;
}

/* Would the disk read this sign of a level in another way? */
static bool
needs_escape(const FolderRules *rules, char sign, bool is_first, bool is_top)
{
	bool is_maildirpp = rules->layout == CONF_FOLDER_LAYOUT_MAILDIRPP;
	if (rules->escape == '\0')
		return false;
	return sign == '/' || sign == rules->escape ||
	       (sign == '.' && (is_maildirpp || is_first)) || (sign == '~' && is_first && is_top);
}

/* The level as it is written on the disk. */
static char *
write_level(const FolderRules *rules, const char *level, bool is_top)
{
	g_autofree char *encoded = rules->names == CONF_FOLDER_NAMES_UTF_7 ? utf7_encode(level)
	                                                                   : g_strdup(level);
	g_autoptr(GString) written = g_string_new(NULL);

	for (const char *c = encoded; *c != '\0'; c++) {
		if (needs_escape(rules, *c, c == encoded, is_top))
			g_string_append_printf(written, "%c%02x", rules->escape,
			                       (unsigned) (guchar) *c);
		else
			g_string_append_c(written, *c);
	}

	return g_string_free(g_steal_pointer(&written), FALSE);
}

/* Append a checked level as it is written on the disk. */
static const char *
append_level(const FolderRules *rules, const char *level, GString *path)
{
	const char *why = level_fault(rules, level);
	if (why != NULL)
		return why;

	bool is_maildirpp = rules->layout == CONF_FOLDER_LAYOUT_MAILDIRPP;
	g_autofree char *written = write_level(rules, level, path->len == 0);
	if (is_maildirpp)
		g_string_append_c(path, '.');
	else if (path->len > 0)
		g_string_append_c(path, '/');

	g_string_append(path, written);

	size_t component = is_maildirpp ? path->len : strlen(written);
	return component > LIMIT_FILE_NAME ? "is too long for the file system" : NULL;
}

/* The path of a name whose levels `separator` parts. */
static char *
path_of(const FolderRules *rules, const char *name, const char *separator, const char **ret_why)
{
	const char *why = name_fault(rules, name);
	g_auto(GStrv) levels = g_strsplit(name, separator, -1);

	if (why == NULL && levels[0] == NULL)
		why = "has an empty level";
	if (why == NULL && g_strv_length(levels) > LIMIT_FOLDER_LEVELS)
		why = "has too many levels";

	g_autoptr(GString) path = g_string_new(NULL);
	for (size_t i = 0; why == NULL && levels[i] != NULL; i++)
		why = append_level(rules, levels[i], path);
	if (why != NULL) {
		*ret_why = why;
		return NULL;
	}

	return g_string_free(g_steal_pointer(&path), FALSE);
}

static bool
is_there(const Maildir *inbox, const char *path)
{
	g_autofree char *tmp = g_strconcat(path, "/tmp", NULL);
	return inbox != NULL && faccessat(maildir_fd(inbox), tmp, F_OK, 0) == 0;
}

/* The path if such a folder exists. NULL: it does not, or there can be none. */
static char *
existing(const FolderRules *rules, const Maildir *inbox, const char *name, const char *separator)
{
	const char *why;
	g_autofree char *path = path_of(rules, name, separator, &why);
	return path != NULL && is_there(inbox, path) ? g_steal_pointer(&path) : NULL;
}

/*
 * A name with the escaping sign in it may be the one on the disk: of what was made without it, or
 * by hand.
 */
static char *
existing_unescaped(const FolderRules *rules, const Maildir *inbox, const char *name,
                   const char *separator)
{
	FolderRules plain = *rules;
	if (rules->escape == '\0' || strchr(name, rules->escape) == NULL)
		return NULL;
	plain.escape = '\0';
	return existing(&plain, inbox, name, separator);
}

/*
 * What the name means where nobody said what parts its levels: "/" if it has one, else dots, unless
 * the folder says otherwise.
 */
static char *
guess_path(const FolderRules *rules, const Maildir *inbox, const char *name, const char **ret_why)
{
	bool has_dots_only = strchr(name, '.') != NULL && strchr(name, '/') == NULL;
	const char *separator = has_dots_only ? "." : "/";
	bool is_below_inbox = g_ascii_strncasecmp(name, "INBOX", 5) == 0 && name[5] == *separator;

	if (!has_dots_only && !is_below_inbox) /* the one reading: nobody needs to look */
		return path_of(rules, name, "/", ret_why);

	char *found = existing(rules, inbox, name, separator);
	if (found == NULL && has_dots_only)
		found = existing(rules, inbox, name, "/");
	if (found != NULL)
		return found;

	if (is_below_inbox) /* only other servers have everything there */
		return folder_path(rules, inbox, name + 6, ret_why);

	char *path = path_of(rules, name, separator, ret_why);
	return path != NULL || *separator == '/' ? path : path_of(rules, name, "/", ret_why);
}

char *
folder_path(const FolderRules *rules, const Maildir *inbox, const char *name, const char **ret_why)
{
	bool is_auto = strcmp(rules->separator, FOLDER_SEPARATOR_AUTO) == 0;
	const char *separator = rules->separator[0] != '\0' && !is_auto ? rules->separator : "/";

	if (rules->prefix[0] != '\0' && g_str_has_prefix(name, rules->prefix))
		name += strlen(rules->prefix);
	if (g_ascii_strcasecmp(name, "INBOX") == 0)
		return g_strdup("");

	char *found = existing_unescaped(rules, inbox, name, separator);
	if (found != NULL)
		return found;
	if (is_auto && rules->layout == CONF_FOLDER_LAYOUT_MAILDIRPP)
		return guess_path(rules, inbox, name, ret_why);

	return path_of(rules, name, separator, ret_why);
}

char *
folder_better_name(const FolderRules *rules, const char *name)
{
	const char *separator = *rules->separator != '\0' ? rules->separator : "/", *why = NULL;
	const char *meant = strcmp(separator, "/") == 0 ? "." : "/";
	g_auto(GStrv) levels = g_strsplit(name, meant, -1);
	g_autofree char *better = g_strjoinv(separator, levels);

	if (strcmp(separator, FOLDER_SEPARATOR_AUTO) == 0 || strstr(name, separator) != NULL ||
	    levels[0] == NULL || levels[1] == NULL)
		return NULL;
	g_autofree char *path = path_of(rules, better, separator, &why);
	return path != NULL ? g_steal_pointer(&better) : NULL;
}

/* Undo write_level. NULL: it is no level that was written so. */
static char *
read_level(const FolderRules *rules, const char *written)
{
	g_autoptr(GString) encoded = g_string_new(NULL);
	for (const char *c = written; *c != '\0'; c++) {
		bool is_escape = rules->escape != '\0' && *c == rules->escape &&
		                 g_ascii_isxdigit(c[1]) && g_ascii_isxdigit(c[2]);
		g_string_append_c(encoded, is_escape ? (char) (g_ascii_xdigit_value(c[1]) * 16 +
		                                               g_ascii_xdigit_value(c[2]))
		                                     : *c);
		c += is_escape ? 2 : 0;
	}

	return rules->names == CONF_FOLDER_NAMES_UTF_7
	               ? utf7_decode(encoded->str)
	               : g_string_free(g_steal_pointer(&encoded), FALSE);
}

char *
folder_name(const FolderRules *rules, const Maildir *inbox, const char *path)
{
	bool is_maildirpp = rules->layout == CONF_FOLDER_LAYOUT_MAILDIRPP;
	bool is_named = rules->separator[0] != '\0' &&
	                strcmp(rules->separator, FOLDER_SEPARATOR_AUTO) != 0;
	if (path[0] == '\0')
		return g_strdup("INBOX");
	if (is_maildirpp && path[0] != '.')
		return NULL;

	g_autoptr(GString) name = g_string_new(NULL);
	const char *separator = is_named ? rules->separator : "/";
	const char *written = is_maildirpp ? path + 1 : path;
	g_auto(GStrv) levels = g_strsplit(written, is_maildirpp ? "." : "/", -1);
	for (size_t i = 0; levels[i] != NULL; i++) {
		g_autofree char *level = read_level(rules, levels[i]);
		if (level == NULL)
			return NULL;
		g_string_append_printf(name, "%s%s", i > 0 ? separator : "", level);
	}

	const char *why;
	g_autofree char *again = folder_path(rules, inbox, name->str, &why);
	return g_strcmp0(again, path) == 0 ? g_string_free(g_steal_pointer(&name), FALSE) : NULL;
}

bool
folder_may_be_entry(const char *entry)
{
	static const char *const others[] = { ".", "..", "new", "cur", "tmp", "todoke-state" };
	for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
		if (strcmp(entry, others[i]) == 0)
			return false;
	return true;
}

bool
folder_exists(Maildir *inbox, const FolderRules *rules, const char *name)
{
	const char *why;
	g_autofree char *path = folder_path(rules, inbox, name, &why);
	if (path == NULL || path[0] == '\0')
		return path != NULL;
	return is_there(inbox, path);
}

/*
 * Maildir++ marks its folders, so that deliverers find the quota of the whole in the folder above.
 */
static bool
mark(const Maildir *maildir, Status *st)
{
	auto_fd int fd = openat(maildir_fd(maildir), "maildirfolder",
	                        O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
	return fd >= 0 || status_fail_errno(st, errno, "cannot make 'maildirfolder'");
}

/* What a folder needs beside its mail. Not vital: what fails is a note. */
static void
furnish(Maildir *inbox, const FolderRules *rules, const Maildir *made, GPtrArray *notes)
{
	g_auto(Status) unmarked = STATUS_INIT, unsubscribed = STATUS_INIT;
	const char *path = maildir_path(made);
	bool maildirpp = rules->layout == CONF_FOLDER_LAYOUT_MAILDIRPP;

	if (maildir_is_rehearsal(made))
		return;
	if (maildirpp && !mark(made, &unmarked))
		g_ptr_array_add(notes, g_strdup_printf("folder '%s': %s", path, unmarked.detail));
	folder_id_make(made);
	const char *listed = maildirpp ? path + 1 : path;
	if (rules->subscribe &&
	    !subscriptions_add(maildir_fd(inbox), listed, maildirpp ? '.' : '/', &unsubscribed))
		g_ptr_array_add(notes, g_strdup_printf("cannot subscribe to '%s': %s", path,
		                                       unsubscribed.detail));
}

bool
folder_gives_way(const Status *fault)
{
	Outcome outcome = outcome_find(OUTCOME_OF_FOLDER, fault->id);
	/* what may be made was made already */
	return outcome == OUTCOME_INBOX || outcome == OUTCOME_MAKE;
}

bool
folder_open(Maildir *inbox, const FolderRules *rules, const char *path, bool create,
            Maildir **ret_maildir, GPtrArray *notes, Status *st)
{
	g_auto(Status) fault = STATUS_INIT;
	bool created = false;
	Maildir *maildir = maildir_open_below(inbox, path, create || rules->create, &created,
	                                      &fault);

	if (created)
		furnish(inbox, rules, maildir, notes);
	if (maildir != NULL && !maildir_check(maildir, &fault))
		g_clear_pointer(&maildir, maildir_free);
	if (maildir == NULL && (rules->waits || !folder_gives_way(&fault))) {
		status_move(st, &fault);
		return false;
	}

	if (maildir == NULL)
		g_ptr_array_add(notes, g_strdup_printf("stored in the INBOX: %s", fault.detail));
	*ret_maildir = maildir;
	return true;
}

/* The folder of an item of special_use, or NULL: it has another use. */
static const char *
folder_with_use(const char *item, const char *special_use)
{
	size_t len = strlen(special_use);
	bool fits = g_ascii_strncasecmp(item, special_use, len) == 0 && item[len] == '=' &&
	            item[len + 1] != '\0';
	return fits ? item + len + 1 : NULL;
}

const char *
folder_of_special_use(const Conf *conf, Maildir *inbox, const char *special_use, const char *named)
{
	const char *first = NULL;
	FolderRules rules = folder_rules_of(conf);

	for (char **item = conf->special_use; item != NULL && *item != NULL; item++) {
		const char *folder = folder_with_use(*item, special_use);
		if (folder == NULL || (inbox != NULL && !folder_exists(inbox, &rules, folder)))
			continue;
		if (g_strcmp0(folder, named) == 0)
			return folder;
		first = first != NULL ? first : folder;
	}

	return first;
}

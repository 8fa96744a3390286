/* folder: from the name in a rule to an open Maildir. */
#define _GNU_SOURCE
#include "agent/store/folder.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/base/outcome.h"
#include "agent/store/subscriptions.h"
#include "agent/store/utf7.h"
#include "conf/conf-choices.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* Why the level cannot be on the disk; NULL: it can. */
static const char *
level_fault(const FolderRules *rules, const char *level)
{
	if (level[0] == '\0')
		return "has an empty level";
	if (level[0] == '.')
		return "has a level that begins with '.'";
	if (strchr(level, '/') != NULL)
		return "has a '/' within a level";
	if (rules->layout == FOLDER_LAYOUT_MAILDIRPP)
		return strchr(level, '.') != NULL ? "has a '.' within a level, which Maildir++ cannot hold" : NULL;
	if (strcmp(level, "tmp") == 0 || strcmp(level, "new") == 0 || strcmp(level, "cur") == 0)
		return "has a level that is a part of every Maildir";
	return NULL;
}

static const char *
name_fault(const char *name)
{
	if (strlen(name) > LIMIT_FOLDER_NAME)
		return "is too long";
	if (!g_utf8_validate(name, -1, NULL))
		return "is not valid UTF-8";
	if (name[0] == '~')
		return "begins with '~'";
	for (const char *c = name; *c != '\0'; c++)
		if (g_ascii_iscntrl(*c))
			return "has a control character";
	return NULL;
}

/* Append a checked level as it is written on the disk. */
static const char *
append_level(const FolderRules *rules, const char *level, GString *path)
{
	const char *why = level_fault(rules, level);
	if (why != NULL)
		return why;
	g_autofree char *encoded = rules->names == FOLDER_NAMES_UTF7 ? utf7_encode(level) : g_strdup(level);
	if (rules->layout == FOLDER_LAYOUT_MAILDIRPP)
		g_string_append_c(path, '.');
	else if (path->len > 0)
		g_string_append_c(path, '/');
	g_string_append(path, encoded);
	size_t component = rules->layout == FOLDER_LAYOUT_MAILDIRPP ? path->len : strlen(encoded);
	return component > LIMIT_FILE_NAME ? "is too long for the file system" : NULL;
}

char *
folder_path(const FolderRules *rules, const char *name, const char **ret_why)
{
	if (rules->prefix[0] != '\0' && g_str_has_prefix(name, rules->prefix))
		name += strlen(rules->prefix);
	if (g_ascii_strcasecmp(name, "INBOX") == 0)
		return g_strdup("");
	const char *why = name_fault(name);
	const char *separator = rules->separator[0] != '\0' ? rules->separator : "/";
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

bool
folder_exists(Maildir *inbox, const FolderRules *rules, const char *name)
{
	const char *why;
	g_autofree char *path = folder_path(rules, name, &why);
	if (path == NULL || path[0] == '\0')
		return path != NULL;
	g_autofree char *tmp = g_strconcat(path, "/tmp", NULL);
	return faccessat(maildir_fd(inbox), tmp, F_OK, 0) == 0;
}

/* Maildir++ marks its folders, so that deliverers find the quota of the whole in the folder above. */
static bool
mark(const Maildir *maildir, Status *st)
{
	auto_fd int fd = openat(maildir_fd(maildir), "maildirfolder", O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
	return fd >= 0 || status_fail_errno(st, errno, "cannot make 'maildirfolder'");
}

/* What a folder needs beside its mail. Not vital: what fails is a note. */
static void
furnish(Maildir *inbox, const FolderRules *rules, const Maildir *made, GPtrArray *notes)
{
	g_auto(Status) unmarked = STATUS_INIT, unsubscribed = STATUS_INIT;
	const char *path = maildir_path(made);
	bool maildirpp = rules->layout == FOLDER_LAYOUT_MAILDIRPP;
	if (maildirpp && !mark(made, &unmarked))
		g_ptr_array_add(notes, g_strdup_printf("folder '%s': %s", path, unmarked.detail));
	const char *listed = maildirpp ? path + 1 : path;
	if (rules->subscribe && !subscriptions_add(maildir_fd(inbox), listed, maildirpp ? '.' : '/', &unsubscribed))
		g_ptr_array_add(notes, g_strdup_printf("cannot subscribe to '%s': %s", path, unsubscribed.detail));
}

bool
folder_gives_way(const Status *fault)
{
	Outcome outcome = outcome_find(OUTCOME_OF_FOLDER, fault->id);
	return outcome == OUTCOME_INBOX || outcome == OUTCOME_MAKE; /* what may be made was made already */
}

bool
folder_open(Maildir *inbox, const FolderRules *rules, const char *path, bool create, Maildir **ret_maildir,
            GPtrArray *notes, Status *st)
{
	g_auto(Status) fault = STATUS_INIT;
	bool created = false;
	Maildir *maildir = maildir_open_below(inbox, path, create || rules->create, &created, &fault);
	if (created)
		furnish(inbox, rules, maildir, notes);
	if (maildir != NULL && !maildir_check(maildir, &fault))
		g_clear_pointer(&maildir, maildir_free);
	if (maildir == NULL && !folder_gives_way(&fault)) {
		status_move(st, &fault);
		return false;
	}
	if (maildir == NULL)
		g_ptr_array_add(notes, g_strdup_printf("stored in the INBOX: %s", fault.detail));
	*ret_maildir = maildir;
	return true;
}

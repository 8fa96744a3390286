/* SPDX-License-Identifier: MIT */
/* quota-count: a walk over all folders. */
#define _GNU_SOURCE
#include "agent/store/quota-count.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/store/folder.h"
#include "conf/conf-choices.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
	const QuotaCountRules *rules;
	bool counts; /* false: only the stamp is wanted */
	QuotaCount found;
} Walk;

void
quota_count_rules_init(QuotaCountRules *rules, const Conf *conf, const Maildir *inbox)
{
	*rules = (QuotaCountRules){ .layout = conf->folder_layout,
		                    .folders = quota_rules_new(conf, inbox) };
	if (conf->quota_trash)
		return;

	const char *why, *name = folder_of_special_use(conf, NULL, "\\Trash", NULL);
	FolderRules names = folder_rules_of(conf);
	rules->trash = folder_path(&names, inbox, name != NULL ? name : "Trash", &why);
}

void
quota_count_rules_clear(QuotaCountRules *rules)
{
	g_clear_pointer(&rules->trash, g_free);
	g_clear_pointer(&rules->folders, quota_rules_free);
}

/* Does a walk come to this folder? Others are not seen by IMAP servers either. */
static bool
is_in_layout(const QuotaCountRules *rules, const char *path)
{
	if (rules->layout == CONF_FOLDER_LAYOUT_MAILDIRPP)
		return path[0] == '\0' || (path[0] == '.' && strchr(path, '/') == NULL);
	return path[0] != '.' && strstr(path, "/.") == NULL;
}

bool
quota_count_has(const QuotaCountRules *rules, const char *path, const char *letters)
{
	if (!is_in_layout(rules, path) || quota_rules_ignore(rules->folders, path))
		return false;
	if (rules->trash == NULL)
		return true;

	size_t len = strlen(rules->trash);
	char sign = rules->layout == CONF_FOLDER_LAYOUT_MAILDIRPP ? '.' : '/';
	bool in_trash = strncmp(path, rules->trash, len) == 0 &&
	                (path[len] == '\0' || path[len] == sign);
	return !in_trash && (letters == NULL || strchr(letters, 'T') == NULL);
}

bool
quota_count_said(const char *name, gint64 *ret_bytes)
{
	const char *said = strstr(name, ",S=");
	char *end = NULL;
	gint64 bytes = said != NULL ? g_ascii_strtoll(said + strlen(",S="), &end, 10) : -1;
	bool is_said = bytes >= 0 && end != said + strlen(",S=") && strchr(",:", *end) != NULL;

	if (is_said)
		*ret_bytes = bytes;
	return is_said;
}

void
quota_count_clear(QuotaCount *count)
{
	g_clear_pointer(&count->unread, g_free);
}

/* Could mail that counts lie there? "": in the folder and, but for Maildir++, in those below. */
static bool
may_hold(const QuotaCountRules *rules, const char *path, const char *name)
{
	bool has_others = *name == '\0' && rules->layout != CONF_FOLDER_LAYOUT_MAILDIRPP;
	return has_others || quota_count_has(rules, path, NULL);
}

/* Remember the first place of the folder at `path` that nobody could look into. */
static void
miss(Walk *walk, int err, const char *path, const char *name)
{
	if (walk->found.unread != NULL || fs_is_absence(err) || !may_hold(walk->rules, path, name))
		return;
	walk->found.unread = g_strdup_printf(
		"cannot list '%s%s%s': %s", path, *path != '\0' && *name != '\0' ? "/" : "",
		*path != '\0' || *name != '\0' ? name : ".", g_strerror(err));
}

/* The next entry; NULL: no more, or `path` cannot be read any further. */
static const struct dirent *
next_entry(Walk *walk, DIR *dir, const char *path, const char *name)
{
	int err;
	const struct dirent *entry = fs_next_entry(dir, &err);
	if (err != 0)
		miss(walk, err, path, name);
	return entry;
}

/* The size that the name tells, else that of the file; false: it is no message, or gone. */
static bool
size_of(Walk *walk, const char *path, int dir, const char *name, gint64 *ret_bytes)
{
	struct stat info;
	if (quota_count_said(name, ret_bytes))
		return true;
	if (fstatat(dir, name, &info, AT_SYMLINK_NOFOLLOW) < 0) {
		miss(walk, errno, path, name);
		return false;
	}
	if (!S_ISREG(info.st_mode))
		return false;

	*ret_bytes = info.st_size;
	return true;
}

const char *
quota_count_letters(const char *name)
{
	const char *info = strstr(name, ":2,");
	return info != NULL ? info + strlen(":2,") : "";
}

/* Takes `fd`, `place` ("new") of the folder at `path`. */
static void
count_files(Walk *walk, int fd, const char *path, const char *place)
{
	DIR *dir = fdopendir(fd);

	if (dir == NULL) {
		miss(walk, errno, path, place);
		(void) close(fd);
		return;
	}

	for (const struct dirent *entry; (entry = next_entry(walk, dir, path, place)) != NULL;) {
		gint64 bytes;
		if (entry->d_name[0] == '.' ||
		    !quota_count_has(walk->rules, path, quota_count_letters(entry->d_name)) ||
		    !size_of(walk, path, dirfd(dir), entry->d_name, &bytes))
			continue;
		walk->found.sum.bytes = MIN(walk->found.sum.bytes + MIN(bytes, MAILDIRSIZE_MOST),
		                            MAILDIRSIZE_MOST);
		walk->found.sum.messages++;
	}

	(void) closedir(dir);
}

/* new and cur of one folder; what is no mailbox has none. */
static void
visit(Walk *walk, int folder, const char *path)
{
	static const char *const places[] = { "new", "cur" };
	for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
		struct stat info;
		int fd = openat(folder, places[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0) {
			miss(walk, errno, path, places[i]);
			continue;
		}
		if (fstat(fd, &info) == 0)
			walk->found.stamp += (guint64) info.st_ino * 31 +
			                     (guint64) info.st_mtim.tv_sec * 1000003 +
			                     (guint64) info.st_mtim.tv_nsec;
		if (walk->counts)
			count_files(walk, fd, path, places[i]);
		else
			(void) close(fd);
	}
}

/* Can an entry of the INBOX (Maildir++) or of a folder (layout fs) be a folder? */
static bool
may_be_folder(unsigned layout, const struct dirent *entry)
{
	const char *name = entry->d_name;
	if (entry->d_type != DT_DIR && entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN)
		return false;
	if (layout == CONF_FOLDER_LAYOUT_MAILDIRPP)
		return name[0] == '.' && name[1] != '\0' && strcmp(name, "..") != 0;

	return name[0] != '.' && strcmp(name, "new") != 0 && strcmp(name, "cur") != 0 &&
	       strcmp(name, "tmp") != 0;
}

/*
 * `folder` and those below it; Maildir++ has all of them in the INBOX. In folders within folders
 * links are not followed: they may lead round in circles.
 */
static void
walk_folder(Walk *walk, int folder, const char *path, unsigned levels)
{
	visit(walk, folder, path);
	unsigned layout = walk->rules->layout;
	int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC |
	            (layout == CONF_FOLDER_LAYOUT_MAILDIRPP ? 0 : O_NOFOLLOW);
	if (levels == 0)
		return;

	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (dir == NULL) {
		miss(walk, errno, path, "");
		fs_close_auto(&fd);
		return;
	}

	for (const struct dirent *entry; (entry = next_entry(walk, dir, path, "")) != NULL;) {
		if (!may_be_folder(layout, entry))
			continue;
		auto_fd int below = openat(folder, entry->d_name, flags);
		g_autofree char *name = g_strconcat(path, path[0] != '\0' ? "/" : "", entry->d_name,
		                                    NULL);
		if (below >= 0)
			walk_folder(walk, below, name,
			            layout == CONF_FOLDER_LAYOUT_MAILDIRPP ? 0 : levels - 1);
		else
			miss(walk, errno, name, "");
	}

	(void) closedir(dir);
}

QuotaCount
quota_count(int inbox, const QuotaCountRules *rules, bool counts)
{
	Walk walk = { .rules = rules, .counts = counts };
	walk_folder(&walk, inbox, "", LIMIT_FOLDER_LEVELS);
	return walk.found;
}

/* SPDX-License-Identifier: MIT */
/*
 * owner-walk: a step a component, each taken from the descriptor of the folder that was judged
 * before.
 */
#define _GNU_SOURCE
#include "agent/base/owner-walk.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

/* On the way. */
typedef struct {
	int folder;     /* where we stand; only folders that may be walked through */
	bool is_sticky; /* others may add entries here */
	GString *at;    /* its path, "" for the root folder */
	char *rest;     /* components still to be walked */
	unsigned links; /* resolved so far */
} Walk;

void
owner_walk_clear(OwnerWalk *walk)
{
	g_clear_pointer(&walk->at, g_free);
}

bool
owner_is_root_alone(const struct stat *sb)
{
	bool group_may_write = (sb->st_mode & S_IWGRP) != 0 && sb->st_gid != 0;
	return sb->st_uid == 0 && (sb->st_mode & S_IWOTH) == 0 && !group_may_write;
}

/* Others may add entries, but neither remove nor rename what is root's. */
static bool
is_sticky(const struct stat *sb)
{
	return sb->st_uid == 0 && (sb->st_mode & S_ISVTX) != 0 &&
	       (sb->st_mode & (S_IWOTH | S_IWGRP)) != 0;
}

/* Take the next component off the rest; NULL: there is none. Caller frees. */
static char *
next_component(Walk *walk)
{
	const char *start = walk->rest + strspn(walk->rest, "/");
	size_t len = strcspn(start, "/");
	if (len == 0)
		return NULL;

	char *component = g_strndup(start, len);
	char *rest = g_strdup(start + len);
	g_free(walk->rest);
	walk->rest = rest;

	return component;
}

static bool
stand_at_root(Walk *walk, Status *st)
{
	fs_close_auto(&walk->folder);
	walk->is_sticky = false;
	g_string_truncate(walk->at, 0);
	walk->folder = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return walk->folder >= 0 || status_fail_errno(st, errno, "cannot open folder '/'");
}

/* The text of root's own link takes the place of its name. */
static bool
resolve_link(Walk *walk, int link, const char *path, Status *st)
{
	char target[PATH_MAX];
	ssize_t len = readlinkat(link, "", target, sizeof target);

	if (len < 0 || (size_t) len >= sizeof target)
		return status_fail_errno(st, len < 0 ? errno : ENAMETOOLONG,
		                         "cannot read link '%s'", path);
	if (++walk->links > LIMIT_OWNER_LINKS)
		return status_fail_detail(st, STATUS_CONFIG,
		                          "'%s': more than %u links one behind the other", path,
		                          LIMIT_OWNER_LINKS);

	char *rest = g_strdup_printf("%.*s/%s", (int) len, target, walk->rest);
	g_free(walk->rest);
	walk->rest = rest;

	return target[0] != '/' || stand_at_root(walk, st);
}

static void
enter(Walk *walk, int *folder, const char *component, bool sticky)
{
	fs_close_auto(&walk->folder);
	walk->folder = fs_steal_fd(folder);
	walk->is_sticky = sticky;
	g_string_append_printf(walk->at, "/%s", component);
}

static void
answer(OwnerWalk *ret, OwnerAnswer said, const struct stat *sb, const char *path)
{
	*ret = (OwnerWalk){ said, sb != NULL ? sb->st_uid : 0, sb != NULL ? sb->st_gid : 0,
		            g_strdup(path) };
}

/* One component. *ret_done: the walk is over, and `ret` says how. */
static bool
step(Walk *walk, const char *component, OwnerWalk *ret, bool *ret_done, Status *st)
{
	g_autofree char *path = g_strdup_printf("%s/%s", walk->at->str, component);
	auto_fd int entry = openat(walk->folder, component, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat sb;

	*ret_done = true;
	if (entry < 0 && errno == ENOENT) {
		answer(ret, OWNER_MISSING, NULL, path);
		return true;
	}

	if (entry < 0 || fstat(entry, &sb) < 0)
		return status_fail_errno(st, errno, "cannot look for '%s'", path);

	if (S_ISLNK(sb.st_mode)) {
		/*
		 * A link of root's may have been moved here by whoever owns the folder where root
		 * made it.
		 */
		if (walk->is_sticky)
			return status_fail_detail(st, STATUS_CONFIG,
			                          "'%s' is a link in a folder that others write to",
			                          path);
		*ret_done = sb.st_uid != 0;
		if (sb.st_uid == 0)
			return resolve_link(walk, entry, path, st);
	} else if (!S_ISDIR(sb.st_mode)) {
		return status_fail_errno(st, ENOTDIR, "cannot open folder '%s'", path);
	} else if (owner_is_root_alone(&sb) || is_sticky(&sb)) {
		enter(walk, &entry, component, is_sticky(&sb));
		*ret_done = false;
		return true;
	}

	answer(ret, OWNER_FOUND, &sb, path);
	return true;
}

/*
 * ".." of a link of root's, or of a setting: the folder above is one that was judged already, or
 * root's link leads there.
 */
static bool
go_up(Walk *walk, Status *st)
{
	auto_fd int parent = openat(walk->folder, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat sb;
	if (parent < 0 || fstat(parent, &sb) < 0)
		return status_fail_errno(st, errno, "cannot open folder '%s/..'", walk->at->str);

	const char *slash = strrchr(walk->at->str, '/');
	g_string_truncate(walk->at, slash != NULL ? (gsize) (slash - walk->at->str) : 0);
	fs_close_auto(&walk->folder);
	walk->folder = fs_steal_fd(&parent);
	walk->is_sticky = is_sticky(&sb);

	return true;
}

static bool
walk_all(Walk *walk, OwnerWalk *ret, Status *st)
{
	bool done = false;

	while (!done) {
		g_autofree char *component = next_component(walk);
		bool good = true;

		if (component == NULL) {
			answer(ret, OWNER_ROOT, NULL, walk->at->len > 0 ? walk->at->str : "/");
			return true;
		}
		if (strcmp(component, "..") == 0)
			good = go_up(walk, st);
		else if (strcmp(component, ".") != 0)
			good = step(walk, component, ret, &done, st);
		if (!good)
			return false;
	}

	return true;
}

bool
owner_walk(const char *path, OwnerWalk *ret, Status *st)
{
	if (*path != '/')
		return status_fail_detail(st, STATUS_CONFIG, "'%s' is not an absolute path", path);

	g_autoptr(GString) at = g_string_new(NULL);
	Walk walk = { .folder = -1, .at = at, .rest = g_strdup(path) };
	bool walked = stand_at_root(&walk, st) && walk_all(&walk, ret, st);

	fs_close_auto(&walk.folder);
	g_free(walk.rest);
	return walked;
}

/* SPDX-License-Identifier: MIT */
/*
 * id-cache: read as a whole, written in place as formail does: it keeps the file open while it
 * works.
 */
#define _GNU_SOURCE
#include "agent/state/id-cache.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/store/dotlock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

IdCacheEntry *
id_cache_entry_new(const char *path, size_t max, const char *id, const char *lock)
{
	IdCacheEntry *entry = g_new(IdCacheEntry, 1);
	*entry = (IdCacheEntry){ g_strdup(path), max, g_strdup(id), g_strdup(lock) };
	return entry;
}

void
id_cache_entry_free(IdCacheEntry *entry)
{
	if (entry == NULL)
		return;
	g_free(entry->path);
	g_free(entry->id);
	g_free(entry->lock);
	g_free(entry);
}

/* Look through the file; *ret_end is where the next id belongs. */
static bool
find(const IdCacheEntry *entry, const char *data, size_t len, size_t *ret_end)
{
	size_t id_len = strlen(entry->id), end = 0;
	bool has_end = false, is_rest = false;

	for (size_t at = 0; at < len && at < entry->max;) {
		const char *nul = memchr(data + at, '\0', len - at);
		if (nul == NULL)
			break;
		size_t found = (size_t) (nul - data) - at;
		if (!is_rest && found == id_len && memcmp(data + at, entry->id, id_len) == 0)
			return true;
		bool is_end = !is_rest && !has_end && found == 0;
		if (is_end)
			end = at;
		has_end = has_end || is_end;
		is_rest = is_end;
		at += found + 1;
	}

	*ret_end = end;
	return false;
}

static bool
read_cache(const IdCacheEntry *entry, char **ret_data, size_t *ret_len, Status *st)
{
	struct stat sb = { 0 };
	bool is_there = lstat(entry->path, &sb) == 0 || errno != ENOENT;

	if (is_there && S_ISLNK(sb.st_mode)) /* where others may write, it is anybody's */
		return status_fail_detail(st, STATUS_MAILBOX, "'%s' is a symbolic link",
		                          entry->path);
	if (is_there)
		return fs_read_file(AT_FDCWD, entry->path, LIMIT_SMALL_FILE, ret_data, ret_len, st);

	*ret_data = g_strdup("");
	*ret_len = 0;
	return true;
}

bool
id_cache_has(const IdCacheEntry *entry, bool *ret_has, Status *st)
{
	g_autofree char *data = NULL;
	size_t len = 0, end;
	if (!read_cache(entry, &data, &len, st))
		return false;

	*ret_has = find(entry, data, len, &end);
	return true;
}

/* Others hold it for the moment of a write. */
static bool
lock_file(int fd, const char *path, Status *st)
{
	enum { TRIES = 50, STEP_US = 10000 };
	for (unsigned i = 0; i < TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		g_usleep(STEP_US);
	}

	return status_fail_locked(st, path);
}

static bool
write_id(const IdCacheEntry *entry, int fd, size_t end, Status *st)
{
	size_t len = strlen(entry->id) + 2;
	g_autofree char *octets = g_malloc0(len);

	memcpy(octets, entry->id, len - 2);
	if (lseek(fd, (off_t) end, SEEK_SET) < 0)
		return status_fail_errno(st, errno, "cannot write '%s'", entry->path);

	return fs_write_all(fd, octets, len, entry->path, st);
}

bool
id_cache_add(const IdCacheEntry *entry, Status *st)
{
	const DotlockPatience patience = { LIMIT_LOCK_WAIT_MS, LIMIT_LOCK_STALE_S };
	g_auto(Status) busy = STATUS_INIT;
	g_autoptr(Dotlock) lock = entry->lock != NULL ? dotlock_take(entry->lock, &patience, &busy)
	                                              : NULL;
	auto_fd int fd = open(entry->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW,
	                      0600);

	if (fd < 0)
		return status_fail_errno(st, errno, "cannot open '%s'", entry->path);
	g_autofree char *data = NULL;
	size_t len = 0, end;
	if (!lock_file(fd, entry->path, st) || !read_cache(entry, &data, &len, st))
		return false;

	return find(entry, data, len, &end) || write_id(entry, fd, end, st);
}

/* SPDX-License-Identifier: MIT */
/* dotlock: the lock file is the new file. */
#define _GNU_SOURCE
#include "agent/store/dotlock.h"

#include "agent/base/deadline.h"
#include "agent/base/fs.h"
#include "agent/base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Take away the lock of a program that died: Dovecot renews a lock that it holds for long. */
static void
remove_stale(int dirfd, const char *lock, unsigned stale_s)
{
	struct stat sb;
	if (stale_s > 0 && fstatat(dirfd, lock, &sb, AT_SYMLINK_NOFOLLOW) == 0 &&
	    sb.st_mtime + (time_t) stale_s < time(NULL))
		(void) unlinkat(dirfd, lock, 0); /* if it cannot go, waiting ends soon */
}

static bool
open_lock(int dirfd, const char *lock, const DotlockPatience *patience, int *ret_fd, Status *st)
{
	for (unsigned waited = 0; waited <= patience->wait_ms; waited += DOTLOCK_STEP_MS) {
		int fd = openat(dirfd, lock, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		                0666);
		if (fd >= 0) {
			*ret_fd = fd;
			return true;
		}
		if (errno != EEXIST && errno != EINTR)
			return status_fail_errno(st, errno, "cannot make '%s'", lock);
		if (waited == 0)
			remove_stale(dirfd, lock, patience->stale_s);
		else
			g_usleep(DOTLOCK_STEP_MS * 1000);
	}
	return status_fail_locked(st, lock);
}

/* Contents and mode of the old file; a missing one is empty. */
static bool
read_old(int dirfd, const char *name, int lock_fd, char **ret_data, size_t *ret_len, Status *st)
{
	struct stat sb;

	if (fstatat(dirfd, name, &sb, 0) < 0) {
		if (errno != ENOENT)
			return status_fail_errno(st, errno, "cannot look at '%s'", name);
		*ret_data = g_strdup("");
		*ret_len = 0;
		return true;
	}

	(void) fchmod(lock_fd, sb.st_mode & 0777); /* ours by umask is safe, only narrower */
	g_autofree char *data = NULL;
	size_t len;
	if (!fs_read_file(dirfd, name, LIMIT_SMALL_FILE, &data, &len, st))
		return false;
	/* As a power cut leaves it. An edit sees a string, and would drop what is behind. */
	if (memchr(data, '\0', len) != NULL)
		return status_fail_detail(st, STATUS_IO, "'%s' is damaged: it has a NUL octet",
		                          name);

	*ret_data = g_steal_pointer(&data);
	*ret_len = len;
	return true;
}

static bool
replace(int dirfd, const char *name, const char *lock, int *fd, const char *data, Status *st)
{
	if (!fs_write_all(*fd, data, strlen(data), lock, st) || !fs_sync(*fd, lock, st) ||
	    !fs_close(fd, lock, st))
		return false;
	if (renameat(dirfd, lock, dirfd, name) == 0)
		return true;
	if (errno != ENOENT)
		return status_fail_errno(st, errno, "cannot replace '%s'", name);
	return status_fail_detail(st, STATUS_LOCKED, "another program took '%s' away from us",
	                          lock);
}

static bool
edit_with_patience(int dirfd, const char *name, const DotlockPatience *patience, DotlockEdit *edit,
                   void *user, Status *st)
{
	g_autofree char *lock = g_strconcat(name, ".lock", NULL);
	auto_fd int fd = -1;

	if (!open_lock(dirfd, lock, patience, &fd, st))
		return false;
	DeadlineFile guard = { .dirfd = dirfd, .name = lock };
	deadline_add_file(&guard); /* not before: until now the lock may have been another's */

	g_autofree char *old = NULL, *new = NULL;
	size_t len = 0;
	bool done = read_old(dirfd, name, fd, &old, &len, st);
	if (done)
		new = edit(old, len, user);

	bool replaced = done && new != NULL &&replace(dirfd, name, lock, &fd, new, st);
	if (!replaced)
		/* if it stays, others find it stale in two minutes */
		(void) unlinkat(dirfd, lock, 0);
	deadline_drop_file(&guard);

	return done && (new == NULL || replaced);
}

bool
dotlock_edit(int dirfd, const char *name, DotlockEdit *edit, void *user, Status *st)
{
	const DotlockPatience patience = { LIMIT_LOCK_WAIT_MS, LIMIT_LOCK_STALE_S };
	return edit_with_patience(dirfd, name, &patience, edit, user, st);
}

/* Who compares times in seconds would take a second change within one for none. */
static void
let_time_grow(int dirfd, const char *name, time_t before)
{
	struct stat sb;
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = before + 1 } };
	if (fstatat(dirfd, name, &sb, AT_SYMLINK_NOFOLLOW) == 0 && sb.st_mtime <= before)
		(void) utimensat(dirfd, name, times, AT_SYMLINK_NOFOLLOW);
}

bool
dotlock_try_edit_under(int dirfd, const char *guard, const char *name, DotlockEdit *edit,
                       void *user, Status *st)
{
	g_autofree char *outer = g_strconcat(guard, ".lock", NULL);
	const DotlockPatience patience = { 0, LIMIT_LOCK_STALE_S };
	auto_fd int fd = -1;
	struct stat before;

	if (!open_lock(dirfd, outer, &patience, &fd, st))
		return false;
	DeadlineFile file = { .dirfd = dirfd, .name = outer };
	deadline_add_file(&file);

	bool was_there = fstatat(dirfd, name, &before, AT_SYMLINK_NOFOLLOW) == 0;
	bool done = edit_with_patience(dirfd, name, &patience, edit, user, st);
	if (done && was_there)
		let_time_grow(dirfd, name, before.st_mtime);

	(void) unlinkat(dirfd, outer, 0); /* if it stays, others find it stale in two minutes */
	deadline_drop_file(&file);
	return done;
}

struct Dotlock {
	Dotlock *next; /* in the list of those that are held */
	unsigned holders;
	char *path;
	dev_t device;
	ino_t inode;
	DeadlineFile guard;
};

static Dotlock *held;

/* The lock file that we hold under this name or another; NULL: it is not ours. */
static Dotlock *
find_held(const char *path)
{
	struct stat sb;
	if (held == NULL || lstat(path, &sb) < 0)
		return NULL;

	for (Dotlock *lock = held; lock != NULL; lock = lock->next)
		if (lock->device == sb.st_dev && lock->inode == sb.st_ino)
			return lock;
	return NULL;
}

static void
forget(const Dotlock *lock)
{
	Dotlock **at = &held;
	while (*at != lock)
		at = &(*at)->next;
	*at = lock->next;
}

Dotlock *
dotlock_take(const char *path, const DotlockPatience *patience, Status *st)
{
	auto_fd int fd = -1;
	struct stat sb;
	Dotlock *ours = find_held(path);

	if (ours != NULL) {
		ours->holders++;
		return ours;
	}

	deadline_waiting_for("waiting for a lock");
	if (!open_lock(AT_FDCWD, path, patience, &fd, st))
		return NULL;

	Dotlock *lock = g_new0(Dotlock, 1);
	lock->holders = 1;
	lock->next = held;
	held = lock;
	lock->path = g_strdup(path);

	if (fstat(fd, &sb) == 0) {
		lock->device = sb.st_dev;
		lock->inode = sb.st_ino;
	}

	lock->guard = (DeadlineFile){ .dirfd = AT_FDCWD, .name = lock->path };
	deadline_add_file(&lock->guard);
	return lock;
}

void
dotlock_release(Dotlock *lock)
{
	struct stat sb;
	if (lock == NULL || --lock->holders > 0)
		return;

	forget(lock);
	if (lstat(lock->path, &sb) == 0 && sb.st_dev == lock->device && sb.st_ino == lock->inode)
		(void) unlink(lock->path); /* one that stays is found stale by the next */
	deadline_drop_file(&lock->guard);
	g_free(lock->path);
	g_free(lock);
}

/* SPDX-License-Identifier: MIT */
/* try-lock: see the header. */
#define _GNU_SOURCE
#include "agent/state/try-lock.h"

#include "agent/base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct TryLock {
	char *path;
	int fd;
};

enum { ASK_AGAIN_MS = 50 };

typedef enum { LOCKED, HELD, GONE, FAILED } Outcome;

/*
 * The file that was locked may have been removed by the try that held it: then it guards nothing.
 */
static Outcome
lock_once(const char *path, int *ret_fd, Status *st)
{
	auto_fd int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	struct stat ours, there;

	if (fd < 0) {
		status_fail_errno(st, errno, "cannot open '%s'", path);
		return FAILED;
	}

	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return HELD;
		status_fail_errno(st, errno, "cannot lock '%s'", path);
		return FAILED;
	}

	if (fstat(fd, &ours) < 0 || lstat(path, &there) < 0 || ours.st_ino != there.st_ino ||
	    ours.st_dev != there.st_dev)
		return GONE;
	*ret_fd = fs_steal_fd(&fd);
	return LOCKED;
}

TryLock *
try_lock_take(const char *folder, const char *key, unsigned patience_ms, Status *st)
{
	g_autofree char *name = g_strdup_printf("try.%.32s", key),
			*path = g_build_filename(folder, name, NULL);
	gint64 ends = g_get_monotonic_time() + (gint64) patience_ms * 1000;

	for (;;) {
		int fd = -1;
		Outcome outcome = lock_once(path, &fd, st);
		if (outcome == LOCKED) {
			TryLock *lock = g_new(TryLock, 1);
			*lock = (TryLock){ g_steal_pointer(&path), fd };
			return lock;
		}
		if (outcome == FAILED)
			return NULL;
		if (g_get_monotonic_time() >= ends)
			break;
		if (outcome == HELD)
			g_usleep(ASK_AGAIN_MS * 1000);
	}

	status_fail(st, STATUS_BUSY, "an earlier try of this message is still at work");
	return NULL;
}

void
try_lock_free(TryLock *lock)
{
	if (lock == NULL)
		return;
	(void) unlink(lock->path); /* while it is locked: who waits for it sees that it is gone */
	(void) close(lock->fd);
	g_free(lock->path);
	g_free(lock);
}

/* SPDX-License-Identifier: MIT */
/* calls: each stand-in looks for an order before it goes on to libc. */
#define _GNU_SOURCE
#include "tests/lib/calls.h"

#include <assert.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { ORDERS = 4 };

typedef struct {
	const char *name, *part;
	unsigned number, seen;
	int err;
	bool is_lost;
	void (*then)(void); /* NULL: the call fails */
} Order;

static Order orders[ORDERS];
static unsigned order_count, met;
static bool is_away; /* what runs is the test's own */

static void
add(const Order *order)
{
	assert(order_count < ORDERS);
	orders[order_count++] = *order;
}

void
calls_break(const char *name, const char *part, unsigned number, int err)
{
	add(&(Order){ .name = name, .part = part, .number = number, .err = err });
}

void
calls_lose(const char *name, const char *part, unsigned number, int err)
{
	add(&(Order){ .name = name, .part = part, .number = number, .err = err, .is_lost = true });
}

void
calls_meet(const char *name, const char *part, unsigned number, void (*then)(void))
{
	add(&(Order){ .name = name, .part = part, .number = number, .then = then });
}

unsigned
calls_end(void)
{
	unsigned before = met;
	order_count = met = 0;
	return before;
}

unsigned
calls_open_descriptors(void)
{
	unsigned count = 0;
	bool was_away = is_away;
	is_away = true;
	DIR *fds = opendir("/proc/self/fd");
	assert(fds != NULL);
	while (readdir(fds) != NULL)
		count++;
	(void) closedir(fds);
	is_away = was_away;
	return count - 3; /* ".", ".." and the folder's own */
}

/* Is this call one that the order is for? */
static bool
is_for(Order *order, const char *name, const char *path)
{
	if (strcmp(order->name, name) != 0 ||
	    (order->part != NULL && (path == NULL || strstr(path, order->part) == NULL)))
		return false;
	order->seen++;
	return order->number == CALLS_EACH || order->seen == order->number;
}

/* How the call fails; NULL: it does not. */
static const Order *
next_call(const char *name, const char *path)
{
	const Order *failure = NULL;
	for (unsigned i = 0; !is_away && i < order_count; i++) {
		if (!is_for(&orders[i], name, path))
			continue;
		met++;
		if (orders[i].then == NULL) {
			failure = &orders[i];
			continue;
		}
		is_away = true;
		orders[i].then();
		is_away = false;
	}

	return failure;
}

#define REAL(name) ((__typeof__(&name)) dlsym(RTLD_NEXT, #name))

/* The call, or its failure; `args` in parentheses, `path` NULL where it has none. */
#define CALL(type, failure, name, path, args) \
	const Order *order = next_call(#name, path); \
	type result = order == NULL || order->is_lost ? REAL(name) args : (failure); \
	errno = order != NULL ? order->err : errno; \
	return order != NULL ? (failure) : result

/* A file that may be made has a mode. */
#define MODE_OF(flags) \
	mode_t mode = 0; \
	if (((flags) &O_CREAT) != 0) { \
		va_list ap; \
		va_start(ap, flags); \
		mode = va_arg(ap, mode_t); \
		va_end(ap); \
	}

int
openat(int dirfd, const char *path, int flags, ...)
{
	MODE_OF(flags)
	CALL(int, -1, openat, path, (dirfd, path, flags, mode));
}

int
open(const char *path, int flags, ...)
{
	MODE_OF(flags)
	CALL(int, -1, open, path, (path, flags, mode));
}

int
stat(const char *path, struct stat *ret_info)
{
	CALL(int, -1, stat, path, (path, ret_info));
}

int
lstat(const char *path, struct stat *ret_info)
{
	CALL(int, -1, lstat, path, (path, ret_info));
}

int
fstatat(int dirfd, const char *path, struct stat *ret_info, int flags)
{
	CALL(int, -1, fstatat, path, (dirfd, path, ret_info, flags));
}

int
fstat(int fd, struct stat *ret_info)
{
	CALL(int, -1, fstat, NULL, (fd, ret_info));
}

int
faccessat(int dirfd, const char *path, int mode, int flags)
{
	CALL(int, -1, faccessat, path, (dirfd, path, mode, flags));
}

int
mkdirat(int dirfd, const char *path, mode_t mode)
{
	CALL(int, -1, mkdirat, path, (dirfd, path, mode));
}

int
link(const char *from, const char *to)
{
	CALL(int, -1, link, to, (from, to));
}

int
linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
	CALL(int, -1, linkat, to, (from_dir, from, to_dir, to, flags));
}

int
symlinkat(const char *target, int dirfd, const char *path)
{
	CALL(int, -1, symlinkat, path, (target, dirfd, path));
}

int
renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	CALL(int, -1, renameat, to, (from_dir, from, to_dir, to));
}

int
renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	CALL(int, -1, renameat2, to, (from_dir, from, to_dir, to, flags));
}

int
rename(const char *from, const char *to)
{
	CALL(int, -1, rename, to, (from, to));
}

int
unlink(const char *path)
{
	CALL(int, -1, unlink, path, (path));
}

int
unlinkat(int dirfd, const char *path, int flags)
{
	CALL(int, -1, unlinkat, path, (dirfd, path, flags));
}

ssize_t
readlinkat(int dirfd, const char *restrict path, char *restrict text, size_t len)
{
	CALL(ssize_t, -1, readlinkat, path, (dirfd, path, text, len));
}

ssize_t
pread(int fd, void *data, size_t len, off_t offset)
{
	CALL(ssize_t, -1, pread, NULL, (fd, data, len, offset));
}

ssize_t
read(int fd, void *data, size_t len)
{
	CALL(ssize_t, -1, read, NULL, (fd, data, len));
}

ssize_t
write(int fd, const void *data, size_t len)
{
	CALL(ssize_t, -1, write, NULL, (fd, data, len));
}

ssize_t
writev(int fd, const struct iovec *parts, int count)
{
	CALL(ssize_t, -1, writev, NULL, (fd, parts, count));
}

ssize_t
copy_file_range(int from, off64_t *from_at, int to, off64_t *to_at, size_t len, unsigned flags)
{
	CALL(ssize_t, -1, copy_file_range, NULL, (from, from_at, to, to_at, len, flags));
}

ssize_t
sendfile(int to, int from, off_t *at, size_t len)
{
	CALL(ssize_t, -1, sendfile, NULL, (to, from, at, len));
}

ssize_t
pwrite(int fd, const void *data, size_t len, off_t offset)
{
	CALL(ssize_t, -1, pwrite, NULL, (fd, data, len, offset));
}

int
close(int fd)
{
	CALL(int, -1, close, NULL, (fd));
}

int
fcntl(int fd, int command, ...)
{
	va_list ap;
	va_start(ap, command);
	void *arg = va_arg(ap, void *);
	va_end(ap);
	CALL(int, -1, fcntl, NULL, (fd, command, arg));
}

int
flock(int fd, int operation)
{
	CALL(int, -1, flock, NULL, (fd, operation));
}

int
dup(int fd)
{
	CALL(int, -1, dup, NULL, (fd));
}

int
memfd_create(const char *name, unsigned flags)
{
	CALL(int, -1, memfd_create, name, (name, flags));
}

int
fallocate(int fd, int mode, off_t offset, off_t len)
{
	CALL(int, -1, fallocate, NULL, (fd, mode, offset, len));
}

DIR *
opendir(const char *path)
{
	CALL(DIR *, NULL, opendir, path, (path));
}

DIR *
fdopendir(int fd)
{
	CALL(DIR *, NULL, fdopendir, NULL, (fd));
}

struct dirent *
readdir(DIR *dir)
{
	CALL(struct dirent *, NULL, readdir, NULL, (dir));
}

/* SPDX-License-Identifier: MIT */
/*
 * fs: write all, flush, make folders, copy: no short write and no unchecked close leaves this file.
 */
#define _GNU_SOURCE
#include "agent/base/fs.h"

#include "agent/base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <pthread.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

void
fs_close_auto(int *fd)
{
	if (*fd >= 0)
		/* reached only when the result no longer matters; who needs it calls fs_close */
		(void) close(*fd);
	*fd = -1;
}

int
fs_steal_fd(int *fd)
{
	int taken = *fd;
	*fd = -1;
	return taken;
}

bool
fs_exists(const char *path, Status *st)
{
	if (access(path, F_OK) == 0)
		return true;
	if (errno != ENOENT)
		status_fail_errno(st, errno, "cannot look for '%s'", path);
	return false;
}

/* The kernel copies a little at a time much faster: what it copies into stays in its cache. */
enum { WRITE_AT_ONCE = 128 * 1024 };

bool
fs_is_same_file(int dirfd, const char *name, int other_dirfd, const char *other)
{
	struct stat one, two;
	return fstatat(dirfd, name, &one, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstatat(other_dirfd, other, &two, AT_SYMLINK_NOFOLLOW) == 0 &&
	       one.st_dev == two.st_dev && one.st_ino == two.st_ino;
}

bool
fs_write_all(int fd, const void *data, size_t len, const char *what, Status *st)
{
	const char *next = data;
	while (len > 0) {
		ssize_t n = write(fd, next, MIN(len, WRITE_AT_ONCE));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return status_fail_errno(st, errno, "cannot write '%s'", what);
		next += n;
		len -= (size_t) n;
	}

	return true;
}

/* Pieces from `at` octets behind the first on, for one call. Returns their number. */
static int
gather(const FsPiece *pieces, size_t n, size_t at, struct iovec *parts, int most)
{
	size_t room = WRITE_AT_ONCE;
	int count = 0;

	for (size_t i = 0; i < n && count < most && room > 0; i++, at = 0) {
		size_t len = MIN(pieces[i].len - at, room);
		if (len == 0)
			continue;
		parts[count++] = (struct iovec){ (char *) (uintptr_t) pieces[i].data + at, len };
		room -= len;
	}

	return count;
}

bool
fs_write_pieces(int fd, const FsPiece *pieces, size_t n, const char *what, Status *st)
{
	enum { PARTS = 16 };
	struct iovec parts[PARTS];
	size_t at = 0; /* of the first piece */

	for (int count; (count = gather(pieces, n, at, parts, PARTS)) > 0;) {
		ssize_t written = writev(fd, parts, count);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return status_fail_errno(st, errno, "cannot write '%s'", what);

		at += (size_t) written;
		for (; n > 0 && at >= pieces->len; pieces++, n--)
			at -= pieces->len;
	}

	return true;
}

bool
fs_read(int fd, void *data, size_t len, size_t *ret_len, const char *what, Status *st)
{
	ssize_t n;

	while ((n = read(fd, data, len)) < 0) {
		/*
		 * Whoever shares the pipe may have made it non-blocking; the deadline ends a wait
		 * that is too long.
		 */
		struct pollfd input = { .fd = fd, .events = POLLIN };
		bool again = errno == EINTR ||
		             (errno == EAGAIN && (poll(&input, 1, -1) >= 0 || errno == EINTR));
		if (!again)
			return status_fail_errno(st, errno, "cannot read '%s'", what);
	}

	*ret_len = (size_t) n;
	return true;
}

bool
fs_read_at(int fd, off_t offset, void *data, size_t len, size_t *ret_len, const char *what,
           Status *st)
{
	ssize_t n;

	do
		n = pread(fd, data, len, offset);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return status_fail_errno(st, errno, "cannot read '%s'", what);

	*ret_len = (size_t) n;
	return true;
}

bool
fs_read_exactly_at(int fd, off_t offset, void *data, size_t len, const char *what, Status *st)
{
	for (size_t done = 0; done < len;) {
		size_t n = 0;
		if (!fs_read_at(fd, offset + (off_t) done, (char *) data + done, len - done, &n,
		                what, st))
			return false;
		if (n == 0)
			return status_fail_detail(st, STATUS_TRUNCATED,
			                          "'%s' became shorter while it was read", what);
		done += n;
	}
	return true;
}

bool
fs_sync(int fd, const char *what, Status *st)
{
	int rc;

	do
		rc = fsync(fd);
	while (rc < 0 && errno == EINTR);
	if (rc < 0 && errno != EINVAL)
		return status_fail_errno(st, errno, "cannot flush '%s'", what);

	return true;
}

bool
fs_close(int *fd, const char *what, Status *st)
{
	int rc = close(fs_steal_fd(fd));
	/* Linux has closed it even then: a second try might close somebody else's */
	if (rc < 0 && errno != EINTR)
		return status_fail_errno(st, errno, "cannot close '%s'", what);
	return true;
}

int
fs_open_null(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	return fd >= 0 ? fd : open("/", O_PATH | O_CLOEXEC);
}

bool
fs_open_regular(const char *path, const char *what, int *ret_fd, struct stat *ret_sb, Status *st)
{
	struct stat sb;
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &sb) < 0)
		return status_fail_errno(st, errno, "cannot open '%s'", path);
	if (!S_ISREG(sb.st_mode))
		return status_fail_detail(st, STATUS_IO, "'%s' is not %s", path, what);

	*ret_fd = fs_steal_fd(&fd);
	*ret_sb = sb;
	return true;
}

/* faccessat knows nothing of Landlock, nor of other modules of the kernel. */
const char *
fs_explain_denial(int err, int dirfd, const char *path)
{
	bool is_beyond_mode = err == EACCES && faccessat(dirfd, path, R_OK | X_OK, AT_EACCESS) == 0;
	return is_beyond_mode ? " (it is not in the box: sandbox_paths)" : "";
}

bool
fs_is_absence(int err)
{
	return err == ENOENT || err == ENOTDIR || err == ELOOP;
}

/* Why the folder could not be opened. */
static bool
fail_open_dir(int err, int dirfd, const char *path, Status *st)
{
	return status_fail_errno(st, err, "cannot open folder '%s'%s", path,
	                         fs_explain_denial(err, dirfd, path));
}

const struct dirent *
fs_next_entry(DIR *dir, int *ret_err)
{
	errno = 0;
	const struct dirent *entry = readdir(dir);
	*ret_err = entry == NULL ? errno : 0;
	return entry;
}

bool
fs_next_name(DIR *dir, const char **ret_name, const char *what, Status *st)
{
	int err;
	const struct dirent *entry = fs_next_entry(dir, &err);
	if (err != 0)
		return status_fail_errno(st, err, "cannot list '%s'", what);

	*ret_name = entry != NULL ? entry->d_name : NULL;
	return true;
}

bool
fs_open_dir(int dirfd, const char *path, int *ret_fd, Status *st)
{
	int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail_open_dir(errno, dirfd, path, st);
	*ret_fd = fd;
	return true;
}

/* Flush the folder that holds `path`, so that a new entry in it survives a power cut. */
static bool
sync_parent(int dirfd, const char *path, Status *st)
{
	g_autofree char *parent = g_path_get_dirname(path);
	auto_fd int fd = -1;
	return fs_open_dir(dirfd, parent, &fd, st) && fs_sync(fd, parent, st);
}

/*
 * Make one folder, its parents first, and flush each; `path` is cut at its slashes and mended
 * again.
 */
static bool
make_with_parents(int dirfd, char *path, mode_t mode, Status *st)
{
	int rc = mkdirat(dirfd, path, mode);
	char *slash = rc < 0 && errno == ENOENT ? strrchr(path, '/') : NULL;

	if (slash != NULL && slash != path) {
		*slash = '\0';
		bool made = make_with_parents(dirfd, path, mode, st);
		*slash = '/';
		if (!made)
			return false;
		rc = mkdirat(dirfd, path, mode);
	}

	if (rc < 0 && errno != EEXIST)
		return status_fail_errno(st, errno, "cannot make folder '%s'", path);
	if (sync_parent(dirfd, path, st))
		return true;

	/* a retry that finds it there would not flush it */
	if (rc == 0)
		(void) unlinkat(dirfd, path, AT_REMOVEDIR);
	return false;
}

bool
fs_make_dir(int dirfd, const char *path, mode_t mode, int *ret_fd, Status *st)
{
	int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno != ENOENT)
		return fail_open_dir(errno, dirfd, path, st);

	if (fd < 0) {
		g_autofree char *writable = g_strdup(path);
		if (!make_with_parents(dirfd, writable, mode, st))
			return false;
		return fs_open_dir(dirfd, path, ret_fd, st);
	}

	*ret_fd = fd;
	return true;
}

/* May an entry be made in the folder, and flushed? */
static bool
may_make_in(int dirfd, const char *folder, const char *path, Status *st)
{
	return faccessat(dirfd, folder, R_OK | W_OK | X_OK, AT_EACCESS) == 0 ||
	       status_fail_errno(st, errno, "cannot make folder '%s'", path);
}

bool
fs_may_make_dir(int dirfd, const char *path, Status *st)
{
	struct stat sb;
	g_autofree char *at = g_strdup(path);

	/* a link that leads nowhere */
	if (fstatat(dirfd, path, &sb, AT_SYMLINK_NOFOLLOW) == 0)
		return status_fail_errno(st, ENOENT, "cannot open folder '%s'", path);

	while (errno == ENOENT) {
		char *parent = g_path_get_dirname(at);
		bool is_end = strcmp(parent, at) == 0;
		g_free(at);
		at = parent;
		if (is_end || fstatat(dirfd, at, &sb, 0) == 0)
			return may_make_in(dirfd, at, path, st);
	}

	return status_fail_errno(st, errno, "cannot make folder '%s'", path);
}

/* The plain way, for file systems and pipes that the kernel cannot copy between. */
static bool
copy_by_hand(int from, off_t offset, off_t len, int to, const char *what, Status *st)
{
	g_autofree char *chunk = g_malloc(LIMIT_COPY_CHUNK);
	while (len != 0) {
		size_t want = len > 0 && len < (off_t) LIMIT_COPY_CHUNK ? (size_t) len
		                                                        : LIMIT_COPY_CHUNK;
		ssize_t n = pread(from, chunk, want, offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return status_fail_errno(st, errno, "cannot read '%s'", what);
		if (n == 0)
			return len < 0 ||
			       status_fail_detail(st, STATUS_TRUNCATED,
			                          "'%s' became shorter while it was copied", what);
		if (!fs_write_all(to, chunk, (size_t) n, what, st))
			return false;
		offset += n;
		if (len > 0)
			len -= n;
	}

	return true;
}

bool
fs_copy(int from, off_t offset, off_t len, int to, const char *what, Status *st)
{
	while (len != 0) {
		size_t want = len > 0 && len < (off_t) G_MAXINT ? (size_t) len : G_MAXINT;
		ssize_t n = sendfile(to, from, &offset, want);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EINVAL || errno == ENOSYS))
			return copy_by_hand(from, offset, len, to, what, st);
		if (n < 0)
			return status_fail_errno(st, errno, "cannot copy '%s'", what);
		if (n == 0)
			return len < 0 ||
			       status_fail_detail(st, STATUS_TRUNCATED,
			                          "'%s' became shorter while it was copied", what);
		if (len > 0)
			len -= n;
	}
	return true;
}

static bool
is_own_link(const char *path)
{
	struct stat sb;
	return lstat(path, &sb) == 0 && S_ISLNK(sb.st_mode) &&
	       (sb.st_uid == fs_own_euid() || sb.st_uid == 0);
}

/*
 * In a folder such as /tmp a file of somebody else waits for others' mail (Linux has
 * fs.protected_regular for it, not everywhere on).
 */
static bool
is_laid_out(const char *path, const struct stat *file)
{
	g_autofree char *folder = g_path_get_dirname(path);
	struct stat sb;
	return file->st_uid != fs_own_euid() && stat(folder, &sb) == 0 && (sb.st_mode & S_ISVTX) &&
	       (sb.st_mode & S_IWOTH) && file->st_uid != sb.st_uid;
}

static bool
open_append(const char *path, int create, mode_t mode, int *ret_fd, Status *st)
{
	const int flags = O_RDWR | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | create;
	auto_fd int fd = open(path, flags | O_NOFOLLOW, mode);

	if (fd < 0 && errno == ELOOP && is_own_link(path))
		fd = open(path, flags, mode);
	struct stat sb;
	if (fd < 0 || fstat(fd, &sb) < 0)
		return status_fail_errno(st, errno, "cannot open '%s'", path);
	if (!S_ISREG(sb.st_mode))
		return status_fail_detail(st, STATUS_MAILBOX, "'%s' is not a regular file", path);

	if (is_laid_out(path, &sb))
		return status_fail_errno(st, EACCES,
		                         "cannot trust '%s', which belongs to somebody else", path);
	*ret_fd = fs_steal_fd(&fd);
	return true;
}

bool
fs_open_append(const char *path, mode_t mode, int *ret_fd, Status *st)
{
	return open_append(path, O_CREAT, mode, ret_fd, st);
}

bool
fs_may_append(const char *path, Status *st)
{
	auto_fd int fd = -1;
	g_auto(Status) fault = STATUS_INIT;
	g_autofree char *folder = g_path_get_dirname(path);

	if (open_append(path, 0, 0, &fd, &fault))
		return true;
	if (fault.id != STATUS_MISSING) {
		status_move(st, &fault);
		return false;
	}

	return faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) == 0 ||
	       status_fail_errno(st, errno, "cannot open '%s'", path);
}

bool
fs_read_file(int dirfd, const char *path, size_t limit, char **ret_data, size_t *ret_len,
             Status *st)
{
	return fs_read_judged(dirfd, path, limit, NULL, NULL, ret_data, ret_len, st);
}

bool
fs_read_judged(int dirfd, const char *path, size_t limit, FsJudge *judge, const void *user,
               char **ret_data, size_t *ret_len, Status *st)
{
	auto_fd int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat sb;
	if (fd < 0 || fstat(fd, &sb) < 0)
		return status_fail_errno(st, errno, "cannot open '%s'", path);
	if (!S_ISREG(sb.st_mode))
		return status_fail_detail(st, STATUS_MISSING, "'%s' is not a regular file", path);

	g_autofree char *why = judge != NULL ? judge(&sb, user) : NULL;
	if (why != NULL)
		return status_fail_detail(st, STATUS_UNTRUSTED, "%s", why);

	if ((size_t) sb.st_size > limit)
		return status_fail_detail(st, STATUS_LIMIT, "'%s' has more than %zu bytes", path,
		                          limit);
	size_t size = (size_t) sb.st_size, len = 0, n = 1;
	g_autofree char *data = g_malloc(size + 1);
	while (len < size && n > 0) {
		if (!fs_read(fd, data + len, size - len, &n, path, st))
			return false;
		len += n;
	}

	data[len] = '\0';
	*ret_data = g_steal_pointer(&data);
	*ret_len = len;

	return true;
}

static int
remove_one(const char *path, const struct stat *sb, int type, struct FTW *walk)
{
	(void) sb;
	(void) type;
	(void) walk;
	(void) remove(path); /* a leftover in the folder for temporary files is no harm */
	return 0;
}

void
fs_remove_tree(const char *path)
{
	enum { OPEN_AT_ONCE = 16 };
	(void) nftw(path, remove_one, OPEN_AT_ONCE, FTW_DEPTH | FTW_PHYS);
}

static pid_t own_pid;

static void
forget_pid(void)
{
	own_pid = 0;
}

pid_t
fs_own_pid(void)
{
	static bool is_watched;

	if (own_pid == 0)
		own_pid = getpid();
	if (!is_watched) /* without it the children would believe to be us */
		is_watched = pthread_atfork(NULL, NULL, forget_pid) == 0;
	return is_watched ? own_pid : getpid();
}

uid_t
fs_own_euid(void)
{
	uid_t began = (uid_t) getauxval(AT_EUID);
	return began != 0 ? began : geteuid();
}

gid_t
fs_own_egid(void)
{
	return getauxval(AT_EUID) != 0 ? (gid_t) getauxval(AT_EGID) : getegid();
}

void
fs_set_umask(mode_t mask)
{
	static mode_t mask_now = (mode_t) -1;
	if (mask_now != mask)
		(void) umask(mask);
	mask_now = mask;
}

/* g_get_host_name() wakes threads that wait for it, of which there are none. */
const char *
fs_host_name(void)
{
	static char name[HOST_NAME_MAX + 1];
	if (name[0] == '\0' && (gethostname(name, sizeof name) < 0 || name[0] == '\0'))
		g_strlcpy(name, "localhost", sizeof name);
	name[sizeof name - 1] = '\0';
	return name;
}

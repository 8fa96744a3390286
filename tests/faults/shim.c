/* SPDX-License-Identifier: MIT */
/*
 * shim: preloaded into a delivery, makes one of its file calls go wrong.
 *
 * TODOKE_FAULT="N:WHAT": the N-th call (from 1) of those below fails with the errno of that number,
 * or for WHAT=kill the process is killed in front of it, for WHAT=killall its parent too, for
 * WHAT=hang it waits for ever there, or for WHAT=short a write does only half. TODOKE_FAULT_ONCE
 * names a file that is made then; nothing happens where it is there already. A process that is
 * forked counts on from its parent's number, unless TODOKE_FAULT_FORKED is set: then only forked
 * ones count, from 1. TODOKE_FAULT_ALWAYS="renameat2:38,linkat:18" makes every such call fail;
 * TODOKE_FAULT_LOST="linkat:17" makes every such call fail after it is done.
 * TODOKE_FAULT_BEHIND="renameat2:3" kills the process at its next call behind the third of that
 * name. TODOKE_FAULT_PATH="/Work:5" makes every call fail that looks for or opens a path with that
 * part (several: by commas). TODOKE_FAULT_LOG names a file that gets one line a call ("3 write"),
 * so that the driver knows how many there are. TODOKE_FAULT_HANG="/stuck" stops the process for
 * ever when it opens a path with that part, as a dead NFS server does. A close that fails has
 * closed all the same, as Linux does it. TODOKE_FAULT_NFS="/mail" makes every path with that part
 * lie on NFS, as far as statfs tells. Paths of the system (/etc, /usr ...) and descriptors 1 and
 * 2 are left alone.
 *
 * A program without shared libraries has it linked in (SHIM_STATIC).
 */
#define _GNU_SOURCE
#include "tests/lib/open-mode.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

static long counter;

static long log_fd = -1;

/* Before the process enters its box, in which there is no such file; out of the way of others. */
__attribute__((constructor)) static void
open_log(void)
{
	enum { HIGH = 250 };
	const char *path = getenv("TODOKE_FAULT_LOG");
	if (path == NULL)
		return;

	long fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
	                  0600);
	if (fd < 0)
		return;
	log_fd = syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, HIGH);
	syscall(SYS_close, fd);
}

/* Written by system call: the log must not be counted. */
static void
note(const char *name)
{
	char line[64];
	int len = snprintf(line, sizeof line, "%ld %s\n", counter, name);
	if (log_fd >= 0)
		syscall(SYS_write, log_fd, line, len);
}

typedef enum { GO_ON, FAIL, SHORT } Verdict;

/* Has it happened in another process already? */
static int
is_over(void)
{
	const char *path = getenv("TODOKE_FAULT_ONCE");
	if (path == NULL)
		return 0;

	long fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
	                  0600);
	if (fd >= 0)
		syscall(SYS_close, fd);
	return fd < 0;
}

/* Die, with whoever else shall; or wait for a signal that ends it. */
static void
end(const char *what)
{
	if (strcmp(what, "killall") == 0)
		kill(getppid(), SIGKILL);
	if (strncmp(what, "kill", 4) == 0)
		kill(getpid(), SIGKILL);
	while (strcmp(what, "hang") == 0)
		pause();
}

/* Count this call; a fork may begin anew. */
static void
count(void)
{
	static pid_t first, last;
	pid_t pid = getpid();

	first = first == 0 ? pid : first;
	if (getenv("TODOKE_FAULT_FORKED") != NULL && pid != last)
		counter = 0;
	last = pid;
	counter += getenv("TODOKE_FAULT_FORKED") == NULL || pid != first;
}

/* The errno that a list in this variable has for that name; 0: none. */
static int
errno_of(const char *variable, const char *name)
{
	const char *list = getenv(variable);
	size_t len = strlen(name);

	for (const char *at = list; at != NULL && (at = strstr(at, name)) != NULL; at += len)
		if ((at == list || at[-1] == ',') && at[len] == ':')
			return atoi(at + len + 1);
	return 0;
}

/* The errno that this path fails with; 0: none. */
static int
path_fault(const char *path)
{
	const char *list = getenv("TODOKE_FAULT_PATH");
	while (list != NULL && *list != '\0') {
		size_t len = strcspn(list, ":"), rest = strcspn(list, ",");
		char part[256];
		snprintf(part, sizeof part, "%.*s", (int) len, list);
		if (len < rest && strstr(path, part) != NULL)
			return atoi(list + len + 1);
		list += rest + (list[rest] == ',');
	}

	return 0;
}

/*
 * Die where as many calls of a name as TODOKE_FAULT_BEHIND says lie behind us. The numbers of other
 * calls differ from run to run.
 */
static void
end_behind(const char *name)
{
	static long seen;
	const char *behind = getenv("TODOKE_FAULT_BEHIND");
	size_t len = strlen(name);
	const char *most = behind != NULL ? strchr(behind, ':') : NULL;

	if (most == NULL)
		return;
	if (seen >= atol(most + 1))
		end("kill");
	seen += (size_t) (most - behind) == len && strncmp(behind, name, len) == 0;
}

/* What shall become of this call? */
static Verdict
next_call(const char *name)
{
	count();
	note(name);
	end_behind(name);

	const char *fault = getenv("TODOKE_FAULT");
	char *what = NULL;
	if (fault == NULL || strtol(fault, &what, 10) != counter || *what != ':') {
		errno = errno_of("TODOKE_FAULT_ALWAYS", name);
		return errno != 0 ? FAIL : GO_ON;
	}

	what++;
	if (is_over())
		return GO_ON;

	end(what);
	if (strcmp(what, "short") == 0)
		return SHORT;

	errno = atoi(what);
	return FAIL;
}

/*
 * Paths of the loader, the C library and devices are not the delivery's, nor is the installed
 * configuration, wherever it is.
 */
static int
is_system(const char *path)
{
	const char *name = strrchr(path, '/');
	if (name != NULL && strcmp(name, "/todoke.conf") == 0)
		return 1;

	static const char *const prefixes[] = { "/proc/",   "/sys/", "/dev/null", "/dev/urandom",
		                                "/dev/log", "/etc/", "/usr/",     "/lib" };
	for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
		if (strncmp(path, prefixes[i], strlen(prefixes[i])) == 0)
			return 1;
	return 0;
}

/* Does a dead server hold this path? */
static void
hang(const char *path)
{
	const char *part = getenv("TODOKE_FAULT_HANG");
	while (part != NULL && strstr(path, part) != NULL)
		(void) raise(SIGSTOP);
}

#ifndef SHIM_STATIC
#define REAL(name) ((__typeof__(&name)) dlsym(RTLD_NEXT, #name))
#else
/* There is no next one: the kernel is asked. */
#define REAL(name) real_##name
#define real_openat(...) ((int) syscall(SYS_openat, __VA_ARGS__))
#define real_open(...) ((int) syscall(SYS_openat, AT_FDCWD, __VA_ARGS__))
#define real_write(...) syscall(SYS_write, __VA_ARGS__)
#define real_writev(...) syscall(SYS_writev, __VA_ARGS__)
#define real_close(...) ((int) syscall(SYS_close, __VA_ARGS__))
#define real_fcntl(...) ((int) syscall(SYS_fcntl, __VA_ARGS__))
#define real_fsync(...) ((int) syscall(SYS_fsync, __VA_ARGS__))
#define real_fdatasync(...) ((int) syscall(SYS_fdatasync, __VA_ARGS__))
#define real_lseek(...) syscall(SYS_lseek, __VA_ARGS__)
#define real_read(...) syscall(SYS_read, __VA_ARGS__)
#define real_pwrite64(...) syscall(SYS_pwrite64, __VA_ARGS__)
#define real_send(fd, data, len, flags) syscall(SYS_sendto, fd, data, len, flags, NULL, 0)
#define real_recv(fd, data, len, flags) syscall(SYS_recvfrom, fd, data, len, flags, NULL, NULL)
#define real_mkdirat(...) ((int) syscall(SYS_mkdirat, __VA_ARGS__))
#define real_linkat(...) ((int) syscall(SYS_linkat, __VA_ARGS__))
#define real_symlinkat(...) ((int) syscall(SYS_symlinkat, __VA_ARGS__))
#define real_readlinkat(...) syscall(SYS_readlinkat, __VA_ARGS__)
#define real_renameat2(...) ((int) syscall(SYS_renameat2, __VA_ARGS__))
#define real_renameat(...) ((int) syscall(SYS_renameat2, __VA_ARGS__, 0))
#define real_unlinkat(...) ((int) syscall(SYS_unlinkat, __VA_ARGS__))
#define real_faccessat(...) ((int) syscall(SYS_faccessat2, __VA_ARGS__))
#define real_access(path, mode) real_faccessat(AT_FDCWD, path, mode, 0)
#define real_fstatat(...) ((int) syscall(SYS_newfstatat, __VA_ARGS__))
#endif

/* Does the path have a fault of its own? Sets errno. */
#define BROKEN(path) ((errno = path_fault(path)) != 0)

/* A call that returns -1 when it goes wrong; `args` in parentheses. */
#define CALL(name, args) (next_call(#name) != FAIL ? REAL(name) args : -1)

/* NFS: done, and as the answer was lost it was asked for again. */
#define CALL_ONCE(name, args) lose(#name, CALL(name, args))
static int
lose(const char *name, int done)
{
	int err = done == 0 ? errno_of("TODOKE_FAULT_LOST", name) : 0;

	if (err == 0)
		return done;
	errno = err;
	return -1;
}

int
openat(int dirfd, const char *path, int flags, ...)
{
	OPEN_MODE(flags)
	if (BROKEN(path))
		return -1;
	hang(path);
	return is_system(path) ? REAL(openat)(dirfd, path, flags, mode)
	                       : CALL(openat, (dirfd, path, flags, mode));
}

int
openat64(int dirfd, const char *path, int flags, ...)
{
	OPEN_MODE(flags)
	if (BROKEN(path))
		return -1;
	hang(path);
	return is_system(path) ? REAL(openat)(dirfd, path, flags, mode)
	                       : CALL(openat, (dirfd, path, flags, mode));
}

int
open(const char *path, int flags, ...)
{
	OPEN_MODE(flags)
	if (BROKEN(path))
		return -1;
	return is_system(path) ? REAL(open)(path, flags, mode) : CALL(open, (path, flags, mode));
}

int
open64(const char *path, int flags, ...)
{
	OPEN_MODE(flags)
	if (BROKEN(path))
		return -1;
	return is_system(path) ? REAL(open)(path, flags, mode) : CALL(open, (path, flags, mode));
}

ssize_t
write(int fd, const void *data, size_t len)
{
	if (fd < 3)
		return REAL(write)(fd, data, len);
	Verdict verdict = next_call("write");
	if (verdict == FAIL)
		return -1;

	return REAL(write)(fd, data, verdict == SHORT && len > 1 ? len / 2 : len);
}

/* A short one ends within its last part, or with half of its only one. */
ssize_t
writev(int fd, const struct iovec *parts, int count)
{
	if (fd < 3 || count < 1)
		return REAL(writev)(fd, parts, count);
	Verdict verdict = next_call("writev");
	if (verdict == FAIL)
		return -1;
	if (verdict != SHORT)
		return REAL(writev)(fd, parts, count);

	struct iovec less[IOV_MAX];
	memcpy(less, parts, (size_t) count * sizeof *parts);
	less[count - 1].iov_len /= 2;
	return REAL(writev)(fd, less, count);
}

int
close(int fd)
{
	if (fd < 3)
		return REAL(close)(fd);
	Verdict verdict = next_call("close");
	int err = errno;
	int rc = REAL(close)(fd);
	if (verdict != FAIL)
		return rc;

	errno = err;
	return -1;
}

static int
any_fcntl(int fd, int cmd, void *arg)
{
	return CALL(fcntl, (fd, cmd, arg));
}

#define FCNTL_ARG(cmd) \
	va_list ap; \
	va_start(ap, cmd); \
	void *arg = va_arg(ap, void *); \
	va_end(ap)

int
fcntl(int fd, int cmd, ...)
{
	FCNTL_ARG(cmd);
	return any_fcntl(fd, cmd, arg);
}

int
fcntl64(int fd, int cmd, ...)
{
	FCNTL_ARG(cmd);
	return any_fcntl(fd, cmd, arg);
}

int
fsync(int fd)
{
	return CALL(fsync, (fd));
}

int
fdatasync(int fd)
{
	return CALL(fdatasync, (fd));
}

off_t
lseek(int fd, off_t offset, int whence)
{
	return fd < 3 ? REAL(lseek)(fd, offset, whence) : CALL(lseek, (fd, offset, whence));
}

off64_t
lseek64(int fd, off64_t offset, int whence)
{
	return lseek(fd, offset, whence);
}

ssize_t
read(int fd, void *data, size_t len)
{
	return CALL(read, (fd, data, len));
}

/* SQLite writes and libcurl talks by these. */
ssize_t
pwrite64(int fd, const void *data, size_t len, off64_t offset)
{
	return CALL(pwrite64, (fd, data, len, offset));
}

ssize_t
send(int fd, const void *data, size_t len, int flags)
{
	return CALL(send, (fd, data, len, flags));
}

ssize_t
recv(int fd, void *data, size_t len, int flags)
{
	return CALL(recv, (fd, data, len, flags));
}

int
mkdirat(int dirfd, const char *path, mode_t mode)
{
	if (BROKEN(path))
		return -1;
	return CALL(mkdirat, (dirfd, path, mode));
}

int
linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
	return CALL_ONCE(linkat, (from_dir, from, to_dir, to, flags));
}

int
symlinkat(const char *text, int dirfd, const char *path)
{
	return CALL_ONCE(symlinkat, (text, dirfd, path));
}

ssize_t
readlinkat(int dirfd, const char *path, char *buffer, size_t len)
{
	return CALL(readlinkat, (dirfd, path, buffer, len));
}

int
renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	return CALL_ONCE(renameat, (from_dir, from, to_dir, to));
}

int
renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	return CALL(renameat2, (from_dir, from, to_dir, to, flags));
}

int
unlinkat(int dirfd, const char *path, int flags)
{
	return CALL(unlinkat, (dirfd, path, flags));
}

int
faccessat(int dirfd, const char *path, int mode, int flags)
{
	if (BROKEN(path))
		return -1;
	return CALL(faccessat, (dirfd, path, mode, flags));
}

int
access(const char *path, int mode)
{
	if (BROKEN(path))
		return -1;
	return is_system(path) ? REAL(access)(path, mode) : CALL(access, (path, mode));
}

int
fstatat(int dirfd, const char *path, struct stat *sb, int flags)
{
	if (BROKEN(path))
		return -1;
	return is_system(path) ? REAL(fstatat)(dirfd, path, sb, flags)
	                       : CALL(fstatat, (dirfd, path, sb, flags));
}

/* Where a path is: only what a program asks, no call that fails. */
int
statfs(const char *path, struct statfs *fs)
{
	const char *part = getenv("TODOKE_FAULT_NFS");
	long done = syscall(SYS_statfs, path, fs);

	if (done == 0 && part != NULL && strstr(path, part) != NULL)
		fs->f_type = NFS_SUPER_MAGIC;
	return (int) done;
}

/* SPDX-License-Identifier: MIT */
/*
 * hostile: what a message would do that has taken the process over that reads it.
 *
 * Preloaded into a process in the box, it acts at the first fsync (a delivery that has read its
 * message), or, with TODOKE_HOSTILE_AT=memfd_create, where the half of lmtpd that talks with a
 * client begins a message, or, with dlopen, where the rules need a module. TODOKE_HOSTILE names
 * what is tried, one behind the other: "read:/PATH write:/PATH list:/PATH make:/PATH
 * tcp:PORT fastopen:PORT udp:PORT unix:/PATH abstract:NAME kill:PID limit:PID
 * memory:PID tiocsti:FD memfd:NAME users: execve:/PATH ptrace:PID call:NUMBER".
 * "starter:/PATH,ARG,ARG" asks the process outside of the box for a program,
 * "named:/PATH,NAME,ARG" for one that is to be called NAME.
 * TODOKE_HOSTILE_REPORT is a file that gets a line for each: what was tried, and 0 or the errno. It
 * is opened before the box is entered.
 *
 * A program without shared libraries has it linked in.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

enum { HIGH = 200, FAST_OPEN = 0x20000000 };

static int report = -1;

__attribute__((constructor)) static void
open_report(void)
{
	const char *path = getenv("TODOKE_HOSTILE_REPORT");
	int fd = path != NULL ? open(path, O_WRONLY | O_APPEND | O_CREAT, 0666) : -1;
	report = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, HIGH) : -1;
	if (fd >= 0)
		(void) close(fd);
}

static long
try_open(const char *path, int flags)
{
	return syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0600);
}

static struct sockaddr_in
local(const char *port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
		                     .sin_port = htons((unsigned short) atoi(port)),
		                     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static long
try_tcp(const char *port, bool fast)
{
	const struct sockaddr_in to = local(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0)
		return -1;
	return fast ? sendto(fd, "x", 1, FAST_OPEN, (const struct sockaddr *) &to, sizeof to)
	            : connect(fd, (const struct sockaddr *) &to, sizeof to);
}

static long
try_udp(const char *port)
{
	const struct sockaddr_in to = local(port);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	return fd < 0 ? -1 : sendto(fd, "x", 1, 0, (const struct sockaddr *) &to, sizeof to);
}

static long
try_unix(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	(void) snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	return fd < 0 ? -1 : connect(fd, (const struct sockaddr *) &to, sizeof to);
}

/* The log's kind of socket, to one without a path. */
static long
try_abstract(const char *name)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	(void) snprintf(to.sun_path + 1, sizeof to.sun_path - 1, "%s", name);
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	socklen_t len = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
	return fd < 0 ? -1 : sendto(fd, "x", 1, 0, (const struct sockaddr *) &to, len);
}

/* The memory of another process at an address that all of them have mapped: our code's. */
static long
try_memory(pid_t pid)
{
	static const char mark = 'x';
	char got;
	struct iovec to = { &got, 1 }, from = { (void *) (size_t) &mark, 1 };
	return syscall(SYS_process_vm_readv, pid, &to, 1, &from, 1, 0);
}

/* A program that no file system has. */
static long
try_memfd(const char *path)
{
	char octets[4096];
	int from = open("/etc/passwd", O_RDONLY | O_CLOEXEC), fd = memfd_create(path, MFD_CLOEXEC);
	ssize_t len = read(from, octets, sizeof octets);
	char *argv[] = { (char *) (size_t) path, NULL };
	return write(fd, octets, (size_t) len) < 0
	               ? -1
	               : syscall(SYS_execveat, fd, "", argv, argv + 1, AT_EMPTY_PATH);
}

static long
try_execve(const char *path)
{
	char *argv[] = { (char *) (size_t) path, NULL };
	char *envp[] = { NULL };
	return execve(path, argv, envp);
}

/* A channel that this process made itself; others were made by those who started it. */
static int
find_starter(void)
{
	int found = -1;
	for (int fd = 3; fd < HIGH; fd++) {
		int kind = 0;
		struct ucred peer = { 0 };
		socklen_t len = sizeof kind, peer_len = sizeof peer;
		if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &len) == 0 &&
		    kind == SOCK_SEQPACKET &&
		    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_len) == 0 &&
		    peer.pid == getpid())
			found = fd;
	}
	return found;
}

/*
 * "/PATH,ARG,ARG": the program with these arguments, and with nothing that it reads or says.
 * `named`: the first argument is what it is called.
 */
static long
try_starter(const char *with, bool named)
{
	enum { FDS = 5 };
	char strings[1024] = "", answer[64];
	struct {
		int pid, number;
		unsigned mask, n_argv, n_envp, n_script, len;
	} request = { .pid = getpid(), .number = 1 << 20, .n_argv = 1 };
	int failure[2], err = 0, at = find_starter();
	int memory = (int) syscall(SYS_memfd_create, "x", 0);
	int null = (int) syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC);
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(FDS * sizeof(int))];
	} control = { .bytes = "" };

	size_t path = strcspn(with, ",");
	memcpy(strings, with, path);
	request.len = (unsigned) path + 2; /* behind it: no folder */
	for (const char *c = named ? with + path + 1 : with; *c != '\0'; c++) {
		strings[request.len++] = *c != ',' ? *c : '\0';
		request.n_argv += *c == ',' ? 1 : 0;
	}
	request.len++;
	if (at < 0 || pipe(failure) < 0 || write(memory, strings, request.len) < 0)
		return -1;

	/* Landlock may keep even /dev/null away */
	int silent = null >= 0 ? null : memory;
	const int fds[FDS] = { silent, silent, silent, failure[1], memory };
	struct iovec packet = { &request, sizeof request };
	struct msghdr message = { .msg_iov = &packet,
		                  .msg_iovlen = 1,
		                  .msg_control = control.bytes,
		                  .msg_controllen = sizeof control.bytes };
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof fds);
	memcpy(CMSG_DATA(rights), fds, sizeof fds);
	if (sendmsg(at, &message, MSG_NOSIGNAL) < 0)
		return -1;

	(void) close(failure[1]);
	bool started = read(failure[0], &err, sizeof err) != (ssize_t) sizeof err;
	(void) recv(at, answer, sizeof answer, 0); /* how it ended */
	errno = err;
	return started ? 0 : -1;
}

static long
try_one(const char *what, const char *with)
{
	if (strcmp(what, "read") == 0)
		return try_open(with, O_RDONLY);
	if (strcmp(what, "write") == 0)
		return try_open(with, O_WRONLY | O_APPEND);
	if (strcmp(what, "list") == 0)
		return try_open(with, O_RDONLY | O_DIRECTORY);
	if (strcmp(what, "make") == 0)
		return try_open(with, O_WRONLY | O_CREAT | O_EXCL);
	if (strcmp(what, "tcp") == 0)
		return try_tcp(with, false);
	if (strcmp(what, "fastopen") == 0)
		return try_tcp(with, true);
	if (strcmp(what, "udp") == 0)
		return try_udp(with);
	if (strcmp(what, "unix") == 0)
		return try_unix(with);
	if (strcmp(what, "abstract") == 0)
		return try_abstract(with);
	if (strcmp(what, "limit") == 0)
		return syscall(SYS_prlimit64, atoi(with), RLIMIT_FSIZE, &(struct rlimit){ 0, 0 },
		               NULL);
	if (strcmp(what, "starter") == 0)
		return try_starter(with, false);
	if (strcmp(what, "named") == 0)
		return try_starter(with, true);
	if (strcmp(what, "memory") == 0)
		return try_memory(atoi(with));
	if (strcmp(what, "tiocsti") == 0)
		return ioctl(atoi(with), TIOCSTI, "x");
	if (strcmp(what, "memfd") == 0)
		return try_memfd(with);
	if (strcmp(what, "users") == 0)
		return syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
	if (strcmp(what, "kill") == 0)
		return kill(atoi(with), 0);
	if (strcmp(what, "execve") == 0)
		return try_execve(with);
	if (strcmp(what, "ptrace") == 0)
		return ptrace(PTRACE_ATTACH, atoi(with), NULL, NULL);
	return syscall(atol(with), 0, 0, 0, 0, 0, 0);
}

static void
say(const char *what, const char *with, int err)
{
	char line[512];
	int len = snprintf(line, sizeof line, "%s:%s %d\n", what, with, err);
	(void) !write(report, line, (size_t) len);
}

static void
act(const char *where)
{
	static bool done;
	const char *at = getenv("TODOKE_HOSTILE_AT"), *todo = getenv("TODOKE_HOSTILE");
	if (done || todo == NULL || strcmp(at != NULL ? at : "fsync", where) != 0)
		return;

	done = true;
	char words[2048];
	(void) snprintf(words, sizeof words, "%s", todo);
	for (char *rest = words, *word; (word = strsep(&rest, " ")) != NULL;) {
		char *with = strchr(word, ':');
		if (with == NULL)
			continue;
		*with++ = '\0';
		errno = 0;
		bool good = try_one(word, with) >= 0;
		say(word, with, good ? 0 : errno);
	}
}

int
fsync(int fd)
{
	act("fsync");
	return (int) syscall(SYS_fsync, fd);
}

int
memfd_create(const char *name, unsigned flags)
{
	act("memfd_create");
	return (int) syscall(SYS_memfd_create, name, flags);
}

#ifndef HOSTILE_STATIC
void *
dlopen(const char *file, int mode)
{
	void *(*real)(const char *, int) = (void *(*) (const char *, int) ) dlsym(RTLD_NEXT,
	                                                                          "dlopen");
	if (strstr(file, "/todoke-main.so") == NULL) /* which is loaded before there are rules */
		act("dlopen");
	return real(file, mode);
}
#endif

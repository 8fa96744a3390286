/* SPDX-License-Identifier: MIT */
/* lmtp-listen: sockets. */
#define _GNU_SOURCE
#include "agent/lmtp/lmtp-listen.h"

#include "agent/base/fs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* The first descriptor that systemd passes. */
enum { FIRST_INHERITED = 3, BACKLOG = 512 };

static bool
fill_path(struct sockaddr_un *address, const char *path, Status *st)
{
	address->sun_family = AF_UNIX;
	if (g_strlcpy(address->sun_path, path, sizeof address->sun_path) >=
	    sizeof address->sun_path)
		return status_fail_detail(st, STATUS_CONFIG,
		                          "socket path '%s' is longer than %zu octets", path,
		                          sizeof address->sun_path - 1);

	return true;
}

/* A socket file whose server died stays; one that answers is somebody's. */
static bool
remove_dead(const struct sockaddr_un *address, Status *st)
{
	struct stat info;
	if (lstat(address->sun_path, &info) < 0)
		return true;

	if (!S_ISSOCK(info.st_mode))
		return status_fail_detail(st, STATUS_CONFIG, "'%s' is not a socket",
		                          address->sun_path);
	auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *) address, sizeof *address) == 0 ||
	    errno != ECONNREFUSED)
		return status_fail_detail(st, STATUS_CONFIG, "socket '%s' is served already",
		                          address->sun_path);

	(void) unlink(address->sun_path); /* bind tells when that failed */
	return true;
}

/* "user:group" into numbers; what is not said stays -1. */
static bool
parse_owner(const char *owner, uid_t *ret_uid, gid_t *ret_gid, Status *st)
{
	g_auto(GStrv) parts = g_strsplit(owner, ":", 2);

	*ret_uid = (uid_t) -1;
	*ret_gid = (gid_t) -1;
	if (parts[0] != NULL && *parts[0] != '\0') {
		const struct passwd *user = getpwnam(parts[0]);
		if (user == NULL)
			return status_fail_detail(st, STATUS_CONFIG,
			                          "lmtp_socket_owner: there is no user '%s'",
			                          parts[0]);
		*ret_uid = user->pw_uid;
	}

	if (parts[0] != NULL && parts[1] != NULL && *parts[1] != '\0') {
		const struct group *group = getgrnam(parts[1]);
		if (group == NULL)
			return status_fail_detail(st, STATUS_CONFIG,
			                          "lmtp_socket_owner: there is no group '%s'",
			                          parts[1]);
		*ret_gid = group->gr_gid;
	}

	return true;
}

static bool
dress(const char *path, const LmtpListenOptions *options, Status *st)
{
	uid_t uid;
	gid_t gid;
	if (!parse_owner(options->owner, &uid, &gid, st))
		return false;

	bool owned = (uid == (uid_t) -1 && gid == (gid_t) -1) || lchown(path, uid, gid) == 0;
	if (!owned || chmod(path, options->mode) < 0)
		return status_fail_detail(st, STATUS_CONFIG, "cannot set up the socket '%s': %s",
		                          path, status_error_text(errno));
	return true;
}

/* Nobody can connect before listen(2), so owner and mode are in place in time. */
static bool
open_unix(const char *path, const LmtpListenOptions *options, int *ret_fd, Status *st)
{
	struct sockaddr_un address = { 0 };
	if (!fill_path(&address, path, st) || !remove_dead(&address, st))
		return false;

	auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return status_fail_detail(st, STATUS_CONFIG, "cannot make a socket: %s",
		                          status_error_text(errno));
	mode_t old = umask(0777 & ~options->mode);
	int bound = bind(fd, (const struct sockaddr *) &address, sizeof address);
	(void) umask(old);
	if (bound < 0)
		return status_fail_detail(st, STATUS_CONFIG, "cannot make the socket '%s': %s",
		                          path, status_error_text(errno));

	if (!dress(path, options, st) || listen(fd, BACKLOG) < 0) {
		/* dress has said more */
		status_fail_detail(st, STATUS_CONFIG, "cannot listen at '%s': %s", path,
		                   status_error_text(errno));
		(void) unlink(path);
		return false;
	}

	*ret_fd = fs_steal_fd(&fd);
	return true;
}

/* "127.0.0.1:24" or "[::1]:24" into host and port. */
static bool
split_port(const char *where, char **ret_host, char **ret_port)
{
	const char *colon = strrchr(where, ':');
	if (colon == NULL || colon == where || colon[1] == '\0')
		return false;

	size_t len = (size_t) (colon - where);
	bool bracketed = where[0] == '[' && where[len - 1] == ']';
	if (!bracketed && memchr(where, ':', len) != NULL)
		return false;

	*ret_host = bracketed ? g_strndup(where + 1, len - 2) : g_strndup(where, len);
	*ret_port = g_strdup(colon + 1);
	return true;
}

bool
lmtp_listen_is_local(const char *where)
{
	enum { LOOPBACK_NET = 127 };
	g_autofree char *host = NULL, *port = NULL;
	struct in_addr four;
	struct in6_addr six;

	if (g_str_has_prefix(where, "unix:"))
		return true;
	if (!g_str_has_prefix(where, "inet:") || !split_port(where + strlen("inet:"), &host, &port))
		return false;
	if (inet_pton(AF_INET, host, &four) == 1)
		return ntohl(four.s_addr) >> 24 == LOOPBACK_NET;
	return inet_pton(AF_INET6, host, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

static int
listen_at(const struct addrinfo *info)
{
	int yes = 1;
	int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) < 0 ||
	    (info->ai_family == AF_INET6 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes) < 0) ||
	    bind(fd, info->ai_addr, info->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
		int err = errno;
		(void) close(fd);
		errno = err;
		return -1;
	}

	return fd;
}

static bool
open_inet(const char *where, int *ret_fd, Status *st)
{
	g_autofree char *host = NULL, *port = NULL;

	if (!split_port(where, &host, &port))
		return status_fail_detail(st, STATUS_CONFIG,
		                          "cannot read 'inet:%s': inet:ADDRESS:PORT is meant",
		                          where);

	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		                  .ai_flags = AI_PASSIVE | AI_NUMERICHOST };
	struct addrinfo *info = NULL;
	int code = getaddrinfo(host, port, &hints, &info);
	if (code != 0)
		return status_fail_detail(st, STATUS_CONFIG, "cannot read 'inet:%s': %s", where,
		                          gai_strerror(code));

	int fd = listen_at(info);
	int err = errno;
	freeaddrinfo(info);
	if (fd < 0)
		return status_fail_detail(st, STATUS_CONFIG, "cannot listen at 'inet:%s': %s",
		                          where, status_error_text(err));
	*ret_fd = fd;

	return true;
}

bool
lmtp_listen_open(const char *where, const LmtpListenOptions *options, int *ret_fd, Status *st)
{
	if (g_str_has_prefix(where, "unix:"))
		return open_unix(where + strlen("unix:"), options, ret_fd, st);
	if (g_str_has_prefix(where, "inet:"))
		return open_inet(where + strlen("inet:"), ret_fd, st);

	return status_fail_detail(st, STATUS_CONFIG,
	                          "cannot listen at '%s': unix:/PATH or inet:ADDRESS:PORT is meant",
	                          where);
}

bool
lmtp_listen_dress(const char *where, const LmtpListenOptions *options, Status *st)
{
	return !g_str_has_prefix(where, "unix:") || dress(where + strlen("unix:"), options, st);
}

void
lmtp_listen_remove(const char *where)
{
	if (g_str_has_prefix(where, "unix:"))
		/* a file that stays only refuses its clients */
		(void) unlink(where + strlen("unix:"));
}

void
lmtp_listen_inherit(GArray *fds)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	guint64 number = 0, n = 0;
	bool ours = pid != NULL && count != NULL &&
	            g_ascii_string_to_unsigned(pid, 10, 1, G_MAXINT, &number, NULL) &&
	            (pid_t) number == getpid() &&
	            g_ascii_string_to_unsigned(count, 10, 1, 1000, &n, NULL);

	for (int fd = FIRST_INHERITED; ours && fd < FIRST_INHERITED + (int) n; fd++) {
		int flags = fcntl(fd, F_GETFL);
		if (flags < 0)
			continue;
		(void) fcntl(fd, F_SETFD, FD_CLOEXEC);
		(void) fcntl(fd, F_SETFL, flags | O_NONBLOCK);
		g_array_append_val(fds, fd);
	}

	(void) unsetenv("LISTEN_PID");
	(void) unsetenv("LISTEN_FDS");
	(void) unsetenv("LISTEN_FDNAMES");
}

char *
lmtp_listen_where(int fd)
{
	struct sockaddr_un address = { 0 };
	socklen_t len = sizeof address;
	if (getsockname(fd, (struct sockaddr *) &address, &len) < 0 ||
	    address.sun_family != AF_UNIX || address.sun_path[0] != '/')
		return NULL;

	return g_strdup_printf("unix:%.*s", (int) sizeof address.sun_path, address.sun_path);
}

void
lmtp_listen_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (path == NULL || (*path != '/' && *path != '@') ||
	    g_strlcpy(address.sun_path, path, sizeof address.sun_path) >= sizeof address.sun_path)
		return;

	size_t len = strlen(path);
	if (*path == '@')
		address.sun_path[0] = '\0';

	auto_fd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t size = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + len +
	                              (*path == '@' ? 0 : 1));
	if (fd >= 0) /* a service manager that does not listen cannot be helped */
		(void) sendto(fd, state, strlen(state), MSG_NOSIGNAL,
		              (const struct sockaddr *) &address, size);
}

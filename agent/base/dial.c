/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "agent/base/dial.h"

#include <errno.h>
#include <poll.h>
#include <sys/un.h>

int
dial_wait(int fd, short events, gint64 ends)
{
	for (;;) {
		struct pollfd one = { .fd = fd, .events = events };
		gint64 left_ms = (ends - g_get_monotonic_time()) / 1000;
		int rc = left_ms > 0 ? poll(&one, 1, (int) MIN(left_ms, G_MAXINT)) : 0;
		if (rc > 0)
			return 0;
		if (rc == 0)
			return ETIMEDOUT;
		if (errno != EINTR)
			return errno;
	}
}

int
dial(int family, const struct sockaddr *address, socklen_t len, gint64 ends, int *ret_fd)
{
	*ret_fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*ret_fd < 0)
		return errno;
	if (connect(*ret_fd, address, len) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return errno;

	int err = dial_wait(*ret_fd, POLLOUT, ends);
	socklen_t size = sizeof err;
	if (err != 0)
		return err;
	return getsockopt(*ret_fd, SOL_SOCKET, SO_ERROR, &err, &size) == 0 ? err : errno;
}

int
dial_local(const char *path, gint64 ends, int *ret_fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (g_strlcpy(address.sun_path, path, sizeof address.sun_path) >= sizeof address.sun_path)
		return ENAMETOOLONG;

	return dial(AF_UNIX, (const struct sockaddr *) &address, sizeof address, ends, ret_fd);
}

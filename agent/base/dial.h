/* SPDX-License-Identifier: MIT */
/* dial: connections that are made within a time, so that a dead peer costs no more than that. */
#ifndef TODOKE_DIAL_H
#define TODOKE_DIAL_H

#include <glib.h>
#include <sys/socket.h>

/*
 * Wait for POLLIN or POLLOUT until `ends` (monotonic microseconds). Returns 0, or an errno:
 * ETIMEDOUT when the time is over.
 */
int dial_wait(int fd, short events, gint64 ends);

/*
 * Connect a stream socket, which does not block, until `ends`. Returns 0, or an errno; *ret_fd is
 * the caller's to close whenever it is not negative. A local socket whose queue is full says
 * EAGAIN: it is as good as down.
 */
int dial(int family, const struct sockaddr *address, socklen_t len, gint64 ends, int *ret_fd);

/* The same with the local socket `path`. */
int dial_local(const char *path, gint64 ends, int *ret_fd);

#endif

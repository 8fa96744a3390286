/* SPDX-License-Identifier: MIT */
/* pass-fds: SCM_RIGHTS of unix(7). */
#define _GNU_SOURCE
#include "agent/base/pass-fds.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef union {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(PASS_FDS_MOST * sizeof(int))];
} Control;

bool
pass_fds_send(int channel, const void *data, size_t len, const int *fds, unsigned n)
{
	const struct iovec parts[2] = { { .iov_base = (void *) data, .iov_len = len } };
	return pass_fds_send_two(channel, parts, fds, n);
}

bool
pass_fds_send_two(int channel, const struct iovec parts[2], const int *fds, unsigned n)
{
	struct msghdr message = { .msg_iov = (struct iovec *) parts, .msg_iovlen = 2 };
	Control control = { 0 };

	if (n > 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(n * sizeof(int));
		struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(rights), fds, n * sizeof(int));
	}

	ssize_t sent;
	do
		sent = sendmsg(channel, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);

	return sent == (ssize_t) (parts[0].iov_len + parts[1].iov_len);
}

/* The descriptors that came with a message. Returns how many. */
static unsigned
take_descriptors(struct msghdr *message, int *fds)
{
	const struct cmsghdr *rights = CMSG_FIRSTHDR(message);
	if (rights == NULL || rights->cmsg_type != SCM_RIGHTS)
		return 0;

	unsigned n = (unsigned) ((rights->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	memcpy(fds, CMSG_DATA(rights), n * sizeof(int));
	return n;
}

ssize_t
pass_fds_receive(int channel, void *data, size_t room, int *fds, unsigned n)
{
	struct iovec payload = { .iov_base = data, .iov_len = room };
	Control control = { 0 };
	struct msghdr message = {
		.msg_iov = &payload,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof control.bytes,
	};

	ssize_t len;
	do
		len = recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
	while (len < 0 && errno == EINTR);
	if (len <= 0)
		return len;

	/* There is room for one more than was asked for: it would stay open for good. */
	int came[PASS_FDS_MOST + 1];
	memset(came, -1, sizeof came);
	unsigned n_came = take_descriptors(&message, came);
	bool good = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0 &&
	            (n_came == 0 || n_came == n);
	for (unsigned i = 0; i < n_came && !good; i++)
		(void) close(came[i]);
	if (!good)
		return -1;

	if (n > 0)
		memcpy(fds, came, n * sizeof(int));
	return len;
}

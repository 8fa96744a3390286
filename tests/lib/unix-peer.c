/* SPDX-License-Identifier: MIT */
/* unix-peer: listens before the fork, so a client need not wait for the child. */
#define _GNU_SOURCE
#include "tests/lib/unix-peer.h"

#include <glib.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int
listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	g_assert(g_strlcpy(address.sun_path, path, sizeof address.sun_path) <
	         sizeof address.sun_path);
	(void) unlink(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_assert(bind(fd, (const struct sockaddr *) &address, sizeof address) == 0);
	g_assert(listen(fd, 8) == 0);
	return fd;
}

pid_t
unix_peer_begin(const char *path, UnixPeerConverse converse, const void *user)
{
	int listener = listen_at(path);
	pid_t peer = fork();
	g_assert(peer >= 0);
	if (peer > 0) {
		(void) close(listener);
		return peer;
	}

	(void) prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void) signal(SIGPIPE, SIG_IGN);
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		if (fd < 0)
			_exit(1);
		FILE *to = fdopen(fd, "w"), *from = fdopen(dup(fd), "r");
		converse(to, from, user);
		(void) fclose(to);
		(void) fclose(from);
	}
}

void
unix_peer_end(pid_t peer)
{
	(void) kill(peer, SIGKILL);
	(void) waitpid(peer, NULL, 0);
}

/* SPDX-License-Identifier: MIT */
/*
 * lmtp-listen: the sockets of lmtpd: those that the settings name, those that systemd hands over,
 * and telling it so.
 */
#ifndef TODOKE_LMTP_LISTEN_H
#define TODOKE_LMTP_LISTEN_H

#include "agent/base/status.h"

#include <sys/types.h>

typedef struct {
	mode_t mode;       /* of unix sockets */
	const char *owner; /* "user", "user:group", ":group"; "": the account that we run as */
} LmtpListenOptions;

/*
 * Open "unix:/path", "inet:127.0.0.1:24" or "inet:[::1]:24". A socket that nobody serves any more
 * is replaced; one that is served is STATUS_CONFIG, like everything else that is wrong.
 */
bool lmtp_listen_open(const char *where, const LmtpListenOptions *options, int *ret_fd, Status *st);

/* Is it a Unix socket, or an address that only this host can connect to? */
bool lmtp_listen_is_local(const char *where);

/*
 * Give the file of an open socket its owner and mode; other places have none. Fault: STATUS_CONFIG.
 */
bool lmtp_listen_dress(const char *where, const LmtpListenOptions *options, Status *st);

/* Remove the file of a socket that we no longer serve. */
void lmtp_listen_remove(const char *where);

/*
 * Append the sockets that systemd opened for us (sd_listen_fds(3)) to `fds` (GArray of int), and
 * forget that it did.
 */
void lmtp_listen_inherit(GArray *fds);

/* "unix:/path" of a listening socket; NULL: it has no path. Caller frees. */
char *lmtp_listen_where(int fd);

/* Tell the service manager (sd_notify(3)): "READY=1". Nothing happens without one. */
void lmtp_listen_notify(const char *state);

#endif

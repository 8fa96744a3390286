/* SPDX-License-Identifier: MIT */
/* lmtp-peer: who is at the other end of a connection, and what that peer may. */
#ifndef TODOKE_LMTP_PEER_H
#define TODOKE_LMTP_PEER_H

#include <stdbool.h>

typedef struct {
	char name[80]; /* for the log: an address, or "uid=0" */
	bool allowed;
	bool trusted; /* XCLIENT and XFORWARD */
} LmtpPeer;

/*
 * Look at the connected socket `fd`. `allow` and `trusted` are lists of addresses, networks
 * ("10.0.0.0/8", "fd00::/8") and "user:NAME". An empty `allow` is this host; one without "user:"
 * lets all unix sockets in (their mode guards them).
 */
LmtpPeer lmtp_peer_find(int fd, const char *const *allow, const char *const *trusted);

/* The first item of the list that is not well formed (borrowed from it); NULL: all are. */
const char *lmtp_peer_check_list(const char *const *list);

#endif

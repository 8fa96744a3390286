/* SPDX-License-Identifier: MIT */
/* unix-peer: a server on a unix socket, in a process of its own that ends with the test. */
#ifndef TODOKE_UNIX_PEER_H
#define TODOKE_UNIX_PEER_H

#include <stdio.h>
#include <sys/types.h>

/* One connection, which ends when this returns. Writing to a client that is gone is no signal. */
typedef void (*UnixPeerConverse)(FILE *to, FILE *from, const void *user);

/*
 * Listen at `path`, in the place of what is there, and serve one connection after the other. ->
 * the process.
 */
pid_t unix_peer_begin(const char *path, UnixPeerConverse converse, const void *user);
void unix_peer_end(pid_t peer);

#endif

/* SPDX-License-Identifier: MIT */
/* pass-fds: packets with descriptors, over a socket between two processes of ours. */
#ifndef TODOKE_PASS_FDS_H
#define TODOKE_PASS_FDS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Descriptors in one packet. */
enum { PASS_FDS_MOST = 5 };

/*
 * Send `len` octets as one packet, with copies of `n` descriptors (at most PASS_FDS_MOST). False:
 * nothing was sent, as the other side is gone.
 */
bool pass_fds_send(int channel, const void *data, size_t len, const int *fds, unsigned n);

/* The same of a packet that stands in two places. */
bool pass_fds_send_two(int channel, const struct iovec parts[2], const int *fds, unsigned n);

/*
 * Wait for the next packet and return its octets, which fill `data` up to `room`. It may come with
 * `n` descriptors or with none: fds[0] is then -1. They are the caller's, and close on exec. 0: the
 * other side is gone. -1: it sent more octets or another number of descriptors, or this process can
 * open no more; what came is closed.
 */
ssize_t pass_fds_receive(int channel, void *data, size_t room, int *fds, unsigned n);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * lmtp-broker: a worker in two halves, where it has to become each recipient.
 *
 * The front talks with the client: it parses what strangers say, and has no rights but its
 * descriptors. The back is root and never looks at an octet of the protocol or of the message: it
 * takes an address, or an envelope and the message (a few octets, or a file), and hands them on to
 * a process that becomes the recipient before it reads.
 */
#ifndef TODOKE_LMTP_BROKER_H
#define TODOKE_LMTP_BROKER_H

#include "agent/lmtp/lmtp-session.h"
#include "conf/conf.h"

/*
 * Fork the back, which works with `backend` until we are gone; from now on `backend` asks it, and
 * we are the front and may drop all rights. If the back dies, the front ends too, so that the
 * master answers the client. `master` is closed in the back: it must not keep the master's channel
 * open. False: a fault of pipes or fork, and nothing was split.
 */
bool lmtp_broker_split(const Conf *conf, int master, LmtpBackend *backend, Status *st);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * lmtp-server: the master. It listens, accepts, hands clients to workers and looks after those; it
 * never reads a client's octet. It keeps a descriptor of each client while a worker talks with it,
 * so that a worker's death is answered (421) and hurts nobody else.
 */
#ifndef TODOKE_LMTP_SERVER_H
#define TODOKE_LMTP_SERVER_H

#include "agent/lmtp/lmtp-worker.h"

/* Read the configuration and make the service from it. False: it is wrong, and `st` says why. */
typedef bool LmtpServiceLoad(void *user, LmtpService *ret_service, Status *st);

typedef struct {
	LmtpServiceLoad *load;
	void *user;
	const char *const *listen; /* beside lmtp_listen; NULL: none */
	bool stdio;                /* serve the client at descriptors 0 and 1, then leave */
} LmtpServerOptions;

/*
 * Serve until SIGTERM or SIGINT (finish what was begun) or, with `stdio`, until the client is
 * served. SIGHUP loads anew; a wrong configuration is logged and the old one stays. False: could
 * not start; STATUS_CONFIG says why.
 */
bool lmtp_server_run(const LmtpServerOptions *options, Status *st);

#endif

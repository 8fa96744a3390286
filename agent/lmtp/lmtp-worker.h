/* SPDX-License-Identifier: MIT */
/* lmtp-worker: a process that talks with one client after the other; the master hands them over. */
#ifndef TODOKE_LMTP_WORKER_H
#define TODOKE_LMTP_WORKER_H

#include "agent/lmtp/lmtp-counts.h"
#include "agent/lmtp/lmtp-peer.h"
#include "agent/lmtp/lmtp-session.h"
#include "agent/lmtp/lmtp-slots.h"
#include "conf/conf.h"

/* Memory that the master and all workers share. */
typedef struct {
	LmtpSlots *slots;
	LmtpCounts *counts;
} LmtpShared;

/* What is served, made from the configuration: at the start, and anew at SIGHUP. */
typedef struct {
	const Conf *conf; /* lives in `data` */
	void *data;
	/* In a worker, once: fill the backend but for `flush` and `client`. */
	void (*start)(void *data, const LmtpShared *shared, unsigned slot,
	              LmtpBackend *ret_backend);
	void (*free)(void *data);
} LmtpService;

/* Both ends are one descriptor where the client is a socket. */
typedef struct {
	int in, out; /* -1: no client */
	LmtpPeer peer;
} LmtpClient;

/*
 * Give `client` to the worker behind `channel` (a sequenced-packet socket); the descriptors stay
 * open here. False: the worker did not get it.
 */
bool lmtp_worker_send(int channel, const LmtpClient *client);

/* What a worker sends back when it is through with a client. */
enum {
	LMTP_WORKER_DONE = 'd',
	/* the same, and its box is older than the folders (sandbox_is_outgrown) */
	LMTP_WORKER_OUTGROWN = 'o'
};

/*
 * Serve the clients that come through `channel` until it is closed, then leave: a message that has
 * begun is finished first. Where we are root, worker `slot` becomes lmtp_user, or is split
 * (lmtp-broker). Death by deadline is exit code EX_TEMPFAIL.
 */
G_NORETURN void
lmtp_worker_run(const LmtpService *service, const LmtpShared *shared, unsigned slot, int channel);

/*
 * Give up, for good, the rights of root: become the account that talks with clients. True also
 * where we have none. False: the account cannot be become, which was logged.
 */
bool lmtp_worker_become(const Conf *conf);

#endif

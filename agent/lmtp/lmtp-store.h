/* SPDX-License-Identifier: MIT */
/*
 * lmtp-store: the backend that really delivers: accounts at RCPT, a spool for the octets, transact
 * for each recipient.
 *
 * If we are root (the back of lmtp-broker), each delivery runs in a process that has become the
 * recipient for good before it reads an octet of the message: a process that could become root
 * again must not run the recipient's rules. Otherwise all deliveries run with our own rights.
 */
#ifndef TODOKE_LMTP_STORE_H
#define TODOKE_LMTP_STORE_H

#include "agent/lmtp/lmtp-worker.h"
#include "agent/run/site.h"

/* Make `ret_service` serve `site` (taken over). */
void lmtp_store_init(Site *site, LmtpService *ret_service);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * srs: the Sender Rewriting Scheme: a redirect's envelope sender that bounces can come back to, and
 * that passes SPF.
 *
 *     SRS0=HASH=DAY=example.org=a@our.domain     for a@example.org
 *     SRS1=HASH=first.domain==HASH=DAY=...       for an address that another host has rewritten
 *     already
 *
 * HASH is HMAC-SHA256 with the mark's key, 40 bits of it in base32, so that it survives a change of
 * case; DAY counts days modulo 1024.
 */
#ifndef TODOKE_SRS_H
#define TODOKE_SRS_H

#include "agent/base/status.h"
#include "agent/message/mark.h"

/* Days that bounces may take to come back. */
#define SRS_MAX_DAYS 21

/*
 * The sender rewritten for `domain`; NULL: no key, no domain in `sender`, or the result would be
 * longer than an address may be. Caller frees.
 */
char *srs_forward(const MarkKeys *keys, const char *sender, const char *domain, gint64 now);

/*
 * The sender for whom srs_forward made the address (SRS1: the SRS0 address before it); NULL: not
 * ours, forged, or too old. Caller frees.
 */
char *srs_reverse(const MarkKeys *keys, const char *address, gint64 now);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * deliver-reason: one line in a stored copy that says in short why it lies there (add_reason).
 *
 *     X-Todoke: rule=main.sieve:12 folder=Work action=fileinto id=4ABC12
 *
 * Keys and values stand in one line of printable ASCII; other octets, blanks, "%" and the special
 * octets of structured fields are written as %XX. Only copies that are stored here have the line:
 * mail that is sent on says nothing of the rules.
 */
#ifndef TODOKE_DELIVER_REASON_H
#define TODOKE_DELIVER_REASON_H

#include "agent/deliver/deliver.h"

#define DELIVER_REASON_FIELD "X-Todoke"

/* The name that such a line has here if somebody else wrote it. */
#define DELIVER_REASON_FOREIGN "X-Foreign-Todoke"

/* Does each copy get a line of its own, so that copies in two folders are two files? */
bool deliver_has_reason(const DeliverRun *run);

/*
 * `headers` with the line for a copy that `action` stores in `folder` (as people read it; for
 * recipes a path), and with lines of that name that came with the mail renamed. Where add_reason is
 * off: as they are. Caller owns the reference.
 */
Headers *deliver_reason_headers(const DeliverRun *run, const PlanAction *action, const char *folder,
                                Headers *headers);

#endif

/* SPDX-License-Identifier: MIT */
/* why-wait: mail that was sent a moment ago is on its way, and nothing can be said of it yet. */
#ifndef TODOKE_WHY_WAIT_H
#define TODOKE_WHY_WAIT_H

#include "agent/base/status.h"

#include <glib.h>

/*
 * Wait until no mail is on its way in Postfix's queue, at most so many seconds; mail that was put
 * off or is held is not on its way. False: STATUS_DEADLINE (some still is), STATUS_PROGRAM
 * (Postfix cannot be asked).
 */
bool why_wait(unsigned seconds, Status *st);

/*
 * The mails that Postfix has put off for a user (user_address_is), as "QUEUE-ID:
 * reason" for a terminal; none where the queue cannot be listed. Caller frees.
 */
GPtrArray *why_wait_find(const char *user, const char *delimiters);

#endif

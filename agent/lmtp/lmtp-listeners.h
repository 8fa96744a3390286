/* SPDX-License-Identifier: MIT */
/*
 * lmtp-listeners: the sockets that lmtpd listens at: those that it was given, and those that its
 * settings name now.
 */
#ifndef TODOKE_LMTP_LISTENERS_H
#define TODOKE_LMTP_LISTENERS_H

#include "agent/lmtp/lmtp-listen.h"

typedef struct LmtpListeners LmtpListeners;

/* None, or with `inherits` those that the service manager passed. Caller frees. */
LmtpListeners *lmtp_listeners_new(bool inherits);

/* Close all of them; their files stay. */
void lmtp_listeners_close(LmtpListeners *listeners);

void lmtp_listeners_free(LmtpListeners *listeners);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LmtpListeners, lmtp_listeners_free)

/*
 * Listen at each place of `lists` (`count` of them, each may be NULL), and close the sockets that
 * none of them names any more. A socket that stays open loses no client; its file gets owner and
 * mode of `options`. After a fault (STATUS_CONFIG) all is as it was.
 */
bool lmtp_listeners_set(LmtpListeners *listeners, const char *const *const *lists, size_t count,
                        const LmtpListenOptions *options, Status *st);

/* Is a place among `lists`, or a socket of the service manager? */
bool lmtp_listeners_has_place(const LmtpListeners *listeners, const char *const *const *lists,
                              size_t count);

unsigned lmtp_listeners_count(const LmtpListeners *listeners);

/* The descriptor of number `i`. */
int lmtp_listeners_fd(const LmtpListeners *listeners, unsigned i);

#endif

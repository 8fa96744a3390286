/* SPDX-License-Identifier: MIT */
/*
 * redis-tls: TLS for the module that speaks with Redis, by OpenSSL, over a socket that never
 * blocks. Where OpenSSL was not there to build it, redis_tls_new fails and says so.
 */
#ifndef TODOKE_REDIS_TLS_H
#define TODOKE_REDIS_TLS_H

#include "agent/state/state-place.h"

#include <glib.h>

typedef struct RedisTls RedisTls;

/* A step of TLS: it is done, it wants to wait for the socket, or the connection is of no use. */
typedef enum { REDIS_TLS_DONE, REDIS_TLS_WAIT, REDIS_TLS_ENDED, REDIS_TLS_FAILED } RedisTlsStep;

/*
 * Prepare TLS with `host` (a name or an address, which the server's certificate must have) over the
 * connected socket `fd`, which stays the caller's. NULL: *ret_why (caller frees) says what is wrong
 * with the settings.
 */
RedisTls *redis_tls_new(const StateTls *settings, const char *host, int fd, char **ret_why);

/* Nothing is said to the server: another process may have the same connection. */
void redis_tls_free(RedisTls *tls);

/*
 * Each of these sets *ret_events (for poll) with REDIS_TLS_WAIT, *ret_why (caller frees) with
 * REDIS_TLS_FAILED, and *ret_n, the octets that were read or written, with REDIS_TLS_DONE.
 */
RedisTlsStep redis_tls_handshake(RedisTls *tls, short *ret_events, char **ret_why);
RedisTlsStep redis_tls_read(RedisTls *tls, void *octets, size_t size, size_t *ret_n,
                            short *ret_events, char **ret_why);
RedisTlsStep redis_tls_write(RedisTls *tls, const void *octets, size_t n, size_t *ret_n,
                             short *ret_events, char **ret_why);

#endif

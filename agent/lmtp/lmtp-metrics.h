/* SPDX-License-Identifier: MIT */
/*
 * lmtp-metrics: the counts over HTTP, by a process of its own: whatever its clients do, it costs
 * neither the master nor a worker anything.
 *
 * A client gets one answer. Its request, its time and the number of clients are bounded; where
 * there are too many, the one that came first is closed.
 */
#ifndef TODOKE_LMTP_METRICS_H
#define TODOKE_LMTP_METRICS_H

#include <glib.h>
#include <stddef.h>

/* The text that is served, made anew for each request. Caller frees. */
typedef char *LmtpMetricsText(void *user);

/* Serve at these listening sockets until the process is killed. */
G_NORETURN void
lmtp_metrics_serve(const int *listeners, unsigned count, LmtpMetricsText *text, void *user);

/*
 * The whole answer, with the text as its body, to what a client has said so far. NULL: the request
 * is not whole yet. More than LIMIT_METRICS_REQUEST octets are refused. Caller frees.
 */
GString *lmtp_metrics_answer(const char *said, size_t len, LmtpMetricsText *text, void *user);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * delivery-trace: a file with the full trace of one delivery, for users who have the folder
 * trace_dir, or whom the site names (trace_users).
 *
 * It holds what the log line holds, the loop verdict, each test of the scripts with its values,
 * what debug_log says, and the plan. It never changes the delivery: if a trace cannot be
 * written, the log has a note.
 */
#ifndef TODOKE_DELIVERY_TRACE_H
#define TODOKE_DELIVERY_TRACE_H

#include "agent/run/account.h"
#include "agent/run/services.h"
#include "conf/conf.h"

typedef struct DeliveryTrace DeliveryTrace;

/* Does trace_users name the account: by its login name, or by one of its addresses? */
bool delivery_trace_is_named(const Conf *conf, const Account *account);

/*
 * NULL: no trace is wanted for this account, or the folder cannot be opened (then a note, char *,
 * is added). Call with the owner's rights. Caller frees with delivery_trace_free.
 */
DeliveryTrace *delivery_trace_new(const Conf *conf, const Account *account, GPtrArray *notes);
void delivery_trace_free(DeliveryTrace *trace);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DeliveryTrace, delivery_trace_free)

/*
 * Add a line of the scripts' trace; a callback for ServicesDescription.trace. Lines beyond
 * LIMIT_TRACE_BYTES are left out.
 */
void delivery_trace_add(void *trace, TraceLevel level, const char *file, unsigned line,
                        const char *text);

/*
 * Write the file: `head`, the lines, `tail`. Its name is the time, the queue id (NULL: none is
 * known), the process and a number. False: STATUS_IO and others of the disk.
 */
bool delivery_trace_write(DeliveryTrace *trace, gint64 now, const char *queue_id, const char *head,
                          const char *tail, Status *st);

#endif

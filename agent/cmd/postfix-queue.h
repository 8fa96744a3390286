/* SPDX-License-Identifier: MIT */
/* postfix-queue: asks `postqueue -j`, and reads what it printed, a recipient at a time. */
#ifndef TODOKE_POSTFIX_QUEUE_H
#define TODOKE_POSTFIX_QUEUE_H

#include "agent/base/status.h"

/* A mail that was put off for one recipient. Words of strangers, as they came. */
typedef struct {
	const char *queue_id; /* "" if the line has none */
	const char *address;
	const char *reason;
	gint64 came; /* into the queue, seconds since 1970 */
} PostfixQueued;

/*
 * The list of the Postfix whose main.cf lies in `folder` (NULL: where Postfix looks, or
 * MAIL_CONFIG), of `limit` octets at most, within `seconds`. Faults: STATUS_PROGRAM (no postqueue,
 * or it failed, or took too long; its words are in the detail). Caller frees.
 */
char *postfix_queue_list(const char *folder, size_t limit, unsigned seconds, Status *st);

typedef void PostfixQueuedTake(const PostfixQueued *queued, void *user);

/*
 * Call `take` for each recipient in `list`, a line of JSON for each mail, for whom it was put off.
 * What is no such line is passed over. What `take` gets is borrowed until it returns.
 */
void postfix_queue_each(const char *list, PostfixQueuedTake *take, void *user);

#endif

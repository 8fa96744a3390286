/* SPDX-License-Identifier: MIT */
/* postfix-queue: what `postqueue -j` printed, a recipient at a time. */
#ifndef TODOKE_POSTFIX_QUEUE_H
#define TODOKE_POSTFIX_QUEUE_H

#include <glib.h>

/* A mail that was put off for one recipient. Words of strangers, as they came. */
typedef struct {
	const char *queue_id; /* "" if the line has none */
	const char *address;
	const char *reason;
	gint64 came; /* into the queue, seconds since 1970 */
} PostfixQueued;

typedef void PostfixQueuedTake(const PostfixQueued *queued, void *user);

/*
 * Call `take` for each recipient in `list`, a line of JSON for each mail, for whom it was put off.
 * What is no such line is passed over. What `take` gets is borrowed until it returns.
 */
void postfix_queue_each(const char *list, PostfixQueuedTake *take, void *user);

#endif

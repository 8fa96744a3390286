/* SPDX-License-Identifier: MIT */
/* plan-reply: an answer to the sender, of vacation (RFC 5230). */
#ifndef TODOKE_PLAN_REPLY_H
#define TODOKE_PLAN_REPLY_H

#include "agent/plan/plan-fcc.h"

typedef struct {
	char *from;
	char *subject;
	char *body;
	bool is_mime; /* `body` begins with MIME fields */
	char *handle;
	gint64 interval_seconds;
	GPtrArray *addresses; /* further own addresses */
	PlanFcc *fcc;
} PlanReply;

/* The reply of `action`; NULL: it is of another kind. Borrowed. */
PlanReply *plan_reply_of(const PlanAction *action);

#endif

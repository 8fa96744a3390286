/* SPDX-License-Identifier: MIT */
/* plan-notice: a notice by some method (RFC 5435). */
#ifndef TODOKE_PLAN_NOTICE_H
#define TODOKE_PLAN_NOTICE_H

#include "agent/plan/plan-fcc.h"

/* Importance, by the numbers of RFC 5435 3.4. */
enum { PLAN_NOTICE_HIGH = 1, PLAN_NOTICE_NORMAL = 2, PLAN_NOTICE_LOW = 3 };

typedef struct {
	char *method; /* a URI, "mailto:..." */
	char *from;
	int importance;     /* PLAN_NOTICE_HIGH ... */
	GPtrArray *options; /* "name=value" */
	char *message;
	char *id; /* by which the script may take it back; NULL: none */
	PlanFcc *fcc;
} PlanNotice;

/* The notice of `action`; NULL: it is of another kind. */
PlanNotice *plan_notice_of(const PlanAction *action);

#endif

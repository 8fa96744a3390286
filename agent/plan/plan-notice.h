/* SPDX-License-Identifier: MIT */
/* plan-notice: a notice by some method (RFC 5435). */
#ifndef TODOKE_PLAN_NOTICE_H
#define TODOKE_PLAN_NOTICE_H

#include "agent/plan/plan-fcc.h"

typedef struct {
	char *method; /* a URI, "mailto:..." */
	char *from;
	int importance;     /* 1 high, 2 normal, 3 low */
	GPtrArray *options; /* "name=value" */
	char *message;
	char *id; /* by which the script may take it back; NULL: none */
	PlanFcc *fcc;
} PlanNotice;

/* The notice of `action`; NULL: it is of another kind. */
PlanNotice *plan_notice_of(const PlanAction *action);

#endif

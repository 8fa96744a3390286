/* SPDX-License-Identifier: MIT */
/* plan-report: an abuse report (vnd.dovecot.report, RFC 5965). */
#ifndef TODOKE_PLAN_REPORT_H
#define TODOKE_PLAN_REPORT_H

#include "agent/plan/plan-data.h"

typedef struct {
	char *feedback_type;
	char *message;
	char *address;
	bool headers_only;
} PlanReport;

/* The report of `action`; NULL: it is of another kind. Borrowed. */
PlanReport *plan_report_of(const PlanAction *action);

#endif

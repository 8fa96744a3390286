/* SPDX-License-Identifier: MIT */
/* plan-fcc: where a copy of a message that goes out is kept (RFC 8580). */
#ifndef TODOKE_PLAN_FCC_H
#define TODOKE_PLAN_FCC_H

#include "agent/plan/plan-data.h"

typedef struct {
	char *mailbox;
	GPtrArray *flags;
	char *special_use; /* that the rule named; `mailbox` has it, if any has */
	bool create;
} PlanFcc;

/* `fcc` may be NULL. */
void plan_fcc_free(PlanFcc *fcc);

/* Set the members fcc_*; NULL: none. */
void plan_fcc_add_json(json_t *object, const PlanFcc *fcc);

#endif

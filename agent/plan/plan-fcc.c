/* SPDX-License-Identifier: MIT */
/* plan-fcc: see the header. */
#include "agent/plan/plan-fcc.h"

void
plan_fcc_free(PlanFcc *fcc)
{
	if (fcc == NULL)
		return;

	g_free(fcc->mailbox);
	g_free(fcc->special_use);
	plan_data_free_strings(fcc->flags);
	g_free(fcc);
}

void
plan_fcc_add_json(json_t *object, const PlanFcc *fcc)
{
	if (fcc == NULL)
		return;

	plan_data_set_text(object, "fcc", fcc->mailbox);
	plan_data_set_text(object, "fcc_special_use", fcc->special_use);
	plan_data_set_strings(object, "fcc_flags", fcc->flags);
	json_object_set_new(object, "fcc_create", json_boolean(fcc->create));
}

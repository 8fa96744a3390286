/* SPDX-License-Identifier: MIT */
/* plan-store: see the header. */
#include "agent/plan/plan-store.h"

static void
clear(void *data)
{
	PlanStore *store = data;

	plan_data_free_strings(store->paths);
	plan_data_free_strings(store->names);
	g_free(store->from_line);
	g_free(store->lock);
	g_free(store->lock_timeout);
	g_free(store->umask);
	g_free(store->prefix);
}

static void
add_json(json_t *object, const PlanAction *action)
{
	const PlanStore *store = action->data;
	plan_data_set_strings(object, "paths", store->paths);
}

static const char *
target(const void *data)
{
	const PlanStore *store = data;
	return store->paths != NULL && store->paths->len > 0 ? store->paths->pdata[0] : NULL;
}

const PlanData plan_store_data = {
	.size = sizeof(PlanStore),
	.clear = clear,
	.add_json = add_json,
	.target = target,
};

PlanStore *
plan_store_of(const PlanAction *action)
{
	return plan_data_of(action, &plan_store_data);
}

/* SPDX-License-Identifier: MIT */
/* plan-reply: see the header. */
#include "agent/plan/plan-reply.h"

static void
clear(void *data)
{
	PlanReply *reply = data;

	g_free(reply->from);
	g_free(reply->subject);
	g_free(reply->body);
	g_free(reply->handle);
	plan_data_free_strings(reply->addresses);
	plan_fcc_free(reply->fcc);
}

static void
add_json(json_t *object, const PlanAction *action)
{
	const PlanReply *reply = action->data;

	plan_data_set_text(object, "from", reply->from);
	plan_data_set_text(object, "subject", reply->subject);
	plan_data_set_text(object, "reason", reply->body);
	plan_data_set_text(object, "handle", reply->handle);
	json_object_set_new(object, "mime", json_boolean(reply->is_mime));
	json_object_set_new(object, "seconds", json_integer(reply->interval_seconds));
	plan_data_set_strings(object, "addresses", reply->addresses);
	plan_fcc_add_json(object, reply->fcc);
}

const PlanData plan_reply_data = {
	.size = sizeof(PlanReply),
	.clear = clear,
	.add_json = add_json,
};

PlanReply *
plan_reply_of(const PlanAction *action)
{
	return plan_data_of(action, &plan_reply_data);
}

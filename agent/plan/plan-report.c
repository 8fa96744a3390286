/* SPDX-License-Identifier: MIT */
/* plan-report: see the header. */
#include "agent/plan/plan-report.h"

static void
clear(void *data)
{
	PlanReport *report = data;

	g_free(report->feedback_type);
	g_free(report->message);
	g_free(report->address);
}

static void
add_json(json_t *object, const PlanAction *action)
{
	const PlanReport *report = action->data;

	plan_data_set_text(object, "feedback_type", report->feedback_type);
	plan_data_set_text(object, "message", report->message);
	plan_data_set_text(object, "address", report->address);
	json_object_set_new(object, "headers_only", json_boolean(report->headers_only));
}

static const char *
target(const void *data)
{
	const PlanReport *report = data;
	return report->address;
}

const PlanData plan_report_data = {
	.size = sizeof(PlanReport),
	.clear = clear,
	.add_json = add_json,
	.target = target,
};

PlanReport *
plan_report_of(const PlanAction *action)
{
	return plan_data_of(action, &plan_report_data);
}

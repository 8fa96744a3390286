/* SPDX-License-Identifier: MIT */
/* plan-notice: see the header. */
#include "agent/plan/plan-notice.h"

#include <string.h>

static void
clear(void *data)
{
	PlanNotice *notice = data;

	g_free(notice->method);
	g_free(notice->from);
	plan_data_free_strings(notice->options);
	g_free(notice->message);
	g_free(notice->id);
	plan_fcc_free(notice->fcc);
}

static void
print(GString *out, const void *data)
{
	const PlanNotice *notice = data;
	g_string_append_printf(out, " by \"%s\"", notice->method);
}

static void
add_json(json_t *object, const PlanAction *action)
{
	const PlanNotice *notice = action->data;

	plan_data_set_text(object, "method", notice->method);
	plan_data_set_text(object, "from", notice->from);
	plan_data_set_text(object, "message", notice->message);
	json_object_set_new(object, "importance", json_integer(notice->importance));
	plan_data_set_strings(object, "options", notice->options);
	plan_fcc_add_json(object, notice->fcc);
}

/* RFC 5436 2.7: no second notice of the same to the same. */
static bool
is_same(const void *one, const void *other)
{
	const PlanNotice *earlier = one, *later = other;

	return g_strcmp0(earlier->method, later->method) == 0 &&
	       g_strcmp0(earlier->message, later->message) == 0;
}

static const char *
target(const void *data)
{
	const PlanNotice *notice = data;
	return notice->method;
}

const PlanData plan_notice_data = {
	.size = sizeof(PlanNotice),
	.clear = clear,
	.print = print,
	.add_json = add_json,
	.is_same = is_same,
	.target = target,
};

PlanNotice *
plan_notice_of(const PlanAction *action)
{
	return plan_data_of(action, &plan_notice_data);
}

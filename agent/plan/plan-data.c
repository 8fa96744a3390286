/* SPDX-License-Identifier: MIT */
/* plan-data: the data of actions without any, and what the others have in common. */
#include "agent/plan/plan-data.h"

const PlanData plan_none_data = { .size = 0 };

void *
plan_data_of(const PlanAction *action, const PlanData *type)
{
	return plan_kind_row(action->kind)->data == type ? action->data : NULL;
}

void
plan_data_free_strings(GPtrArray *strings)
{
	if (strings != NULL)
		g_ptr_array_unref(strings);
}

static json_t *
json_text(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	return json_string(valid);
}

void
plan_data_set_text(json_t *object, const char *key, const char *text)
{
	if (text != NULL)
		json_object_set_new(object, key, json_text(text));
}

void
plan_data_set_strings(json_t *object, const char *key, const GPtrArray *strings)
{
	json_t *array = json_array();
	for (guint i = 0; strings != NULL && i < strings->len; i++)
		json_array_append_new(array, json_text(strings->pdata[i]));
	json_object_set_new(object, key, array);
}

/* SPDX-License-Identifier: MIT */
/*
 * plan-data: what an action has besides the members that all actions have. Each kind of data is a
 * struct in a plan-NAME.h, and a PlanData plan_NAME_data in plan-NAME.c that says how it is freed
 * and shown; rows of plan-table.def name it.
 */
#ifndef TODOKE_PLAN_DATA_H
#define TODOKE_PLAN_DATA_H

#include "agent/plan/plan.h"

struct PlanData {
	size_t size; /* of the struct, which is all zeros at first */
	/* Free what the struct holds, not the struct. */
	void (*clear)(void *data);
	/* Append to the line for people; NULL: nothing. */
	void (*print)(GString *out, const void *data);
	/* Set the members of the JSON object. */
	void (*add_json)(json_t *object, const PlanAction *action);
	/* Where it brings the message or its notice; NULL: nowhere. Borrowed. */
	const char *(*target)(const void *data);
	/* Do two actions ask for the same (a row with DATA)? */
	bool (*is_same)(const void *one, const void *other);
};

#define PLAN(id, name, role, data, repeats) extern const PlanData plan_##data##_data;
#include "agent/plan/plan-table.def"
#undef PLAN

/* The data of `action`, if it is of `type`; else NULL. Borrowed. */
void *plan_data_of(const PlanAction *action, const PlanData *type);

/* Free an array of strings, which may be NULL. */
void plan_data_free_strings(GPtrArray *strings);

/* Set a member of a JSON object; text that is not UTF-8 is mended. NULL: no member. */
void plan_data_set_text(json_t *object, const char *key, const char *text);

/* The same with an array of strings; NULL: an empty one. */
void plan_data_set_strings(json_t *object, const char *key, const GPtrArray *strings);

#endif

/* SPDX-License-Identifier: MIT */
/* plan-program: see the header. */
#include "agent/plan/plan-program.h"

static void
clear(void *data)
{
	PlanProgram *program = data;

	g_free(program->name);
	plan_data_free_strings(program->args);
	plan_data_free_strings(program->environment);
	g_free(program->directory);
	g_free(program->lock);
	if (program->input != NULL)
		g_bytes_unref(program->input);
}

static void
print(GString *out, const void *data)
{
	const PlanProgram *program = data;
	g_string_append_printf(out, " program \"%s\"", program->name);
}

static void
add_json(json_t *object, const PlanAction *action)
{
	const PlanProgram *program = action->data;

	plan_data_set_text(object, "program", program->name);
	plan_data_set_strings(object, "arguments", program->args);
	if (action->kind == PLAN_PIPE)
		json_object_set_new(object, "try", json_boolean(program->may_fail));
}

static const char *
target(const void *data)
{
	const PlanProgram *program = data;
	return program->name;
}

const PlanData plan_program_data = {
	.size = sizeof(PlanProgram),
	.clear = clear,
	.print = print,
	.add_json = add_json,
	.target = target,
};

PlanProgram *
plan_program_of(const PlanAction *action)
{
	return plan_data_of(action, &plan_program_data);
}

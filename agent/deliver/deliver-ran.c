/* deliver-ran: programs of execute and filter have run while the rules did; in the plan they are told, not done again. */
#include "agent/deliver/deliver.h"

static bool
ran_prepare(DeliverRun *run, const PlanAction *action, void **ret_step, Status *st)
{
	(void) run, (void) st;
	*ret_step = (void *) action;
	return true;
}

static bool
ran_nothing(DeliverRun *run, void *step, Status *st)
{
	(void) run, (void) step, (void) st;
	return true;
}

static void
ran_no_step(void *step)
{
	(void) step;
}

static void
ran_report(DeliverRun *run, const void *step, DeliverReport *report)
{
	const PlanAction *action = step;
	(void) run;
	deliver_report_add(report, plan_kind_row(action->kind)->name, NULL, NULL, 0);
}

extern const DeliverAction deliver_ran;
const DeliverAction deliver_ran = {
	.name = "ran",
	.prepare = ran_prepare,
	.commit = ran_nothing,
	.flush = ran_nothing,
	.take_back = ran_no_step,
	.report = ran_report,
	.free = ran_no_step,
};

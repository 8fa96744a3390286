/* SPDX-License-Identifier: MIT */
/* deliver-discard: nothing is kept, because a rule says so. */
#include "agent/deliver/deliver.h"

/*
 * The message must have come whole all the same: a short one is sent again, and its end may change
 * the rules' mind.
 */
static bool
discard_prepare(DeliverRun *run, const PlanAction *action, void **ret_step, Status *st)
{
	if (!message_drain(run->job->message, st))
		return false;
	*ret_step = (void *) action;
	return true;
}

static bool
discard_nothing(DeliverRun *run, void *step, Status *st)
{
	(void) run, (void) step, (void) st;
	return true;
}

static void
discard_no_step(void *step)
{
	(void) step;
}

static void
discard_report(DeliverRun *run, const void *step, DeliverReport *report)
{
	(void) run, (void) step;
	deliver_report_add(report, "discard", NULL, NULL, 0);
}

extern const DeliverAction deliver_discard;
const DeliverAction deliver_discard = {
	.name = "discard",
	.prepare = discard_prepare,
	.commit = discard_nothing,
	.flush = discard_nothing,
	.take_back = discard_no_step,
	.report = discard_report,
	.free = discard_no_step,
};

/* SPDX-License-Identifier: MIT */
/*
 * setup-status: does Postfix make a bounce of what todoke calls temporary (delivery status
 * filters)?
 */
#ifndef TODOKE_SETUP_STATUS_H
#define TODOKE_SETUP_STATUS_H

#include "agent/cmd/setup-plan-parts.h"

void setup_status_plan(SetupPlanner *planner);

#endif

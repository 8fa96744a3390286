/* SPDX-License-Identifier: MIT */
/*
 * setup-rights: does what todoke.conf names exist, and may the account that delivers by the door
 * reach it?
 */
#ifndef TODOKE_SETUP_RIGHTS_H
#define TODOKE_SETUP_RIGHTS_H

#include "agent/cmd/setup-plan-parts.h"

/*
 * Findings about the program, the configuration, the key, the site's scripts and the tree of
 * virtual users.
 */
void setup_rights_plan(SetupPlanner *planner);

#endif

/* SPDX-License-Identifier: MIT */
/* setup-rights: may whoever delivers by a door reach what todoke.conf names, and is it there? */
#ifndef TODOKE_SETUP_RIGHTS_H
#define TODOKE_SETUP_RIGHTS_H

#include "agent/cmd/setup-plan-parts.h"

/*
 * Findings about the program, the configuration, the key, the site's scripts and the tree of
 * virtual users.
 */
void setup_rights_plan(SetupPlanner *planner);

#endif

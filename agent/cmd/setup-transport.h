/* SPDX-License-Identifier: MIT */
/*
 * setup-transport: what keeps mail of the recipients' domains from coming to todoke: entries of
 * transport_maps, which Postfix asks before virtual_transport and local_transport, and domains that
 * are both local and virtual.
 */
#ifndef TODOKE_SETUP_TRANSPORT_H
#define TODOKE_SETUP_TRANSPORT_H

#include "agent/cmd/setup-plan-parts.h"

/* Add a finding for either. A table that cannot be asked is passed over. */
void setup_transport_plan(SetupPlanner *planner);

#endif

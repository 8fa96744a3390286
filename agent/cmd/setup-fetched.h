/* SPDX-License-Identifier: MIT */
/*
 * setup-fetched: the two remedies for mail that a program fetched for accounts of the system.
 *
 * local(8) compares Delivered-To before it asks anybody, so the mail has to reach it with the line
 * renamed (SETUP_FETCHED_SMTPD), or not at all (SETUP_FETCHED_LMTP).
 */
#ifndef TODOKE_SETUP_FETCHED_H
#define TODOKE_SETUP_FETCHED_H

#include "agent/cmd/setup-plan-parts.h"

/*
 * What the chosen remedy needs; where none is chosen and local(8) delivers, the finding that names
 * both.
 */
void setup_fetched_plan(SetupPlanner *planner);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * setup-accounts: what keeps the mail of system accounts from its owners: root's mail, rights, a
 * tree of virtual users.
 */
#ifndef TODOKE_SETUP_ACCOUNTS_H
#define TODOKE_SETUP_ACCOUNTS_H

#include "agent/cmd/postfix-aliases.h"
#include "agent/cmd/setup-plan-parts.h"

/* The table of ours for root's alias, and for those that local(8) read before. */
#define SETUP_ALIASES_FILE "todoke-aliases"

/* Add findings and changes for every door. */
void setup_accounts_plan(SetupPlanner *planner);

#endif

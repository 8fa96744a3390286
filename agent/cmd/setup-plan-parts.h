/* SPDX-License-Identifier: MIT */
/* setup-plan-parts: what the files that make a plan share. */
#ifndef TODOKE_SETUP_PLAN_PARTS_H
#define TODOKE_SETUP_PLAN_PARTS_H

#include "agent/cmd/setup-plan.h"

typedef struct {
	const PostfixFacts *facts;
	const SetupWish *wish;
	SetupPlan *plan;
	char *pipe_user; /* as whom the pipe service runs; NULL: another door */
} SetupPlanner;

/*
 * Add a finding, whose weight is that of its row in setup-finding.def; takes `text` and `fix`. The
 * finding is the plan's.
 */
SetupFinding *setup_plan_find(SetupPlanner *planner, const char *code, char *text, char *fix);

/* Add a change, unless `after` is there already. */
void setup_plan_want(SetupPlanner *planner, bool master, const char *name, const char *before,
                     const char *after, const char *why);
void setup_plan_want_parameter(SetupPlanner *planner, const char *name, const char *after,
                               const char *why);

/* Add a file, unless it is there with that content; takes `content`. */
void setup_plan_want_file(SetupPlanner *planner, const char *name, char *content, const char *why);

/*
 * The arguments of mailbox_command where it runs procmail, or todoke in its place, and nothing else
 * would run the recipes: a site that has them must not lose them. NULL: it does not. Borrowed.
 */
const char *setup_plan_procmail_arguments(const SetupPlanner *planner);

/* Does the service of pipe(8) or spawn(8) run todoke? */
bool setup_plan_runs_todoke(const PostfixService *service);

/* The path of a file of ours beside main.cf. Caller frees. */
char *setup_plan_path(const SetupPlanner *planner, const char *name);

/* `postconf -e 'name = value'` for this Postfix. Caller frees. */
char *setup_plan_set_command(const SetupPlanner *planner, const char *name, const char *value);

/*
 * The first place where lmtpd listens, as lmtp(8) names it: paths below the queue directory work
 * from its chroot, too. Caller frees.
 */
char *setup_plan_lmtp_route(const SetupPlanner *planner);

/*
 * What main.cf says of a parameter, as it is written there; where it says nothing, the value that
 * holds.
 */
const char *setup_plan_written(const SetupPlanner *planner, const char *name);

#endif

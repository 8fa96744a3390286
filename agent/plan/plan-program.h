/* SPDX-License-Identifier: MIT */
/* plan-program: a program with its arguments (no shell). */
#ifndef TODOKE_PLAN_PROGRAM_H
#define TODOKE_PLAN_PROGRAM_H

#include "agent/plan/plan-data.h"

typedef struct {
	char *name;
	GPtrArray *args;
	bool may_fail;  /* pipe :try: a failure is no error of the script */
	bool must_read; /* one that leaves a part of its input has failed */
	/*
	 * of a recipe's own program, "NAME=value"; NULL: the program is an item of the site's
	 * allow-list
	 */
	GPtrArray *environment;
	char *directory; /* where it runs; NULL: where the agent is */
	GBytes *input;   /* what it reads; NULL: the message */
	char *lock;      /* lock file to hold while it runs; NULL: none */
	bool done;       /* the rule needed its exit code: it ran already */
	bool is_trap;    /* TRAP of recipes: its output is logged, its end changes nothing */
} PlanProgram;

/* The program of `action`; NULL: it is of another kind. Borrowed. */
PlanProgram *plan_program_of(const PlanAction *action);

#endif

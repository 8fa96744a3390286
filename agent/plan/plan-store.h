/* SPDX-License-Identifier: MIT */
/*
 * plan-store: files and directories by path, as recipes name them: "dir/" is a Maildir, "dir/." an
 * MH folder, a directory takes a file of its own, anything else is an mbox. More than one: hard
 * links of one file, all in directories.
 */
#ifndef TODOKE_PLAN_STORE_H
#define TODOKE_PLAN_STORE_H

#include "agent/plan/plan-data.h"

typedef struct {
	GPtrArray *paths; /* char *: absolute where the recipe's folder is known */
	/*
	 * char *: the file's in each of the paths, as the rules were told it; NULL: made when it is
	 * stored
	 */
	GPtrArray *names;
	/* somebody will look for the file by that name: it gets no sizes behind it */
	bool is_exact;
	char *from_line;    /* for all but Maildirs; NULL: none, as the header is not stored */
	char *lock;         /* lock file that the rule names; NULL: none */
	char *lock_timeout; /* LOCKTIMEOUT of the recipes; NULL: the site's */
	char *umask;        /* UMASK of the recipes, octal; NULL: the site's */
	char *prefix;       /* of the file's name in a plain directory; NULL: "msg." */
	bool raw;           /* no empty line is made at the end */
} PlanStore;

/* What `action` stores to; NULL: it is of another kind. Borrowed. */
PlanStore *plan_store_of(const PlanAction *action);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * conf-problem: where in the configuration something stands, and the list of what is wrong with it.
 */
#ifndef TODOKE_CONF_PROBLEM_H
#define TODOKE_CONF_PROBLEM_H

#include "agent/base/problem.h"

/* A place in a file. */
typedef struct {
	/* borrowed; "-o": an override on the command line; NULL: nowhere, it is the default */
	const char *file;
	unsigned line;       /* from 1; 0: no line */
	unsigned column;     /* from 1, in octets; 0: the whole line */
	unsigned end_column; /* the first behind it; 0: not known */
} ConfPlace;

/*
 * Add an error; those over LIMIT_CONF_PROBLEMS are dropped. `code` is static; `hint` may be NULL.
 */
void conf_problem_add(GPtrArray *problems, const ConfPlace *place, const char *code,
                      const char *hint, const char *text, ...) G_GNUC_PRINTF(5, 6);

#endif

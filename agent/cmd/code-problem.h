/* SPDX-License-Identifier: MIT */
/* code-problem: what the key of a problem of `todoke check` means, in plain words. */
#ifndef TODOKE_CODE_PROBLEM_H
#define TODOKE_CODE_PROBLEM_H

#include <stdbool.h>

typedef struct {
	const char *name; /* the key */
	bool is_of_admin; /* else the author of the rule can repair it */
	const char *what; /* marked for translation, not translated */
	const char *todo;
} CodeProblem;

/* False: no problem has that key. All that *ret has is static. */
bool code_problem_find(const char *key, CodeProblem *ret);

#endif

/* problem: how what is wrong with a script is shown to people. */
#ifndef TODOKE_PROBLEM_H
#define TODOKE_PROBLEM_H

#include "filters/filter.h"

/* "error", "warning". */
const char *problem_severity_name(ProblemSeverity severity);

/*
 * A problem as compilers print it: `file:line:column: error: text`, the line of `source` (NULL: not at hand) with
 * carets below the token, the hint. Caller frees.
 */
char *problem_print(const FilterProblem *problem, const char *source);

#endif

/* conf-problem: the list of what is wrong with a file, while it is read. */
#ifndef TODOKE_CONF_PROBLEM_H
#define TODOKE_CONF_PROBLEM_H

#include "conf/conf.h"

/* Add a problem; those over LIMIT_CONF_PROBLEMS are dropped. `problems` frees its elements with conf_problem_free. */
void conf_problem_add(GPtrArray *problems, const char *file, unsigned line, const char *text, ...) G_GNUC_PRINTF(4, 5);

/* Is there one at this line already? What follows from it needs no second word. */
bool conf_problem_at_line(const GPtrArray *problems, unsigned line);

/* In the order of the lines. */
void conf_problem_sort(GPtrArray *problems);

/* The name in `names` (NULL ends) that a writer of `name` probably meant, or NULL. */
const char *conf_problem_nearest(const char *name, const char *const *names);

#endif

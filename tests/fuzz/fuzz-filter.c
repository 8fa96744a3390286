/* fuzz-filter: the one function of filters/filter.c that header rules call, without the table of engines. */
#include "filters/filter.h"

void
filter_problem_add(GPtrArray *problems, const FilterProblem *problem)
{
	(void) problems;
	(void) problem;
}

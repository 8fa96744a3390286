/* SPDX-License-Identifier: MIT */
/*
 * fuzz-filter: the one function of filters/filter.c that header rules call, without the table of
 * engines.
 */
#include "filters/filter.h"

void
problem_add(GPtrArray *problems, const Problem *problem)
{
	(void) problems;
	(void) problem;
}

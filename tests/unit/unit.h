/* SPDX-License-Identifier: MIT */
/* unit: what cmocka wants included, in the order that it wants. */
#ifndef TODOKE_UNIT_H
#define TODOKE_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

/* Milliseconds of processor time so far: what others do on the machine does not count. */
static inline int64_t
unit_cpu_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Run a table: one cmocka test a row, named by the row, which is the state that `test` gets. */
#define UNIT_ROWS(tests, n, rows, test) \
	for (size_t unit_i = 0; unit_i < G_N_ELEMENTS(rows); unit_i++) \
		(tests)[(n)++] = (struct CMUnitTest) \
		{ \
			(rows)[unit_i].name, (test), NULL, NULL, \
				(void *) (uintptr_t) & (rows)[unit_i] \
		}

#endif

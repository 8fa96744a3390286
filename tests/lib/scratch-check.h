/* SPDX-License-Identifier: MIT */
/* scratch-check: what has to be in a test's folder; for tests of cmocka. */
#ifndef TODOKE_SCRATCH_CHECK_H
#define TODOKE_SCRATCH_CHECK_H

#include "tests/lib/scratch.h"
#include "tests/unit/unit.h"

/* The names in dir/below are these, as scratch_list has them. */
static inline void
scratch_check_list(const char *dir, const char *below, const char *want)
{
	g_autofree char *got = scratch_list(dir, below);
	assert_string_equal(got, want);
}

/* The file dir/below has this in it; NULL: there is none. */
static inline void
scratch_check_file(const char *dir, const char *below, const char *want)
{
	g_autofree char *got = scratch_read(dir, below);
	if (want == NULL)
		assert_null(got);
	else
		assert_non_null(got);
	if (want != NULL)
		assert_string_equal(got, want);
}

#endif

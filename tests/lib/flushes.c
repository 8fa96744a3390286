/* SPDX-License-Identifier: MIT */
/* flushes: a name for each descriptor by /proc. */
#include "tests/lib/flushes.h"

#include <errno.h>

static GPtrArray *paths; /* NULL: nobody asks */
static const char *to_break;

int fsync(int fd);

int
fsync(int fd)
{
	g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", fd),
			*path = g_file_read_link(link, NULL);
	if (paths != NULL && path != NULL)
		g_ptr_array_add(paths, g_strdup(path));
	if (to_break == NULL || path == NULL || !g_pattern_match_simple(to_break, path))
		return 0;
	errno = EIO;
	return -1;
}

void
flushes_begin(const char *broken)
{
	flushes_end();
	paths = g_ptr_array_new_with_free_func(g_free);
	to_break = broken;
}

void
flushes_end(void)
{
	g_clear_pointer(&paths, g_ptr_array_unref);
	to_break = NULL;
}

const GPtrArray *
flushes_all(void)
{
	return paths;
}

bool
flushes_have(const char *pattern)
{
	for (guint i = 0; i < paths->len; i++)
		if (g_pattern_match_simple(pattern, paths->pdata[i]))
			return true;
	return false;
}

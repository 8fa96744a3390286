/* SPDX-License-Identifier: MIT */
/*
 * streams: where the standard streams lead. Of the C library alone, for main() asks it before the
 * rest is loaded.
 */
#ifndef TODOKE_STREAMS_H
#define TODOKE_STREAMS_H

#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

/* Do two descriptors lead to the same file, pipe or socket of that type (S_IFIFO; 0: of any)? */
static inline bool
streams_are_same(int one, int other, mode_t type)
{
	struct stat a, b;
	return fstat(one, &a) == 0 && fstat(other, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino && (type == 0 || (a.st_mode & S_IFMT) == type);
}

static inline bool
streams_may_block(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	return flags < 0 || (flags & O_NONBLOCK) == 0;
}

/* Are both outputs one pipe that does not block, as pipe(8) and local(8) make it? */
static inline bool
streams_lead_to_postfix(void)
{
	return !streams_may_block(STDOUT_FILENO) &&
	       streams_are_same(STDOUT_FILENO, STDERR_FILENO, S_IFIFO);
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * libc: what glibc has and other C libraries (musl, of Alpine) have late or not at all. Calls of
 * the system keep the names of glibc, as a test that lets them fail knows these.
 */
#ifndef TODOKE_LIBC_H
#define TODOKE_LIBC_H

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifdef __GLIBC__

#include <sys/pidfd.h>

#else

#include <sys/syscall.h>

#define pidfd_open(pid, flags) ((int) syscall(SYS_pidfd_open, pid, flags))
#define close_range(first, last, flags) ((int) syscall(SYS_close_range, first, last, flags))
#define renameat2(from_fd, from, to_fd, to, flags) \
	((int) syscall(SYS_renameat2, from_fd, from, to_fd, to, flags))

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE (1U << 0)
#endif

#endif

/* The words for an errno in English, whatever the locale; NULL: the library has none. */
static inline const char *
libc_error_text(int err)
{
#ifdef __GLIBC__
#if __GLIBC_PREREQ(2, 32)
	return strerrordesc_np(err);
#endif
#endif
	(void) err;
	return NULL;
}

#endif

/* SPDX-License-Identifier: MIT */
/* open-mode: for stand-ins of open(2) and openat(2): a mode is there where a file may be made. */
#ifndef TODOKE_OPEN_MODE_H
#define TODOKE_OPEN_MODE_H

#include <fcntl.h>
#include <stdarg.h>
#include <sys/types.h>

/* Declares `mode`; in a function (..., int flags, ...). */
#define OPEN_MODE(flags) \
	mode_t mode = 0; \
	if (((flags) &O_CREAT) != 0) { \
		va_list ap; \
		va_start(ap, flags); \
		mode = va_arg(ap, mode_t); \
		va_end(ap); \
	}

#endif

/* SPDX-License-Identifier: MIT */
/* own-program: where this todoke lies, and whether Postfix may be told to call it there. */
#ifndef TODOKE_OWN_PROGRAM_H
#define TODOKE_OWN_PROGRAM_H

#include <stdbool.h>

/* The path of the program that runs. Caller frees. */
char *own_program_path(void);

/*
 * Does `path` lie where this todoke was made to be installed? A folder in which it was built, or
 * tried out, may be gone tomorrow.
 */
bool own_program_is_installed(const char *path);

/* A todoke that is installed on this host; NULL: none was found. Caller frees. */
char *own_program_find_installed(void);

/* Are the two paths one file? */
bool own_program_is_same(const char *one, const char *other);

#endif

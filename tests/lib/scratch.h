/* SPDX-License-Identifier: MIT */
/* scratch: a folder of its own for a test, and what is in it. */
#ifndef TODOKE_SCRATCH_H
#define TODOKE_SCRATCH_H

#include <glib.h>

/* A new empty folder. Caller frees the path, and the folder with scratch_remove. */
char *scratch_new(void);

/* Remove a folder with all that is in it, and free `path`. */
void scratch_remove(char *path);

/*
 * The names in the folder dir/below, sorted and separated by blanks; "-" if there is no such
 * folder. Caller frees.
 */
char *scratch_list(const char *dir, const char *below);

/* Path of the only file in dir/below; aborts if there is not exactly one. Caller frees. */
char *scratch_only(const char *dir, const char *below);

/* Contents of dir/below; NULL: no such file. Caller frees. */
char *scratch_read(const char *dir, const char *below);

void scratch_write(const char *dir, const char *below, const char *text);

#endif

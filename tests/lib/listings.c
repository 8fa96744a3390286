/* SPDX-License-Identifier: MIT */
/* listings: the readdir of libc is asked for by name. */
#define _GNU_SOURCE
#include "tests/lib/listings.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>

static bool is_broken;

struct dirent *
readdir(DIR *dir)
{
	struct dirent *(*real)(DIR *);
	if (is_broken) {
		errno = EIO;
		return NULL;
	}

	/* the name that files of more than 2 GiB have given it, where there are two */
	void *found = dlsym(RTLD_NEXT, "readdir64");
	*(void **) &real = found != NULL ? found : dlsym(RTLD_NEXT, "readdir");
	return real(dir);
}

void
listings_break(bool broken)
{
	is_broken = broken;
}

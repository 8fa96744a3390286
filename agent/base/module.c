/* SPDX-License-Identifier: MIT */
/* module: dlopen. */
#define _GNU_SOURCE
#include "agent/base/module.h"

#include "agent/base/handover.h"

#include <dlfcn.h>
#include <stdlib.h>

static char *
path_in(const char *variable, const char *installed, const char *name)
{
	const char *folder = secure_getenv(variable);
	return g_build_filename(folder != NULL ? folder : installed, name, NULL);
}

char *
module_program_path(const char *name)
{
	return path_in("TODOKE_PROGRAM_DIR", TODOKE_PROGRAM_DIR, name);
}

const void *
module_open(const char *file, const char *symbol, unsigned version, Status *st)
{
	handover_go(file);
	g_autofree char *path = path_in("TODOKE_MODULE_DIR", TODOKE_MODULE_DIR, file);
	/* Libraries behind it register things that cannot be taken back: it is never closed. */
	void *handle = dlopen(path, RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);

	const void *(*entry)(void) = NULL;
	if (handle != NULL)
		*(void **) &entry = dlsym(handle, symbol);
	if (entry == NULL) {
		const char *why = dlerror();
		status_fail_detail(st, STATUS_CONFIG, "cannot open '%s': %s", path,
		                   why != NULL ? why : "no entry");
		return NULL;
	}

	const unsigned *table = entry();
	if (*table == version)
		return table;

	status_fail_detail(st, STATUS_CONFIG, "cannot use '%s': version %u, not %u", path, *table,
	                   version);
	return NULL;
}

/* module: dlopen. */
#define _GNU_SOURCE
#include "agent/base/module.h"

#include <dlfcn.h>
#include <stdlib.h>

const void *
module_open(const char *file, const char *symbol, unsigned version, Status *st)
{
	const char *dir = secure_getenv("TODOKE_MODULE_DIR");
	g_autofree char *path = g_build_filename(dir != NULL ? dir : TODOKE_MODULE_DIR, file, NULL);
	/* Libraries behind it register things that cannot be taken back: it is never closed. */
	void *handle = dlopen(path, RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);
	const void *(*entry)(void) = NULL;
	if (handle != NULL)
		*(void **) &entry = dlsym(handle, symbol);
	if (entry == NULL) {
		const char *why = dlerror();
		status_fail_detail(st, STATUS_CONFIG, "cannot open '%s': %s", path, why != NULL ? why : "no entry");
		return NULL;
	}
	const unsigned *table = entry();
	if (*table == version)
		return table;
	status_fail_detail(st, STATUS_CONFIG, "cannot use '%s': version %u, not %u", path, *table, version);
	return NULL;
}

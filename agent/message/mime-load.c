/* mime-load: dlopen of the one module, once a process. */
#define _GNU_SOURCE
#include "agent/message/mime-load.h"

#include <dlfcn.h>
#include <stdlib.h>

/* The module, or why there is none; asked once a process. */
static struct {
	GMutex lock;
	const MimeModule *module;
	char *failure;
} loaded;

static const MimeModule *
open_file(const char *path, char **ret_failure)
{
	/* GLib and GMime register types that cannot be taken back: the module is never closed. */
	void *handle = dlopen(path, RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);
	const MimeModule *(*entry)(void) = NULL;
	if (handle != NULL)
		*(void **) &entry = dlsym(handle, MIME_MODULE_SYMBOL);
	if (entry == NULL) {
		const char *why = dlerror();
		*ret_failure = g_strdup_printf("cannot open '%s': %s", path, why != NULL ? why : "no entry");
		return NULL;
	}
	const MimeModule *module = entry();
	if (module->version == MIME_MODULE_VERSION)
		return module;
	*ret_failure = g_strdup_printf("cannot use '%s': version %u, not %u", path, module->version, MIME_MODULE_VERSION);
	return NULL;
}

const MimeModule *
mime_load(Status *st)
{
	g_mutex_lock(&loaded.lock);
	if (loaded.module == NULL && loaded.failure == NULL) {
		const char *dir = secure_getenv("TODOKE_MODULE_DIR");
		g_autofree char *path = g_build_filename(dir != NULL ? dir : TODOKE_MODULE_DIR, MIME_MODULE_FILE, NULL);
		loaded.module = open_file(path, &loaded.failure);
	}
	g_mutex_unlock(&loaded.lock);
	if (loaded.module == NULL)
		status_fail_detail(st, STATUS_CONFIG, "%s", loaded.failure);
	return loaded.module;
}

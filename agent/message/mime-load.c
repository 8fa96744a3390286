/* SPDX-License-Identifier: MIT */
/* mime-load: the one module of the parsed view, opened once a process. */
#include "agent/message/mime-load.h"

#include "agent/base/module.h"

/* The module, or why there is none: it is asked for once, whatever the answer. */
static struct {
	GMutex lock;
	const MimeModule *module;
	Status failure;
} loaded;

const MimeModule *
mime_load(Status *st)
{
	g_mutex_lock(&loaded.lock);
	if (loaded.module == NULL && loaded.failure.id == STATUS_OK)
		loaded.module = module_open(MIME_MODULE_FILE, MIME_MODULE_SYMBOL,
		                            MIME_MODULE_VERSION, &loaded.failure);
	g_mutex_unlock(&loaded.lock);
	if (loaded.module == NULL)
		status_fail_detail(st, STATUS_CONFIG, "%s", loaded.failure.detail);

	return loaded.module;
}

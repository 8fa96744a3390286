/* SPDX-License-Identifier: MIT */
/* last-good: see the header. */
#include "agent/cmd/last-good.h"

#include "agent/run/script-memory.h"
#include "agent/state/state.h"

#include <stdlib.h>

ScriptSet *
last_good_find(const Site *site, const Account *account, const Conf *conf, const char *path)
{
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *folder = account_state_folder(account, conf, &st);
	gint64 now = g_get_real_time() / G_USEC_PER_SEC;
	if (folder == NULL)
		return NULL;

	g_autoptr(StateOnce)
		state = state_once_new_copy_shared(site->state, account->user, folder, now);
	const ScriptMemory memory = { state, account->user, now, notes };
	return script_memory_recall(&memory, path);
}

/* "-c FILE " where another than the usual configuration is meant. Caller frees. */
static char *
conf_word(const Conf *conf)
{
	const char *file = conf_main_path(conf);
	if (strcmp(file, conf_default_path()) == 0)
		return g_strdup("");
	g_autofree char *quoted = g_shell_quote(file);
	return g_strdup_printf("-c %s ", quoted);
}

char *
last_good_command(const Conf *conf, const char *path, const char *user)
{
	g_autofree char *real = realpath(path, NULL);
	if (real == NULL)
		return NULL;

	g_autofree char *file = g_shell_quote(real), *asked = g_shell_quote(path),
			*owner = g_shell_quote(user), *word = conf_word(conf);
	return g_strdup_printf(
		"cp -p %s %s.good && todoke check %s--last-good %s -d %s >%s.good && "
		"ln %s %s.broken && mv %s.good %s",
		file, file, word, asked, owner, file, file, file, file, file);
}

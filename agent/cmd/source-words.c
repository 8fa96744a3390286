/* SPDX-License-Identifier: MIT */
/* source-words: see the header. */
#include "agent/cmd/source-words.h"

#include "agent/cmd/cmd-common.h"
#include "agent/run/account-source.h"

#include <string.h>

/* What the name alone says. */
static bool
is_plain(const char *source)
{
	return source == NULL || strcmp(source, "system") == 0 || strcmp(source, "virtual") == 0;
}

char *
source_words_site(const Conf *conf)
{
	if (is_plain(account_source_of(conf)->name))
		return NULL;

	g_autofree char *source = account_source_describe(conf);
	return g_strconcat("users: ", source, NULL);
}

char *
source_words_account(const Account *account)
{
	const GPtrArray *settings = account->settings;
	if (is_plain(account->source))
		return NULL;

	GString *line = g_string_new("source of the account: ");
	g_string_append(line, account->source);
	for (guint i = 0; settings != NULL && i < settings->len; i++)
		g_string_append_printf(line, "%s%s", i == 0 ? "; its settings: " : ", ",
		                       (const char *) settings->pdata[i]);
	return g_string_free(line, FALSE);
}

void
source_words_add_json(json_t *object, const Account *account)
{
	json_object_set_new(object, "source",
	                    account->source != NULL ? json_string(account->source) : json_null());
	if (account->settings == NULL)
		return;

	json_t *settings = json_array();
	for (guint i = 0; i < account->settings->len; i++)
		json_array_append_new(settings, cmd_json_text(account->settings->pdata[i]));
	json_object_set_new(object, "source_settings", settings);
}

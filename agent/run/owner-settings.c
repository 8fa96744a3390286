/* SPDX-License-Identifier: MIT */
/* owner-settings: see the header. */
#include "agent/run/owner-settings.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/run/trust.h"
#include "conf/conf-owner.h"

#include <fcntl.h>

static void
note(GPtrArray *notes, const char *what)
{
	if (notes != NULL)
		g_ptr_array_add(notes, g_strdup_printf("owner_settings: %s", what));
}

/* The first of them, which names file and line; a log line has no room for all. */
static void
note_problems(GPtrArray *notes, const GPtrArray *problems)
{
	if (problems->len == 0)
		return;

	g_autofree char *first = problem_print_short(problems->pdata[0]);
	g_autofree char *more = problems->len > 1 ? g_strdup_printf("%s (and %u more)", first,
	                                                            problems->len - 1)
	                                          : NULL;
	note(notes, more != NULL ? more : first);
}

/* The text of the file; NULL: there is none that may be used. Caller frees. */
static char *
read_text(const Account *account, const char *path, size_t *ret_len, GPtrArray *notes)
{
	const Trust trust = trust_of_owner(TRUST_OWNER, account, path);
	g_auto(Status) st = STATUS_INIT;
	char *text = NULL;

	if (fs_read_judged(AT_FDCWD, path, LIMIT_SMALL_FILE, trust_judge, &trust, &text, ret_len,
	                   &st))
		return text;
	if (st.id != STATUS_MISSING)
		note(notes, status_why(&st));
	return NULL;
}

/*
 * The path of the file lives as long as this process: settings keep it as their place, and there
 * are as many as there are owners.
 */
static const char *
keep_path(const char *path)
{
	return g_intern_string(path);
}

Conf *
owner_settings_read(const Account *account, const Conf *conf, GPtrArray *notes)
{
	Conf *own = account_conf(account, conf);
	const Conf *now = own != NULL ? own : conf;
	if (*now->owner_settings == '\0' || account->returns_to != NULL || account->home == NULL)
		return own;

	g_auto(Status) st = STATUS_INIT;
	g_autofree char *path = account_expand(account, now->owner_settings, &st);
	size_t len = 0;
	g_autofree char *text = path != NULL ? read_text(account, path, &len, notes) : NULL;
	if (text == NULL)
		return own;

	g_autoptr(GPtrArray) problems = problem_list_new();
	if (own == NULL)
		own = conf_copy(conf);
	conf_owner_use(own, text, len, keep_path(path), problems);
	note_problems(notes, problems);
	return own;
}

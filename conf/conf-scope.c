/* SPDX-License-Identifier: MIT */
/* conf-scope: see the header. */
#include "conf/conf-scope.h"

#include "agent/base/fold.h"
#include "conf/conf-setting.h"
#include "conf/conf-value.h"

#include <string.h>

static const char *const scoped[] = {
#define SCOPED(name) #name,
#include "conf/conf-scope.def"
#undef SCOPED
	NULL,
};

bool
conf_row_is_scoped(const ConfRow *row)
{
	return g_strv_contains(scoped, row->name);
}

static void
scoped_free(void *data)
{
	ConfScoped *setting = data;

	g_strfreev(setting->values);
	g_free(setting);
}

ConfScope *
conf_scope_new(bool is_domain, const ConfWord *title)
{
	ConfScope *scope = g_new0(ConfScope, 1);

	scope->is_domain = is_domain;
	scope->pattern = fold_text(title->text);
	scope->settings = g_ptr_array_new_with_free_func(scoped_free);
	scope->place = title->place;

	return scope;
}

void
conf_scope_free(ConfScope *scope)
{
	if (scope == NULL)
		return;

	g_free(scope->pattern);
	g_ptr_array_unref(scope->settings);
	g_free(scope);
}

/*
 * Set the values in a configuration that nobody uses, so that what is wrong is found before mail
 * comes for the recipient.
 */
static bool
try_values(const ConfRow *row, const ConfStatement *statement, GPtrArray *problems)
{
	g_autofree Conf *trial = g_new0(Conf, 1);
	bool good = true;

	conf_value_init(trial, row);
	for (guint i = 0; i < statement->values->len; i++)
		good = conf_setting_set(trial, row, &g_array_index(statement->values, ConfWord, i),
		                        problems) &&
		       good;

	conf_value_clear(trial, row);
	return good;
}

void
conf_scope_set(ConfScope *scope, const ConfStatement *statement, GPtrArray *problems)
{
	const ConfRow *row = conf_setting_find(&statement->name, NULL, problems);
	if (row == NULL || statement->is_wrong)
		return;

	if (!conf_row_is_scoped(row)) {
		conf_problem_add(problems, &statement->name.place, "not-scoped",
		                 "put it outside of the block",
		                 "'%s' is the same for all recipients", row->name);
		return;
	}

	if (!conf_setting_fits(row, statement, problems) || !try_values(row, statement, problems))
		return;

	ConfScoped *setting = g_new0(ConfScoped, 1);
	g_autoptr(GStrvBuilder) values = g_strv_builder_new();
	for (guint i = 0; i < statement->values->len; i++)
		g_strv_builder_add(values, g_array_index(statement->values, ConfWord, i).text);
	setting->row = row;
	setting->values = g_strv_builder_end(values);
	setting->adds = statement->adds;
	setting->place = statement->name.place;
	g_ptr_array_add(scope->settings, setting);
}

bool
conf_scope_fits(const ConfScope *scope, const char *address)
{
	g_autofree char *folded = fold_text(address);
	char *at = strrchr(folded, '@');
	const char *subject = folded;

	if (scope->is_domain) {
		if (at == NULL)
			return false;
		subject = at + 1;
	} else if (at != NULL && strchr(scope->pattern, '@') == NULL) {
		*at = '\0'; /* a pattern without domain fits the local part in each domain */
	}

	return g_pattern_match_simple(scope->pattern, subject);
}

/* What -o says holds over the blocks: it was said for this one call. */
static void
apply(Conf *conf, const ConfScoped *setting)
{
	const ConfRow *row = setting->row;
	size_t i = conf_row_number(row);
	g_autofree char *problem = NULL;

	if (g_strcmp0(conf->said[i].file, CONF_OVERRIDE) == 0)
		return;
	if (row->type == CONF_LIST && !setting->adds)
		conf_value_empty(conf, row);
	for (char **value = setting->values; *value != NULL; value++)
		(void) conf_value_set(conf, row, *value, &problem); /* tried when it was read */
	conf->said[i] = setting->place;
}

Conf *
conf_for_recipient(const Conf *conf, const char *address)
{
	Conf *own = NULL;

	for (guint i = 0; i < conf->scopes->len; i++) {
		const ConfScope *scope = conf->scopes->pdata[i];
		if (!conf_scope_fits(scope, address))
			continue;
		if (own == NULL)
			own = conf_copy(conf);
		for (guint j = 0; j < scope->settings->len; j++)
			apply(own, scope->settings->pdata[j]);
	}

	return own;
}

/* The row that "NAME=VALUE" sets, and the value. NULL: it may not be said of a recipient. */
static const ConfRow *
row_of_item(const char *item, const char **ret_value)
{
	const char *equal = strchr(item, '=');
	if (equal == NULL)
		return NULL;

	g_autofree char *name = g_strndup(item, (gsize) (equal - item));
	const ConfRow *row = conf_find_row(name);
	*ret_value = equal + 1;
	return row != NULL && conf_row_is_scoped(row) ? row : NULL;
}

static bool
set_item(Conf *conf, const ConfRow *row, const char *value, char **ret_problem)
{
	if (row->type != CONF_LIST)
		return conf_value_set(conf, row, value, ret_problem);
	conf_value_empty(conf, row);
	return conf_value_set_list(conf, row, value, ret_problem);
}

bool
conf_try_item(const char *item, char **ret_problem)
{
	const char *value;
	const ConfRow *row = row_of_item(item, &value);
	if (row == NULL) {
		*ret_problem = g_strdup_printf("'%.80s' is the same for all recipients", item);
		return false;
	}

	g_autofree Conf *trial = g_new0(Conf, 1);
	conf_value_init(trial, row);
	bool good = set_item(trial, row, value, ret_problem);
	conf_value_clear(trial, row);
	return good;
}

void
conf_use_item(Conf *own, const char *item, const char *from)
{
	const char *value;
	const ConfRow *row = row_of_item(item, &value);
	size_t i = row != NULL ? conf_row_number(row) : 0;
	g_autofree char *problem = NULL;

	if (row == NULL || g_strcmp0(own->said[i].file, CONF_OVERRIDE) == 0)
		return;
	(void) set_item(own, row, value, &problem); /* tried when it was read */
	own->said[i] = (ConfPlace){ .file = from };
}

/* SPDX-License-Identifier: MIT */
/* conf-setting: see the header. */
#include "conf/conf-setting.h"

#include "agent/base/nearest.h"
#include "conf/conf-parser.h"
#include "conf/conf-value.h"

#include <string.h>

const ConfRow *
conf_setting_find(const ConfWord *name, const char *const *others, GPtrArray *problems)
{
	const ConfRow *row = conf_find_row(name->text);
	if (row != NULL)
		return row;

	Nearest nearest = nearest_begin(name->text);
	for (; others != NULL && *others != NULL; others++)
		nearest_add(&nearest, *others);
	for (size_t i = 0; conf_row(i) != NULL; i++)
		nearest_add(&nearest, conf_row(i)->name);

	g_autofree char *guess = nearest.best != NULL
	                                 ? g_strdup_printf("did you mean '%s'?", nearest.best)
	                                 : NULL;
	conf_problem_add(problems, &name->place, "unknown-setting",
	                 guess != NULL ? guess : "todoke.conf(5) lists them all",
	                 "unknown setting '%s'", name->text);
	return NULL;
}

bool
conf_setting_set(Conf *conf, const ConfRow *row, const ConfWord *value, GPtrArray *problems)
{
	g_autofree char *problem = NULL;
	if (conf_value_set(conf, row, value->text, &problem))
		return true;

	conf_problem_add(problems, &value->place, "bad-value", NULL, "%s", problem);
	return false;
}

static void
note_place(Conf *conf, const ConfRow *row, const ConfStatement *statement)
{
	size_t i = conf_row_number(row);

	if (conf->said[i].file != NULL && !statement->adds) {
		ConfTwice twice = { row, conf->said[i] };
		if (conf->twice == NULL)
			conf->twice = g_array_new(FALSE, FALSE, sizeof twice);
		g_array_append_val(conf->twice, twice);
	}

	conf->said[i] = statement->name.place;
}

bool
conf_setting_fits(const ConfRow *row, const ConfStatement *statement, GPtrArray *problems)
{
	if (row->type == CONF_LIST || (!statement->is_list && !statement->adds))
		return true;

	conf_problem_add(problems, &statement->name.place, "bad-value", NULL,
	                 "'%s' is not a list: it wants one value, without %s", row->name,
	                 statement->is_list ? "braces" : "'+='");
	return false;
}

void
conf_setting_apply(Conf *conf, const ConfStatement *statement, GPtrArray *problems)
{
	const ConfRow *row = conf_setting_find(
		&statement->name, (const char *const[]){ "rule", "include", NULL }, problems);
	if (row == NULL || statement->is_wrong)
		return;

	if (!conf_setting_fits(row, statement, problems))
		return;

	note_place(conf, row, statement);
	if (row->type == CONF_LIST && !statement->adds)
		conf_value_empty(conf, row);
	for (guint i = 0; i < statement->values->len; i++)
		(void) conf_setting_set(conf, row, &g_array_index(statement->values, ConfWord, i),
		                        problems);
}

/* "rule", or what begins like one: people try it. */
static bool
is_block(const char *name)
{
	static const char *const kinds[] = { "rule", "user", "domain", "include" };

	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		size_t len = strlen(kinds[i]);
		if (strncmp(name, kinds[i], len) == 0 &&
		    (name[len] == '\0' || strchr(" \"'{.", name[len]) != NULL))
			return true;
	}

	return false;
}

/* What the reader of the file's syntax tells of an override. */
typedef struct {
	Conf *conf;
	GPtrArray *problems;
} Override;

static void
take_setting(void *user, const ConfStatement *statement)
{
	const Override *override = user;
	conf_setting_apply(override->conf, statement, override->problems);
}

static bool
open_nothing(void *user, const ConfWord *kind, const ConfWord *title)
{
	(void) user, (void) kind, (void) title;
	return false;
}

static void
close_nothing(void *user, bool is_whole)
{
	(void) user, (void) is_whole;
}

static void
include_nothing(void *user, const ConfWord *path)
{
	(void) user, (void) path;
}

/* A list as the file writes it: {"a", "b"}. */
static void
override_in_braces(Conf *conf, const ConfRow *row, const char *value, GPtrArray *problems)
{
	static const ConfSink sink = { take_setting, open_nothing, close_nothing, include_nothing };
	g_autofree char *text = g_strdup_printf("%s = %s\n", row->name, value);
	Override override = { conf, problems };

	conf_parse(text, strlen(text), CONF_OVERRIDE, &sink, &override, problems);
}

void
conf_setting_override(Conf *conf, const char *text, GPtrArray *problems)
{
	static const ConfPlace place = { .file = CONF_OVERRIDE };
	const char *equal = strchr(text, '=');
	size_t name_len = equal != NULL ? (size_t) (equal - text) : strlen(text);
	g_autofree char *name = g_strstrip(g_strndup(text, name_len));
	ConfWord word = { name, place };

	if (is_block(name)) {
		conf_problem_add(problems, &place, "bad-override", NULL,
		                 "'%s' cannot be given by -o: it stands in the file only", name);
		return;
	}

	if (equal == NULL) {
		conf_problem_add(problems, &place, "bad-override", NULL,
		                 "'%s' has no value: it wants NAME=VALUE", text);
		return;
	}

	const ConfRow *row = conf_setting_find(&word, NULL, problems);
	if (row == NULL)
		return;

	g_autofree char *value = g_strstrip(g_strdup(equal + 1)), *problem = NULL;
	if (row->type == CONF_LIST && *value == '{') {
		override_in_braces(conf, row, value, problems);
		conf->said[conf_row_number(row)] = place;
		return;
	}

	bool good = row->type == CONF_LIST ? conf_value_set_list(conf, row, value, &problem)
	                                   : conf_value_set(conf, row, value, &problem);
	conf->said[conf_row_number(row)] = place;
	if (!good)
		conf_problem_add(problems, &place, "bad-value", NULL, "%s", problem);
}

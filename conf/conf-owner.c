/* SPDX-License-Identifier: MIT */
/* conf-owner: see the header. */
#include "conf/conf-owner.h"

#include "conf/conf-parser.h"
#include "conf/conf-setting.h"
#include "conf/conf-value.h"

#include <string.h>

enum { FREE, ADDS, LOWERS };

static const struct {
	const char *name;
	int how;
} owned[] = {
#define OWNED(name, how) { #name, how },
#include "conf/conf-owner.def"
#undef OWNED
};

typedef struct {
	Conf *conf;
	GPtrArray *problems;
} Reader;

static void
refuse(const Reader *reader, const ConfWord *name, const char *why)
{
	conf_problem_add(reader->problems, &name->place, "not-owners", NULL, "'%s' %s", name->text,
	                 why);
}

/* The value of a row that is a number. */
static gint64
number_of(const Conf *conf, const ConfRow *row)
{
	return G_STRUCT_MEMBER(gint64, conf, row->offset);
}

static void
lower(const Reader *reader, const ConfRow *row, const ConfStatement *statement)
{
	const ConfWord *value = &g_array_index(statement->values, ConfWord, 0);
	gint64 before = number_of(reader->conf, row);
	if (!conf_setting_set(reader->conf, row, value, reader->problems))
		return;

	gint64 now = number_of(reader->conf, row);
	if (before == 0 || (now != 0 && now <= before))
		return;
	G_STRUCT_MEMBER(gint64, reader->conf, row->offset) = before;
	refuse(reader, &statement->name, "may only be lower than the site's");
}

static void
take_setting(void *user, const ConfStatement *statement)
{
	const Reader *reader = user;
	const ConfRow *row = conf_setting_find(&statement->name, NULL, reader->problems);
	if (row == NULL || statement->is_wrong ||
	    !conf_setting_fits(row, statement, reader->problems))
		return;

	size_t i = 0;
	while (i < G_N_ELEMENTS(owned) && strcmp(owned[i].name, row->name) != 0)
		i++;
	if (i == G_N_ELEMENTS(owned)) {
		refuse(reader, &statement->name, "is not for owners to say");
		return;
	}

	if (owned[i].how == LOWERS) {
		lower(reader, row, statement);
		return;
	}
	for (guint v = 0; v < statement->values->len; v++)
		(void) conf_setting_set(reader->conf, row,
		                        &g_array_index(statement->values, ConfWord, v),
		                        reader->problems);
	reader->conf->said[conf_row_number(row)] = statement->name.place;
}

static bool
open_nothing(void *user, const ConfWord *kind, const ConfWord *title)
{
	(void) title;
	refuse(user, kind, "stands only in the site's file");
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
	refuse(user, path, "is not included: the owner's settings are one file");
}

void
conf_owner_use(Conf *own, char *text, size_t len, const char *path, GPtrArray *problems)
{
	static const ConfSink sink = { take_setting, open_nothing, close_nothing, include_nothing };
	Reader reader = { own, problems };

	conf_parse(text, len, path, &sink, &reader, problems);
}

/* SPDX-License-Identifier: MIT */
/* conf: the table of settings, and a configuration from its defaults to what holds. */
#include "conf/conf.h"

#include "agent/base/fs.h"
#include "conf/conf-choices.h"
#include "conf/conf-file.h"
#include "conf/conf-rule.h"
#include "conf/conf-scope.h"
#include "conf/conf-setting.h"
#include "conf/conf-value.h"
#include "conf/conf-verify.h"

#include <string.h>
#include <unistd.h>

/*
 * The table has no pointers, as the dynamic linker adjusts each of them in each delivery: what is
 * long stands in the members of these two, and a row has the offset.
 */
static const struct {
#define CONF(type, name, def, min, max, choices, help) char name[sizeof choices];
#include "conf/conf-table.def"
#undef CONF
} all_choices = {
#define CONF(type, name, def, min, max, choices, help) choices,
#include "conf/conf-table.def"
#undef CONF
};

static const struct {
#define CONF(type, name, def, min, max, choices, help) char name[sizeof help];
#include "conf/conf-table.def"
#undef CONF
} all_help = {
#define CONF(type, name, def, min, max, choices, help) help,
#include "conf/conf-table.def"
#undef CONF
};

static const ConfRow rows[] = {
#define CONF(type, name, def, min, max, choices, help) \
	{ CONF_##type, \
	  #name, \
	  def, \
	  min, \
	  max, \
	  G_STRUCT_OFFSET(__typeof__(all_choices), name), \
	  G_STRUCT_OFFSET(__typeof__(all_help), name), \
	  G_STRUCT_OFFSET(Conf, name) },
#include "conf/conf-table.def"
#undef CONF
};

/* Those of the rows' names, side by side: a delivery looks a few names up. */
static const char first_letters[] = {
#define CONF(type, name, def, min, max, choices, help) #name[0],
#include "conf/conf-table.def"
#undef CONF
};

/* The compiler would cut the NUL of a name or default that is one octet too long. */
#define CONF(type, name, def, min, max, choices, help) \
	G_STATIC_ASSERT(sizeof #name <= CONF_NAME_ROOM && sizeof def <= CONF_DEFAULT_ROOM);
#include "conf/conf-table.def"
#undef CONF

/* The numbers of the rows. */
enum {
#define CONF(type, name, def, min, max, choices, help) ROW_##name,
#include "conf/conf-table.def"
#undef CONF
};

const ConfRow *
conf_row(size_t i)
{
	return i < G_N_ELEMENTS(rows) ? &rows[i] : NULL;
}

size_t
conf_row_number(const ConfRow *row)
{
	return (size_t) (row - rows);
}

const char *
conf_row_choices(const ConfRow *row)
{
	return (const char *) &all_choices + row->choices_at;
}

const char *
conf_row_help(const ConfRow *row)
{
	return (const char *) &all_help + row->help_at;
}

const ConfRow *
conf_find_row(const char *name)
{
	const char *end = first_letters + G_N_ELEMENTS(first_letters);

	for (const char *at = first_letters;
	     (at = memchr(at, name[0], (size_t) (end - at))) != NULL; at++)
		if (strcmp(rows[at - first_letters].name, name) == 0)
			return &rows[at - first_letters];
	return NULL;
}

static const char compiled_in_path[] = TODOKE_SYSCONFDIR "/todoke.conf";

const char *
conf_default_path(void)
{
	const char *path = g_getenv("TODOKE_CONF");
	return path != NULL && *path != '\0' ? path : compiled_in_path;
}

const char *
conf_main_path(const Conf *conf)
{
	return conf->files->len > 0 ? conf->files->pdata[0] : conf_default_path();
}

/*
 * As conf_value_init does for each row. A delivery needs all of them, so what the defaults of
 * numbers and choices come to was found at build time.
 */
#define SET_BOOL(name, def) conf->name = def[0] == 'y'
#define SET_INT(name, def) conf->name = CONF_DEFAULT_##name
#define SET_SIZE(name, def) conf->name = CONF_DEFAULT_##name
#define SET_TIME(name, def) conf->name = CONF_DEFAULT_##name
#define SET_ENUM(name, def) conf->name = CONF_DEFAULT_##name
#define SET_TEXT(name, def) conf->name = (char *) rows[ROW_##name].otherwise
#define SET_LIST(name, def) \
	if (sizeof def == 1) \
		conf->name = conf_value_no_items; \
	else \
		conf_value_init(conf, &rows[ROW_##name])

static void
set_defaults(Conf *conf)
{
#define CONF(type, name, def, min, max, choices, help) SET_##type(name, def);
#include "conf/conf-table.def"
#undef CONF
}

static Conf *
conf_new(void)
{
	Conf *conf = g_new0(Conf, 1);

	set_defaults(conf);
	conf->rules = g_ptr_array_new_with_free_func((GDestroyNotify) conf_rule_free);
	conf->scopes = g_ptr_array_new_with_free_func((GDestroyNotify) conf_scope_free);
	conf->files = g_ptr_array_new_with_free_func(g_free);

	return conf;
}

const Conf *
conf_default(void)
{
	static Conf *conf;

	if (conf == NULL)
		conf = conf_new();
	return conf;
}

const char *
conf_find_item(char *const *items, const char *name)
{
	size_t len = strlen(name);

	for (; items != NULL && *items != NULL; items++)
		if (strncmp(*items, name, len) == 0 && (*items)[len] == '=')
			return *items + len + 1;
	return NULL;
}

Conf *
conf_copy(const Conf *conf)
{
	Conf *copy = g_memdup2(conf, sizeof *conf);

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		conf_value_copy(copy, conf, &rows[i]);
	g_ptr_array_ref(copy->rules);
	g_ptr_array_ref(copy->scopes);
	g_ptr_array_ref(copy->files);
	copy->twice = NULL; /* of no use to a recipient */

	return copy;
}

void
conf_free(Conf *conf)
{
	if (conf == NULL)
		return;

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		conf_value_clear(conf, &rows[i]);
	g_clear_pointer(&conf->rules, g_ptr_array_unref);
	g_clear_pointer(&conf->scopes, g_ptr_array_unref);
	g_clear_pointer(&conf->files, g_ptr_array_unref);
	g_clear_pointer(&conf->twice, g_array_unref);
	g_free(conf);
}

/* The number of a problem's file in the order of reading; overrides come last. */
static guint
rank_of(const Problem *problem, const GPtrArray *files)
{
	guint i = 0;

	if (strcmp(problem->file, CONF_OVERRIDE) == 0)
		return G_MAXUINT;
	while (i < files->len && strcmp(files->pdata[i], problem->file) != 0)
		i++;
	return i;
}

static gint
by_place(gconstpointer a, gconstpointer b, gpointer files)
{
	const Problem *left = *(Problem *const *) a, *right = *(Problem *const *) b;
	guint left_rank = rank_of(left, files), right_rank = rank_of(right, files);

	if (left_rank != right_rank)
		return left_rank < right_rank ? -1 : 1;
	if (left->line != right->line)
		return left->line < right->line ? -1 : 1;

	return left->column < right->column ? -1 : left->column > right->column;
}

uid_t
conf_author(const Conf *conf, const char *name)
{
	const ConfPlace *place = &conf->said[conf_row_number(conf_find_row(name))];
	bool is_override = g_strcmp0(place->file, CONF_OVERRIDE) == 0;
	return is_override || conf->files->len == 0 ? conf->reader : conf->author;
}

static Conf *
read_all(const char *path, const char *const *overrides, GPtrArray *problems, Conf **ret_rest,
         Status *st)
{
	g_autoptr(Conf) conf = conf_new();
	g_autoptr(GPtrArray) found = problem_list_new();
	const char *file = path != NULL ? path : conf_default_path();
	bool may_be_missing = path == NULL && file == compiled_in_path;

	conf->reader = fs_own_euid();
	conf_file_read(conf, file, may_be_missing, found);
	for (; overrides != NULL && *overrides != NULL; overrides++)
		conf_setting_override(conf, *overrides, found);
	conf_verify(conf, found);
	if (found->len == 0)
		return g_steal_pointer(&conf);

	g_ptr_array_sort_with_data(found, by_place, conf->files);
	g_autofree char *first = problem_print_short(found->pdata[0]);
	status_fail_detail(st, STATUS_CONFIG, "%s", first);
	while (problems != NULL && found->len > 0)
		g_ptr_array_add(problems, g_ptr_array_steal_index(found, 0));
	if (ret_rest != NULL)
		*ret_rest = g_steal_pointer(&conf);

	return NULL;
}

Conf *
conf_read(const char *path, const char *const *overrides, GPtrArray *problems, Status *st)
{
	return read_all(path, overrides, problems, NULL, st);
}

Conf *
conf_read_at_door(const char *path, const char *const *overrides, Conf **ret_rest, Status *st)
{
	return read_all(path, overrides, NULL, ret_rest, st);
}

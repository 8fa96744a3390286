/* SPDX-License-Identifier: MIT */
/* conf: the settings of todoke.conf, checked and with their defaults. */
#ifndef TODOKE_CONF_H
#define TODOKE_CONF_H

#include "agent/base/status.h"

#include <sys/types.h>
#include "conf/conf-problem.h"

/*
 * The C type of a setting; an ENUM is the number of its choice: CONF_SETTING_CHOICE of
 * conf-choices.h, which make writes from the table.
 */
#define CONF_C_BOOL bool
#define CONF_C_INT gint64
#define CONF_C_SIZE gint64
#define CONF_C_TIME gint64
#define CONF_C_ENUM unsigned
#define CONF_C_TEXT char *
#define CONF_C_LIST char **

/*
 * A header rule: `rule "name" { header = ..., match = ..., when = {...}, action = ..., to = ... }`.
 * Strings as written; NULL: not said.
 */
typedef struct {
	char *name;
	char *header;
	char *match;
	char **when;
	char *action;
	char *to;
	ConfPlace place;
} ConfRule;

/* One setting of a block `user` or `domain`, as it was written. */
typedef struct ConfRow ConfRow;
typedef struct {
	const ConfRow *row;
	char **values;
	bool adds; /* += */
	ConfPlace place;
} ConfScoped;

/* `user "PATTERN" { ... }`, `domain "PATTERN" { ... }`: settings for some recipients. */
typedef struct {
	bool is_domain;
	char *pattern;       /* lower case; '*' and '?' are wildcards */
	GPtrArray *settings; /* ConfScoped */
	ConfPlace place;
} ConfScope;

/* A setting that a later line of the files said again. */
typedef struct {
	const ConfRow *row;
	ConfPlace earlier;
} ConfTwice;

enum {
	CONF_ROWS = 0
#define CONF(type, name, def, min, max, choices, help) +1
#include "conf/conf-table.def"
#undef CONF
};

/* The file of a setting that an override said. */
#define CONF_OVERRIDE "-o"

typedef struct {
#define CONF(type, name, def, min, max, choices, help) CONF_C_##type name;
#include "conf/conf-table.def"
#undef CONF
	GPtrArray *rules;  /* ConfRule, in the order of the files */
	GPtrArray *scopes; /* ConfScope, in the order of the files */
	/* char *: what was read, the main file first; empty: none, all is default */
	GPtrArray *files;
	uid_t author; /* who wrote the main file */
	uid_t reader; /* who read it, and said what overrides it */
	/* by row number: where the value stands; file NULL: it is the default */
	ConfPlace said[CONF_ROWS];
	GArray *twice; /* ConfTwice: what was said more than once; NULL: nothing was */
} Conf;

typedef enum {
	CONF_BOOL,
	CONF_INT,
	CONF_SIZE,
	CONF_TIME,
	CONF_ENUM,
	CONF_TEXT,
	CONF_LIST
} ConfType;

enum {
	CONF_NAME_ROOM = 36,
	CONF_DEFAULT_ROOM = sizeof TODOKE_SYSCONFDIR < 64 ? 80 : sizeof TODOKE_SYSCONFDIR + 16,
};

/* A row of the table, for `config`, the manual's check and FilterEnv's setting services. */
struct ConfRow {
	ConfType type;
	char name[CONF_NAME_ROOM];
	char otherwise[CONF_DEFAULT_ROOM]; /* the default, as it is written */
	gint64 min, max;
	guint32 choices_at; /* see conf_row_choices */
	guint32 help_at;    /* see conf_row_help */
	size_t offset;      /* of the member in Conf */
};

/* Rows by number; NULL behind the last. */
const ConfRow *conf_row(size_t i);
size_t conf_row_number(const ConfRow *row);
const ConfRow *conf_find_row(const char *name);

/* The choices of an ENUM, with '|' between; of other types "". Borrowed. */
const char *conf_row_choices(const ConfRow *row);

/* What the setting does, in English. Borrowed. */
const char *conf_row_help(const ConfRow *row);

/*
 * Read `path` (NULL: $TODOKE_CONF, else the compiled-in file if it exists, else all defaults) with
 * what it includes, then apply `overrides` ("key=value" strings, NULL ends; NULL: none). All
 * problems are appended to `problems` (of problem_list_new; may be NULL). NULL: there were some,
 * and `st` is STATUS_CONFIG with the first in its detail. Root reads only what nobody else can
 * write. Caller frees.
 */
Conf *conf_read(const char *path, const char *const *overrides, GPtrArray *problems, Status *st);

/*
 * The same for a door, which must tell somebody of a file that is wrong: *ret_rest is then what
 * could be read of it, for telling and nothing else. Caller frees.
 */
Conf *
conf_read_at_door(const char *path, const char *const *overrides, Conf **ret_rest, Status *st);
void conf_free(Conf *conf);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Conf, conf_free)

/*
 * Whose word a setting is: the owner of the file, or whoever started us and gave it by -o, or did
 * without a file.
 */
uid_t conf_author(const Conf *conf, const char *name);

/* For tests: all settings as they are by default, whatever is installed here. Never freed. */
const Conf *conf_default(void);

/* A copy that shares the rules, blocks and names of files. Caller frees. */
Conf *conf_copy(const Conf *conf);

/*
 * The settings for the recipient `address` (a system user's has no '@'): those of the blocks `user`
 * and `domain` that it fits, in their order, over the others; what -o said stays. NULL: no block
 * fits it, `conf` holds. Caller frees.
 */
Conf *conf_for_recipient(const Conf *conf, const char *address);

/*
 * What a source of users says of one of them, "NAME=VALUE" with the items of a LIST separated by
 * commas. conf_try_item: may it be said of a recipient, and is the value right? False: *ret_problem
 * (caller frees) says why. conf_use_item sets what was tried in `own`, which is a copy, over all
 * but what -o said; `from` (static) is then the file of its place.
 */
bool conf_try_item(const char *item, char **ret_problem);
void conf_use_item(Conf *own, const char *item, const char *from);

/* May the row stand in a block `user` or `domain`? */
bool conf_row_is_scoped(const ConfRow *row);

/* The file that conf_read(NULL, ...) takes, whether it exists or not. Borrowed. */
const char *conf_default_path(void);

/* The main file that was read, else conf_default_path(). Borrowed. */
const char *conf_main_path(const Conf *conf);

/* The value of a row as it would be written in the file. Caller frees. */
char *conf_print_value(const Conf *conf, const ConfRow *row);

/*
 * The value behind "NAME=" among the items of a LIST (NULL: it has none), such as a list of
 * sieve_lists. NULL: there is none. Borrowed.
 */
const char *conf_find_item(char *const *items, const char *name);

/* The text of ENUM setting `row`'s choice `value`. Caller frees. */
char *conf_choice(const ConfRow *row, unsigned value);

#endif

/*
 * conf: the settings of todoke.conf, checked and with their defaults. Modules get values, not this.
 */
#ifndef TODOKE_CONF_H
#define TODOKE_CONF_H

#include "agent/base/status.h"

#include <sys/types.h>

/* The C type of a setting; an ENUM is the number of its choice, in the order of the table (conf-choices.h names them). */
#define CONF_C_BOOL bool
#define CONF_C_INT gint64
#define CONF_C_SIZE gint64
#define CONF_C_TIME gint64
#define CONF_C_ENUM unsigned
#define CONF_C_TEXT char *
#define CONF_C_LIST char **

/* A header rule: `rule "name" { header = ..., match = ..., when = {...}, action = ..., to = ... }`. Strings as written; NULL: not said. */
typedef struct {
	char *name;
	char *header;
	char *match;
	char **when;
	char *action;
	char *to;
	char *file;   /* where it stands */
	unsigned line;
} ConfRule;

enum {
	CONF_ROWS = 0
#define CONF(type, name, def, min, max, choices, help) + 1
#include "conf/conf-table.def"
#undef CONF
};

/* Where a setting was said, beside the lines of the file. */
enum { CONF_LINE_DEFAULT = 0, CONF_LINE_OVERRIDE = G_MAXINT };

typedef struct {
#define CONF(type, name, def, min, max, choices, help) CONF_C_##type name;
#include "conf/conf-table.def"
#undef CONF
	GPtrArray *rules;  /* ConfRule, in the order of the file */
	char *path;        /* the file that was read; NULL: none, all is default */
	uid_t author;      /* who wrote that file */
	uid_t reader;      /* who read it, and said what overrides it */
	int lines[CONF_ROWS]; /* by row number: the line of the file, or CONF_LINE_... */
	int earlier[CONF_ROWS]; /* the line before that one that set the same; 0: none did */
} Conf;

/* Something wrong in the file: where, what, what is allowed. */
typedef struct {
	char *file;     /* "-o": an override */
	unsigned line;  /* 0: the whole file, or no file */
	char *text;
} ConfProblem;

typedef enum { CONF_BOOL, CONF_INT, CONF_SIZE, CONF_TIME, CONF_ENUM, CONF_TEXT, CONF_LIST } ConfType;

/* A row of the table, for `config`, the manual's check and FilterEnv's setting services. */
typedef struct {
	ConfType type;
	const char *name;
	const char *otherwise;  /* the default, as it is written */
	gint64 min, max;
	const char *choices;
	const char *help;
	size_t offset;          /* of the member in Conf */
} ConfRow;

/* Rows by number; NULL behind the last. */
const ConfRow *conf_row(size_t i);
const ConfRow *conf_find_row(const char *name);

/*
 * Read `path` (NULL: $TODOKE_CONF, else the compiled-in file if it exists, else all defaults), then apply `overrides`
 * ("key=value" strings, NULL ends; NULL: none). All problems are appended to `problems` (ConfProblem; may be NULL).
 * NULL: there were some, and `st` is STATUS_CONFIG with the first in its detail. Root reads only what nobody else can
 * write. Not for two threads at once: libConfuse's lexer is one for the process.
 */
Conf *conf_read(const char *path, const char *const *overrides, GPtrArray *problems, Status *st);

/*
 * The same for a door, which must tell somebody of a file that is wrong: *ret_log_file is then the log_file that it names
 * all the same, or NULL. Caller frees.
 */
Conf *conf_read_at_door(const char *path, const char *const *overrides, char **ret_log_file, Status *st);
void conf_free(Conf *conf);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Conf, conf_free)

/* Whose word a setting is: the owner of the file, or whoever started us and gave it by -o, or did without a file. */
uid_t conf_author(const Conf *conf, const char *name);

void conf_problem_free(ConfProblem *problem);

/* "file:line: text", as compilers say it; without the line where there is none. Caller frees. */
char *conf_problem_print(const ConfProblem *problem);

/* The file that conf_read(NULL, ...) takes, whether it exists or not. Borrowed. */
const char *conf_default_path(void);

/* The value of a row as it would be written in the file. Caller frees. */
char *conf_print_value(const Conf *conf, const ConfRow *row);

/* The text of ENUM setting `row`'s choice `value`. Caller frees. */
char *conf_choice(const ConfRow *row, unsigned value);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * recipes: what a door asks for besides the settings: which file of recipes runs, with which
 * variables, and whether anything else runs. It corresponds to procmail's command line.
 */
#ifndef TODOKE_RECIPES_H
#define TODOKE_RECIPES_H

#include "agent/base/status.h"
#include "agent/run/account.h"
#include "conf/conf.h"

/*
 * Stands for the file of an owner without recipes, if the site's recipes run or the site sets a
 * DEFAULT.
 */
#define RECIPES_NONE "/dev/null"

/* What log and record call it: the setting that says where mail goes which no rule files. */
#define RECIPES_NONE_NAME "recipe_default"

/* All is borrowed. */
typedef struct {
	/* the first that exists runs; NULL: those of the settings */
	const char *const *files;
	const char *const *arguments;   /* $1 and on; NULL: $1 is the detail of the address */
	const char *const *assignments; /* "NAME=value", in force before the file; NULL: none */
	bool alone;                     /* no Sieve script runs, whatever the settings say */
	bool without_site;              /* nor do the site's recipes run */
	bool by_hand;                   /* a person runs the program and reads its output */
	/* there is no mailbox: mail that no recipe takes is refused or deferred (-m) */
	bool is_filter;
	/* mail that cannot be stored is deferred, not refused (-t) */
	bool is_soft;
	bool makes_from; /* recipes see a From_ line, made where the mail has none */
} RecipeCall;

/*
 * The file of recipes that runs for `account`, or NULL: none. `call` NULL: as the settings say.
 * Whether it can be trusted is judged when it is read. Faults: STATUS_CONFIG (a path template).
 * Caller frees.
 */
char *recipes_find(const Conf *conf, const Account *account, const RecipeCall *call, Status *st);

/* Do the site's recipes run before the owner's? */
bool recipes_site_runs(const Conf *conf, const RecipeCall *call);

/*
 * The next file that the door named after `file`, used if `file` is for another host (HOST); NULL:
 * there is none. Caller frees.
 */
char *recipes_next(const Account *account, const RecipeCall *call, const char *file);

/* The text of recipes that run before the file; NULL: nothing runs before it. Caller frees. */
char *recipes_prelude(const Conf *conf, const RecipeCall *call);

#endif

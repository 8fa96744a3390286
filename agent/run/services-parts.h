/* SPDX-License-Identifier: MIT */
/*
 * services-parts: what services are made of, for the files of services alone.
 */
#ifndef TODOKE_SERVICES_PARTS_H
#define TODOKE_SERVICES_PARTS_H

#include "agent/run/script-time.h"
#include "agent/run/services.h"

struct Services {
	FilterEnv env;
	FilterServices table;
	FilterRecipes recipe_table;
	const Site *site;
	const Account *account;
	const Envelope *envelope;
	Maildir *inbox;
	const ServicesDescription *described;
	const ServicesLive *live;  /* NULL: nothing runs, nothing is remembered */
	GHashTable *list_values;   /* list name -> GHashTable of its values; read once */
	const RecipeCall *recipes; /* NULL: as the account has it */
	bool hears_recipes;
	unsigned heard;
	char *prelude; /* of recipes */
	/* of the files of recipes: the one that runs after a HOST of another name */
	char *next;
	char *inbox_path;      /* as recipes name it: a Maildir, "/" at the end */
	char *default_path;    /* where mail goes that recipes do not file */
	Status trouble;        /* an included script that cannot be read now; STATUS_OK: none */
	ScriptSet *record;     /* NULL: included scripts are not recorded */
	const ScriptSet *only; /* NULL: scripts are read from the disk */
	ScriptTime time;       /* of the script that runs */
};

static inline Services *
services_of(FilterEnv *env)
{
	return env->user;
}

/* Their services, and what recipes start with, as the account and the settings have it. */
void services_recipes_init(Services *services);
void services_recipes_clear(Services *services);

/*
 * A file that recipes include: whatever the owner may read and others cannot have written. Caller
 * frees.
 */
bool services_recipes_open(const Services *services, const char *path, char **ret_file,
                           char **ret_text, size_t *ret_len, Status *st);

/* Add a note of recipes. */
void services_recipes_note(Services *services, const char *file, unsigned line, const char *text);

#endif

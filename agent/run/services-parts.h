/* SPDX-License-Identifier: MIT */
/*
 * services-parts: what a world is made of, for the files of services alone.
 */
#ifndef TODOKE_WORLD_PARTS_H
#define TODOKE_WORLD_PARTS_H

#include "agent/run/services.h"

struct World {
	FilterEnv env;
	FilterServices services;
	const Site *site;
	const Account *account;
	const Envelope *envelope;
	Maildir *inbox;
	const WorldDescription *described;
	const WorldLive *live;     /* NULL: nothing runs, nothing is remembered */
	GHashTable *list_values;   /* list name -> GHashTable of its values; read once */
	const RecipeCall *recipes; /* NULL: as the account has it */
	bool hears_recipes;
	unsigned heard;
	char *prelude;             /* of recipes */
	char *next;                /* of the files of recipes: the one that runs after a HOST of another name */
	char *inbox_path;          /* as recipes name it: a Maildir, "/" at the end */
	char *default_path;        /* where mail goes that recipes do not file */
	Status trouble;            /* an included script that cannot be read now; STATUS_OK: none */
	ScriptSet *record;         /* NULL: included scripts are not recorded */
	const ScriptSet *only;     /* NULL: scripts are read from the disk */
};

static inline World *
world_of(FilterEnv *env)
{
	return env->user;
}

/* What recipes start with, as the account and the settings have it. */
void world_recipes_init(World *world);
void world_recipes_clear(World *world);

/* The services of recipes alone. */
void world_recipes_serve(FilterServices *services);

/* A file that recipes include: whatever the owner may read and others cannot have written. Caller frees. */
bool world_recipes_open(const World *world, const char *path, char **ret_file, char **ret_text, size_t *ret_len, Status *st);

/* Add a note of recipes. */
void world_recipes_note(World *world, const char *file, unsigned line, const char *text);

#endif

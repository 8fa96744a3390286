/* SPDX-License-Identifier: MIT */
/* reading: a file of rules as an engine is to read it, with a world around it, for commands that look and do not deliver. */
#ifndef TODOKE_READING_H
#define TODOKE_READING_H

#include "agent/run/site.h"
#include "agent/run/services.h"
#include "filters/filter.h"

typedef struct {
	Site *site;
	Account *account;     /* imagined: the owner of the rules */
	Envelope *envelope;
	World *world;
	char *text;
	FilterSource source;
} Reading;

/*
 * Read `path`, rules of the account of `recipient` (NULL: of somebody); NULL-initialised. `conf` is taken over.
 * False: `st` says why.
 */
bool reading_open(Reading *reading, Conf *taken_conf, const char *path, const char *recipient, ScriptTrust trust,
                  Status *st);
void reading_clear(Reading *reading);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Reading, reading_clear)

/*
 * Where the INBOX of whoever calls lies: by the setting maildir where that is below the home, else
 * ~/Maildir, as the recipes of somebody who moves here know it. Caller frees.
 */
char *reading_inbox(const Reading *reading);

/*
 * The name by which rules mean the folder at this absolute path; NULL: none does. `inbox`: where is
 * looked which folders are there; NULL: nowhere. Caller frees.
 */
char *reading_mailbox_at(const Reading *reading, const Maildir *inbox, const char *path);

/*
 * The services for recipes: files are opened with the rights of the caller, whose HOME it is; no
 * programs, no log. `user` of their FilterEnv is the Reading, or NULL: then no path has a name.
 */
extern const FilterServices reading_recipe_services;

#endif

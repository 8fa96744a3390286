/* SPDX-License-Identifier: MIT */
/*
 * rules-file: a file of rules opened as an engine would read it, with services around it, for
 * commands that look and do not deliver.
 */
#ifndef TODOKE_RULES_FILE_H
#define TODOKE_RULES_FILE_H

#include "agent/run/site.h"
#include "agent/run/services.h"
#include "filters/filter-recipes.h"

typedef struct {
	Site *site;
	Account *account; /* imagined: the owner of the rules */
	Envelope *envelope;
	Services *services;
	char *text;
	FilterSource source;
} RulesFile;

/*
 * Read `path`, rules of the account of `recipient` (NULL: of somebody); NULL-initialised. `conf` is
 * taken over. False: `st` says why.
 */
bool rules_file_open(RulesFile *rules, Conf *taken_conf, const char *path, const char *recipient,
                     ScriptTrust trust, Status *st);
void rules_file_clear(RulesFile *rules);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RulesFile, rules_file_clear)

/*
 * The path of the caller's INBOX: by the setting maildir if that is below the home, else ~/Maildir,
 * as recipes that come from procmail know it. Caller frees.
 */
char *rules_file_inbox(const RulesFile *rules);

/*
 * The name by which rules reach the folder at this absolute path; NULL: no name does. `inbox` (may
 * be NULL) tells which folders exist. Caller frees.
 */
char *rules_file_mailbox_at(const RulesFile *rules, const Maildir *inbox, const char *path);

/*
 * What recipes are read and run with: files are opened with the rights of the caller, whose HOME it
 * is; no programs, no log. Borrows `rules`.
 */
FilterEnv rules_file_env(const RulesFile *rules);

#endif

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
	Account *account; /* imagined: the owner of the rules, whose home may be known */
	Envelope *envelope;
	Services *services;
	char *text;
	char *home;  /* of the owner: HOME of the rules */
	char *user;  /* the owner's name */
	char *inbox; /* path of the owner's INBOX; NULL: what rules_file_inbox() makes of `home` */
	FilterSource source;
} RulesFile;

/*
 * Read `path`, rules of the account of `recipient` (NULL: of somebody); NULL-initialised. `conf` is
 * taken over. HOME is the caller's, but for root that of the account that owns the file. False:
 * `st` says why.
 */
bool rules_file_open(RulesFile *rules, Conf *taken_conf, const char *path, const char *recipient,
                     ScriptTrust trust, Status *st);
void rules_file_clear(RulesFile *rules);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RulesFile, rules_file_clear)

/* The rules are those of this account: home, name and INBOX become its own. */
void rules_file_take_account(RulesFile *rules, const Account *account);

/*
 * The rules are those of the account of `recipient`: home, name and INBOX become its own. Faults as
 * account_find(); STATUS_CONFIG: that account has no home.
 */
bool rules_file_set_owner(RulesFile *rules, const char *recipient, Status *st);

/*
 * The path of the owner's INBOX: that of the account whose rules they are; where only the home is
 * known, by the setting maildir if that is below the home, else ~/Maildir, as recipes that come
 * from procmail know it. Caller frees.
 */
char *rules_file_inbox(const RulesFile *rules);

/*
 * The name by which rules reach the folder at this absolute path; NULL: no name does. `inbox` (may
 * be NULL) tells which folders exist. Caller frees.
 */
char *rules_file_mailbox_at(const RulesFile *rules, const Maildir *inbox, const char *path);

/*
 * What recipes are read and run with: files are opened with the rights of the caller; no programs,
 * no log. Borrows `rules`.
 */
FilterEnv rules_file_env(const RulesFile *rules);

/* The same for recipe_check_files(): whether the caller may write to the places of recipes. */
FilterEnv rules_file_check_env(const RulesFile *rules);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * script-chain: which scripts run for a message, in which order, and what happens if one is broken.
 *
 * The site's scripts before, the owner's (or the site's default where the owner has none) and the
 * owner's recipes in the order of the setting, the site's scripts after; each only while the
 * implicit keep is in force. A keep that one of them writes is the implicit keep of the next one
 * (draft-degener-sieve-multiscript 3): only a discard, or an action without a keep, ends the chain.
 * If they would discard the message, the site's script for discarded mail runs last.
 * A script that is wrong or fails puts nothing into the plan: the last version of it that worked
 * runs, or the other scripts decide, or the message goes to the INBOX. The owner of a broken script
 * is told once.
 */
#ifndef TODOKE_SCRIPT_CHAIN_H
#define TODOKE_SCRIPT_CHAIN_H

#include "agent/run/notice.h"
#include "agent/run/script-memory.h"
#include "agent/run/services.h"
#include "agent/run/trust.h"

typedef enum { SCRIPT_BEFORE, SCRIPT_OWN, SCRIPT_DEFAULT, SCRIPT_AFTER, SCRIPT_DISCARD } ScriptRole;

typedef struct {
	ScriptRole role;
	char *path;
	bool is_recipes; /* procmail's language, not Sieve */
	Trust trust;     /* who may have written it */
} Script;

/*
 * The scripts that would run, in their order. Scripts of the owner that do not exist are left out.
 */
typedef struct {
	GPtrArray *scripts; /* Script */
	GPtrArray *absent;  /* char *: places of the owner that have none; NULL: not looked at */
} ScriptChain;

/* A script that could not run, about which the owner has to be told. */
typedef struct {
	char *path;
	char *errors;    /* as `todoke check` prints them */
	ScriptSet *set;  /* the texts; empty: they could not be read */
	bool replaced;   /* the last version that worked was run */
	bool is_own;     /* the owner's, not the site's */
	bool is_recipes; /* it is not remembered whether they worked in between */
} ScriptChainBroken;

/* What the scripts reported besides the plan. */
typedef struct {
	GPtrArray *problems; /* Problem: errors of scripts that did not compile, and warnings */
	/* char *: "main.sieve:7: ...": scripts that failed while they ran, or could not be read */
	GPtrArray *notes;
	GPtrArray *served; /* ScriptSet: those that ran well */
	GPtrArray *broken; /* ScriptChainBroken */
	GPtrArray *absent; /* that of the chain; NULL: not looked at */
	char *decided_by;  /* the script that cancelled the implicit keep; NULL: none */
	bool is_overdue;   /* set it before the run: faults of rules no longer defer the mail */
	Status put_off;    /* a script that cannot be read now because of a passing fault */
} ScriptChainReport;

/*
 * The scripts of an account; `recipes` (NULL: as the settings say) is what the door asks for.
 * Fault: STATUS_CONFIG (a path template).
 */
bool script_chain_find(const Conf *conf, const Account *account, const RecipeCall *recipes,
                       ScriptChain *ret_list, Status *st);

/* A list with one script: `try --script`, between those of `before` and `after` (NULL: none). */
void script_chain_given(ScriptChain *list, const char *const *before, const char *script,
                        const char *const *after);

/*
 * Let the owner's Sieve script at `path` stand for all that the owner, or the site for owners
 * without one, has in both languages; what the site has before and after stays.
 */
void script_chain_replace_own(ScriptChain *list, const Account *account, const char *path);

void script_chain_clear(ScriptChain *list);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ScriptChain, script_chain_clear)

void script_chain_report_init(ScriptChainReport *report);
void script_chain_report_clear(ScriptChainReport *report);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ScriptChainReport, script_chain_report_clear)

/* Tell the report which scripts the owner no longer has, whether or not others run. */
void script_chain_report_absent(ScriptChainReport *report, const ScriptChain *list);

/*
 * Run them over `input`, filling `plan`. Faults of scripts are in the report. False: a script, or
 * something that it needs, exists but cannot be read now (outcome-table.def), so the mail is
 * deferred.
 */
bool script_chain_run(const ScriptChain *list, const FilterInput *input, Services *services,
                      Plan *plan, ScriptChainReport *report, Status *st);

/* Would script_chain_settle do nothing? */
bool script_chain_is_settled(const ScriptChainReport *report, const ScriptMemory *memory);

/*
 * The delivery is over: remember the scripts that ran well, forget those that are gone, and store a
 * notice in the INBOX for each broken script of the owner that the owner has not been told of yet.
 * What goes wrong with that is added to the memory's notes.
 */
void script_chain_settle(const ScriptChainReport *report, const ScriptMemory *memory,
                         const NoticeFrame *frame, Maildir *inbox);

/* "before", "owner", "default", "after", "discard". */
const char *script_chain_role_name(ScriptRole role);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * refilter-run: goes through a folder, asks the rules about each message, and prints or moves. All
 * is done with the rights of the account.
 */
#ifndef TODOKE_REFILTER_RUN_H
#define TODOKE_REFILTER_RUN_H

#include "agent/cmd/refilter-count.h"
#include "agent/cmd/refilter-record.h"

/* What is wanted. All is borrowed. */
typedef struct {
	const char *folder; /* as people call it */
	const RefilterRules *rules;
	const RefilterRules *old; /* --compare: those that `rules` are held against; NULL */
	const char *discard_to;   /* folder for what rules discard; NULL: it stays */
	bool applies;             /* move; false: a dry run */
	bool lists;               /* print each message that moves */
	bool sets_flags;          /* those that rules set, too */
	bool is_table;
	bool as_json;
	const char *whose; /* as in RefilterSummary */
} RefilterWish;

/* Do it, and print what came of it. Returns the exit code of the command. */
int refilter_run(const RefilterWish *wish);

/*
 * Take a run back: `which` is its name or its beginning, or "last". Returns the exit code of the
 * command.
 */
int refilter_undo(const Account *account, const Conf *conf, const char *which, bool as_json);

/* A text of somebody else as part of one line. Caller frees. */
char *refilter_line(const char *text);

/* Say on stderr what went wrong. Returns the exit code of the command. */
int refilter_fault(const Status *st);

/* SIGINT, SIGTERM and SIGHUP end the work between two messages. True: one has come. */
void refilter_catch_signals(void);
bool refilter_is_stopped(void);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * refilter-judge: where the rules want a message that lies in a folder already.
 *
 * The way is that of a delivery (agent/run/transact.h, is_stored), so the rules say what `try` says
 * that they say. What they keep stays where it is; what they would send, answer or run is counted.
 */
#ifndef TODOKE_REFILTER_JUDGE_H
#define TODOKE_REFILTER_JUDGE_H

#include "agent/run/transact.h"

/* What becomes of a message. */
typedef enum {
	REFILTER_STAYS, /* the rules keep it, or it is in the right folder */
	REFILTER_MOVES,
	REFILTER_DISCARDED, /* rules throw it away */
	REFILTER_REFUSED,   /* rules send it back, or put it off */
	REFILTER_PASSED_ON, /* rules keep no copy here */
	REFILTER_LEFT,      /* the rules want something that cannot be done; `note` says why */
	REFILTER_OUTCOMES
} RefilterOutcome;

typedef struct {
	RefilterOutcome outcome;
	char *folder;                          /* of REFILTER_MOVES: as people read it */
	char *path;                            /* and below the INBOX */
	bool creates;                          /* the rule makes the folder where it is missing */
	GPtrArray *flags;                      /* char *: that the rules set; NULL: none */
	unsigned redirects, replies, programs; /* that a delivery would send, or run */
	unsigned copies;                       /* folders besides that would get a copy */
	bool is_edited;                        /* rules change the message itself */
	char *text; /* all that the rules ask for, as try_action_text says it without reasons */
	char *why;  /* the rule that decided: "main.sieve:3  because ..."; "": none */
	char *note; /* of REFILTER_LEFT, REFILTER_REFUSED; NULL: none */
} RefilterVerdict;

void refilter_verdict_clear(RefilterVerdict *verdict);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RefilterVerdict, refilter_verdict_clear)

/* Rules, and for whom. All is borrowed. */
typedef struct {
	const Site *site;
	const Account *account;
	const TransactDescription *described; /* with is_stored */
	const RecipeCall *recipes;            /* NULL: by the settings */
	gint64 now;
} RefilterRules;

/*
 * Judge `message` of the folder at `here` (below the INBOX). *ret_transact has the story; caller
 * frees both. False: the rules themselves have errors, which are in the transaction's report, and
 * no message can be judged.
 */
bool refilter_judge(const RefilterRules *rules, Message *message, const Envelope *envelope,
                    const char *here, RefilterVerdict *ret_verdict, Transact **ret_transact);

/* "stays", "moves", "discarded", "refused", "passed-on", "left". */
const char *refilter_outcome_name(RefilterOutcome outcome);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * transact: one message for one recipient, from the header to the answer.
 *
 *     loop verdict -> header rules -> stamps -> spool into the INBOX's tmp -> filters -> plan ->
 *     deliver
 *
 * Every door comes here, and so does `try`, which stops before anything is written.
 */
#ifndef TODOKE_TRANSACT_H
#define TODOKE_TRANSACT_H

#include "agent/base/status.h"
#include "agent/deliver/deliver.h"
#include "agent/message/envelope.h"
#include "agent/message/loop.h"
#include "agent/message/mail-ids.h"
#include "agent/message/message.h"
#include "agent/plan/plan.h"
#include "agent/run/account.h"
#include "agent/run/script-chain.h"
#include "agent/run/site.h"
#include "agent/run/services.h"
#include "agent/state/record-line.h"
#include "filters/header/header-rule.h"

typedef struct Transact Transact;

/*
 * A transaction of `message` (its header is read; the body may still be in the pipe) for `account`,
 * at the time `now` (seconds since 1970). Everything is borrowed until transact_free. `folder` (may
 * be NULL) is where the door wants mail that no rule files (-m).
 */
Transact *transact_new(const Site *site, const Account *account, const Envelope *envelope,
                       Message *message, const char *folder, gint64 now);
void transact_free(Transact *transact);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Transact, transact_free)

/* What `try` describes differently from what is there. All is borrowed; NULL: as it is. */
typedef struct {
	ServicesDescription services;
	/* this one alone: no loop check, no header rules, no stamps, no scripts of the account */
	const char *script;
	/* the rules alone, whatever the mailbox is: with `script`, or with recipes */
	bool rules_alone;
	const char *const *before; /* around `script` */
	const char *const *after;
	/* the folder of what is remembered; NULL: a copy of the account's, if it has one */
	const char *state;
	/*
	 * The message lies in the mailbox already, and only where the rules want it is asked: its
	 * header has its stamps, the loop check and the quota were asked when it was delivered,
	 * nothing was seen before, and its body is read only for rules that look into it. What
	 * would leave is in the plan alone.
	 */
	bool is_stored;
} TransactDescription;

/* Judge and plan as if things were as described; call first. Borrowed. */
void transact_describe(Transact *transact, const TransactDescription *description);

/*
 * Run other recipes than the settings say: what the door was asked for. Call before
 * transact_deliver or _rehearse. Borrowed.
 */
void transact_set_recipes(Transact *transact, const RecipeCall *recipes);

/*
 * Decide: loop verdict, header rules. Nothing is stored. False: the message is refused or deferred,
 * and `st` says so (STATUS_LOOP, STATUS_RULE_REFUSED ...); the verdict can be read all the same.
 */
bool transact_judge(Transact *transact, Status *st);

/*
 * Do what transact_deliver does, by the same functions, but change nothing: what would be made,
 * written or moved is only asked for, with the owner's rights, no program runs, and `capture` (of
 * DeliverOwner) takes what would leave. A state that was described is read and updated, the
 * account's is copied. The fault is that of the delivery. The body must lie in a file. Call after
 * transact_judge, instead of transact_deliver.
 */
bool transact_rehearse(Transact *transact,
                       bool (*capture)(void *, const PlanAction *, const RouteMail *, Status *),
                       void *user, Status *st);

/*
 * Carry it out: stamps, spool, plan, deliver. Call after transact_judge. False: the message is
 * refused or deferred, and `st` says why.
 */
bool transact_deliver(Transact *transact, Status *st);

/*
 * HandoverGiveBack of a transaction that is not over: takes the draft away, and gives the message
 * back.
 */
bool transact_give_back(void *transact, int *ret_head, int *ret_rest, Status *st);

/*
 * What was found and done; all borrowed. The verdict, the rules' result, the plan are NULL before
 * they were made.
 */
const LoopVerdict *transact_verdict(const Transact *transact);
const HeaderRuleResult *transact_rules(const Transact *transact);
Headers *transact_headers(const Transact *transact);
const Plan *transact_planned(const Transact *transact);
/* Were rules alone rehearsed, without a mailbox? */
bool transact_is_rules_alone(const Transact *transact);
/* char *: the subjects of the notices that the owner gets besides. */
const GPtrArray *transact_told(const Transact *transact);
const ScriptChainReport *transact_scripts(const Transact *transact);
const DeliverReport *transact_report(const Transact *transact);

/*
 * Leave it to the parent process to report peers that are down; the log line of the mail then does
 * not warn of them.
 */
void transact_leave_outages(Transact *transact);

/*
 * Let go of what others wait for or read: locks, the state. For a process that ends now and leaves
 * the memory to the kernel, in place of freeing the transaction.
 */
void transact_let_go(Transact *transact);

/* Write the log line of a finished transaction; `st` is its outcome, `seconds` how long it took. */
void transact_log(const Transact *transact, const Status *st, double seconds);

/*
 * The id by which the log and the record know the mail: of the queue file, else the one under which
 * it came to the site; NULL: neither is known. Borrowed.
 */
const char *transact_queue_id(const Transact *transact);

/*
 * Add to a line of the record (record-line.h) what mail it is and what the rules ask for: from
 * "message_id" to "size", "header_rules", "script" and "plan".
 */
void transact_record_rules(const Transact *transact, RecordLine *line);

/* The few words for Postfix's log on success: "stored in INBOX". Caller frees. */
char *transact_done_text(const Transact *transact);

#endif

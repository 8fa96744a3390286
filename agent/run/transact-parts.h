/*
 * transact-parts: what a transaction is made of, for the files of transact alone.
 */
#ifndef TODOKE_TRANSACT_PARTS_H
#define TODOKE_TRANSACT_PARTS_H

#include "agent/run/delivery-trace.h"
#include "agent/run/transact.h"

struct Transact {
	const Site *site;        /* `own_site` where settings hold for this recipient alone */
	Site own_site;           /* the site with `own_conf` in it; all else is borrowed from the site */
	Conf *own_conf;          /* NULL: no block `user` or `domain` fits the recipient */
	const Account *account;
	const Envelope *envelope;
	Message *message;
	const char *folder;
	gint64 now;
	const TransactDescription *described;
	const RecipeCall *recipes; /* NULL: by the settings */
	LoopVerdict *verdict;
	HeaderRuleResult *rules;
	Headers *headers;        /* as it will be stored: after rules, with stamps */
	const char *file_into;   /* where a verdict or a rule wants the message; before any filter */
	bool discard;            /* return_action = discard */
	Plan *plan;
	ScriptReport scripts;
	DeliverReport report;
	GPtrArray *locks;        /* Dotlock: what recipes hold until all is delivered */
	GPtrArray *ids;          /* IdCacheEntry: what caches of formail -D shall know when all is delivered */
	DeliveryTrace *trace;    /* of a real delivery; NULL: nobody wants one */
	GPtrArray *places;       /* char *: where each action would be stored (rehearsal); NULL: nowhere */
	StateOnce *state;        /* what is remembered of the owner; opened when something asks */
};

#endif

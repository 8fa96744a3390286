/* SPDX-License-Identifier: MIT */
/*
 * plan: what shall be done with one message for one recipient, in order. Filters fill it, the agent
 * carries it out, `try` prints it. A plan owns everything in it; actions die with it.
 */
#ifndef TODOKE_PLAN_H
#define TODOKE_PLAN_H

#include "agent/base/status.h"
#include "agent/message/headers.h"
#include "agent/message/message.h"
#include "agent/plan/plan-test.h"

#include <jansson.h>

typedef enum {
#define PLAN(id, name, role, data, repeats) PLAN_##id,
#include "agent/plan/plan-table.def"
#undef PLAN
	PLAN_KIND_COUNT
} PlanKind;

/* What an action does with the message. */
typedef enum {
	PLAN_ROLE_STORES,    /* keeps a copy here */
	PLAN_ROLE_PASSES_ON, /* hands it to somebody else */
	PLAN_ROLE_DISPOSES,
	/* the sender gets it back: not beside one that stores, passes on or answers */
	PLAN_ROLE_REFUSES,
	PLAN_ROLE_DEFERS,   /* Postfix tries again */
	PLAN_ROLE_ANSWERS,  /* writes to the sender: one a script */
	PLAN_ROLE_STANDS_BY /* something else: the implicit keep stays in force */
} PlanRole;

/* Which later action is the same again (RFC 5228 2.10.3). */
typedef enum {
	PLAN_REPEATS_NEVER,
	PLAN_REPEATS_ALWAYS,  /* any of its kind */
	PLAN_REPEATS_MAILBOX, /* one that stores to the same mailbox, of any kind with MAILBOX */
	PLAN_REPEATS_ADDRESS, /* one of its kind that sends the same message to the same address */
	PLAN_REPEATS_DATA     /* one of its kind whose data says so */
} PlanRepeats;

typedef struct PlanData PlanData; /* plan-data.h */

typedef struct {
	const char *name;
	PlanRole role;
	const PlanData *data;
	PlanRepeats repeats;
} PlanKindRow;

/* Which rule asked: "main.sieve" and line, from 1; a NULL file is the site's or our own doing. */
typedef struct {
	char *file;
	unsigned line;
} PlanSource;

/* DSN wishes of a redirected message (RFC 6009, RFC 3461); NULL: none. */
typedef struct {
	char *notify;
	char *ret;
} PlanDsn;

/* One action; the members are those that several kinds have. */
typedef struct {
	PlanKind kind;
	PlanSource at;
	/* of the innermost branch that it stands in: what made it true, or its last condition */
	PlanTest test;
	/*
	 * PlanTest: what else led there, the outermost first, at most LIMIT_PLAN_TESTS: other
	 * conditions of that branch, and the branches around it. NULL: nothing
	 */
	GPtrArray *within;
	/* which rule set the flags, where it is another than `at`; a NULL file: none */
	PlanSource flags_at;
	char *edited_at; /* which rules edited the header: "main.sieve:2, main.sieve:4"; or NULL */
	bool implicit;   /* the keep that nobody wrote */
	bool copy;       /* :copy: the implicit keep stays in force */
	bool create;     /* :create: make the mailbox */
	bool is_both;    /* a keep and a fileinto "INBOX" that were merged */
	/* fileinto, and keep where a rule chose another INBOX; names as people read them, UTF-8 */
	char *mailbox;
	char *special_use; /* that the rule named; `mailbox` has it, if any has */
	GPtrArray *flags;  /* NULL: none asked for */
	char *address;     /* redirect, ereject's and reject's recipient is the sender */
	char *text;        /* reason of a reject or defer */
	/*
	 * of a reject or defer, where it is not the usual one: EXITCODE of recipes; STATUS_OK: the
	 * usual one
	 */
	StatusId answer;
	char *list; /* redirect :list */
	PlanDsn dsn;
	/* of the kind alone: a PlanReply, a PlanStore ... (plan-NAME.h); NULL: it has none */
	void *data;
	/* what to store or send where a rule replaced the body; NULL: the message */
	Message *message;
	/* the header as it was edited when the action was asked for; NULL: as it came */
	Headers *headers;
} PlanAction;

typedef struct Plan Plan;

/* The row of `kind`; never NULL. */
const PlanKindRow *plan_kind_row(PlanKind kind);

/* Does an action of the kind cancel the implicit keep, where it has no :copy? */
bool plan_kind_cancels_keep(PlanKind kind);

/* Does it store the message here? */
bool plan_kind_stores(PlanKind kind);

/* An empty plan, with the implicit keep in force. Caller frees. */
Plan *plan_new(void);
void plan_free(Plan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Plan, plan_free)

/*
 * A new action of `kind`, with its data all zeros, to be filled and given to plan_add, or to
 * plan_action_free.
 */
PlanAction *plan_action_new(PlanKind kind, const char *file, unsigned line);
void plan_action_free(PlanAction *action);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PlanAction, plan_action_free)

/*
 * Take `action` over. One that only repeats an earlier one (same mailbox, same address: RFC 5228
 * 2.10.3) is merged into it, with the flags of the later one. One that cannot stand beside an
 * earlier one (reject beside anything that delivers, RFC 5429 2; a second vacation, RFC 5230 4.7)
 * is freed and refused: false, and `st` (STATUS_CONFLICT) says with which line it conflicts. That
 * is a run-time error of the script.
 */
bool plan_add(Plan *plan, PlanAction *action, Status *st);

/*
 * Did the action that plan_add refused last conflict with one of an earlier script of the chain?
 * Then the script that asked for it is not wrong.
 */
bool plan_is_outvoted(const Plan *plan);

/*
 * Say which test led to the actions that are added from now on and have none of their own: its line
 * and what it asks for. Line 0: none did. Copied, and cut after PLAN_TEST_OCTETS.
 */
void plan_set_test(Plan *plan, unsigned line, const char *text);

/* The same for a test in the block of the one that was set last: that stays, as one around it. */
void plan_set_inner_test(Plan *plan, unsigned line, const char *text);

/* One more test that led to the action, inside of those that it has. Taken over. */
void plan_action_take_test(PlanAction *action, PlanTest test);

/* Take back action `i`: a script that changed its mind. The implicit keep stays as it is. */
void plan_drop(Plan *plan, size_t i);

size_t plan_count(const Plan *plan);
const PlanAction *plan_get(const Plan *plan, size_t i);

/*
 * Where the action brings the message or its notice: mailbox, address, program, method or path;
 * NULL: nowhere, or the INBOX. Borrowed from the action.
 */
const char *plan_action_target(const PlanAction *action);

/* Is the implicit keep still in force? True until an action cancels it (RFC 5228 2.10.2). */
bool plan_keeps_implicitly(const Plan *plan);

/* Cancel or restore the implicit keep without an action. */
void plan_set_implicit_keep(Plan *plan, bool in_force);

/*
 * Flags, header and body that the implicit keep will use (RFC 5232 5, RFC 5293 6); borrowed values
 * are copied. No flags (NULL): those that it has stay.
 */
void plan_set_keep_state(Plan *plan, GPtrArray *flags, Headers *headers, Message *message);

/*
 * Which rules did that, as PlanAction has it: a NULL file or text changes nothing. Copied. The
 * header as it came has no such rule: plan_set_keep_state forgets it then.
 */
void plan_set_keep_rules(Plan *plan, PlanSource flags_at, const char *edited_at);

/*
 * The next script of the same chain begins. A keep that the script before it wrote becomes the
 * implicit keep again, with its flags and its place in that script, so that later scripts can
 * cancel it (draft-degener-sieve-multiscript 3); a fileinto "INBOX" beside it stays. Was there such
 * a keep?
 */
bool plan_next_script(Plan *plan);

/* Where the implicit keep stores; NULL: the INBOX. Copied. */
void plan_set_keep_mailbox(Plan *plan, const char *mailbox);

/*
 * One more rule for edited_at, whose text so far is `before` (NULL: none). NULL: it is in there, or
 * LIMIT_PLAN_TESTS are, of which the text tells. Caller frees.
 */
char *plan_edited_at(const char *before, const char *file, unsigned line);

/* That mailbox is made if it is missing, whatever the settings say. */
void plan_create_keep_mailbox(Plan *plan);

/* The header as rules have edited it so far, for the next script; NULL: as it came. Borrowed. */
Headers *plan_keep_headers(const Plan *plan);

/* The message as rules have replaced it so far, for the next script; NULL: as it came. Borrowed. */
Message *plan_keep_message(const Plan *plan);

/*
 * Append the implicit keep, if it is in force, as an action of its own. Call once, when all filters
 * have run.
 */
void plan_finish(Plan *plan);

/* A moment in the life of a plan. */
typedef struct {
	size_t actions;
	bool keeps;
} PlanMark;

/*
 * Remember how far the plan is, and go back there: of a filter that failed half-way nothing is
 * carried out.
 */
PlanMark plan_mark(const Plan *plan);
void plan_rewind(Plan *plan, PlanMark mark);

/*
 * Give the actions since `mark`, and the keep, this header and message, which an earlier filter has
 * made (NULL: as it came), unless they have their own. Borrowed.
 */
void plan_inherit(Plan *plan, PlanMark mark, Headers *headers, Message *message);

/* One line an action, for people. Caller frees. */
char *plan_print(const Plan *plan);

/* The array "actions" of todoke.try/1. Caller owns the reference. */
json_t *plan_json(const Plan *plan);

/* Add to each object of that array what led to the action: test, within, flags_at, edited_at. */
void plan_json_add_reasons(const Plan *plan, json_t *actions);

#endif

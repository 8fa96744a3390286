/* SPDX-License-Identifier: MIT */
/*
 * try-print: what `todoke try` tells people: first what becomes of the message, a line for each
 * place with the rule and the test that led there, then the answer, and last the story behind it.
 */
#ifndef TODOKE_TRY_PRINT_H
#define TODOKE_TRY_PRINT_H

#include "agent/cmd/try-emit.h"
#include "agent/run/account.h"
#include "agent/run/transact.h"

#include <jansson.h>

/* One message that was tried. All is borrowed. */
typedef struct {
	const char *path; /* of the message */
	const Account *account;
	const Transact *transact;
	const TryEmit *emit;
	const Status *st;
	const json_t *story; /* lines of the trace; NULL: none is wanted */
	GHashTable *told;    /* a set of what is true of all messages and was said already */
	const char *door;    /* by which it comes, in words; NULL: there is nothing to say */
} TryAnswer;

/* Print all of it to standard output. */
void try_print(const TryAnswer *answer);

/* Where the first copy of `action` would lie; NULL: it stores none. Borrowed. */
const DeliverDone *try_find_done(const Transact *transact, const PlanAction *action);

/*
 * An action in words, with its place, flags, and the rule and test that asked for it: "Work
 * (.Work, new folder), flags \\Seen  main.sieve:3  because Subject contains boss"; without `why`
 * only what it does. `done` as try_find_done returns it. Caller frees.
 */
char *try_action_text(const PlanAction *action, const DeliverDone *done, bool why);

/* The second half of that alone: "main.sieve:3  because Subject contains boss". Caller frees. */
char *try_why_text(const PlanAction *action);

/* The path below the INBOX of the folder that a stored file lies in, "": there. Caller frees. */
char *try_folder_of_file(const char *file);

/*
 * In one line what becomes of the message: "stored in Work", "deferred: 4.2.2 ...", as a log would
 * say it. Caller frees.
 */
char *try_outcome(const Transact *transact, const Status *st);

#endif
